"""Classes of model sizes, by the number of weights: what a person can narrow a search down to."""

from __future__ import annotations

from typing import Literal

Size = Literal["", "small", "medium", "large", "huge"]

# Where a class begins, in weights: phones and old laptops, most computers, a good graphics card, a workstation.
_BEGINS: dict[Size, float] = {"small": 0, "medium": 4e9, "large": 15e9, "huge": 45e9}
SIZES: tuple[Size, ...] = tuple(_BEGINS)


def size_of(parameters: int) -> Size:
    """The class of a model with so many weights; "" where the number is not known (0)."""
    if not parameters:
        return ""
    return [size for size, begins in _BEGINS.items() if parameters >= begins][-1]
