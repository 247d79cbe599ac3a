"""The truth about documents: one SQLite file with collections, files, sources, pages, chunks, vectors and keywords.

    collection -< document >- source -< page -< chunk -< vector (one for each embedding model)

A source is a file's content (by its sha256), read by one version of our reader and chunker; equal files in several
folders and collections share it, and it is deleted with the last of them. One connection writes, from one thread.
`index_task` lists the changes that the nearest-neighbour index has not taken in yet, each written in the same
transaction as its cause.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from desktop_llm.errors import FREE_SPACE, BadRequest, NotFound, UserError
from desktop_llm.files import cannot_write
from desktop_llm.knowledge import keyword_index
from desktop_llm.knowledge.keywords import TOKENIZER
from desktop_llm.knowledge.schema import migrate
from desktop_llm.knowledge.seal import KnownFolder
from desktop_llm.knowledge.sources import (
    Reason,
    SourceRow,
    add_task,
    damaged_vectors,
    forget_slice,
    forget_unused,
    insert_source,
    is_whole,
    self_test_key,
    unlink,
)
from desktop_llm.sqlite_files import DAMAGED, connect_read_only, family, mark_suspect, tolerant_text
from desktop_llm.words import Sentence, tr

_UNUSED = "SELECT id FROM source WHERE id NOT IN (SELECT source FROM document WHERE source IS NOT NULL)"
# The causes of failures after which a file has no text: what was read of it earlier is not in it any more.
_NO_TEXT_ANY_MORE = ("missing", "empty")


class Damaged(UserError):
    """The database is damaged; opening it again recovers it."""


class Store:
    """Owns the database's connection. Raises UserError if the disk is full, or the file damaged or too new.

    On a full or read-only disk it can be read, and is then `read_only`.
    """

    read_only = False
    _is_closed = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept_at = -1
        self._kept: dict[tuple[str, tuple[Any, ...]], list[Any]] = {}
        with self._in_words():
            try:
                self._connection = _connect(path)
            except (sqlite3.OperationalError, OSError):
                self.read_only = True
                self._connection = _connect_read_only(path)
            migrate(self._connection, path, TOKENIZER)
            if self.read_only:
                self._connection.execute("PRAGMA query_only = ON")
            elif not keyword_index.is_current(self._connection):
                with self.transaction() as connection:
                    keyword_index.rebuild(connection)

    def try_writing(self) -> None:
        """Become writable if the disk can be written by now."""
        if self.read_only:
            with contextlib.suppress(UserError):
                again = Store(self._path)
                self._connection, self.read_only = again._connection, again.read_only
                self._kept_at = -1

    def close(self) -> None:
        """Close the file; its write-ahead log goes into it. Whoever still works with it is told that it is damaged."""
        self._is_closed = True
        self._connection.close()

    def lists(self) -> dict[str, list[bytes]]:
        """The paths of each collection's documents, by the collection's name."""
        query = "SELECT name, path FROM collection LEFT JOIN document ON document.collection = collection.id"
        found: dict[str, list[bytes]] = {}
        for name, path in self.rows(query):
            paths = found.setdefault(name, [])
            if path is not None:
                paths.append(path)
        return found

    def folders(self) -> dict[str, list[KnownFolder]]:
        """The remembered folders of each collection that has any, by the collection's name."""
        query = (
            "SELECT name, path, include, exclude, watched FROM folder "
            "JOIN collection ON collection.id = folder.collection ORDER BY name, path"
        )
        found: dict[str, list[KnownFolder]] = {}
        for name, *folder in self.rows(query):
            found.setdefault(name, []).append(KnownFolder(*folder))
        return found

    @property
    def changes(self) -> int:
        """A number that differs once anything was stored or deleted."""
        return self._connection.total_changes

    def rows(self, query: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        with self._in_words():
            return self._connection.execute(query, values).fetchall()

    def kept_rows(self, query: str, *values: Any) -> list[Any]:
        """All rows of a query, which is asked again only once anything was stored or deleted: for counts of many."""
        if self._kept_at != self.changes:
            self._kept_at, self._kept = self.changes, {}
        if (query, values) not in self._kept:
            self._kept[query, values] = self.rows(query, *values)
        return self._kept[query, values]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction: all or nothing, and on the disk when it ends."""
        with self._in_words():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # With a full disk, SQLite may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # Collections

    def collection(self, name: str) -> int:
        """The collection's id. Raises NotFound."""
        found = self.rows("SELECT id FROM collection WHERE name IN (?, ?)", name, _on_one_line(name))
        if not found:
            raise NotFound(
                tr("There is no collection named {name}.", name=name),
                tr("Its name may have changed; your other collections are as before."),
            )
        return int(found[0][0])

    def create_collection(self, name: str) -> int:
        """Create a collection and return its id. Raises BadRequest for an empty or taken name."""
        name = _checked_name(name)
        self._must_be_free(name)
        with self.transaction() as connection:
            query = "INSERT INTO collection(name, changed_at) VALUES(?, ?)"
            return int(connection.execute(query, (name, time.time())).lastrowid or 0)

    def rename_collection(self, collection: int, name: str) -> None:
        """Rename a collection. Raises BadRequest for an empty or taken name."""
        name = _checked_name(name)
        if self.rows("SELECT 1 FROM collection WHERE id = ? AND name = ?", collection, name):
            return
        self._must_be_free(name)
        with self.transaction() as connection:
            connection.execute("UPDATE collection SET name = ? WHERE id = ?", (name, collection))

    def remove_collection(self, collection: int) -> None:
        """Delete a collection; `sweep` deletes the contents that only it had."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM document WHERE collection = ?", (collection,))
            connection.execute("DELETE FROM index_task WHERE collection = ?", (collection,))
            connection.execute("DELETE FROM collection WHERE id = ?", (collection,))
            connection.execute("DELETE FROM fact WHERE key = ?", (self_test_key(collection),))
            for (source,) in connection.execute(_UNUSED).fetchall():
                forget_unused(connection, source)

    # Documents

    def enqueue(self, collection: int, paths: Iterable[bytes], *, named: bool = False) -> None:
        """Note files that are to be read; files that were read before keep their text until then.

        `named`: a person named these very files, so they stay whatever a folder's patterns say.
        """
        query = (
            "INSERT INTO document(collection, path, status, reason, size_bytes, mtime_ns, waiting, named) "
            "VALUES(?, ?, 'waiting', '', 0, 0, 1, ?) "
            "ON CONFLICT(collection, path) DO UPDATE SET waiting = 1, named = max(named, excluded.named)"
        )
        with self.transaction() as connection:
            connection.executemany(query, ((collection, path, named) for path in paths))

    def forget_waiting(self, collection: int) -> None:
        """Forget the waiting files: they are not to be read any more."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM document WHERE collection = ? AND status = 'waiting'", (collection,))
            connection.execute("UPDATE document SET waiting = 0 WHERE collection = ?", (collection,))

    def remove_documents(self, collection: int, documents: Sequence[int]) -> None:
        """Delete documents; `sweep` deletes the contents that no other document has."""
        with self.transaction() as connection:
            for document in documents:
                source = unlink(connection, collection, document)
                connection.execute("DELETE FROM document WHERE id = ?", (document,))
                forget_unused(connection, source)
            touch(connection, collection)

    def sweep(self) -> Iterator[None]:
        """Delete the contents that no document has any more, a slice a step."""
        for (source,) in [] if self.read_only else self.rows(_UNUSED):
            gone = False
            while not gone:
                with self.transaction() as connection:
                    gone = forget_slice(connection, source)
                yield None

    def wipe(self) -> Iterator[None]:
        """Wipe removed text from the keyword index and the log too, not only from the tables; a little a step."""
        before, first = -1, True
        while self.changes - before > 1:  # the statement itself counts as one
            before = self.changes
            with self.transaction() as connection:
                keyword_index.merge(connection, first=first)
            first = False
            yield None
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def fail_document(self, collection: int, path: bytes, size_bytes: int, mtime_ns: int, reason: Reason) -> None:
        """Note that a file could not be read. Its earlier reading stays in use, unless the file is gone or empty."""
        with self.transaction() as connection:
            if reason.cause in _NO_TEXT_ANY_MORE or not self._is_read(connection, collection, path):
                state = (size_bytes, mtime_ns)
                self._set_document(connection, collection, path, None, "failed", reason.stored(), *state)
            else:
                connection.execute(
                    "UPDATE document SET unread = ?, size_bytes = ?, mtime_ns = ?, waiting = 0 "
                    "WHERE collection = ? AND path = ?",
                    (reason.stored(), size_bytes, mtime_ns, collection, path),
                )
                touch(connection, collection)
            _count_try(connection, collection, path, reason)

    def link_document(self, collection: int, path: bytes, size_bytes: int, mtime_ns: int, source: int) -> None:
        """Note that a file's content is already stored; if only a part of it is, that holds for this file too."""
        with self.transaction() as connection:
            partly = "SELECT reason FROM document WHERE source = ? AND status = 'ready' LIMIT 1"
            (reason,) = connection.execute(partly, (source,)).fetchone() or ("",)
            self._set_document(connection, collection, path, source, "ready", reason, size_bytes, mtime_ns)

    def add_document(
        self,
        collection: int,
        path: bytes,
        size_bytes: int,
        mtime_ns: int,
        read: SourceRow,
        fingerprint: str,
        *,
        partly: Callable[[int], Reason | None] = lambda _: None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> int:
        """Store a file that was read, with its content, in one transaction; returns the source's id.

        Once `is_over`, no more of its chunks are stored. `partly`: the reason why so many are not all of the file.
        A reading of the same content that was cut short takes its place with all documents that have it.
        """
        with self.transaction() as connection:
            have_it: list[Any] = []
            if (before := self.known_source(read.sha256, read.version)) is not None:
                query = (
                    "SELECT collection, path, size_bytes, mtime_ns FROM document "
                    "WHERE source = ? AND NOT (collection = ? AND path = ?)"
                )
                have_it = connection.execute(query, (before, collection, path)).fetchall()
                connection.execute("UPDATE source SET version = version || ' cut short' WHERE id = ?", (before,))
            source, stored = insert_source(connection, read, fingerprint, is_over)
            reason = partly(stored)
            said = reason.stored() if reason else ""
            for its_collection, its_path, size, time_ns in ((collection, path, size_bytes, mtime_ns), *have_it):
                self._set_document(connection, its_collection, its_path, source, "ready", said, size, time_ns)
                _count_try(connection, its_collection, its_path, reason)
        return source

    def contents(self) -> set[tuple[str, str]]:
        """The checksums and versions of all contents that need not be read again."""
        query = (
            "SELECT sha256, version FROM source WHERE id NOT IN "
            "(SELECT source FROM document WHERE source IS NOT NULL AND tries > 0 AND unread = '')"
        )
        return set(self.rows(query))

    def known_source(self, sha256: str, version: str) -> int | None:
        """The id of the source with this content, read by this version."""
        found = self.rows("SELECT id FROM source WHERE sha256 = ? AND version = ?", sha256, version)
        return int(found[0][0]) if found else None

    def damaged(self, collection: int) -> list[int]:
        """The contents of a collection that are not stored as they were read."""
        query = "SELECT DISTINCT source FROM document WHERE collection = ? AND source IS NOT NULL"
        with self._in_words():
            return [source for (source,) in self.rows(query, collection) if not is_whole(self._connection, source)]

    def damaged_vectors(self, collection: int) -> list[int]:
        """The contents of a collection whose vectors of any model are not as they were stored."""
        mine = {source for (source,) in self.rows("SELECT source FROM document WHERE collection = ?", collection)}
        with self._in_words():
            return [source for source, _ in damaged_vectors(self._connection) if source in mine]

    # Tasks of the index, and single remembered values

    def finish_tasks(self, tasks: Sequence[int]) -> None:
        """Delete tasks that the index has done."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM index_task WHERE id = ?", ((task,) for task in tasks))

    def remembered(self, key: str) -> str | None:
        """A single remembered value."""
        found = self.rows("SELECT value FROM fact WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def forget(self, key: str) -> None:
        """Forget a single value."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM fact WHERE key = ?", (key,))

    def remember(self, key: str, value: str) -> None:
        """Remember a single value."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO fact(key, value) VALUES(?, ?)", (key, value))

    def _set_document(
        self,
        connection: sqlite3.Connection,
        collection: int,
        path: bytes,
        source: int | None,
        status: str,
        reason: str,
        size_bytes: int,
        mtime_ns: int,
    ) -> None:
        query = "SELECT id, source FROM document WHERE collection = ? AND path = ?"
        found = connection.execute(query, (collection, path)).fetchone() or (None, None)
        same = source is not None and found[1] == source  # only the file's time is another
        before = None if same or found[0] is None else unlink(connection, collection, found[0])
        connection.execute(
            "INSERT INTO document(collection, path, source, status, reason, size_bytes, mtime_ns, waiting) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT(collection, path) DO UPDATE SET source = excluded.source, "
            "status = excluded.status, reason = excluded.reason, size_bytes = excluded.size_bytes, "
            "mtime_ns = excluded.mtime_ns, waiting = 0, unread = ''",
            (collection, path, source, status, reason, size_bytes, mtime_ns),
        )
        shared = "SELECT 1 FROM document WHERE collection = ? AND source = ? AND path <> ?"
        # The index has the content of another document already, and taking it in again costs most of such a reading.
        if source is not None and not connection.execute(shared, (collection, source, path)).fetchone() and not same:
            add_task(connection, collection, "add", source)
        forget_unused(connection, before)
        touch(connection, collection)

    @staticmethod
    def _is_read(connection: sqlite3.Connection, collection: int, path: bytes) -> bool:
        query = "SELECT 1 FROM document WHERE collection = ? AND path = ? AND source IS NOT NULL"
        return connection.execute(query, (collection, path)).fetchone() is not None

    def _must_be_free(self, name: str) -> None:
        if self.rows("SELECT 1 FROM collection WHERE name = ?", name):
            raise BadRequest(tr("There is already a collection named {name}.", name=name), tr("Choose another name."))

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError) and not self._is_closed:
                raise
            if self._is_closed or family(error) in DAMAGED:
                if not self._is_closed:
                    mark_suspect(self._path)
                raise Damaged(
                    tr("{file} is damaged.", file=self._path),
                    tr("Your documents themselves are untouched. Try again: what can be read will be recovered."),
                    details=str(error),
                ) from error
            raise _refused(self._path, error) from error
        except OSError as error:
            raise cannot_write(self._path, error) from error


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """The file as it is; an empty database in memory if there is none or only the beginning of one."""
    if path.exists() and path.stat().st_size:
        return connect_read_only(path)
    return sqlite3.connect(":memory:", isolation_level=None)


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.text_factory = tolerant_text
    # The worker may write nowhere but in its folder, so a long transaction's temporary data stays in memory.
    in_memory = "temp_store=MEMORY"
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "cache_size=-32000")
    try:
        for pragma in (*pragmas, in_memory):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _count_try(connection: sqlite3.Connection, collection: int, path: bytes, reason: Reason | None) -> None:
    """Count how often in a row a file was not read for a reason that may pass."""
    tries = "tries + 1" if reason is not None and reason.passing else "0"
    query = f"UPDATE document SET tries = {tries} WHERE collection = ? AND path = ?"
    connection.execute(query, (collection, path))


def touch(connection: sqlite3.Connection, collection: int) -> None:
    """Note that a collection has changed now."""
    connection.execute("UPDATE collection SET changed_at = ? WHERE id = ?", (time.time(), collection))


def _on_one_line(name: str) -> str:
    return " ".join(name.split())


def _checked_name(name: str) -> str:
    name = _on_one_line(name)
    if not name or len(name) > 200:
        raise BadRequest(tr("A collection needs a name of 1 to 200 characters."), tr("Nothing was changed."))
    return name


def _refused(path: Path, error: sqlite3.Error) -> UserError:
    """The error for a file that SQLite can't write or use; what SQLite itself said is in the details."""
    if family(error) == sqlite3.SQLITE_FULL:
        title = tr("The disk with {file} is full, so nothing more can be stored.", file=path)
        text = tr("Your files are untouched, and text read before is safe. Free some space, then try again.")
    elif family(error) == sqlite3.SQLITE_READONLY:
        title = tr("{file} can't be written to, so nothing more can be stored.", file=path)
        text = _check_disk()
    else:
        title, text = tr("{file} can't be used.", file=path), _check_disk()
    return UserError(title, text, action=FREE_SPACE, details=str(error))


def _check_disk() -> Sentence:
    return tr(
        "Your files are untouched, and text read before is safe. Check the disk and the folder's permissions, "
        "then try again."
    )
