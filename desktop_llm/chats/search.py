"""Full-text search: how text goes into the FTS5 tables and how any typed words become a query that can't fail.

`unicode61` splits at spaces, so scripts written without them get an invisible break after each character: a word of
such a script is then found anywhere in a sentence, as a phrase.
"""

from __future__ import annotations

import re
import unicodedata

BREAK = "\u200b"
MAX_WORDS = 12
MAX_WORD_LENGTH = 64

# Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def searchable(text: str) -> str:
    """Text as it is indexed: valid UTF-8, compatibility forms unified, unspaced scripts broken up."""
    valid = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return _UNSPACED.sub(f"\\1{BREAK}", unicodedata.normalize("NFKC", valid))


def match_expression(query: str) -> str:
    """An FTS5 query: every word must occur, the end of each word is open; empty where the query has no words."""
    words = [word[:MAX_WORD_LENGTH] for word in searchable(query).split() if any(map(str.isalnum, word))]
    return " ".join('"' + word.replace('"', '""') + '"*' for word in words[:MAX_WORDS])


def readable(snippet: str) -> str:
    """A snippet of indexed text on one line, without the invisible breaks."""
    return " ".join(snippet.replace(BREAK, "").split())
