"""Recovers a damaged or lost knowledge.db: keeps it aside, brings what can be trusted into a new file, and says so.

A content is kept if all of it is there and its checksum fits; a document without one waits to be read again. If the
database is gone, its seal says which documents and folders there were; the folders are then looked through again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from desktop_llm import sqlite_files
from desktop_llm.files import cannot_write
from desktop_llm.knowledge import keyword_index
from desktop_llm.knowledge.folders import folder_of_row, is_found
from desktop_llm.knowledge.keywords import TOKENIZER
from desktop_llm.knowledge.schema import VERSION, migrate
from desktop_llm.knowledge.seal import Seal, read_seal
from desktop_llm.knowledge.sources import damaged_vectors, drop_vectors, is_whole
from desktop_llm.words import Sentence, plural, to_json, tr

NOTICE = "damage"
_ROWS = ("collection", "document", "source", "page", "chunk")
_TABLES = (*_ROWS, "vector", "fact")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a new file holds: collections, documents, and those of them that have to be read again."""

    collections: int
    documents: int
    again: int
    folders: int


def ensure_sound(path: Path, index: Path) -> None:
    """Recover the database if it is damaged or lost; the sentence about it is then a fact in it.

    Raises UserError if the disk does not let it happen, and leaves everything as it is.
    """
    if sqlite_files.salvaged(path).exists():
        sqlite_files.take_place(path)
        return
    before = read_seal(path)
    try:
        if reason := damage(path, index, before):
            _replace(path, before, reason)
    except OSError as error:
        raise cannot_write(path, error) from error


def damage(path: Path, index: Path, seal: Seal | None) -> str:
    """What is wrong with the database, in words; "" if it is sound or there never was one."""
    if not path.exists() or path.stat().st_size == 0:
        log = path.with_name(path.name + "-wal")
        listed = seal is not None and bool(seal.held.lists)
        held = listed or any(index.glob("*/*")) or (log.exists() and log.stat().st_size)
        return tr("it is empty or missing") if held else ""
    if sqlite_files.suspect_mark(path).exists():
        return tr("reading it failed")
    try:
        with contextlib.closing(sqlite_files.connect_read_only(path)) as connection:
            return _fault(connection, path, seal)
    except UnicodeDecodeError:  # Python chokes on SQLite's message about a damaged name
        return tr("its layout can't be read")
    except sqlite3.DatabaseError as error:
        if sqlite_files.family(error) in sqlite_files.DAMAGED or "no such" in str(error):
            return str(error)
        return ""  # a full or busy disk: opening it will say so


def _fault(connection: sqlite3.Connection, path: Path, seal: Seal | None) -> str:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION or (not version and not connection.execute("SELECT 1 FROM sqlite_master").fetchone()):
        return ""  # of a newer version, or only just begun
    if sqlite_files.count_tables(connection, _TABLES) < len(_TABLES):
        return tr("its layout can't be read")
    if seal is not None and seal.checksum:
        return "" if seal.fits(path) else tr("it is not what it was when it was last closed")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        return str(verdict)
    sources = connection.execute("SELECT DISTINCT source FROM document WHERE source IS NOT NULL").fetchall()
    if not all(_is_sound(connection, source) for (source,) in sources):
        return tr("a part of the text is not what was read")
    return ""


def _replace(path: Path, seal: Seal | None, reason: str) -> None:
    folder = sqlite_files.keep_aside(path)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        migrate(target, fresh, TOKENIZER)
    source = sqlite_files.open_damaged(folder / path.name, fresh, _TABLES) if path.exists() else None
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        if source is not None:
            with contextlib.closing(source):
                _copy(source, target)
        _mend(target, seal)
        kept = _count(target)
        told = json.dumps(to_json(_told(kept, reason, folder)))
        target.execute("INSERT OR REPLACE INTO fact(key, value) VALUES(?, ?)", (NOTICE, told))
        target.execute("COMMIT")
    sqlite_files.put_in_place(fresh, path)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    for table in _ROWS:
        sqlite_files.copy_rows(source, target, table)
    if sqlite_files.count_tables(source, ("folder",)):  # version 1 had none
        sqlite_files.copy_rows(source, target, "folder")
    sqlite_files.copy_rows(source, target, "vector", by="chunk")
    if sqlite_files.count_tables(source, ("embedding_model", "embedded")):  # nor did version 2 have these
        sqlite_files.copy_rows(source, target, "embedding_model")
        sqlite_files.copy_rows(source, target, "embedded", by="source")
    for (number,) in target.execute("SELECT id FROM source").fetchall():
        with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            row = source.execute("SELECT key, value FROM fact WHERE key = ?", (f"seal:{number}",)).fetchone()
            if row is not None:
                target.execute("INSERT OR REPLACE INTO fact(key, value) VALUES(?, ?)", tuple(row))


def _mend(target: sqlite3.Connection, seal: Seal | None) -> None:
    """Drop what is not whole, have its documents wait, and bring back the documents that the seal lists."""
    for (source,) in target.execute("SELECT id FROM source").fetchall():
        if not _is_sound(target, source):
            target.execute("DELETE FROM source WHERE id = ?", (source,))
    for statement in (
        "DELETE FROM fact WHERE key LIKE 'seal:%' AND substr(key, 6) NOT IN (SELECT CAST(id AS TEXT) FROM source)",
        "DELETE FROM page WHERE source NOT IN (SELECT id FROM source)",
        "DELETE FROM chunk WHERE source NOT IN (SELECT id FROM source)",
        "DELETE FROM vector WHERE chunk NOT IN (SELECT id FROM chunk)",
        "DELETE FROM embedded WHERE source NOT IN (SELECT id FROM source)",
        "UPDATE document SET source = NULL, status = 'waiting', reason = '', waiting = 1 WHERE status = 'ready' "
        "AND (source IS NULL OR source NOT IN (SELECT id FROM source))",
        "UPDATE document SET source = NULL WHERE status <> 'ready' AND waiting = 0",
        "UPDATE document SET waiting = 1 WHERE status NOT IN ('ready', 'failed')",
    ):
        target.execute(statement)
    for source, fingerprint in damaged_vectors(target):
        drop_vectors(target, source, fingerprint)  # they are made again
    _mend_lists(target, seal)
    _mend_folders(target, seal)
    target.execute("DELETE FROM folder WHERE collection NOT IN (SELECT id FROM collection)")
    unused = "DELETE FROM source WHERE id NOT IN (SELECT source FROM document WHERE source IS NOT NULL)"
    target.execute(unused)
    target.execute("DELETE FROM chunk WHERE source NOT IN (SELECT id FROM source)")
    target.execute("DELETE FROM page WHERE source NOT IN (SELECT id FROM source)")
    target.execute("DELETE FROM embedded WHERE source NOT IN (SELECT id FROM source)")
    target.execute("DELETE FROM vector WHERE chunk NOT IN (SELECT id FROM chunk)")
    keyword_index.rebuild(target)


def _is_sound(target: sqlite3.Connection, source: int) -> bool:
    try:
        return is_whole(target, source)
    except (TypeError, ValueError, AttributeError):  # a damaged value has another type
        return False


def _mend_lists(target: sqlite3.Connection, seal: Seal | None) -> None:
    """Make collections and documents those of the seal; without one, give lost collections a name."""
    lists = seal.held.lists if seal is not None else {}
    exact = bool(seal is not None and seal.checksum)
    names = dict(target.execute("SELECT name, id FROM collection").fetchall())
    for name in lists:
        if name not in names and (exact or not names):
            lost = _collection_of(target, lists[name])
            fields = (lost, name) if lost else (None, name)
            names[name] = target.execute("INSERT INTO collection(id, name) VALUES(?, ?)", fields).lastrowid
    if exact:
        for name in set(names) - set(lists):
            target.execute("DELETE FROM collection WHERE id = ?", (names.pop(name),))
    orphans = "SELECT DISTINCT collection FROM document WHERE collection NOT IN (SELECT id FROM collection)"
    for (collection,) in target.execute(orphans).fetchall():
        if exact:
            target.execute("DELETE FROM document WHERE collection = ?", (collection,))
        else:
            name = tr("Recovered documents {number}", number=collection)
            target.execute("INSERT INTO collection(id, name) VALUES(?, ?)", (collection, str(name)))
    for name, paths in lists.items():
        if name in names and (exact or not _documents(target, names[name])):
            _mend_list(target, int(names[name] or 0), paths)


def _mend_list(target: sqlite3.Connection, collection: int, paths: list[bytes]) -> None:
    known = _documents(target, collection)
    for path in known - set(paths):
        target.execute("DELETE FROM document WHERE collection = ? AND path = ?", (collection, path))
    target.executemany(
        "INSERT INTO document(collection, path, status, reason, size_bytes, mtime_ns, waiting) "
        "VALUES(?, ?, 'waiting', '', 0, 0, 1)",
        ((collection, path) for path in paths if path not in known),
    )


def _mend_folders(target: sqlite3.Connection, seal: Seal | None) -> None:
    """Bring back the folders that the seal lists for collections that have lost theirs, and tell the files that were
    named by themselves: those that no look through the folders would find.
    """
    names = dict(target.execute("SELECT name, id FROM collection").fetchall())
    for name, folders in (seal.held.folders if seal is not None else {}).items():
        collection = names.get(name)
        query = "SELECT 1 FROM folder WHERE collection = ?"
        if collection is None or target.execute(query, (collection,)).fetchone() is not None:
            continue
        query = "INSERT INTO folder(collection, path, include, exclude, watched) VALUES(?, ?, ?, ?, ?)"
        rows = [(collection, each.path, each.include, each.exclude, each.watched) for each in folders]
        target.executemany(query, rows)
        known = [folder_of_row(*row[1:]) for row in rows]
        target.executemany(
            "UPDATE document SET named = 1 WHERE collection = ? AND path = ?",
            ((collection, path) for path in _documents(target, collection) if not is_found(known, path)),
        )


def _documents(target: sqlite3.Connection, collection: int | None) -> set[bytes]:
    return {path for (path,) in target.execute("SELECT path FROM document WHERE collection = ?", (collection,))}


def _collection_of(target: sqlite3.Connection, paths: list[bytes]) -> int | None:
    """The number of a collection whose row was lost: the one that its documents still have."""
    query = "SELECT collection FROM document WHERE path = ? AND collection NOT IN (SELECT id FROM collection) LIMIT 1"
    for path in paths[:1000]:
        if (found := target.execute(query, (path,)).fetchone()) is not None:
            return int(found[0])
    return None


def _count(target: sqlite3.Connection) -> _Kept:
    (collections,) = target.execute("SELECT count(*) FROM collection").fetchone()
    documents, again = target.execute("SELECT count(*), coalesce(sum(waiting), 0) FROM document").fetchone()
    (folders,) = target.execute("SELECT count(*) FROM folder").fetchone()
    return _Kept(collections, documents, again, folders)


def _told(kept: _Kept, reason: str, folder: Path) -> Sentence:
    said = _sentence(kept, reason, folder)
    if not (kept.again and kept.folders):
        return said
    again = plural(
        "Its folder is still remembered and is looked through again.",
        "Your %n folders are still remembered and are looked through again.",
        kept.folders,
    )
    return tr("{said} {again}", said=said, again=again)


def _sentence(kept: _Kept, reason: str, folder: Path) -> Sentence:
    if not kept.collections:
        return tr(
            "The file with the text of your documents was lost ({reason}), and with it the list of your collections. "
            "Your documents themselves are untouched: add them again. What was left of the file is kept in {folder}.",
            reason=reason,
            folder=folder,
        )
    if kept.again:
        return tr(
            "The file with the text of your documents was damaged ({reason}). {again:,} of {total:,} documents have "
            "to be read again, which the window does by itself. The others can be searched, and your documents "
            "themselves are untouched. The damaged file is kept in {folder}.",
            reason=reason,
            again=kept.again,
            total=kept.documents,
            folder=folder,
        )
    return tr(
        "The file with the text of your documents was damaged ({reason}). All {total:,} documents could be recovered "
        "and can be searched. The damaged file is kept in {folder}.",
        reason=reason,
        total=kept.documents,
        folder=folder,
    )
