"""What goes in and out of the engine, as plain data."""

from __future__ import annotations

from desktop_llm.engine.client import Sampling


def test_stored_sampling_of_another_version_is_taken_as_far_as_it_is_known() -> None:
    stored = {"temperature": 1, "mirostat": 2, "top_k": 3.5, "seed": None, "max_tokens": True, "top_p": "much"}
    assert Sampling.known(stored) == Sampling(temperature=1)
