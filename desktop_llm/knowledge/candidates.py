"""The store's queries for retrieval: keyword matches, word weights, chunks with their documents."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from desktop_llm.knowledge.chunks import HEADING_BORDER
from desktop_llm.knowledge.embed import DIMENSIONS, Vectors
from desktop_llm.knowledge.keywords import match_any
from desktop_llm.knowledge.store import Store

# A word that stands in a larger share of the chunks than this finds nothing by itself; leaving it out saves most of the
# time.
_COMMON_SHARE = 0.3
_MAX_WORDS = 24
_FEW = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may become a passage."""

    chunk: int
    source: int
    page: int | None
    place: str
    start: int
    end: int
    text: str


def weighed(store: Store, words: Sequence[str]) -> dict[str, float]:
    """Each word with the logarithm of how rare it is among all chunks; with only a few chunks, rarity says little."""
    ((total,),) = store.rows("SELECT count(*) FROM chunk")
    query = "SELECT count(*) FROM chunk_words WHERE chunk_words MATCH ?"
    counts = {word: store.rows(query, match_any([word]))[0][0] for word in words}
    return {word: math.log((total + _FEW) / (count + 0.5)) for word, count in counts.items()}


def by_keywords(store: Store, collections: Sequence[int], words: Mapping[str, float], count: int) -> dict[int, float]:
    """The chunks that match best by BM25, with their scores."""
    rare = [word for word, weight in words.items() if weight > -math.log(_COMMON_SHARE)]
    found = _matching(store, collections, sorted(rare, key=lambda word: -words[word])[:_MAX_WORDS], count)
    return found or _matching(store, collections, list(words)[:_MAX_WORDS], count)


def _matching(store: Store, collections: Sequence[int], words: list[str], count: int) -> dict[int, float]:
    if not words:
        return {}
    # The plus keeps SQLite from running the match anew for each row of the collections: 12 ms instead of 4 s.
    query = (
        "SELECT rowid, -rank FROM chunk_words WHERE chunk_words MATCH ? AND +rowid IN ("
        "SELECT chunk.id FROM chunk JOIN document ON document.source = chunk.source "
        f"WHERE document.collection IN ({_marks(collections)})) ORDER BY rank LIMIT ?"
    )
    return dict(store.rows(query, match_any(words), *collections, count))


def size(store: Store, collections: Sequence[int]) -> int:
    """How many chunks the collections hold."""
    query = (
        "SELECT count(*) FROM chunk WHERE source IN "
        f"(SELECT source FROM document WHERE collection IN ({_marks(collections)}))"
    )
    return int(store.rows(query, *collections)[0][0])


def coverage(store: Store, chunks: Sequence[int], words: Mapping[str, float]) -> float:
    """The largest share of the words' weight that one of the chunks holds."""
    held = dict.fromkeys(chunks, 0.0)
    query = f"SELECT rowid FROM chunk_words WHERE chunk_words MATCH ? AND rowid IN ({_marks(chunks)})"
    for word, weight in words.items():
        for (chunk,) in store.rows(query, match_any([word]), *chunks):
            held[chunk] += weight
    return max(held.values(), default=0.0) / (sum(words.values()) or 1.0)


def read(store: Store, collections: Sequence[int], chunks: Collection[int]) -> list[Candidate]:
    """Those of the chunks that the collections hold."""
    query = (
        'SELECT chunk.id, chunk.source, page.number, chunk.place, chunk.start, chunk."end", chunk.text '
        f"FROM chunk JOIN page ON page.id = chunk.page WHERE chunk.id IN ({_marks(chunks)}) AND chunk.source IN "
        f"(SELECT source FROM document WHERE collection IN ({_marks(collections)})) ORDER BY chunk.id"
    )
    return [Candidate(*row) for row in store.rows(query, *chunks, *collections)]


def beginnings(store: Store, collections: Sequence[int], count: int) -> list[Candidate]:
    """The first chunks of each document, in rounds: every document's first chunk, then every second one."""
    query = (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY source ORDER BY id) AS place FROM chunk "
        f"WHERE source IN (SELECT source FROM document WHERE collection IN ({_marks(collections)}))) "
        "ORDER BY place, id LIMIT ?"
    )
    order = [chunk for (chunk,) in store.rows(query, *collections, count)]
    found = {candidate.chunk: candidate for candidate in read(store, collections, order)}
    return [found[chunk] for chunk in order]


def similarities(store: Store, fingerprint: str, chunks: Sequence[int], vector: Vectors) -> dict[int, float]:
    """The chunks' cosine similarity to a unit vector (DIMENSIONS,), from the stored vectors."""
    query = f"SELECT chunk, data FROM vector WHERE fingerprint = ? AND chunk IN ({_marks(chunks)})"
    rows = store.rows(query, fingerprint, *chunks)
    stored = np.frombuffer(b"".join(data for _, data in rows), np.float16).reshape(-1, DIMENSIONS)
    values = stored.astype(np.float32) @ vector
    return {chunk: float(value) for (chunk, _), value in zip(rows, values, strict=True)}


def as_stored(store: Store, chunks: Sequence[int]) -> set[int]:
    """Those of the chunks whose text is still, character by character, the span of their page's stored text."""
    query = (
        'SELECT chunk.id, chunk.start, chunk."end", chunk.text, page.text '
        f"FROM chunk JOIN page ON page.id = chunk.page WHERE chunk.id IN ({_marks(chunks)})"
    )
    return {chunk for chunk, start, end, text, page in store.rows(query, *chunks) if page[start:end] == text}


def chunk_at(store: Store, document: str, page: int | None, start: int) -> int | None:
    """The chunk of a document's page that holds the character at `start`; None if there is none."""
    query = (
        "SELECT chunk.id FROM document JOIN chunk ON chunk.source = document.source JOIN page ON page.id = chunk.page "
        'WHERE document.path = ? AND page.number IS ? AND chunk.start <= ? AND chunk."end" > ? LIMIT 1'
    )
    found = store.rows(query, os.fsencode(document), page, start, start)
    return int(found[0][0]) if found else None


def contexts(store: Store, chunks: Collection[int]) -> dict[int, str]:
    """What stands above each of the chunks, as a `Citation` has it; a title that its file's name says is left out."""
    query = (
        "SELECT chunk.id, source.title, headings, header, (SELECT path FROM document WHERE source = source.id LIMIT 1) "
        f"FROM chunk JOIN source ON source.id = chunk.source WHERE chunk.id IN ({_marks(chunks)})"
    )
    found = {}
    for chunk, title, headings, header, path in store.rows(query, *chunks):
        name = PurePath(os.fsdecode(path or b"")).name
        is_told = not title or title in (name, PurePath(name).stem) or title in headings.split(HEADING_BORDER)
        above = headings if is_told else HEADING_BORDER.join(filter(None, (title, headings)))
        found[chunk] = f"{above}\n{header}" if header else above
    return found


def paths(store: Store, collections: Sequence[int], sources: Collection[int]) -> dict[int, str]:
    """The path of one document for each source."""
    query = (
        f"SELECT source, min(path) FROM document WHERE collection IN ({_marks(collections)}) "
        f"AND source IN ({_marks(sources)}) GROUP BY source"
    )
    return {source: os.fsdecode(path) for source, path in store.rows(query, *collections, *sources)}


def _marks(values: Collection[int]) -> str:
    return ",".join("?" * len(values))
