"""What else each token might have been, and how sure the model was of it."""

from __future__ import annotations

import codecs
import ctypes
import math
from collections.abc import Sequence
from typing import Any

from desktop_llm.engine.native import bindings
from desktop_llm.engine.vocabulary import Vocabulary


class Alternatives:
    """Notes the likeliest tokens at each place, with their probabilities before any sampler. `close` frees it.

    `found` has an entry for each token of the answer; the "text" of all of them together is the answer's text, so a
    token that is only a part of a character may have none.

    llama.cpp makes the probabilities and sorts them: in Python, that would take longer than computing the next token.
    """

    def __init__(self, count: int, vocabulary: Vocabulary) -> None:
        native = self._native = bindings()
        self._vocabulary = vocabulary
        self._likeliest: list[tuple[int, float]] = []
        self._logits: Any = None
        self.found: list[dict[str, Any]] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._apply = native.llama_sampler_i_apply(self._on_apply)
        self._interface = native.llama_sampler_i(apply=self._apply)
        self._chain: Any = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        for link in (
            native.llama_sampler_init_dist(1),  # for the probabilities alone; what it draws is not used
            native.llama_sampler_init_top_k(count),
            native.llama_sampler_init(ctypes.byref(self._interface), None),
        ):
            native.llama_sampler_chain_add(self._chain, link)

    def close(self) -> None:
        """Free the native memory."""
        self._native.llama_sampler_free(self._chain)

    def look(self, context: Any, index: int) -> None:
        """Note the likeliest tokens of a place; its logits must stay as they are until `chose`."""
        self._native.llama_sampler_sample(self._chain, context, index)
        self._logits = self._native.llama_get_logits_ith(context, index)

    def chose(self, token: int) -> None:
        """Add the place with the token that came."""
        best, best_share = self._likeliest[0]
        share = best_share * math.exp(min(self._logits[token] - self._logits[best], 0.0))
        self._add(token, round(share, 6), self._likeliest)

    def given(self, token: int) -> None:
        """Add a token that came from elsewhere, so that nothing is known of its place."""
        self._add(token, None, ())

    def _add(self, token: int, probability: float | None, likeliest: Sequence[tuple[int, float]]) -> None:
        self.found.append(
            {
                "id": token,
                "text": self._decoder.decode(self._vocabulary.piece(token)),
                "probability": probability,
                "likeliest": [
                    {"id": other, "text": self._text(other), "probability": round(share, 6)}
                    for other, share in likeliest
                ],
            }
        )

    def _text(self, token: int) -> str:
        return self._vocabulary.piece(token).decode("utf-8", "replace")

    def _on_apply(self, _sampler: Any, candidates: Any) -> None:
        array = candidates.contents
        self._likeliest = [(array.data[place].id, array.data[place].p) for place in range(array.size)]
        array.selected = 0
