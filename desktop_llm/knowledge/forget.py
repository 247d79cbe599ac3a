"""Forgets a file: every trace of its text leaves the data folder, except for what was quoted in chats."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from desktop_llm.errors import NotFound
from desktop_llm.knowledge.folders import stay_out
from desktop_llm.knowledge.shapes import Forgotten
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr


def forget(store: Store, path: Path, database: Path) -> tuple[Forgotten, list[int]]:
    """Remove a file from all collections, and its text unless other files have the same; older copies of the database
    are deleted, too. The second value are the collections whose index still holds the vectors. Raises NotFound.
    """
    key = os.fsencode(path)
    query = "SELECT id, collection, source FROM document WHERE path = ? ORDER BY collection"
    rows = store.rows(query, key)
    if not rows:
        raise NotFound(tr("{file} is in no collection.", file=path), tr("Nothing was changed."))
    sources = {source for _, _, source in rows if source is not None}
    collections = [collection for _, collection, _ in rows]
    names = [store.rows("SELECT name FROM collection WHERE id = ?", collection)[0][0] for collection in collections]
    others: list[str] = []
    pages = passages = vectors = 0
    for source in sorted(sources):
        also = store.rows("SELECT DISTINCT path FROM document WHERE source = ? AND path <> ?", source, key)
        others += [os.fsdecode(other) for (other,) in also]
        if also:
            continue
        pages += store.rows("SELECT count(*) FROM page WHERE source = ?", source)[0][0]
        passages += store.rows("SELECT count(*) FROM chunk WHERE source = ?", source)[0][0]
        of_source = "SELECT count(*) FROM vector WHERE chunk IN (SELECT id FROM chunk WHERE source = ?)"
        vectors += store.rows(of_source, source)[0][0]
    for document, collection, _ in rows:
        stay_out(store, collection, key)
        store.remove_documents(collection, [document])
    copies = _delete_copies(database)
    return Forgotten(str(path), tuple(names), pages, passages, vectors, tuple(sorted(others)), copies), collections


def _delete_copies(database: Path) -> int:
    """Delete what an update or a repair of the database kept of it."""
    copies = [*database.parent.glob(f"{database.name}.v*"), *database.parent.glob(f"{database.stem}-damaged-*")]
    for copy in copies:
        if copy.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                copy.unlink()
    return sum(not copy.exists() for copy in copies)
