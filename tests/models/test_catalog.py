"""The shipped catalogue: three models for every machine, and a newer catalogue in the data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_llm.engine.client import Sampling
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecaster, Gpu, Machine
from desktop_llm.models.fit.catalog import FILE_NAME, catalog, makers_sampling, recommended
from desktop_llm.models.fit.speeds import Speeds
from desktop_llm.models.library import STARTER_CHAT
from desktop_llm.paths import asset
from tests.gui.samples import a_model

GB = 10**9
Make = Callable[[Machine, float | None], Forecaster]


@pytest.fixture
def forecaster(tmp_path: Path) -> Make:
    def make(machine: Machine, bandwidth: float | None) -> Forecaster:
        """On this machine, which was measured to read `bandwidth` bytes a second; None: not measured."""
        facts = Facts(tmp_path / "facts.db")
        facts.note_measured("speeds", Speeds.of_bandwidth(bandwidth).to_json() if bandwidth else {})
        return Forecaster(facts, lambda: machine)

    return make


def newer(folder: Path, **changed: object) -> Path:
    shipped = json.loads(asset(FILE_NAME).read_bytes())
    (folder / FILE_NAME).write_text(json.dumps({**shipped, **changed}))
    return folder


def test_every_model_is_of_a_known_kind_and_has_its_shape() -> None:
    models = catalog()
    assert len(models) == len(json.loads(asset(FILE_NAME).read_bytes())["models"]), "the engine knows all of them"
    assert len(models) >= 12
    assert len({known.file for known in models}) == len(models)
    for known in models:
        assert known.header.shape.layers > 0
        assert known.header.shape.vocabulary > 30_000
        assert known.text.count(". ") >= 1, f"{known.name} says what it is good for in two sentences"


def test_every_model_names_its_source_and_settings_that_the_engine_has() -> None:
    for known in catalog():
        assert known.source.startswith("https://"), known.name
        taken = Sampling.known(known.sampling)
        assert {name: getattr(taken, name) for name in known.sampling} == known.sampling, known.name


def test_the_number_of_weights_fits_the_size_of_the_file() -> None:
    for known in catalog():
        assert 4 < 8 * known.size_bytes / (known.header.parameters or 1) < 7, f"{known.name}: bits for each weight"


def test_layers_without_attention_keep_no_cache() -> None:
    shape = next(known for known in catalog() if known.name == "Qwen3.5 4B").header.shape
    assert (shape.layers, sum(map(bool, shape.kv_values))) == (32, 8)
    assert shape.state_bytes > 0


@pytest.mark.parametrize(
    ("file", "quantization", "temperature"),
    [
        ("Qwen3.5-4B-Q4_K_M.gguf", "Q4_K_M", 1.0),
        ("Qwen3.5-4B-UD-Q8_K_XL.gguf", "Q8_K_XL", 1.0),
        ("Q6_K/Qwen3.6-27B-Q6_K-00001-of-00002.gguf", "Q6_K", 1.0),
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "Q4_K_M", 0.7),
        ("Qwen3.5-4B-Writer-Q4_K_M.gguf", "Q4_K_M", None),
        ("something.gguf", "Q4_K_M", None),
    ],
)
def test_what_the_makers_recommend_goes_for_every_quantization_of_their_model_only(
    file: str, quantization: str, temperature: float | None
) -> None:
    known = a_model("any", path=Path("/models") / file, file=file, quantization=quantization)
    assert makers_sampling(known).get("temperature") == temperature


def test_the_starter_begins_with_what_its_makers_recommend() -> None:
    starter = a_model("any", path=Path(STARTER_CHAT.files[0][0]), quantization=STARTER_CHAT.quantization)
    assert makers_sampling(starter) == {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "repeat_penalty": 1.1}


@pytest.mark.parametrize("gigabytes", [4, 6, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("bandwidth", [None, 8e9, 25e9, 80e9])
def test_every_machine_gets_three_that_have_room(forecaster: Make, gigabytes: int, bandwidth: float | None) -> None:
    machine = Machine(gigabytes * GB, gigabytes * GB // 2, 4)
    found = recommended(forecaster(machine, bandwidth))
    assert [one.title for one in found] == ["Best balance", "Fast", "For code"]
    assert len({one.file for one in found}) == 3
    for one in found:
        assert one.forecast.fit == "fits"
        assert one.forecast.memory_bytes < gigabytes * GB


@pytest.mark.parametrize(
    ("gigabytes", "free", "first"), [(8, 5, "Gemma 4 E4B"), (16, 11, "Gemma 4 12B"), (32, 25, "Qwen3.6 35B A3B")]
)
def test_usual_machines_get_a_first_choice_of_their_size(
    forecaster: Make, gigabytes: int, free: int, first: str
) -> None:
    found = recommended(forecaster(Machine(gigabytes * GB, free * GB, 8), 40e9))
    assert found[0].name == first


def test_a_faster_machine_gets_a_better_model(forecaster: Make) -> None:
    slow = recommended(forecaster(Machine(32 * GB, 16 * GB, 4), 8e9))
    fast = recommended(forecaster(Machine(32 * GB, 16 * GB, 4), 60e9))
    assert slow[0].size_bytes < fast[0].size_bytes
    assert fast[1].forecast.tokens_per_s > 2 * fast[0].forecast.tokens_per_s  # type: ignore[operator]


def test_a_graphics_card_makes_a_larger_model_fast_enough(forecaster: Make) -> None:
    card = Gpu("Card", 32 * GB, 31 * GB, "Vulkan")
    without = recommended(forecaster(Machine(24 * GB, 16 * GB, 4), 12e9))
    with_card = recommended(forecaster(Machine(24 * GB, 16 * GB, 4, (card,)), 12e9))
    assert with_card[0].size_bytes > without[0].size_bytes
    assert with_card[0].forecast.gpu_layers > with_card[0].forecast.layers


def test_a_newer_catalogue_in_the_data_folder_wins_and_an_older_one_does_not(tmp_path: Path) -> None:
    few = json.loads(asset(FILE_NAME).read_bytes())["models"][:2]
    assert len(catalog(newer(tmp_path, version=30_000_101, models=few))) == 2
    assert len(catalog(newer(tmp_path, version=1, models=few))) == len(catalog())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "version": "x", "models": 5}'])
def test_a_broken_catalogue_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert catalog(tmp_path) == catalog()


def test_models_of_a_later_engine_are_passed_over(tmp_path: Path) -> None:
    models = json.loads(asset(FILE_NAME).read_bytes())["models"]
    models[0]["architecture"] = "qwen9"
    assert len(catalog(newer(tmp_path, version=30_000_101, models=models))) == len(models) - 1
