"""Draws the next token, as a person's sampling settings ask."""

from __future__ import annotations

import ctypes
import functools
import secrets
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from desktop_llm.engine.alternatives import Alternatives
from desktop_llm.engine.grammar_sampling import Draw, Grammar, grammar_of
from desktop_llm.engine.native import bindings
from desktop_llm.engine.shapes import BANNED, Sampling
from desktop_llm.engine.vocabulary import Vocabulary

_LARGEST_SEED = 0xFFFFFFFE  # 0xFFFFFFFF makes llama.cpp choose a seed that it does not reveal
_MIN_KEEP = 1
# Mirostat sorts its candidates, which takes 13 ms for a vocabulary of 49,000. Beyond these, none is ever drawn in text.
_MIROSTAT_CANDIDATES = 4_096
_QUICK_WINDOW = 256  # beyond that many tokens, llama.cpp's look at the whole vocabulary is quicker
_MIROSTAT_TOKENS = 100  # "m" of the paper, https://arxiv.org/abs/2007.14966


class Sampler:
    """A sampler chain with a known seed; the chain is native memory, so it must be closed."""

    def __init__(self, settings: Sampling, vocabulary: Vocabulary, context_length: int, prompt: str = "") -> None:
        """`prompt` tells whether the answer begins within thinking, which a grammar leaves alone. Raises BadRequest if
        the grammar can't be used.
        """
        text = grammar_of(settings)
        self.seed = secrets.randbelow(_LARGEST_SEED) if settings.seed is None else settings.seed % _LARGEST_SEED
        self._native = bindings()
        self._settings, self._vocabulary = settings, vocabulary
        self._window = _tokens_of(settings.penalty_last_n, context_length)
        self._dry_window = _tokens_of(settings.dry_penalty_last_n, context_length)
        self._looks_back = self._remembered()
        self._quick = _QuickPenalties(settings, self._window) if self._may_be_quick else None
        self._grammar = Grammar(text, vocabulary, prompt) if text else None
        self._alternatives = Alternatives(settings.alternatives, vocabulary) if settings.alternatives else None
        self._chain: Any = self._native.llama_sampler_chain_init(self._native.llama_sampler_chain_default_params())
        links = self._links()
        for _, link in links:
            self._native.llama_sampler_chain_add(self._chain, link)
        self._draw = Draw(self._chain) if self._grammar else None
        self._likeliest = _Likeliest(vocabulary.size) if links[0][0] == "greedy" else None

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the chain and the grammar."""
        if self._grammar is not None and self._draw is not None:
            self._grammar.close()
            self._draw.close()
        if self._alternatives is not None:
            self._alternatives.close()
        self._native.llama_sampler_free(self._chain)

    def accept_prompt(self, tokens: Sequence[int]) -> None:
        """Show the end of the prompt to the penalties."""
        for token in tokens[len(tokens) - min(self._looks_back, len(tokens)) :]:
            self._native.llama_sampler_accept(self._chain, token)
            if self._quick is not None:
                self._quick.accept(token)

    def sample(self, context: Any, index: int = -1) -> int:
        """The next token after the position whose logits are at `index` of the last decoded batch, which the penalties
        may change.
        """
        if self._alternatives is None:
            return self._sample(context, index)
        self._alternatives.look(context, index)
        token = self._sample(context, index)
        self._alternatives.chose(token)
        return token

    @property
    def alternatives(self) -> list[dict[str, Any]]:
        """Each drawn token with the likeliest ones at its place, if they were asked for."""
        return self._alternatives.found if self._alternatives is not None else []

    def _sample(self, context: Any, index: int) -> int:
        if self._quick is not None:
            self._quick.apply(self._native.llama_get_logits_ith(context, index))
        if self._grammar is not None and self._draw is not None:
            token = self._grammar.choose(functools.partial(self._draw, context, index))
            self.accept(token)
            return token
        if self._likeliest is not None:
            token = self._likeliest.at(context, index)
        else:
            token = self._native.llama_sampler_sample(self._chain, context, index)
        if self._quick is not None:
            self._quick.accept(token)
        return token

    def take(self, token: int, *, noted: bool = True) -> None:
        """Count a token from elsewhere as part of the answer; `sample` does so itself. It is among the `alternatives`
        if it is `noted`.
        """
        self.accept(token)
        if noted and self._alternatives is not None:
            self._alternatives.given(token)

    def accept(self, token: int) -> None:
        """Show a token to the penalties and the grammar."""
        self._native.llama_sampler_accept(self._chain, token)
        if self._quick is not None:
            self._quick.accept(token)
        if self._grammar is not None:
            self._grammar.accept(token)

    def _remembered(self) -> int:
        """How many of the last tokens the penalties in use look at."""
        settings, seen = self._settings, [0]
        if self._penalizes:
            seen.append(self._window)
        if "dry" in settings.order and settings.dry_multiplier:
            seen.append(self._dry_window)
        return max(seen)

    @property
    def _penalizes(self) -> bool:
        settings = self._settings
        neutral = (settings.repeat_penalty, settings.frequency_penalty, settings.presence_penalty) == (1, 0, 0)
        return "penalties" in settings.order and not neutral

    @property
    def _may_be_quick(self) -> bool:
        """Whether the penalties come before everything else, and look at few tokens."""
        settings = self._settings
        if (
            not self._penalizes
            or settings.logit_bias
            or settings.alternatives
            or (settings.mirostat and settings.temperature > 0)
        ):
            return False
        before = settings.order[: settings.order.index("penalties")]
        used_before = [name for name in before if name != "dry" or settings.dry_multiplier]
        return not used_before and self._window <= _QUICK_WINDOW

    def _links(self) -> list[tuple[str, Any]]:
        """The samplers in use, with their names. One that changes nothing is left out, since each costs a look at all
        tokens.
        """
        native, settings = self._native, self._settings
        links = self._biases()
        if settings.temperature <= 0:
            order = [name for name in settings.order if name in ("penalties", "dry")]
            return [*links, *self._in_order(order), ("greedy", native.llama_sampler_init_greedy())]
        if settings.mirostat:  # instead of all others, as in llama.cpp (common/sampling.cpp)
            cut = native.llama_sampler_init_top_k(_MIROSTAT_CANDIDATES)
            return [*links, ("cut", cut), *self._in_order(("temperature",)), ("mirostat", self._mirostat())]
        return [*links, *self._in_order(settings.order), ("dist", native.llama_sampler_init_dist(self.seed))]

    def _in_order(self, names: Sequence[str]) -> list[tuple[str, Any]]:
        native, settings = self._native, self._settings
        makes = {
            "penalties": self._penalties,
            "dry": self._dry,
            "top_n_sigma": lambda: settings.top_n_sigma and native.llama_sampler_init_top_n_sigma(settings.top_n_sigma),
            "top_k": lambda: settings.top_k and native.llama_sampler_init_top_k(settings.top_k),
            "typical_p": lambda: (
                settings.typical_p < 1 and native.llama_sampler_init_typical(settings.typical_p, _MIN_KEEP)
            ),
            "top_p": lambda: settings.top_p < 1 and native.llama_sampler_init_top_p(settings.top_p, _MIN_KEEP),
            "min_p": lambda: settings.min_p and native.llama_sampler_init_min_p(settings.min_p, _MIN_KEEP),
            "xtc": self._xtc,
            "temperature": self._temperature,
        }
        return [(name, link) for name in names if (link := makes[name]())]

    def _penalties(self) -> Any:
        settings = self._settings
        if not self._penalizes or self._quick is not None:
            return None
        return self._native.llama_sampler_init_penalties(
            self._vocabulary.size,
            self._window,
            settings.repeat_penalty,
            settings.frequency_penalty,
            settings.presence_penalty,
        )

    def _dry(self) -> Any:
        settings = self._settings
        if not settings.dry_multiplier:
            return None
        breakers = [text.encode("utf-8", "replace") for text in settings.dry_sequence_breakers]
        return self._native.llama_sampler_init_dry(
            self._vocabulary.native,
            settings.dry_multiplier,
            settings.dry_base,
            settings.dry_allowed_length,
            self._dry_window,
            (ctypes.c_char_p * len(breakers))(*breakers),
            len(breakers),
        )

    def _xtc(self) -> Any:
        chance, threshold = self._settings.xtc_probability, self._settings.xtc_threshold
        return chance and self._native.llama_sampler_init_xtc(chance, threshold, _MIN_KEEP, self.seed)

    def _temperature(self) -> Any:
        settings = self._settings
        if not settings.dynatemp_range:
            return self._native.llama_sampler_init_temp(settings.temperature)
        return self._native.llama_sampler_init_temp_ext(
            settings.temperature, settings.dynatemp_range, settings.dynatemp_exponent
        )

    def _mirostat(self) -> Any:
        settings = self._settings
        tau, eta = settings.mirostat_tau, settings.mirostat_eta
        if settings.mirostat == 2:
            return self._native.llama_sampler_init_mirostat_v2(self.seed, tau, eta)
        size = self._vocabulary.size
        return self._native.llama_sampler_init_mirostat(size, self.seed, tau, eta, _MIROSTAT_TOKENS)

    def _biases(self) -> list[tuple[str, Any]]:
        """The person's biases; a text biases each of its tokens, and an unknown token is left out."""
        biases: dict[int, float] = {}
        for key, bias in self._settings.logit_bias:
            for token in [key] if isinstance(key, int) else self._vocabulary.text_tokens(key):
                if token < self._vocabulary.size:
                    biases[token] = biases.get(token, 0.0) + bias
        if not biases:
            return []
        kind = self._native.llama_logit_bias
        rows = [(token, float("-inf") if bias <= BANNED else bias) for token, bias in biases.items()]
        native_rows = (kind * len(rows))(*(kind(token=token, bias=bias) for token, bias in rows))
        link = self._native.llama_sampler_init_logit_bias(self._vocabulary.size, len(rows), native_rows)
        return [("logit_bias", link)]


class _Likeliest:
    """Finds the likeliest token in the logits themselves; llama.cpp would make a candidate of each token first."""

    def __init__(self, size: int) -> None:
        import numpy  # it takes 0.1 s, and few answers need it

        self._native, self._numpy = bindings(), numpy
        self._kind = ctypes.c_float * size
        self._logits: dict[int, Any] = {}  # arrays on llama.cpp's own memory, by address

    def at(self, context: Any, index: int) -> int:
        """The likeliest token after the position whose logits are at `index`; the first of equal ones."""
        address = ctypes.addressof(self._native.llama_get_logits_ith(context, index).contents)
        if address not in self._logits:
            self._logits[address] = self._numpy.ctypeslib.as_array(self._kind.from_address(address))
        return int(self._logits[address].argmax())


class _QuickPenalties:
    """The penalties on the few tokens that they concern, written into the logits themselves.

    llama.cpp looks every token of the vocabulary up, 150,000 in a table of 64: that takes longer than all samplers
    together. The formula is its own (`llama_sampler_penalties_apply`).
    """

    def __init__(self, settings: Sampling, window: int) -> None:
        self._settings = settings
        self._last: deque[int] = deque(maxlen=max(window, 1))
        self._counts: Counter[int] = Counter()
        self._window = window

    def accept(self, token: int) -> None:
        """Remember a token and forget the oldest one."""
        if self._window <= 0:
            return
        if len(self._last) == self._window:
            oldest = self._last[0]
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]
        self._last.append(token)
        self._counts[token] += 1

    def apply(self, logits: Any) -> None:
        """Change the logits of the remembered tokens."""
        repeat, frequency = self._settings.repeat_penalty, self._settings.frequency_penalty
        presence = self._settings.presence_penalty
        for token, count in self._counts.items():
            logit = logits[token]
            logit = logit * repeat if logit <= 0 else logit / repeat
            logits[token] = logit - count * frequency - presence


def _tokens_of(window: int, context_length: int) -> int:
    return context_length if window < 0 else min(window, context_length)
