"""Well-known open models for searching documents, to be downloaded if a person wants that.

The embedding model that came with the app knows English. These know about a hundred languages; the first one is
recommended, because it embeds fastest on a processor. Sizes are those of the hub in November 2026, rounded; a download
asks the hub again. Names of repositories and files, licences and languages are those of the models' pages on
huggingface.co.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class SearchModel:
    """A model that embeds passages, or reads the best ones again (a reranker); `text` says what it brings."""

    repo: str
    file: str
    name: str
    text: str
    size_bytes: int
    license: str
    kind: Literal["embedding", "reranker"]
    quantization: str = "Q8_0"


SEARCH_MODELS = (
    SearchModel(
        "ggml-org/embeddinggemma-300M-GGUF",
        "embeddinggemma-300M-Q8_0.gguf",
        "EmbeddingGemma 300M",
        tr("Finds across more than 100 languages, and is the fastest of these."),
        334_000_000,
        "gemma",
        "embedding",
    ),
    SearchModel(
        "Qwen/Qwen3-Embedding-0.6B-GGUF",
        "Qwen3-Embedding-0.6B-Q8_0.gguf",
        "Qwen3 Embedding 0.6B",
        tr("Finds across more than 100 languages, best of these, and takes longest."),
        639_000_000,
        "apache-2.0",
        "embedding",
    ),
    SearchModel(
        "gpustack/bge-m3-GGUF",
        "bge-m3-Q8_0.gguf",
        "BGE-M3",
        tr("Finds across more than 100 languages."),
        635_000_000,
        "mit",
        "embedding",
    ),
    SearchModel(
        "gpustack/bge-reranker-v2-m3-GGUF",
        "bge-reranker-v2-m3-Q8_0.gguf",
        "BGE Reranker v2 M3",
        tr("Reads the best passages of each search again and orders them, in many languages."),
        635_676_416,
        "apache-2.0",
        "reranker",
    ),
)
