"""Whole collections, file by file: which files there are, and all of the stored text of one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from desktop_llm.errors import NotFound
from desktop_llm.knowledge.catalog import said
from desktop_llm.knowledge.sentences import Span, sentences
from desktop_llm.knowledge.shapes import FileOutline, FilePiece
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr

_LONGEST_PIECE = 3_000  # characters; a chunk is seldom longer than a third of that


def outline(store: Store, collections: Sequence[int]) -> list[FileOutline]:
    """Every file of these collections, by path; one that is in several comes once."""
    found: dict[bytes, FileOutline] = {}
    query = (
        "SELECT path, CASE waiting WHEN 1 THEN 'waiting' ELSE status END, reason, unread, coalesce(sha256, ''), "
        '(SELECT coalesce(sum("end" - start), 0) FROM chunk WHERE source = document.source) '
        "FROM document LEFT JOIN source ON source.id = document.source WHERE collection = ? ORDER BY path"
    )
    for collection in collections:
        for path, status, reason, unread, sha256, characters in store.rows(query, collection):
            told = said(reason, unread)
            found.setdefault(path, FileOutline(os.fsdecode(path), status, told.text, sha256, characters))
    return [found[path] for path in sorted(found)]


def file_count(store: Store, collections: Sequence[int]) -> int:
    """How many files these collections have, read or not."""
    marks = ", ".join("?" * len(collections))
    ((count,),) = store.rows(f"SELECT count(DISTINCT path) FROM document WHERE collection IN ({marks})", *collections)
    return int(count)


def unread_counts(store: Store, collections: Sequence[int]) -> tuple[int, int]:
    """How many files of these collections could not be read, and how many are still to be read for the first time."""
    marks = ", ".join("?" * len(collections))
    query = f"SELECT DISTINCT path, status FROM document WHERE collection IN ({marks}) AND status <> 'ready'"
    states = [status for _path, status in store.rows(query, *collections)]
    return states.count("failed"), len(states) - states.count("failed")


def pieces(store: Store, path: Path) -> list[FilePiece]:
    """All of a file's stored text in order, cut where its chunks begin: every character that is not white space is in
    exactly one piece. Raises NotFound if the file was not read, or not any more.
    """
    rows = store.rows(
        "SELECT source FROM document WHERE path = ? AND source IS NOT NULL ORDER BY id DESC LIMIT 1", os.fsencode(path)
    )
    if not rows:
        raise NotFound(tr("{file} is not among the files that were read.", file=path.name))
    ((source,),) = rows
    found: list[FilePiece] = []
    for page, number, text in store.rows(
        "SELECT id, number, text FROM page WHERE source = ? ORDER BY position", source
    ):
        chunks = store.rows("SELECT start, place, header FROM chunk WHERE page = ? ORDER BY start", page)
        found += _of_page(number, text, chunks)
    return found


def _of_page(number: int | None, text: str, chunks: Sequence[tuple[Any, ...]]) -> Iterator[FilePiece]:
    begins = [(0, *chunks[0][1:]), *chunks[1:]] if chunks else [(0, "", "")]
    ends = [start for start, *_ in begins[1:]] + [len(text)]
    for (start, place, header), end in zip(begins, ends, strict=True):
        spans = list(sentences(text[start:end], lines_end=True))
        for group in _short_enough(spans):
            first, last = start + group[0][0], start + group[-1][1]
            inside = tuple((start + begin, start + stop) for begin, stop in group)
            yield FilePiece(number, first, last, text[first:last], place, header, inside)


def _short_enough(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """The sentences in groups of at most `_LONGEST_PIECE` characters; a longer sentence is cut into such pieces."""
    cut = [(at, min(at + _LONGEST_PIECE, end)) for start, end in spans for at in range(start, end, _LONGEST_PIECE)]
    group: list[Span] = []
    for span in cut:
        if group and span[1] - group[0][0] > _LONGEST_PIECE:
            yield group
            group = []
        group.append(span)
    if group:
        yield group
