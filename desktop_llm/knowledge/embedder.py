"""The embedder: a child process without rights that holds one GGUF model and turns texts into vectors or scores.

It may end at any moment: llama.cpp ends its process on its own asserts. Its parent, the knowledge worker, lives on
(`gguf_embedder.py`). Requests:

    load {model, level, ranks, threads}      ->  done {dimensions, longest, vocabulary, names}
    embed {texts, ending, threads}           ->  done {} + float32 vectors, one after the other
    rank {query, passages, threads}          ->  done {scores}
"""

from __future__ import annotations

import os
from dataclasses import asdict

from desktop_llm.errors import BadRequest
from desktop_llm.knowledge.llama import LlamaModel, load_backend
from desktop_llm.words import tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout
from desktop_llm.workers.protocol import path_from_wire


def main() -> None:
    """Give up every right that reading a stranger's model does not need, then serve; does not return."""
    wire = take_stdout()
    # An assertion would start a debugger; threads that spin between batches take the processor from the answer.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    confine.end_with_parent()
    confine.end_first()
    confine.lower_priority()
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=False)
    confine.write_only_in()
    embedder = _Embedder()
    serve({"load": embedder.load, "embed": embedder.embed, "rank": embedder.rank}, wire)


class _Embedder:
    """Holds the model and serves the requests about it."""

    def __init__(self) -> None:
        self._model: LlamaModel | None = None

    def load(self, request: Request) -> Steps:
        """Load the model; once in this process."""
        yield None
        data = request.data
        extra_buffers = load_backend(data["level"])
        model = path_from_wire(data["model"])
        self._model = LlamaModel(model, ranks=data["ranks"], extra_buffers=extra_buffers, threads=data["threads"])
        return asdict(self._model.facts)

    def embed(self, request: Request) -> Steps:
        """Embed texts, in the order given."""
        yield None
        data = request.data
        vectors = self._loaded.embed(data["texts"], data["ending"], data["threads"])
        return Reply({}, vectors.tobytes())

    def rank(self, request: Request) -> Steps:
        """Score passages for a question."""
        yield None
        data = request.data
        return {"scores": self._loaded.rank(data["query"], data["passages"], data["threads"])}

    @property
    def _loaded(self) -> LlamaModel:
        if self._model is None:
            raise BadRequest(tr("No model is loaded."))
        return self._model
