"""A file's content as rows of the store: inserted as a whole, and given up with the last document that has it.

Each happens in one transaction, which also notes the changes for the index. The rows of a content that was given up are
then deleted in slices, because a long document has 20,000 passages, and a search must not wait for all of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge import keyword_index
from desktop_llm.words import from_json, to_json

# Passages deleted in one step: 30 ms on a computer of 2020.
_SLICE = 200
_NO_VECTORS = "none"  # in place of a fingerprint: a content's checksum covers its text alone


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page's text as it is stored; `number` counts from 1, None if the format has no pages."""

    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A span of a page (by its position among the source's pages), with its vector as float16 bytes; b"" if it was
    not embedded. `place`, `headings` and `header` are those of the `Chunk`.
    """

    page_index: int
    start: int
    end: int
    place: str
    vector: bytes
    headings: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A file's content as the store keeps it."""

    sha256: str
    version: str
    format: str
    title: str
    page_count: int | None
    pages: Sequence[PageRow]
    chunks: Sequence[ChunkRow]
    embedded: bool = True
    """Whether its chunks have all the vectors that they are to have; otherwise they are embedded later."""


_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")

# After these causes, the next look may read more.
_PASSING = ("in_use", "died")


@dataclass(frozen=True, slots=True)
class Reason:
    """The sentence and the cause of a DocumentError; the sentence keeps its template, so it stays translatable.

    `passing`: the same file may be read at the next try, as nothing is known to be wrong with it. It is not stored.
    """

    text: str
    cause: str = ""
    passing: bool = False

    @classmethod
    def of(cls, error: DocumentError) -> Reason:
        """The reason that an error gives."""
        return cls(error.message, error.cause, error.cause in _PASSING)

    @classmethod
    def read(cls, stored: str) -> Reason:
        """The reason that `stored` wrote; a row of an older version is the sentence itself."""
        try:
            kept = json.loads(stored)
            return cls(from_json(kept["text"]), kept["cause"])
        except (ValueError, LookupError, TypeError):
            return cls(stored)

    def stored(self) -> str:
        """The reason as one text for a column."""
        return json.dumps({"text": to_json(self.text), "cause": self.cause})


def insert_source(
    connection: sqlite3.Connection, read: SourceRow, fingerprint: str, is_over: Callable[[], bool]
) -> tuple[int, int]:
    """Store a content with its pages, chunks, keywords and one embedding model's vectors, chunks until time is over.

    Returns the source's id and how many chunks are stored, one at least.
    """
    fields = (read.sha256, read.version, read.format, read.title, read.page_count)
    words = sum(word_count(page.text) for page in read.pages)
    query = "INSERT INTO source(sha256, version, format, title, page_count, words) VALUES(?, ?, ?, ?, ?, ?)"
    source = int(connection.execute(query, (*fields, words)).lastrowid or 0)
    query = "INSERT INTO page(source, position, number, text) VALUES(?, ?, ?, ?)"
    pages = [
        int(connection.execute(query, (source, position, page.number, page.text)).lastrowid or 0)
        for position, page in enumerate(read.pages)
    ]
    kept: list[ChunkRow] = []
    for chunk in read.chunks:
        if kept and is_over():
            break
        kept.append(chunk)
        text = read.pages[chunk.page_index].text[chunk.start : chunk.end]
        _insert_chunk(connection, source, pages[chunk.page_index], chunk, text, fingerprint)
    seal = _seal(fields, ((page.number, page.text) for page in read.pages), kept)
    query = "INSERT OR REPLACE INTO fact(key, value) VALUES(?, ?)"
    connection.execute(query, (_seal_key(source), f"{fingerprint} {seal}"))
    if read.embedded:
        note_embedded(connection, source, fingerprint)
    return source, len(kept)


def word_count(text: str) -> int:
    """About how many words a text has; each Chinese or Japanese character is one, as those scripts have no blanks."""
    return len(text.split()) + len(_UNSPACED.findall(text))


def is_whole(connection: sqlite3.Connection, source: int) -> bool:
    """Whether all of a content is stored as it was read, by the checksum that was stored with it.

    A content that an older version stored has none; then its passages must stand in its pages.
    """
    pages = connection.execute(
        "SELECT id, number, text FROM page WHERE source = ? ORDER BY position", (source,)
    ).fetchall()
    chunks = connection.execute(
        'SELECT id, page, start, "end", place, headings, header, text FROM chunk WHERE source = ? ORDER BY id',
        (source,),
    ).fetchall()
    places = {page: index for index, (page, _, _) in enumerate(pages)}
    for _, page, start, end, *_, text in chunks:
        if page not in places or pages[places[page]][2][start:end] != text:
            return False
    kept = connection.execute("SELECT value FROM fact WHERE key = ?", (_seal_key(source),)).fetchone()
    if kept is None:
        return bool(chunks)
    fingerprint, _, seal = kept[0].partition(" ")
    return _seal_of(connection, source, fingerprint) == str(seal)


def add_vectors(
    connection: sqlite3.Connection, source: int, fingerprint: str, model: str, vectors: Mapping[int, bytes]
) -> None:
    """Add vectors to a content's chunks, also to the index of each collection whose model answers with them."""
    _let_go(connection, source, fingerprint, _NO_VECTORS)
    query = "INSERT OR REPLACE INTO vector(chunk, fingerprint, data) VALUES(?, ?, ?)"
    connection.executemany(query, ((chunk, fingerprint, data) for chunk, data in vectors.items()))
    query = (
        "SELECT DISTINCT collection.id FROM collection JOIN document ON document.collection = collection.id "
        "WHERE source = ? AND model = ?"
    )
    listed = " ".join(map(str, vectors))
    for (collection,) in connection.execute(query, (source, model)).fetchall() if vectors else ():
        query = "INSERT INTO index_task(collection, action, chunks) VALUES(?, 'add', ?)"
        connection.execute(query, (collection, listed))


def note_embedded(connection: sqlite3.Connection, source: int, fingerprint: str) -> None:
    """Note that a content has all the vectors of a model that it is to have."""
    query = "INSERT OR REPLACE INTO embedded(source, fingerprint, checksum) VALUES(?, ?, ?)"
    connection.execute(query, (source, fingerprint, _checksum(connection, source, fingerprint)))


def drop_vectors(connection: sqlite3.Connection, source: int, fingerprint: str) -> None:
    """Drop a model's vectors of a content; the content's own checksum then covers those of another model."""
    others = "SELECT fingerprint FROM embedded WHERE source = ? AND fingerprint <> ? LIMIT 1"
    other = (connection.execute(others, (source, fingerprint)).fetchone() or (_NO_VECTORS,))[0]
    _let_go(connection, source, fingerprint, other)
    mine = "chunk IN (SELECT id FROM chunk WHERE source = ?)"
    connection.execute(f"DELETE FROM vector WHERE fingerprint = ? AND {mine}", (fingerprint, source))
    connection.execute("DELETE FROM embedded WHERE source = ? AND fingerprint = ?", (source, fingerprint))


def _let_go(connection: sqlite3.Connection, source: int, fingerprint: str, other: str) -> None:
    """Before a model's vectors change: if a content's checksum covers them, it covers those of another from now on."""
    kept = connection.execute("SELECT value FROM fact WHERE key = ?", (_seal_key(source),)).fetchone()
    if kept is not None and kept[0].partition(" ")[0] == fingerprint and is_whole(connection, source):
        seal = f"{other} {_seal_of(connection, source, other)}"
        connection.execute("UPDATE fact SET value = ? WHERE key = ?", (seal, _seal_key(source)))


def damaged_vectors(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """The contents, each with the model's fingerprint, whose vectors are not those that were stored."""
    rows = connection.execute("SELECT source, fingerprint, checksum FROM embedded WHERE checksum <> ''").fetchall()
    return [
        (source, fingerprint)
        for source, fingerprint, checksum in rows
        if _checksum(connection, source, fingerprint) != checksum
    ]


def _checksum(connection: sqlite3.Connection, source: int, fingerprint: str) -> str:
    query = (
        "SELECT vector.chunk, data FROM chunk JOIN vector ON vector.chunk = chunk.id "
        "WHERE source = ? AND fingerprint = ? ORDER BY chunk.id"
    )
    digest = hashlib.blake2b(digest_size=16)
    for chunk, data in connection.execute(query, (source, fingerprint)):
        digest.update(f"{chunk} ".encode() + data)
    return digest.hexdigest()


def _seal_of(connection: sqlite3.Connection, source: int, fingerprint: str) -> str:
    pages = connection.execute(
        "SELECT id, number, text FROM page WHERE source = ? ORDER BY position", (source,)
    ).fetchall()
    chunks = connection.execute(
        'SELECT id, page, start, "end", place, headings, header FROM chunk WHERE source = ? ORDER BY id', (source,)
    ).fetchall()
    places = {page: index for index, (page, _, _) in enumerate(pages)}
    query = "SELECT data FROM vector WHERE fingerprint = ? AND chunk = ?"
    vectors = [connection.execute(query, (fingerprint, chunk[0])).fetchone() or (b"",) for chunk in chunks]
    fields = connection.execute(
        "SELECT sha256, version, format, title, page_count FROM source WHERE id = ?", (source,)
    ).fetchone()
    spans = (
        ChunkRow(places[page], start, end, place, vector, headings, header)
        for (_, page, start, end, place, headings, header), (vector,) in zip(chunks, vectors, strict=True)
    )
    return _seal(tuple(fields), ((number, text) for _, number, text in pages), spans)


def _seal_key(source: int) -> str:
    return f"seal:{source}"


def _seal(fields: tuple[object, ...], pages: Iterable[tuple[int | None, str]], chunks: Iterable[ChunkRow]) -> str:
    """A checksum over everything that is stored of a content: SQLite has none of its own."""
    digest = hashlib.blake2b(repr(fields).encode("utf-8", "surrogatepass"), digest_size=16)
    for number, text in pages:
        digest.update(f"{number} {len(text)} ".encode())
        digest.update(text.encode("utf-8", "surrogatepass"))
    for chunk in chunks:
        place = [chunk.page_index, chunk.start, chunk.end, chunk.place]
        if chunk.headings or chunk.header:  # the first version of the tables had neither
            place += [chunk.headings, chunk.header]
        digest.update(repr(place).encode("utf-8", "surrogatepass"))
        digest.update(chunk.vector)
    return digest.hexdigest()


def _insert_chunk(
    connection: sqlite3.Connection, source: int, page: int, chunk: ChunkRow, text: str, fingerprint: str
) -> None:
    query = (
        'INSERT INTO chunk(source, page, start, "end", place, headings, header, text) VALUES(?, ?, ?, ?, ?, ?, ?, ?)'
    )
    fields = (source, page, chunk.start, chunk.end, chunk.place, chunk.headings, chunk.header, text)
    number = int(connection.execute(query, fields).lastrowid or 0)
    keyword_index.add_chunk(connection, number)
    if chunk.vector:
        query = "INSERT INTO vector(chunk, fingerprint, data) VALUES(?, ?, ?)"
        connection.execute(query, (number, fingerprint, chunk.vector))


def unlink(connection: sqlite3.Connection, collection: int, document: int) -> int | None:
    """Unlink a document from its content, and remove that from the index unless another document of the collection has
    it too.
    """
    (source,) = connection.execute("SELECT source FROM document WHERE id = ?", (document,)).fetchone()
    if source is None:
        return None
    connection.execute("UPDATE document SET source = NULL WHERE id = ?", (document,))
    connection.execute("DELETE FROM fact WHERE key = ?", (self_test_key(collection),))
    shared = "SELECT 1 FROM document WHERE collection = ? AND source = ?"
    if connection.execute(shared, (collection, source)).fetchone() is None:
        add_task(connection, collection, "remove", source)
    return int(source)


def self_test_key(collection: int) -> str:
    """Where a collection's last self-test is kept: its questions have words of the documents, so it goes with the first
    of them that is removed.
    """
    return f"self-test:{collection}"


def add_task(connection: sqlite3.Connection, collection: int, action: str, source: int) -> None:
    """Note that the index must take in ("add") or drop ("remove") a content's chunks."""
    chunks = connection.execute("SELECT id FROM chunk WHERE source = ?", (source,))
    listed = " ".join(str(chunk) for (chunk,) in chunks)
    query = "INSERT INTO index_task(collection, action, chunks) VALUES(?, ?, ?)"
    connection.execute(query, (collection, action, listed))


def forget_unused(connection: sqlite3.Connection, source: int | None) -> None:
    """Give up a content that no document has any more: no file is linked to it again, and `forget_slice` deletes it."""
    used = "SELECT 1 FROM document WHERE source = ?"
    if source is None or connection.execute(used, (source,)).fetchone() is not None:
        return
    connection.execute("UPDATE source SET sha256 = ? WHERE id = ?", (f"given up {source}", source))
    connection.execute("DELETE FROM fact WHERE key = ?", (_seal_key(source),))


def forget_slice(connection: sqlite3.Connection, source: int) -> bool:
    """Delete so many passages of a content that was given up, with their vectors and keywords; after the last of them
    the content itself with its pages. Returns whether it is gone.
    """
    query = "SELECT id FROM chunk WHERE source = ? ORDER BY id LIMIT ?"
    chunks = [chunk for (chunk,) in connection.execute(query, (source, _SLICE))]
    keyword_index.remove(connection, chunks)
    connection.executemany("DELETE FROM chunk WHERE id = ?", ((chunk,) for chunk in chunks))
    if len(chunks) == _SLICE:
        return False
    connection.execute("DELETE FROM source WHERE id = ?", (source,))
    return True
