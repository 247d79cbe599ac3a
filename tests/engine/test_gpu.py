"""The GPU path on llama.cpp's Vulkan module. Mesa's software device takes the place of a card: right, and slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import desktop_llm
from desktop_llm.engine.choice import BackendChoice, BackendNotes
from desktop_llm.engine.client import Engine, LoadedModel, LoadSettings
from desktop_llm.paths import folders
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker
from tests.engine.conftest import ask

MODULE = Path(desktop_llm.__file__).parent / "backends" / "libggml-vulkan.so"
BARE = "{% for message in messages %}{{ message.content }}{% endfor %}"
# Nobody is in doubt how this goes on: the last bits, which differ between devices, decide nothing.
REPEATING = "cat dog cat dog cat dog cat dog cat dog"
TOKENS = 3  # each takes the software device seconds
LAYERS = 31  # of the starter model, its output counted as one

pytestmark = pytest.mark.skipif(not MODULE.exists(), reason="packaging/vulkan.sh has not built the Vulkan module")


def trusted(home: Path) -> BackendChoice:
    """Have the Vulkan module trusted without its self-test, which takes the software device too long."""
    worker = Worker(["engine"], Part("The model"))
    try:
        machine = worker.call("machine").data
    finally:
        worker.close()
    if "vulkan" not in machine["modules"]:
        pytest.skip(f"the Vulkan module can't be opened: {machine['broken'].get('vulkan')}")
    processor = [name for name in machine["modules"] if name.startswith("cpu")][:1]
    choice = BackendChoice((*processor, "vulkan"))
    BackendNotes(folders(home).cache / "backends.json").write(machine["key"], choice)
    return choice


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")  # llama.cpp passes over software devices unless they are named
    trusted(home)
    engine = Engine(folders(home))
    if not any(device.kind == "gpu" for device in engine.installation.devices()):
        engine.close()
        pytest.skip("there is no Vulkan device, not even Mesa's in software (mesa-vulkan-drivers)")
    yield engine
    engine.close()


def load(engine: Engine, model: Path, gpu_layers: int | None) -> LoadedModel:
    settings = LoadSettings(context_length=256, batch=32, template=BARE, gpu_layers=gpu_layers)
    for _ in engine.load(model, settings):
        pass
    assert engine.loaded is not None
    return engine.loaded


def test_the_device_is_listed_with_its_memory(engine: Engine) -> None:
    gpu = next(device for device in engine.installation.devices() if device.kind == "gpu")
    assert gpu.backend == "Vulkan"
    assert gpu.description
    assert 0 < gpu.free_bytes <= gpu.total_bytes


@pytest.mark.timeout(400)  # the software device compiles its shaders for half a minute first
def test_a_model_on_the_gpu_writes_what_it_writes_on_the_processor(engine: Engine, starter: Path) -> None:
    loaded = load(engine, starter, 0)
    assert (loaded.gpu_layers, loaded.gpu_bytes) == (0, 0)
    on_processor = ask(engine, REPEATING, max_tokens=TOKENS).text
    loaded = load(engine, starter, None)
    assert loaded.gpu_layers == LAYERS
    assert loaded.gpu_bytes > starter.stat().st_size / 2
    assert loaded.device == next(device.description for device in engine.installation.devices() if device.kind == "gpu")
    assert ask(engine, REPEATING, max_tokens=TOKENS).text == on_processor


def test_no_more_layers_than_asked_for_go_on_the_gpu(engine: Engine, starter: Path) -> None:
    some, many = load(engine, starter, 4), load(engine, starter, 20)
    assert (some.gpu_layers, many.gpu_layers) == (4, 20)
    assert 0 < some.gpu_bytes < many.gpu_bytes
