"""The store's queries for retrieval: keyword matches, word weights, chunks with their documents."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from desktop_llm.knowledge.chunks import HEADING_BORDER
from desktop_llm.knowledge.embed import Vectors, stacked
from desktop_llm.knowledge.keywords import QueryWord, match_any
from desktop_llm.knowledge.store import Store

# A word that stands in a larger share of the chunks than this finds nothing by itself; leaving it out saves most of the
# time.
_COMMON_SHARE = 0.3
_MAX_WORDS = 24
# Rows that one match ranks, at about 5 microseconds each; with fewer matches, all words of a question find.
_MOST_RANKED = 4000
_SELDOM_APART = 4  # words of one question stand together this much more often than chance has it
_FEW = 50
_SAMPLE = 3000  # chunks that are looked through for how a word is written
MOST_COMPARED = 4000
"""Vectors that are compared one by one when only some documents are searched."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may become a passage; `above` is what stands above it: title, headings, column names."""

    chunk: int
    source: int
    page: int | None
    place: str
    start: int
    end: int
    text: str
    above: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched: collections, and of these only some contents if `sources` are given; `named`: the question
    names them.
    """

    collections: Sequence[int]
    sources: frozenset[int] | None = None
    named: bool = False

    @property
    def where(self) -> str:
        """The condition on a chunk's row."""
        of_collections = f"SELECT source FROM document WHERE collection IN ({_marks(self.collections)})"
        if self.sources is None:
            return f"chunk.source IN ({of_collections})"
        return f"chunk.source IN (SELECT value FROM json_each(?)) AND chunk.source IN ({of_collections})"

    @property
    def values(self) -> tuple[str | int, ...]:
        """The values for the condition's marks."""
        # As one value: SQLite takes 32,766 of them.
        return (*([] if self.sources is None else [json.dumps(sorted(self.sources))]), *self.collections)


@dataclass(frozen=True, slots=True)
class Span:
    """The chunks of a scope: how many, the first and the last; `whole` if nothing else lies in between."""

    count: int
    first: int
    last: int

    @property
    def whole(self) -> bool:
        """Whether every number from the first to the last is a chunk of the scope."""
        return self.count == self.last - self.first + 1


def span(store: Store, scope: Scope) -> Span:
    """Where the chunks of a scope are."""
    query = f"SELECT count(*), coalesce(min(id), 0), coalesce(max(id), -1) FROM chunk WHERE {scope.where}"
    return Span(*store.kept_rows(query, *scope.values)[0])


def is_known(store: Store, word: str) -> bool:
    """Whether a word stands in any chunk."""
    return bool(store.rows("SELECT 1 FROM chunk_words WHERE chunk_words MATCH ? LIMIT 1", match_any([word])))


def weighed(store: Store, words: Iterable[QueryWord]) -> dict[str, float]:
    """Each word with the logarithm of how rare it is among all chunks; with only a few chunks, rarity says little."""
    ((total,),) = store.kept_rows("SELECT count(*) FROM chunk")
    return {each.word: math.log((total + _FEW) / (_count(store, each) + 0.5)) for each in words}


def _count(store: Store, each: QueryWord) -> float:
    ((count,),) = store.rows("SELECT count(*) FROM chunk_words WHERE chunk_words MATCH ?", match_any([each.word]))
    if not each.written:
        return float(count)
    sample = "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ? LIMIT ?"
    query = f"SELECT count(*), sum(instr(text, ?) > 0) FROM chunk WHERE id IN ({sample})"
    ((looked_at, so_written),) = store.rows(query, each.written, match_any([each.word]), _SAMPLE)
    return float(count * (so_written or 0) / max(1, looked_at))


def by_keywords(store: Store, scope: Scope, words: Mapping[str, float], count: int) -> dict[int, float]:
    """The chunks that match best by BM25, with their scores.

    Ranking takes SQLite some microseconds a row, so among many chunks only rare words find by themselves, and common
    ones together.
    """
    within = span(store, scope)
    rare = [word for word, weight in words.items() if weight > -math.log(_COMMON_SHARE)]
    found = _matching(store, scope, within, sorted(rare, key=lambda word: -words[word])[:_MAX_WORDS], words, count)
    return found or _matching(store, scope, within, list(words)[:_MAX_WORDS], words, count)


def _matching(
    store: Store, scope: Scope, within: Span, wanted: list[str], words: Mapping[str, float], count: int
) -> dict[int, float]:
    found: dict[int, float] = {}
    for expression in _expressions(wanted, words, within.count):
        found = _ranked(store, scope, within, expression, count)
        if found:
            break
    return found


def _expressions(wanted: Sequence[str], words: Mapping[str, float], total: int) -> Iterator[str]:
    """FTS5 expressions that match about _MOST_RANKED of so many chunks, each for the case that the last found nothing.

    `wanted` are the rarest words first. As many of them as may find by themselves; the others raise what these find,
    and find together.
    """
    shares = [min(1.0, math.exp(-words[word])) for word in wanted]
    alone = sum(sum(shares[: end + 1]) * total <= _MOST_RANKED for end in range(len(wanted)))
    finding, others = match_any(wanted[:alone]), wanted[alone:]
    if not wanted:
        return
    if not others:
        yield finding
        return
    share, together = 1.0, 0
    while together < len(others) and share * total * _SELDOM_APART > _MOST_RANKED:
        share *= shares[alone + together]
        together += 1
    parts = [f"(({finding}) AND ({match_any(wanted)}))"] if alone else []
    if together > 1:
        parts.append("(" + " AND ".join(f'"{word}"' for word in others[:together]) + ")")
    if parts:
        yield " OR ".join(parts)
    yield match_any(wanted[: alone + 1])


def _ranked(store: Store, scope: Scope, within: Span, expression: str, count: int) -> dict[int, float]:
    # Asked of each row as it comes, best first: SQLite neither lists all chunks of the collections nor runs the match
    # anew for each of them.
    held = "1" if within.whole else f"EXISTS (SELECT 1 FROM chunk WHERE chunk.id = chunk_words.rowid AND {scope.where})"
    values = () if within.whole else scope.values
    matching = f"FROM chunk_words WHERE chunk_words MATCH ? AND rowid BETWEEN ? AND ? AND {held}"
    found = (expression, within.first, within.last, *values)
    ((last,),) = store.rows(f"SELECT max(rowid) FROM (SELECT rowid {matching} LIMIT ?)", *found, _MOST_RANKED)
    if last is None:
        return {}
    query = f"SELECT rowid, -rank {matching} ORDER BY rank LIMIT ?"
    return dict(store.rows(query, expression, within.first, last, *values, count))


def by_phrase(store: Store, scope: Scope, words: Sequence[str], count: int) -> set[int]:
    """Chunks that hold all words in a row; some of them if there are more than `count`."""
    query = (
        "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ? AND "
        f"EXISTS (SELECT 1 FROM chunk WHERE chunk.id = chunk_words.rowid AND {scope.where}) LIMIT ?"
    )
    return _first(store.rows(query, f'"{" ".join(words)}"', *scope.values, count))


def by_writing(store: Store, scope: Scope, each: QueryWord, count: int) -> set[int]:
    """Chunks that hold a word as it is written, among the first ones that hold it in any way."""
    sample = "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ? LIMIT ?"
    query = f"SELECT id FROM chunk WHERE instr(text, ?) > 0 AND id IN ({sample}) AND {scope.where} LIMIT ?"
    return _first(store.rows(query, each.written, match_any([each.word]), _SAMPLE, *scope.values, count))


def nearest_of(store: Store, scope: Scope, fingerprint: str, vector: Vectors, count: int) -> dict[int, float]:
    """The chunks nearest to a unit vector, with their similarity; for a scope of a few documents."""
    query = (
        "SELECT chunk, data FROM vector WHERE fingerprint = ? AND "
        f"chunk IN (SELECT id FROM chunk WHERE {scope.where} LIMIT ?)"
    )
    found = _compared(store.rows(query, fingerprint, *scope.values, MOST_COMPARED), vector)
    return {chunk: found[chunk] for chunk in sorted(found, key=lambda chunk: -found[chunk])[:count]}


def read(store: Store, scope: Scope, chunks: Collection[int]) -> list[Candidate]:
    """Those of the chunks that the scope holds."""
    query = (
        'SELECT chunk.id, chunk.source, page.number, chunk.place, chunk.start, chunk."end", chunk.text, '
        "source.title || char(10) || headings || char(10) || header "
        "FROM chunk JOIN page ON page.id = chunk.page JOIN source ON source.id = chunk.source "
        f"WHERE chunk.id IN ({_marks(chunks)}) AND {scope.where} "
        "ORDER BY chunk.id"
    )
    return [Candidate(*row) for row in store.rows(query, *chunks, *scope.values)]


def held(store: Store, scope: Scope, chunks: Collection[int]) -> set[int]:
    """Those of the chunks that the scope holds."""
    query = f"SELECT id FROM chunk WHERE id IN ({_marks(chunks)}) AND {scope.where}"
    return _first(store.rows(query, *chunks, *scope.values))


def beginnings(store: Store, scope: Scope, count: int) -> list[Candidate]:
    """The first chunks of each document, in rounds: every document's first chunk, then every second one."""
    query = (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY source ORDER BY id) AS place FROM chunk "
        f"WHERE {scope.where}) ORDER BY place, id LIMIT ?"
    )
    order = [chunk for (chunk,) in store.rows(query, *scope.values, count)]
    found = {candidate.chunk: candidate for candidate in read(store, scope, order)}
    return [found[chunk] for chunk in order]


def similarities(store: Store, fingerprint: str, chunks: Collection[int], vector: Vectors) -> dict[int, float]:
    """The chunks' cosine similarity to a unit vector, from the stored vectors."""
    query = f"SELECT chunk, data FROM vector WHERE fingerprint = ? AND chunk IN ({_marks(chunks)})"
    return _compared(store.rows(query, fingerprint, *chunks), vector)


def as_stored(store: Store, chunks: Collection[int]) -> set[int]:
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


def paths(store: Store, collections: Sequence[int], sources: Collection[int]) -> dict[int, list[str]]:
    """The paths of the documents with each content, in order."""
    query = (
        f"SELECT DISTINCT source, path FROM document WHERE collection IN ({_marks(collections)}) "
        f"AND source IN ({_marks(sources)}) ORDER BY path"
    )
    found: dict[int, list[str]] = {}
    for source, path in store.rows(query, *collections, *sources):
        found.setdefault(source, []).append(os.fsdecode(path))
    return found


def _compared(rows: Sequence[tuple[int, bytes]], vector: Vectors) -> dict[int, float]:
    if not rows:
        return {}
    values = stacked(data for _, data in rows) @ vector
    return {chunk: float(value) for (chunk, _), value in zip(rows, values, strict=True)}


def _first(rows: Iterable[tuple[Any, ...]]) -> set[int]:
    return {row[0] for row in rows}


def _marks(values: Collection[int]) -> str:
    return ",".join("?" * len(values))
