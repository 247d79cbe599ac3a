"""Full-text search: prepares text for the FTS5 tables, and turns any typed words into a query that can't fail.

`unicode61` splits at spaces, so scripts written without spaces get an invisible break after each character: a word is
then found anywhere in a sentence, as a phrase.
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
    """The text as it is indexed: valid UTF-8, compatibility forms unified, scripts without spaces broken up."""
    valid = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return _UNSPACED.sub(f"\\1{BREAK}", unicodedata.normalize("NFKC", valid))


def match_expression(query: str) -> str:
    """An FTS5 query that finds texts with every word, or words that begin so; empty if the query has no words."""
    words = [word[:MAX_WORD_LENGTH] for word in searchable(query).split() if any(map(str.isalnum, word))]
    return " ".join('"' + word.replace('"', '""') + '"*' for word in words[:MAX_WORDS])
