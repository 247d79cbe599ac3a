"""The keyword index (FTS5, without content of its own): each chunk's text, and the words that stand above it.

A document's title, the headings and the column names are not repeated in its passages, but people ask with them. They
are indexed with the text, which itself stays as it is stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from desktop_llm.knowledge.keywords import indexed

# Raise this when the same chunks give other words: the index is then made anew when the database is next opened.
_VERSION = "3"
_FACT = "keywords"
# In one step, of 4 KB each.
_MERGED_PAGES = 500

_ROWS = "SELECT chunk.id, title, headings, header, text FROM chunk JOIN source ON source.id = chunk.source"


def add_chunk(connection: sqlite3.Connection, chunk: int) -> None:
    """Take in a chunk that was stored."""
    row = connection.execute(f"{_ROWS} WHERE chunk.id = ?", (chunk,)).fetchone()
    connection.execute("INSERT INTO chunk_words(rowid, text) VALUES(?, ?)", _words(row))


def remove(connection: sqlite3.Connection, chunks: Sequence[int]) -> None:
    """Drop chunks that are about to be deleted."""
    rows = [connection.execute(f"{_ROWS} WHERE chunk.id = ?", (chunk,)).fetchone() for chunk in chunks]
    query = "INSERT INTO chunk_words(chunk_words, rowid, text) VALUES('delete', ?, ?)"
    connection.executemany(query, map(_words, rows))


def merge(connection: sqlite3.Connection, *, first: bool) -> None:
    """Move the index together a little, which drops what is left in it of removed chunks; `first` begins with all of
    it. Nothing is left to do when that changes nothing.
    """
    pages = -_MERGED_PAGES if first else _MERGED_PAGES
    connection.execute("INSERT INTO chunk_words(chunk_words, rank) VALUES('merge', ?)", (pages,))


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the index anew from the stored chunks, in the transaction that the caller began."""
    connection.execute("INSERT INTO chunk_words(chunk_words) VALUES('delete-all')")
    rows = connection.execute(_ROWS)
    connection.executemany("INSERT INTO chunk_words(rowid, text) VALUES(?, ?)", map(_words, rows))
    connection.execute("INSERT OR REPLACE INTO fact(key, value) VALUES(?, ?)", (_FACT, _VERSION))


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether this version of the app made the index."""
    found: tuple[str] | None = connection.execute("SELECT value FROM fact WHERE key = ?", (_FACT,)).fetchone()
    return found == (_VERSION,)


def _words(row: tuple[int, str, str, str, str]) -> tuple[int, str]:
    chunk, *texts = row
    return chunk, indexed("\n".join(filter(None, texts)))
