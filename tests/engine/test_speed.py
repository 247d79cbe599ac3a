"""Measuring the processor: real matrix products, one number format at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.engine import backends, speed
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings
from desktop_llm.models.gguf.tables import BLOCKS
from desktop_llm.steps import Run
from tests.models.gguf_files import gguf, tensor

WIDTH = 2_048  # AMX takes no matrix whose width is no multiple of it
FORMATS = {"F16": speed.FORMATS["F16"], "Q4_0": speed.FORMATS["Q4_0"]}


@pytest.fixture(scope="module", autouse=True)
def _one_backend() -> None:
    """A process loads its module once, and another test may have done so."""
    if not backends.devices():
        modules = backends.Modules()
        modules.load([module.name for module in modules.found()][:1])


def measured(formats: Mapping[str, int], *, extra_buffers: bool) -> tuple[list[str], dict[str, Any]]:
    """The turns that were taken, and the result."""
    run = Run(speed.measure(1, extra_buffers=extra_buffers, formats=formats))
    return list(run), run.result


def kept_elsewhere(folder: Path, number_format: str) -> bool:
    """Whether llama.cpp keeps a model's matrices of this format in another buffer than the file, as its log says."""
    sizes = {"attn_q": (WIDTH, 32), "attn_k": (WIDTH, 32), "attn_v": (WIDTH, 32), "attn_output": (32, WIDTH)}
    sizes |= {"ffn_gate": (WIDTH, 32), "ffn_up": (WIDTH, 32), "ffn_down": (32, WIDTH)}
    described, offset = [], 0
    for name, shape in {"token_embd": (WIDTH, 32), "output": (WIDTH, 32)}.items():
        described.append(tensor(f"{name}.weight", shape, 0, offset))
        offset += 4 * shape[0] * shape[1]
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        described.append(tensor(f"{name}.weight", (WIDTH,), 0, offset))
        offset += 4 * WIDTH
    values, block_bytes = BLOCKS[number_format]
    for name, shape in sizes.items():
        described.append(tensor(f"blk.0.{name}.weight", shape, FORMATS[number_format], offset))
        offset += shape[0] * shape[1] * block_bytes // values
    entries: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.context_length": 256,
        "llama.block_count": 1,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 1,
        "llama.attention.key_length": 32,
        "llama.attention.value_length": 32,
        "llama.rope.dimension_count": 32,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.vocab_size": 32,
        "tokenizer.ggml.model": "none",
    }
    path = folder / f"{number_format}.gguf"
    path.write_bytes(gguf(entries, described, data_bytes=offset))
    native: Any = bindings()
    parameters = native.llama_model_default_params()
    parameters.use_extra_bufts = True
    parameters.load_mode = native.LLAMA_LOAD_MODE_MMAP
    log = EngineLog()
    log.attach(native)
    model = native.llama_model_load_from_file(str(path).encode(), parameters)
    native.llama_log_set(native.llama_log_callback(), None)
    assert model, log.warnings
    native.llama_model_free(model)
    in_file = log.bytes_on(["CPU_Mapped"])
    assert in_file > 0
    return log.bytes_on([""]) > in_file


def test_a_number_format_is_measured_with_real_products_in_several_turns() -> None:
    turns, result = measured({"F16": FORMATS["F16"]}, extra_buffers=False)
    speeds = result["formats"]["F16"]
    assert turns == ["F16"] * len(turns)
    assert len(turns) > 1
    assert speeds["bytes_per_s"] > 1e6
    assert speeds["weights_per_s"] > 1e6
    assert speeds["copied"] is False
    assert 0 < result["share"] <= 1.05


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_counts_as_copied_exactly_if_llama_cpp_copies_it_on_this_processor(name: str, tmp_path: Path) -> None:
    _, result = measured({name: FORMATS[name]}, extra_buffers=True)
    assert result["formats"][name]["copied"] is kept_elsewhere(tmp_path, name)
