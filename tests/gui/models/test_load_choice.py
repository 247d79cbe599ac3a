"""The app remembers how a model is loaded."""

from __future__ import annotations

import json

import pytest

from desktop_llm.engine.client import LoadSettings
from desktop_llm.gui.work.load_choice import LoadChoice

FULL = LoadChoice(
    LoadSettings(
        context_length=16_384,
        threads=4,
        gpu_layers=20,
        kv_type_k="q8_0",
        kv_type_v="q5_1",
        flash_attention=True,
        batch=1024,
        template=None,
    ),
    chat_format="ChatML",
)


def test_a_choice_comes_back_as_it_was_remembered() -> None:
    assert LoadChoice.from_values(json.loads(json.dumps(FULL.values()))) == FULL


def test_nothing_is_remembered_where_nothing_was_chosen_or_wanted() -> None:
    assert LoadChoice().values() is None
    assert LoadChoice(LoadSettings(threads=2), remember=False).values() is None


@pytest.mark.parametrize("value", ["4", 4.5, None, True, [4]])
def test_a_remembered_value_that_makes_no_sense_is_left_to_the_app(value: object) -> None:
    assert LoadChoice.from_values({"threads": value, "context_length": 2048}).settings == LoadSettings(
        context_length=2048
    )


def test_what_was_left_to_the_app_comes_from_its_settings() -> None:
    chosen = LoadChoice(LoadSettings(threads=2)).with_defaults(LoadSettings(context_length=4096, threads=8))
    assert chosen == LoadSettings(context_length=4096, threads=2)


def test_a_chosen_chat_format_is_loaded_in_place_of_the_file_s_own() -> None:
    assert "<|im_start|>" in (FULL.with_defaults(LoadSettings()).template or "")
    assert LoadChoice(chat_format="Unheard of").with_defaults(LoadSettings()).template is None


def test_a_context_is_never_longer_than_the_model_was_trained_for() -> None:
    assert LoadSettings(context_length=100_000).context_for(8192) == 8192
    assert LoadSettings().context_for(131_072) == 8192
    assert LoadSettings().context_for(0) == 8192
