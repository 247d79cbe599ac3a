"""What was read of one content, as rows of the store: put in whole, and taken out with the last document that has it.

All of it happens in a transaction of the store's; what the index has to learn of it is noted in the same one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.keywords import folded


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page's text as it is stored; `number` counts from 1, None where the format has no pages."""

    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A span of a page (by its position among the source's pages), with its vector as float16 bytes."""

    page_index: int
    start: int
    end: int
    place: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A content that was read: all that is kept of it."""

    sha256: str
    version: str
    format: str
    title: str
    page_count: int | None
    pages: Sequence[PageRow]
    chunks: Sequence[ChunkRow]


def insert_source(connection: sqlite3.Connection, read: SourceRow, fingerprint: str) -> int:
    """Store a content with its pages, chunks, keywords and the vectors of one embedding model; the source's id."""
    fields = (read.sha256, read.version, read.format, read.title, read.page_count)
    query = "INSERT INTO source(sha256, version, format, title, page_count) VALUES(?, ?, ?, ?, ?)"
    source = int(connection.execute(query, fields).lastrowid or 0)
    query = "INSERT INTO page(source, position, number, text) VALUES(?, ?, ?, ?)"
    pages = [
        int(connection.execute(query, (source, position, page.number, page.text)).lastrowid or 0)
        for position, page in enumerate(read.pages)
    ]
    for chunk in read.chunks:
        text = read.pages[chunk.page_index].text[chunk.start : chunk.end]
        _insert_chunk(
            connection,
            (source, pages[chunk.page_index], chunk.start, chunk.end, chunk.place, text),
            fingerprint,
            chunk.vector,
        )
    return source


def _insert_chunk(
    connection: sqlite3.Connection, fields: tuple[int, int, int, int, str, str], fingerprint: str, vector: bytes
) -> None:
    query = 'INSERT INTO chunk(source, page, start, "end", place, text) VALUES(?, ?, ?, ?, ?, ?)'
    chunk = connection.execute(query, fields).lastrowid
    place, text = fields[4:]
    connection.execute("INSERT INTO chunk_words(rowid, text) VALUES(?, ?)", (chunk, folded(f"{place}\n{text}")))
    connection.execute("INSERT INTO vector(chunk, fingerprint, data) VALUES(?, ?, ?)", (chunk, fingerprint, vector))


def unlink(connection: sqlite3.Connection, collection: int, document: int) -> int | None:
    """Take a document's content from it, and from the index unless another document of the collection has it too."""
    (source,) = connection.execute("SELECT source FROM document WHERE id = ?", (document,)).fetchone()
    if source is None:
        return None
    connection.execute("UPDATE document SET source = NULL WHERE id = ?", (document,))
    shared = "SELECT 1 FROM document WHERE collection = ? AND source = ?"
    if connection.execute(shared, (collection, source)).fetchone() is None:
        add_task(connection, collection, "remove", source)
    return int(source)


def add_task(connection: sqlite3.Connection, collection: int, action: str, source: int) -> None:
    """Note what the index has to do with a content's chunks: "add" or "remove"."""
    chunks = connection.execute("SELECT id FROM chunk WHERE source = ?", (source,))
    listed = " ".join(str(chunk) for (chunk,) in chunks)
    query = "INSERT INTO index_task(collection, action, chunks) VALUES(?, ?, ?)"
    connection.execute(query, (collection, action, listed))


def forget_unused(connection: sqlite3.Connection, source: int | None) -> None:
    """Forget a content that no document has any more."""
    used = "SELECT 1 FROM document WHERE source = ?"
    if source is None or connection.execute(used, (source,)).fetchone() is not None:
        return
    chunks = connection.execute("SELECT id, place, text FROM chunk WHERE source = ?", (source,)).fetchall()
    connection.executemany(
        "INSERT INTO chunk_words(chunk_words, rowid, text) VALUES('delete', ?, ?)",
        ((chunk, folded(f"{place}\n{text}")) for chunk, place, text in chunks),
    )
    connection.execute("DELETE FROM source WHERE id = ?", (source,))  # pages, chunks and vectors go with it
