"""Chooses the next token: llama.cpp's sampler chain, built from the settings of a conversation."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from desktop_llm.engine.backends import bindings
from desktop_llm.engine.shapes import Sampling

_PENALTY_WINDOW = 64
_LARGEST_SEED = 0xFFFFFFFE  # 0xFFFFFFFF asks llama.cpp for a seed that it doesn't tell


class Sampler:
    """A sampler chain with a seed that is known; used as a context manager, since the chain is native memory."""

    def __init__(self, settings: Sampling, vocabulary_size: int) -> None:
        self.seed = secrets.randbelow(_LARGEST_SEED) if settings.seed is None else settings.seed % _LARGEST_SEED
        self._native = bindings()
        self._chain: Any = self._native.llama_sampler_chain_init(self._native.llama_sampler_chain_default_params())
        for link in self._links(settings, vocabulary_size):
            self._native.llama_sampler_chain_add(self._chain, link)

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_error: object) -> None:
        self._native.llama_sampler_free(self._chain)

    def accept_prompt(self, tokens: Sequence[int]) -> None:
        """Let the repeat penalty know the end of the prompt."""
        for token in tokens[-_PENALTY_WINDOW:]:
            self._native.llama_sampler_accept(self._chain, token)

    def sample(self, context: Any) -> int:
        """The next token after the last decoded one."""
        token: int = self._native.llama_sampler_sample(self._chain, context, -1)
        return token

    def _links(self, settings: Sampling, vocabulary_size: int) -> list[Any]:
        # The order is llama.cpp's own (common/sampling.cpp): penalties, then cuts, then temperature.
        native = self._native
        links = []
        if settings.repeat_penalty != 1.0:
            penalty = settings.repeat_penalty
            links.append(native.llama_sampler_init_penalties(vocabulary_size, _PENALTY_WINDOW, penalty, 0.0, 0.0))
        if settings.temperature <= 0:
            return [*links, native.llama_sampler_init_greedy()]
        return [
            *links,
            native.llama_sampler_init_top_k(settings.top_k),
            native.llama_sampler_init_top_p(settings.top_p, 1),
            native.llama_sampler_init_min_p(settings.min_p, 1),
            native.llama_sampler_init_temp(settings.temperature),
            native.llama_sampler_init_dist(self.seed),
        ]
