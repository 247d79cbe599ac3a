"""The content of collections in numbers and lists: queries that change nothing in the store."""

from __future__ import annotations

import json
import os
from collections.abc import Collection as CollectionOf
from dataclasses import replace

from desktop_llm.knowledge.folders import Changes, folders_of
from desktop_llm.knowledge.recovery import NOTICE
from desktop_llm.knowledge.shapes import Collection, Document, FailedDocument, IndexReport, PageText
from desktop_llm.knowledge.sources import Reason
from desktop_llm.knowledge.store import Store
from desktop_llm.words import from_json, plural, tr

_FAILED = "status = 'failed' OR reason <> '' OR unread <> ''"
_MINE = "source IN (SELECT source FROM document WHERE collection = ?)"


def summary(store: Store, collection: int, running: CollectionOf[int], paused: CollectionOf[int]) -> Collection:
    """A collection's summary as the window shows it."""
    ((name, changed_at),) = store.rows("SELECT name, changed_at FROM collection WHERE id = ?", collection)
    query = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM document WHERE collection = ? AND status = 'ready'"
    ((documents, size_bytes),) = store.rows(query, collection)
    ((chunks,),) = store.rows(f"SELECT count(*) FROM chunk WHERE {_MINE}", collection)
    of_mine = f"SELECT coalesce(sum(words), 0) FROM (SELECT id AS source, words FROM source) WHERE {_MINE}"
    ((words,),) = store.rows(of_mine, collection)
    ((pages,),) = store.rows(f"SELECT count(*) FROM page WHERE number IS NOT NULL AND {_MINE}", collection)
    formats = store.rows(
        "SELECT format, count(*) FROM document JOIN source ON source.id = document.source WHERE collection = ? "
        "GROUP BY format ORDER BY count(*) DESC, format",
        collection,
    )
    return Collection(
        name=name,
        state=state(store, collection, running, paused),
        documents=documents,
        pages=pages,
        chunks=chunks,
        words=words,
        failed=failed(store, collection),
        size_bytes=size_bytes,
        changed_at=changed_at,
        formats=tuple((each, count) for each, count in formats),
        folders=tuple(folders_of(store, collection)),
    )


def state(store: Store, collection: int, running: CollectionOf[int], paused: CollectionOf[int]) -> str:
    """A collection's state: ready, reading, paused, attention or empty."""
    if collection in running:
        return "paused" if collection in paused else "reading"
    query = f"SELECT max(waiting), max({_FAILED}), count(*) FROM document WHERE collection = ?"
    ((waits, failures, documents),) = store.rows(query, collection)
    if not documents:
        return "empty"
    if waits:
        return "paused"
    failures = failures or any(folder.problem for folder in folders_of(store, collection))
    return "attention" if failures else "ready"


def failed(store: Store, collection: int) -> tuple[FailedDocument, ...]:
    """The documents that could not be read, or only in part, by path."""
    query = f"SELECT path, status, reason, unread FROM document WHERE collection = ? AND ({_FAILED}) ORDER BY path"
    return tuple(_failed(*row) for row in store.rows(query, collection))


def _failed(path: bytes, status: str, stored: str, unread: str) -> FailedDocument:
    reason = said(stored, unread)
    return FailedDocument(os.fsdecode(path), reason.text, reason.cause, in_use=status == "ready")


def said(stored: str, unread: str) -> Reason:
    """What is said about a document: why it can't be read as it is now, if it was before; else why it was not."""
    if not unread:
        return Reason.read(stored)
    reason = Reason.read(unread)
    if reason.text.endswith("."):
        return replace(reason, text=tr("{reason} The last reading is in use.", reason=reason.text))
    return replace(reason, text=tr("{reason}. The last reading is in use.", reason=reason.text))


def report(
    summary: Collection, *, skipped: int = 0, seconds: float = 0.0, size_bytes: int | None = None
) -> IndexReport:
    """A summary as a report; without a run `bytes` is the size of all documents."""
    return IndexReport(
        collection=summary.name,
        state=summary.state,
        documents=summary.documents,
        chunks=summary.chunks,
        failed=summary.failed,
        skipped=skipped,
        seconds=round(seconds, 3),
        bytes=summary.size_bytes if size_bytes is None else size_bytes,
        folders=summary.folders,
        model=summary.model,
        next_model=summary.next_model,
        problem=summary.problem,
    )


def with_changes(report: IndexReport, changes: Changes, *, settled: bool = True) -> IndexReport:
    """The report with what a look through the folders found; unless it is `settled`, only how much that is."""
    if not settled:
        return replace(report, changed=changes.count)
    return replace(
        report,
        added=len(changes.new),
        updated=len(changes.changed),
        moved=len(changes.moved),
        removed=len(changes.vanished) + len(changes.excluded),
    )


def documents(store: Store, collection: int) -> list[Document]:
    """A collection's files by path."""
    rows = store.rows(
        "SELECT path, CASE waiting WHEN 1 THEN 'waiting' ELSE status END, reason, unread, "
        "(SELECT count(*) FROM page WHERE source = document.source AND number IS NOT NULL), "
        "(SELECT count(*) FROM chunk WHERE source = document.source), size_bytes "
        "FROM document WHERE collection = ? ORDER BY path",
        collection,
    )
    return [_document(*row) for row in rows]


def _document(path: bytes, status: str, stored: str, unread: str, pages: int, chunks: int, size_bytes: int) -> Document:
    reason = said(stored, unread)
    return Document(os.fsdecode(path), status, reason.text, pages, chunks, size_bytes, reason.cause)


def documents_below(store: Store, collection: int, path: bytes) -> list[int]:
    """The document with this path; for a folder, all documents below it."""
    below = path.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    query = "SELECT id FROM document WHERE collection = ? AND (path = ? OR substr(path, 1, ?) = ?)"
    return [row for (row,) in store.rows(query, collection, path, len(below), below)]


def problems(store: Store, collection: int) -> list[str]:
    """Sentences about the faults of the store; empty if it has none."""
    found = [text for (text,) in store.rows("PRAGMA integrity_check(10)") if text != "ok"]
    if wrong := len(store.damaged(collection)):
        found.append(
            plural(
                "The stored text of one document is not what was read; read it again.",
                "The stored text of %n documents is not what was read; read them again.",
                wrong,
            )
        )
    if wrong := len(store.damaged_vectors(collection)):
        found.append(
            plural(
                "The vectors of one document are not what was computed; start the app again to have them made again.",
                "The vectors of %n documents are not what was computed; start the app again to have them made again.",
                wrong,
            )
        )
    return found


def notice(store: Store) -> str:
    """What is to be said about a database that was damaged or lost; "" if it was not."""
    kept = store.remembered(NOTICE)
    return "" if kept is None else from_json(json.loads(kept))


def checked(report: IndexReport, problems: list[str]) -> IndexReport:
    """The report with the problems that a check found added to its failures."""
    more = tuple(FailedDocument(report.collection, problem) for problem in problems)
    return replace(report, failed=report.failed + more, state="attention" if problems else report.state)


def waiting(store: Store, running: CollectionOf[int]) -> list[str]:
    """The names of the collections that have waiting files but no run."""
    query = (
        "SELECT id, name FROM collection WHERE id IN (SELECT collection FROM document WHERE waiting = 1) ORDER BY name"
    )
    return [name for collection, name in store.rows(query) if collection not in running]


def page_text(store: Store, path: bytes, page: int | None) -> PageText | None:
    """The stored text of a document's page; None if there is none."""
    rows = store.rows(
        "SELECT page.text, source.page_count, source.title FROM document JOIN source ON source.id = document.source "
        "JOIN page ON page.source = source.id WHERE document.path = ? AND page.number IS ? "
        "ORDER BY document.id DESC, page.position LIMIT 1",
        path,
        page,
    )
    return PageText(*rows[0]) if rows else None
