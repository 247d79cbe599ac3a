"""Tells text that people read from base64, hex, minified data and bare numbers.

Such text has no meaning that an embedding model could find; the keyword index has it all the same.
"""

from __future__ import annotations

import re

# The longest words of European languages stay below this, and languages without spaces are not written in ASCII.
_RUN = re.compile(r"[!-~]{40,}")
_MOST_IN_RUNS = 0.8  # a line with a long address is still a sentence
_FEWEST_LETTERS = 0.05


def is_language(text: str) -> bool:
    """Whether a passage can be words: it has letters, and is not mostly long runs of ASCII without a space."""
    letters = sum(map(str.isalpha, text))
    solid = sum(len(run) for run in text.split())
    if letters <= _FEWEST_LETTERS * solid:
        return False
    return sum(map(len, _RUN.findall(text))) <= _MOST_IN_RUNS * solid
