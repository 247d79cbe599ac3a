"""Keeps an answer to a grammar while its tokens are drawn.

llama.cpp's own grammar link ends the process if no token fits, and looks at the whole vocabulary for each token. Here a
token is drawn freely first and only that one is checked; if the grammar refuses it, the draw is made again among the
tokens that fit: https://github.com/ggml-org/llama.cpp/blob/master/common/sampling.cpp
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

from desktop_llm.engine import grammar, json_schema
from desktop_llm.engine.forms import FormError
from desktop_llm.engine.native import bindings
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.streaming import thinking_close
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.words import tr

# How many of the likeliest tokens are looked at first: so few are sorted in place, with the others kept behind them.
_LIKELIEST = 128
_CLOSE_CHARACTERS = 400  # the longest closing mark, with room for a header


def grammar_of(settings: Sampling) -> str:
    """The grammar that the answer must follow, "" for free text; raises BadRequest if it can't be used."""
    try:
        if settings.json_schema:
            return json_schema.check(settings.json_schema).grammar
        return grammar.check(settings.grammar).grammar if settings.grammar else ""
    except FormError as error:
        kind = tr("The JSON Schema") if settings.json_schema else tr("The grammar")
        raise error.as_request(tr("{kind} for this answer can't be used.", kind=kind)) from error


class Grammar:
    """A grammar under way, used with a sampler chain; `close` frees it.

    It leaves thinking alone: while the prompt, or the first token, has opened some, every token may come until the
    closing mark.
    """

    def __init__(self, text: str, vocabulary: Vocabulary, prompt: str) -> None:
        self._native = bindings()
        self._vocabulary = vocabulary
        self._closing = thinking_close(prompt) or ""
        self._thought = ""
        self._begun = False
        self._grammar: Any = self._native.llama_sampler_init_grammar(vocabulary.native, text.encode(), b"root")
        if not self._grammar:
            raise BadRequest(
                tr("The grammar for this answer can't be used with this model."),
                tr("A token that it names is not in the model's vocabulary. Nothing was sent to the model."),
            )
        self._greedy = self._native.llama_sampler_init_greedy()
        self._likeliest = self._native.llama_sampler_init_top_k(_LIKELIEST)
        self._stuck = False
        self._one = (self._native.llama_token_data * 1)()

    def close(self) -> None:
        """Free the native memory."""
        self._native.llama_sampler_free(self._grammar)
        self._native.llama_sampler_free(self._greedy)
        self._native.llama_sampler_free(self._likeliest)

    def choose(self, draw: Callable[[Callable[[Any], bool] | None], int]) -> int:
        """The next token. `draw(narrow)` draws one from all tokens, after `narrow` has taken out those that must not
        come; it draws freely if that is None. Raises UserError if no token fits.
        """
        token = draw(None)
        if self._closing or self._opens_thinking(token) or self._allows(token):
            return token
        token = draw(self._narrow)
        if self._stuck:
            raise UserError(
                tr("The model has no word that would fit the grammar here, so the answer ends."),
                tr("The text so far is kept. Change the grammar, or use another model."),
            )
        return token

    def accept(self, token: int) -> None:
        """Go on behind this token, which came into the answer."""
        if self._closing:
            self._thought = (self._thought + self._text(token))[-_CLOSE_CHARACTERS:]
            if self._closing in self._thought:
                self._closing = ""
        elif self._opens_thinking(token):
            self._closing, self._thought = thinking_close(self._text(token)) or "", self._text(token)
        elif self._allows(token):  # llama.cpp ends the process at any other, which may come from elsewhere
            self._native.llama_sampler_accept(self._grammar, token)
        self._begun = True

    def _opens_thinking(self, token: int) -> bool:
        return not self._begun and thinking_close(self._text(token)) is not None

    def _text(self, token: int) -> str:
        return self._vocabulary.piece(token).decode("utf-8", "replace")

    def _allows(self, token: int) -> bool:
        self._one[0] = self._native.llama_token_data(id=token, logit=0.0, p=0.0)
        candidates = self._native.llama_token_data_array(data=self._one, size=1, selected=-1, sorted=False)
        self._native.llama_sampler_apply(self._grammar, ctypes.byref(candidates))
        return math.isfinite(self._one[0].logit)

    def _narrow(self, candidates: Any) -> bool:
        """Take out the tokens that the grammar refuses; False if none is left.

        The likeliest ones are enough if one of them fits: a look at the whole vocabulary takes twenty times as long.
        """
        size = candidates.contents.size
        self._native.llama_sampler_apply(self._likeliest, candidates)
        if self._some_fit(candidates):
            return True
        candidates.contents.size = size
        return self._some_fit(candidates)

    def _some_fit(self, candidates: Any) -> bool:
        self._native.llama_sampler_apply(self._grammar, candidates)
        candidates.contents.sorted = False  # those that were taken out lie between the others
        self._native.llama_sampler_apply(self._greedy, candidates)
        best = candidates.contents.data[candidates.contents.selected]
        self._stuck = not math.isfinite(best.logit)
        return not self._stuck


class Draw:
    """Draws from a sampler chain without counting the token as said, which `llama_sampler_sample` would do."""

    def __init__(self, chain: Any) -> None:
        native = self._native = bindings()
        self._chain = chain
        self._narrow: Callable[[Any], bool] | None = None
        self._apply = native.llama_sampler_i_apply(self._on_apply)
        self._interface = native.llama_sampler_i(apply=self._apply)
        self._outer: Any = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        native.llama_sampler_chain_add(self._outer, native.llama_sampler_init(ctypes.byref(self._interface), None))

    def close(self) -> None:
        """Free the native memory; the chain stays."""
        self._native.llama_sampler_free(self._outer)

    def __call__(self, context: Any, index: int, narrow: Callable[[Any], bool] | None) -> int:
        """A token; `narrow` is given all candidates first, and draws nothing if it returns False."""
        self._narrow = narrow
        token: int = self._native.llama_sampler_sample(self._outer, context, index)
        return token

    def _on_apply(self, _sampler: Any, candidates: Any) -> None:
        if self._narrow is not None and not self._narrow(candidates):
            candidates.contents.selected = 0
            return
        self._native.llama_sampler_apply(self._chain, candidates)
