"""The shipped catalogue: three models for every machine, and a newer catalogue in the data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecaster, Gpu, Machine
from desktop_llm.models.fit.catalog import FILE_NAME, entries, recommended
from desktop_llm.paths import asset

GB = 10**9
Make = Callable[[Machine], Forecaster]


@pytest.fixture
def forecaster(tmp_path: Path) -> Make:
    def make(machine: Machine) -> Forecaster:
        return Forecaster(Facts(tmp_path / "facts.db"), lambda: machine)

    return make


def newer(folder: Path, **changed: object) -> Path:
    catalog = json.loads(asset(FILE_NAME).read_bytes())
    (folder / FILE_NAME).write_text(json.dumps({**catalog, **changed}))
    return folder


def test_every_entry_is_of_a_known_kind_and_has_its_shape() -> None:
    known = entries()
    assert len(known) >= 12
    assert len({entry.file for entry in known}) == len(known)
    for entry in known:
        assert entry.header.shape.layers > 0
        assert entry.header.shape.vocabulary > 30_000
        assert entry.text.count(". ") >= 1, f"{entry.name} says what it is good for in two sentences"


@pytest.mark.parametrize("gigabytes", [4, 6, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("bandwidth", [None, 8e9, 25e9, 80e9])
def test_every_machine_gets_three_that_have_room(forecaster: Make, gigabytes: int, bandwidth: float | None) -> None:
    machine = Machine(gigabytes * GB, gigabytes * GB // 2, 4, bandwidth_bytes_s=bandwidth)
    found = recommended(forecaster(machine))
    assert [one.title for one in found] == ["Best balance", "Fast", "For code"]
    assert len({one.file for one in found}) == 3
    for one in found:
        assert one.forecast.fit == "fits"
        assert one.forecast.memory_bytes < gigabytes * GB


def test_a_faster_machine_gets_a_better_model(forecaster: Make) -> None:
    slow = recommended(forecaster(Machine(32 * GB, 16 * GB, 4, bandwidth_bytes_s=10e9)))
    fast = recommended(forecaster(Machine(32 * GB, 16 * GB, 4, bandwidth_bytes_s=60e9)))
    assert slow[0].size_bytes < fast[0].size_bytes
    assert fast[1].forecast.tokens_per_s > 2 * fast[0].forecast.tokens_per_s  # type: ignore[operator]


def test_a_graphics_card_makes_a_larger_model_fast_enough(forecaster: Make) -> None:
    card = Gpu("Card", 24 * GB, 23 * GB, "Vulkan")
    without = recommended(forecaster(Machine(24 * GB, 16 * GB, 4, bandwidth_bytes_s=12e9)))
    with_card = recommended(forecaster(Machine(24 * GB, 16 * GB, 4, (card,), 12e9)))
    assert with_card[0].size_bytes > without[0].size_bytes
    assert with_card[0].forecast.gpu_layers > with_card[0].forecast.layers


def test_a_newer_catalogue_in_the_data_folder_wins_and_an_older_one_does_not(tmp_path: Path) -> None:
    few = json.loads(asset(FILE_NAME).read_bytes())["models"][:2]
    assert len(entries(newer(tmp_path, version=30_000_101, models=few))) == 2
    assert len(entries(newer(tmp_path, version=1, models=few))) == len(entries())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "version": "x", "models": 5}'])
def test_a_broken_catalogue_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert entries(tmp_path) == entries()


def test_models_of_a_later_engine_are_passed_over(tmp_path: Path) -> None:
    models = json.loads(asset(FILE_NAME).read_bytes())["models"]
    models[0]["architecture"] = "qwen9"
    assert len(entries(newer(tmp_path, version=30_000_101, models=models))) == len(models) - 1
