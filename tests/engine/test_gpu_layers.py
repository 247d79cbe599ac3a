"""How much goes on the GPU, and what llama.cpp's log says of it."""

from __future__ import annotations

from desktop_llm.engine.choice import few_layers_reason
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.parameters import Need
from desktop_llm.engine.shapes import Device, LoadSettings

MIB = 1 << 20
INFO, WARNING = 2, 3  # ggml_log_level
LINES = """\
load_tensors: offloading output layer to GPU
load_tensors: offloading 30 repeating layers to GPU
load_tensors: offloaded 31/31 layers to GPU
load_tensors:   CPU_Mapped model buffer size =    16.88 MiB
load_tensors:      Vulkan0 model buffer size =   100.00 MiB
llama_context: Vulkan_Host  output buffer size =     0.19 MiB
llama_kv_cache:    Vulkan0 KV buffer size =    11.25 MiB
llama_kv_cache: size =   11.25 MiB (   512 cells,  30 layers,  1/1 seqs), K (f16):    5.62 MiB, V (f16):    5.62 MiB
sched_reserve:    Vulkan0 compute buffer size =    90.00 MiB
sched_reserve: Vulkan_Host compute buffer size =     2.63 MiB
sched_reserve:    Vulkan0 compute buffer size =    97.00 MiB
"""


def test_the_log_tells_what_lies_on_the_gpu() -> None:
    log = EngineLog()
    for line in LINES.splitlines():
        log.read(INFO, line)
    assert log.offloaded_layers == 31
    assert log.bytes_on(["Vulkan0"]) == round(208.25 * MIB)
    assert log.bytes_on(["Vulkan1"]) == log.bytes_on([]) == 0
    assert log.state_bytes == round(11.25 * MIB)
    assert not log.warnings


def test_the_log_keeps_warnings_with_their_continuation() -> None:
    log = EngineLog()
    log.read(WARNING, "failed to allocate")
    log.read(5, " a buffer\n")
    log.read(INFO, "all is well\n")
    assert log.warnings == ["failed to allocate", "a buffer"]


def test_it_is_said_why_not_all_layers_are_on_the_gpu() -> None:
    card = [Device("Vulkan0", "Radeon RX 7600", "gpu", "Vulkan", 8_000 * MIB, 3_000 * MIB)]
    told = few_layers_reason(card, LoadSettings(), 36, 20)
    assert "free memory of Radeon RX 7600 holds 20 of 36 layers" in told
    assert "20 of 36 layers were asked for" in few_layers_reason(card, LoadSettings(gpu_layers=20), 36, 20)
    assert few_layers_reason(card, LoadSettings(), 36, 37) == ""


def test_as_many_layers_go_on_the_gpu_as_its_memory_takes() -> None:
    need = Need(layers=31, weights_bytes=3_000 * MIB, state_bytes=100 * MIB, compute_bytes=300 * MIB)
    assert need.layers_within(8_000 * MIB) == 31
    assert need.layers_within(3_400 * MIB) == 31
    assert need.layers_within(1_300 * MIB) == 10
    assert need.layers_within(399 * MIB) == 0
    assert need.layers_within(0) == 0
