"""Small vocabularies of both kinds, made with any marks, and llama.cpp's tokenizer on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from desktop_llm.engine import backends
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings
from desktop_llm.engine.vocabulary import Vocabulary
from tests.models.gguf_files import Entry, gguf

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
# Pieces of usual marks and words, so that a tokenizer can put a mark together without meaning to.
_PIECES = ("<|", "|>", "</", "im", "end", "im_", "im_end", "<|im", "he", "ll", "hell", "[INST", "s>", "</s", "\n\n")


def byte_alphabet() -> dict[int, str]:
    """GPT-2's alphabet: a printable character for each byte."""
    others = [byte for byte in range(256) if byte not in _PRINTABLE]
    return {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + index) for index, byte in enumerate(others)}


def vocabulary_file(kind: str, marks: Mapping[str, int], *, end: str = "</s>") -> bytes:
    """A vocabulary of the kind "spm" or "bpe" with these marks and their types; `end` ends an answer."""
    marks = {"<s>": CONTROL, end: CONTROL, **marks}
    merges: list[str] = []
    if kind == "spm":
        tokens = {"<unk>": UNKNOWN} | {f"<0x{byte:02X}>": BYTE for byte in range(256)}
        pieces = [*map(chr, range(33, 127)), "▁", *_PIECES, *(f"▁{piece}" for piece in _PIECES)]
    else:
        alphabet = byte_alphabet()
        tokens = {}
        written = ["".join(alphabet[byte] for byte in piece.encode()) for piece in _PIECES]
        pieces = [*alphabet.values(), *written, *(f"Ġ{piece}" for piece in written)]
        merges = [f"{word[:at]} {word[at:]}" for word in pieces for at in range(1, len(word))]
    tokens |= dict.fromkeys(pieces, NORMAL)
    tokens |= marks
    names = list(tokens)
    entries: dict[str, Entry] = {
        "general.architecture": "llama",
        "llama.context_length": 512,
        "llama.embedding_length": 32,
        "llama.block_count": 1,
        "tokenizer.ggml.model": "llama" if kind == "spm" else "gpt2",
        "tokenizer.ggml.pre": "default" if kind == "spm" else "gpt-2",
        "tokenizer.ggml.tokens": names,
        "tokenizer.ggml.scores": [float(len(name)) for name in names],
        "tokenizer.ggml.token_type": list(tokens.values()),
        "tokenizer.ggml.bos_token_id": names.index("<s>"),
        "tokenizer.ggml.eos_token_id": names.index(end),
        "tokenizer.ggml.add_bos_token": False,
    }
    if merges:
        entries["tokenizer.ggml.merges"] = merges
    return gguf(entries)


@contextmanager
def loaded(path: Path) -> Iterator[Vocabulary]:
    """The vocabulary of this file, in this very process."""
    native: Any = bindings()
    modules = backends.Modules()
    modules.load([modules.found()[0].name])
    parameters = native.llama_model_default_params()
    parameters.vocab_only = True
    log = EngineLog()
    log.attach(native)
    try:
        model = native.llama_model_load_from_file(str(path).encode(), parameters)
        assert model, log.warnings
        yield Vocabulary(model)
        native.llama_model_free(model)
    finally:
        native.llama_log_set(native.llama_log_callback(), None)
