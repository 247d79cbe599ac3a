"""The mark that stands for a picture in a prompt's text, until the picture's own tokens take its place.

It is made of the picture's content, so prompts with different pictures are different texts, and of two characters that
no text can contain: `without_marks` takes them out of what people and models write (they are "noncharacters", which
Unicode keeps for such use inside a program).
"""

from __future__ import annotations

import re

_BEGIN, _END = "\ufdd0", "\ufdd1"
MARK = re.compile(f"{_BEGIN}[0-9a-f]{{64}}{_END}")
_FORGED = str.maketrans({_BEGIN: "\ufffd", _END: "\ufffd"})


def mark_of(sha256: str) -> str:
    """The mark of the picture with this content."""
    return f"{_BEGIN}{sha256}{_END}"


def content_of(mark: str) -> str:
    """The sha256 in a mark."""
    return mark[1:-1]


def without_marks(text: str) -> str:
    """The text without anything that could be taken for a mark."""
    return text.translate(_FORGED)
