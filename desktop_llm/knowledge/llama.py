"""A GGUF model that embeds or ranks, through llama.cpp. Runs in a child (`embedder.py`), which a bad file may end."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desktop_llm.engine.backends import Modules
from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings
from desktop_llm.engine.parameters import LoadRequest, for_model
from desktop_llm.engine.shapes import LoadSettings
from desktop_llm.errors import ModelFileError, UserError
from desktop_llm.knowledge.embed import Vectors
from desktop_llm.words import tr

LONGEST = 1_024
"""Tokens of one text; what is longer is cut. Passages have some 256."""
# Texts that share a batch are compared with each other for nothing: with 2,048 tokens a third less was embedded than
# with 512 (measured).
_SHARED_BATCH = 512
_SEQUENCES = 32
_RANKS = 4  # llama_pooling_type: a score for a pair of texts in place of a vector
_NO_POOLING, _UNSPECIFIED = 0, -1
_NO_TOKEN = -1
# llama.cpp's tokenizers recurse over an unbroken run; some 26,000 characters overflow the stack.
_LONGEST_RUN = re.compile(r"\S{4000}")
_MOST_CHARACTERS = 20_000
_NAMES = (b"general.architecture", b"general.name", b"general.basename")
_RANK_TEMPLATE = b"rerank"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loaded model is: the numbers of a vector, the tokens of a text at most, the size of its vocabulary, and
    the names in its metadata.
    """

    dimensions: int
    longest: int
    vocabulary: int
    names: tuple[str, ...]


def load_backend(level: int) -> bool:
    """Register a CPU backend; whether it may repack weights. A higher level (0 to 2) is slower and crashes less."""
    modules = [module.name for module in Modules().found() if module.name.startswith("cpu") and module.score > 0]
    if modules:
        Modules().load([modules[0] if level < 2 else modules[-1]])
    else:  # linked in
        Modules().load([])
    return level == 0


class LlamaModel:
    """A loaded model; the process ends before it is freed. Raises ModelFileError if llama.cpp refuses the file."""

    def __init__(self, path: Path, *, extra_buffers: bool, threads: int, ranks: bool = False) -> None:
        self._native = native = bindings()
        self._log = EngineLog()
        self._log.attach(native)
        asked = LoadRequest(path, LoadSettings(), (), extra_buffers)
        self._model = native.llama_model_load_from_file(os.fsencode(path), for_model(asked, 0))
        if not self._model:
            raise _refused(path, self._log)
        self._vocab = native.llama_model_get_vocab(self._model)
        self.facts = self._facts()
        self._context = self._open(path, threads, ranks=ranks)
        self._memory = native.llama_get_memory(self._context)
        self._batch = native.llama_batch_init(LONGEST, 0, 1)

    def embed(self, texts: Sequence[str], ending: str, threads: int) -> Vectors:
        """Unit vectors (len(texts), dimensions) of one text at least. `ending` is put after each text as a token."""
        last = self._tokens(ending, special=True, alone=True) if ending else []
        encoded = [self._ended(self._tokens(text)[: self.facts.longest - len(last)], last) for text in texts]
        vectors = np.concatenate([*self._run(encoded, self.facts.dimensions, threads)])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise _no_numbers()
        return np.asarray(vectors / lengths, np.float32)

    def rank(self, query: str, passages: Sequence[str], threads: int) -> list[float]:
        """How well each passage (one at least) answers the query, as the model scores it: higher is better."""
        encoded = [self._pair(query, passage) for passage in passages]
        scores = np.concatenate([*self._run(encoded, 1, threads)])[:, 0]
        if not np.isfinite(scores).all():
            raise _no_numbers()
        return [float(score) for score in scores]

    def _facts(self) -> Facts:
        native, model = self._native, self._model
        names = tuple(name for key in _NAMES if (name := self._meta(key)))
        return Facts(
            dimensions=native.llama_model_n_embd_out(model),
            longest=max(8, min(native.llama_model_n_ctx_train(model), LONGEST)),
            vocabulary=native.llama_vocab_n_tokens(self._vocab),
            names=names,
        )

    def _open(self, path: Path, threads: int, *, ranks: bool) -> Any:
        native = self._native
        settings = native.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = LONGEST
        settings.n_seq_max = _SEQUENCES
        settings.n_threads = settings.n_threads_batch = threads
        settings.embeddings = True
        settings.kv_unified = True
        settings.pooling_type = _RANKS if ranks else _UNSPECIFIED  # the file's own, which older rerankers lack
        context = native.llama_init_from_model(self._model, settings)
        if context and not ranks and native.llama_pooling_type(context) == _NO_POOLING:
            native.llama_free(context)  # the file does not say, and most models take the mean
            settings.pooling_type = native.LLAMA_POOLING_TYPE_MEAN
            context = native.llama_init_from_model(self._model, settings)
        if not context:
            raise _refused(path, self._log)
        return context

    def _meta(self, key: bytes) -> str:
        buffer = ctypes.create_string_buffer(400)
        found = self._native.llama_model_meta_val_str(self._model, key, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if found > 0 else ""

    def _tokens(self, text: str, *, special: bool = False, alone: bool = False) -> list[int]:
        """The tokens of a text, with those that the model puts around every text unless it is `alone`."""
        short = _LONGEST_RUN.sub(lambda run: f"{run[0]} ", text[:_MOST_CHARACTERS])
        data = short.encode("utf-8", "replace")
        tokens = (self._native.llama_token * (len(data) + 8))()
        count = self._native.llama_tokenize(self._vocab, data, len(data), tokens, len(tokens), not alone, special)
        return list(tokens[: max(0, count)])

    def _ended(self, tokens: list[int], last: list[int]) -> list[int]:
        """The tokens, ended as the model ends each text even if it was cut."""
        if last:
            return tokens if tokens[-len(last) :] == last else [*tokens, *last]
        ends = self._native.llama_vocab_sep(self._vocab), self._native.llama_vocab_eos(self._vocab)
        if len(tokens) == self.facts.longest and tokens[-1] not in ends and ends[0] != _NO_TOKEN:
            return [*tokens[:-1], ends[0]]
        return tokens or [max(0, ends[1])]

    def _pair(self, query: str, passage: str) -> list[int]:
        """A question and a passage as llama.cpp's server joins them: by the file's own template for that if it has one,
        otherwise with the tokens that end a text between them.
        """
        native, vocab = self._native, self._vocab
        template = native.llama_model_chat_template(self._model, _RANK_TEMPLATE)
        if template:
            written = template.decode("utf-8", "replace").replace("{query}", query)
            head, _, tail = written.partition("{document}")
            before, after = self._tokens(head, special=True), self._tokens(tail, special=True, alone=True)
            room = max(1, self.facts.longest - len(before) - len(after))
            return [*before[: self.facts.longest // 2], *self._tokens(passage, alone=True)[:room], *after]
        eos = native.llama_vocab_eos(vocab)
        eos = eos if eos != _NO_TOKEN else native.llama_vocab_sep(vocab)
        first = [native.llama_vocab_bos(vocab)] if native.llama_vocab_get_add_bos(vocab) else []
        end = [eos] if native.llama_vocab_get_add_eos(vocab) or not native.llama_vocab_get_add_sep(vocab) else []
        between = [*end, *([native.llama_vocab_sep(vocab)] if native.llama_vocab_get_add_sep(vocab) else [])]
        asked = [*first, *self._tokens(query, alone=True)[: self.facts.longest // 2], *between]
        told = self._tokens(passage, alone=True)[: max(1, self.facts.longest - len(asked) - len(between))]
        return [*asked, *told, *(end or between)]

    def _run(self, encoded: Sequence[Sequence[int]], width: int, threads: int) -> Iterator[Vectors]:
        """The pooled output (number of texts, width) of the texts, in as few batches as they fit into."""
        native = self._native
        native.llama_set_n_threads(self._context, threads, threads)
        start = 0
        while start < len(encoded):
            count, tokens = 0, 0
            while start + count < len(encoded) and count < _SEQUENCES:
                tokens += len(encoded[start + count])
                if count and tokens > _SHARED_BATCH:
                    break
                count += 1
            yield self._pooled(encoded[start : start + count], width)
            start += count

    def _pooled(self, encoded: Sequence[Sequence[int]], width: int) -> Vectors:
        native, batch = self._native, self._batch
        if self._memory:
            native.llama_memory_clear(self._memory, True)
        batch.n_tokens = 0
        for sequence, tokens in enumerate(encoded):
            for position, token in enumerate(tokens):
                at = batch.n_tokens
                batch.token[at], batch.pos[at], batch.n_seq_id[at], batch.logits[at] = token, position, 1, 1
                batch.seq_id[at][0] = sequence
                batch.n_tokens += 1
        run = native.llama_decode if self._memory else native.llama_encode
        if run(self._context, batch) != 0:
            raise UserError(
                tr("The model could not read a passage."),
                tr("Nothing was lost. Choose another model for this collection."),
                details="\n".join(self._log.warnings),
            )
        rows = []
        for sequence in range(len(encoded)):
            pooled = native.llama_get_embeddings_seq(self._context, sequence)
            if not pooled:
                raise _no_numbers()
            rows.append(np.ctypeslib.as_array(pooled, (width,)).copy())
        return np.stack(rows)


def _refused(path: Path, log: EngineLog) -> UserError:
    return ModelFileError(
        tr("{name} can't be opened as a model for searching.", name=path.name),
        tr("Nothing was lost. Download it again, or choose another model."),
        details="\n".join(log.warnings),
    )


def _no_numbers() -> UserError:
    return ModelFileError(
        tr("The model computes nothing that can be compared."),
        tr("Nothing was lost. Download it again, or choose another model."),
    )
