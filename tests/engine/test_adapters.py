"""LoRA adapters on llama.cpp: mixed, swapped within a conversation, and gone again without a trace."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_llm.engine.adapters import KEPT
from desktop_llm.engine.client import AdapterUse, ChatMessage, Engine, Finished, Sampling, TextDelta
from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf import weights_of
from desktop_llm.models.peft import read_peft, write_gguf
from desktop_llm.paths import folders
from tests.engine.conftest import load
from tests.engine.tiny_models import HEAD, HEADS, HIDDEN, LAYERS, WIDTH, Weights, tiny_model
from tests.models.adapter_files import adapter, peft

QUESTION = "Tell me of the sea."
# These halves multiply to numbers as large as a trained adapter's.
SIZE, RANK = 0.2, 4


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "tiny.gguf")


@pytest.fixture
def real(home: Path, tested_backends: bytes, model: Path) -> Iterator[Engine]:
    (folders(home).cache / "backends.json").write_bytes(tested_backends)
    engine = Engine(folders(home))
    load(engine, model)
    yield engine
    engine.close()


@pytest.fixture
def adapters(model: Path, tmp_path: Path) -> list[Path]:
    """More adapters than stay loaded."""
    shapes = weights_of(model)
    names = [f"blk.{layer}.{part}.weight" for layer in (0, 1) for part in ("attn_q", "attn_v", "ffn_down")]
    weights = {name: shapes[name] for name in names}
    return [
        adapter(tmp_path / f"{number}.gguf", weights, rank=RANK, size=SIZE, seed=number) for number in range(KEPT + 3)
    ]


def answer(engine: Engine, *mix: tuple[Path, float], tokens: int = 12) -> tuple[str, Finished]:
    used = [AdapterUse(path, scale) for path, scale in mix]
    sampling = Sampling(temperature=0, max_tokens=tokens)
    events = list(engine.generate([ChatMessage.of("user", QUESTION)], sampling, adapters=used))
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1]


def test_a_mix_is_swapped_within_a_conversation_and_scale_0_is_the_base(real: Engine, adapters: list[Path]) -> None:
    one, two, *_ = adapters
    base, _ = answer(real)
    at_zero, ended = answer(real, (one, 0), (two, 0))
    assert at_zero == base
    assert ended.usage.cached_tokens == ended.usage.prompt_tokens - 1
    with_one, ended = answer(real, (one, 1))
    assert with_one != base
    assert ended.usage.cached_tokens == 0  # what the base had read does not hold for this mix
    with_two = answer(real, (two, 1))[0]
    assert with_two not in (base, with_one)
    both = answer(real, (one, 1), (two, 0.5))[0]
    assert both == answer(real, (two, 0.5), (one, 1))[0]
    with ThreadPoolExecutor(2) as pool:  # the second waits for the first, and neither has the other's adapter
        together = [pool.submit(answer, real, (path, 1)) for path in (one, two)]
        assert [each.result(100)[0] for each in together] == [with_one, with_two]
    assert answer(real)[0] == base


def test_an_adapter_of_peft_counts_as_if_it_was_merged_into_the_weights(
    real: Engine, model: Path, tmp_path: Path
) -> None:
    draw, tensors = np.random.default_rng(3), {}
    added: Weights = {}
    parts = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v"}
    parts |= {"mlp.down_proj": "ffn_down"}
    for (module, name), layer in itertools.product(parts.items(), range(LAYERS)):
        rank, alpha = (8 if "v_proj" in module else 4), (24 if (layer, name) == (1, "ffn_down") else 6)
        columns = HIDDEN if name == "ffn_down" else WIDTH
        one, other = (draw.standard_normal(shape).astype("<f4") * 0.3 for shape in ((rank, columns), (WIDTH, rank)))
        change = alpha / math.sqrt(rank) * (other @ one)
        if name in ("attn_q", "attn_k"):  # as llama.cpp's converter orders the rows of each head
            change = change.reshape(HEADS, 2, HEAD // 2, columns).swapaxes(1, 2).reshape(WIDTH, columns)
        added[f"blk.{layer}.{name}.weight"] = change.astype(np.float32)
        for half, numbers in (("A", one), ("B", other)):
            key = f"base_model.model.model.layers.{layer}.{module}.lora_{half}.weight"
            tensors[key] = (numbers.shape, numbers.tobytes())
    patterns: dict[str, Any] = {"rank_pattern": {"v_proj": 8}, "alpha_pattern": {"layers.1.mlp.down_proj": 24}}
    folder = peft(tmp_path / "Trained", tensors, r=4, lora_alpha=6, use_rslora=True, **patterns)
    write_gguf(read_peft(folder), tmp_path / "trained.gguf", "llama", HEADS, HEADS)
    adapted, _ = answer(real, (tmp_path / "trained.gguf", 1.0), tokens=24)
    base, _ = answer(real, tokens=24)
    load(real, tiny_model(tmp_path / "merged.gguf", added=added))
    assert adapted == answer(real, tokens=24)[0]
    assert adapted != base


def test_what_comes_before_a_question_is_read_ahead_with_the_adapters(real: Engine, adapters: list[Path]) -> None:
    used = [AdapterUse(adapters[0], 1)]
    for _ in real.prepare([ChatMessage.of("system", QUESTION * 4)], "a", adapters=used):
        pass
    asked = [ChatMessage.of("system", QUESTION * 4), ChatMessage.of("user", QUESTION)]
    for mix, known in ((used, True), ([], False)):
        *_, ended = real.generate(asked, Sampling(temperature=0, max_tokens=2), slot="a", adapters=mix)
        assert isinstance(ended, Finished)
        assert (ended.usage.cached_tokens > 70) == known


def test_adapters_that_are_idle_are_freed_and_loaded_again(real: Engine, adapters: list[Path]) -> None:
    first = [answer(real, (path, 1), tokens=2)[0] for path in adapters]
    assert answer(real, (adapters[0], 1), tokens=2)[0] == first[0]
    assert answer(real, *((path, 0.1) for path in adapters), tokens=2)[0]


def test_one_that_can_not_be_loaded_is_a_sentence_and_the_chat_goes_on(
    real: Engine, adapters: list[Path], tmp_path: Path
) -> None:
    base, _ = answer(real)
    other = adapter(tmp_path / "other.gguf", {"blk.0.attn_q.weight": (16, 16)})
    with pytest.raises(ModelFileError, match=r"adapter other could not be loaded\. The model is unchanged") as told:
        answer(real, (adapters[0], 1), (other, 1))
    assert "shape" in told.value.details
    with pytest.raises(ModelFileError, match="adapter gone could not be loaded"):
        answer(real, (tmp_path / "gone.gguf", 1))
    assert answer(real)[0] == base
    adapter(adapters[0], {"blk.0.attn_q.weight": weights_of_q(real)}, rank=2, size=2.0)
    assert answer(real, (adapters[0], 1))[0] != base  # the file was changed: it is loaded anew


def weights_of_q(engine: Engine) -> tuple[int, ...]:
    assert engine.loaded is not None
    return weights_of(engine.loaded.path)["blk.0.attn_q.weight"]
