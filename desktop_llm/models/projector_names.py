"""Tells from file names which projector belongs to which model: publishers put "mmproj" into a projector's name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from desktop_llm.models.names import quantization_of

_WORD = re.compile(r"[a-z0-9]+")
# Words of a projector's name that say nothing about the model.
_OF_NO_MODEL = frozenset({"mmproj", "model", "projector", "vision", "clip", "gguf"})
# The weights take little memory beside the model's, so quality counts; F32 is no better than F16 here.
_BEST = ("F16", "BF16", "Q8_0", "F32")


def is_projector_name(name: str) -> bool:
    """Whether a file of this name is a projector."""
    return "mmproj" in name.lower()


def words_of(name: str) -> frozenset[str]:
    """The words of a file's name that tell which model it is, without its quantization."""
    stem = name.rpartition("/")[2].removesuffix(".gguf")
    if quantization := quantization_of(stem):
        stem = re.sub(re.escape(quantization), " ", stem, flags=re.IGNORECASE)
    return frozenset(_WORD.findall(stem.lower())) - _OF_NO_MODEL


def fits(projector: str, model: str, *, alone: bool = False) -> bool:
    """Whether a projector's name names this model; if it names none, it fits a model that is `alone`."""
    words = words_of(projector)
    return words <= words_of(model) if words else alone


def best_of(quantizations: Mapping[str, str]) -> str | None:
    """The name of the best of several projectors, given the quantization of each; None without any."""
    order = {quantization: rank for rank, quantization in enumerate(_BEST)}
    return min(quantizations, key=lambda name: (order.get(quantizations[name], len(order)), name), default=None)
