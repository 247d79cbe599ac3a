"""Presets: which values a chat gets."""

from __future__ import annotations

import pytest

from desktop_llm.conversation import presets
from desktop_llm.engine.client import Sampling
from desktop_llm.errors import BadRequest, NotFound

OWN = {"Letters": {"temperature": 0.3, "nonsense": 1}}
MAKERS = {"temperature": 0.6, "top_k": 20}


def test_a_chat_s_preset_goes_before_the_model_s_and_one_that_is_gone_is_balanced() -> None:
    assert presets.in_use({}, None, OWN) == "Balanced"
    assert presets.in_use({}, "Precise", OWN) == "Precise"
    assert presets.in_use({"preset": "Letters"}, "Precise", OWN) == "Letters"
    assert presets.in_use({"preset": "Gone"}, "Precise", OWN) == "Precise"
    assert presets.in_use({"preset": ["Letters"]}, "Gone too", OWN) == "Balanced"


def test_a_preset_s_values_go_before_the_makers() -> None:
    assert presets.usual("Balanced", OWN, MAKERS) == Sampling(temperature=0.6, top_k=20)
    assert presets.usual("Letters", OWN, MAKERS) == Sampling(temperature=0.3, top_k=20)


def test_the_built_in_presets_make_sense_to_the_engine() -> None:
    for name, values in presets.BUILT_IN.items():
        assert Sampling.checked(values) == presets.usual(name, {}, {})


def test_a_preset_is_found_in_upper_or_lower_case() -> None:
    assert presets.find("creative", OWN) == "Creative"
    assert presets.find("LETTERS", OWN) == "Letters"
    with pytest.raises(NotFound, match=r"There is no preset poems. There are: Precise, Balanced, Creative, Letters."):
        presets.find("poems", OWN)


@pytest.mark.parametrize("name", ["", "  ", "letters", "Balanced", "a\nb\x07", "x" * 61])
def test_a_name_that_is_taken_or_none_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        presets.checked_name(name, OWN)


def test_a_preset_may_keep_its_name_in_other_letters() -> None:
    assert presets.checked_name(" LETTERS ", OWN, instead_of="Letters") == "LETTERS"
