"""The truth about documents: one SQLite file with collections, files, sources, pages, chunks, vectors and keywords.

    collection -< document >- source -< page -< chunk -< vector (one for each embedding model)

A source is a content (sha256), read by one version of our reader and chunker; documents of several folders and
collections share it, and it goes with the last of them. One connection writes, from one thread. What the nearest-
neighbour index still has to learn stands in `index_task`, written in the same transaction as its cause.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from desktop_llm.errors import BadRequest, NotFound, UserError
from desktop_llm.knowledge.keywords import TOKENIZER
from desktop_llm.knowledge.reasons import Reason
from desktop_llm.knowledge.schema import migrate
from desktop_llm.knowledge.sources import SourceRow, add_task, forget_unused, insert_source, unlink
from desktop_llm.words import tr


class Store:
    """Owns the database's connection. Raises UserError where the disk is full, the file damaged or too new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600, exist_ok=True)
        with self._in_words():
            self._connection = _connect(path)
            migrate(self._connection, path, TOKENIZER)

    def close(self) -> None:
        """Close the file; its write-ahead log goes into it."""
        self._connection.close()

    def rows(self, query: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        with self._in_words():
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; on the disk when it ends."""
        with self._in_words():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # Collections

    def collection(self, name: str) -> int:
        """The collection's id. Raises NotFound."""
        found = self.rows("SELECT id FROM collection WHERE name = ?", name)
        if not found:
            raise NotFound(
                tr(
                    "There is no collection named {name}. Its name may have changed; the others are as before.",
                    name=name,
                )
            )
        return int(found[0][0])

    def create_collection(self, name: str) -> int:
        """A new collection's id. Raises BadRequest for an empty or taken name."""
        name = _checked_name(name)
        self._must_be_free(name)
        with self.transaction() as connection:
            query = "INSERT INTO collection(name, changed_at) VALUES(?, ?)"
            return int(connection.execute(query, (name, time.time())).lastrowid or 0)

    def rename_collection(self, collection: int, name: str) -> None:
        """Give a collection another name. Raises BadRequest for an empty or taken one."""
        name = _checked_name(name)
        if self.rows("SELECT 1 FROM collection WHERE id = ? AND name = ?", collection, name):
            return
        self._must_be_free(name)
        with self.transaction() as connection:
            connection.execute("UPDATE collection SET name = ? WHERE id = ?", (name, collection))

    def remove_collection(self, collection: int) -> None:
        """Forget a collection and all that only it holds."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM document WHERE collection = ?", (collection,))
            connection.execute("DELETE FROM index_task WHERE collection = ?", (collection,))
            connection.execute("DELETE FROM collection WHERE id = ?", (collection,))
            unused = "SELECT id FROM source WHERE id NOT IN (SELECT source FROM document WHERE source IS NOT NULL)"
            for (source,) in connection.execute(unused).fetchall():
                forget_unused(connection, source)
        self._wipe()

    # Documents

    def enqueue(self, collection: int, paths: Iterable[bytes]) -> None:
        """Remember files that are to be read; those that were read before keep what is known of them until then."""
        query = (
            "INSERT INTO document(collection, path, status, reason, size_bytes, mtime_ns, waiting) "
            "VALUES(?, ?, 'waiting', '', 0, 0, 1) ON CONFLICT(collection, path) DO UPDATE SET waiting = 1"
        )
        with self.transaction() as connection:
            connection.executemany(query, ((collection, path) for path in paths))

    def forget_waiting(self, collection: int) -> None:
        """Files that wait are not to be read any more."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM document WHERE collection = ? AND status = 'waiting'", (collection,))
            connection.execute("UPDATE document SET waiting = 0 WHERE collection = ?", (collection,))

    def remove_documents(self, collection: int, documents: Sequence[int]) -> None:
        """Forget documents, and their content where no other document has it."""
        with self.transaction() as connection:
            for document in documents:
                source = unlink(connection, collection, document)
                connection.execute("DELETE FROM document WHERE id = ?", (document,))
                forget_unused(connection, source)
            _touch(connection, collection)
        self._wipe()

    def fail_document(self, collection: int, path: bytes, size_bytes: int, mtime_ns: int, reason: Reason) -> None:
        """A file could not be read; what an earlier reading of it gave is gone."""
        with self.transaction() as connection:
            self._set_document(connection, collection, path, None, "failed", reason.stored(), size_bytes, mtime_ns)

    def link_document(self, collection: int, path: bytes, size_bytes: int, mtime_ns: int, source: int) -> None:
        """A file has a content that is stored already."""
        with self.transaction() as connection:
            self._set_document(connection, collection, path, source, "ready", "", size_bytes, mtime_ns)

    def add_document(
        self, collection: int, path: bytes, size_bytes: int, mtime_ns: int, read: SourceRow, fingerprint: str
    ) -> int:
        """A file was read: its content and all that goes with it in one transaction; the source's id."""
        with self.transaction() as connection:
            source = insert_source(connection, read, fingerprint)
            self._set_document(connection, collection, path, source, "ready", "", size_bytes, mtime_ns)
        return source

    def known_source(self, sha256: str, version: str) -> int | None:
        """The source with this content, read by this version."""
        found = self.rows("SELECT id FROM source WHERE sha256 = ? AND version = ?", sha256, version)
        return int(found[0][0]) if found else None

    # What the index has yet to learn, and single remembered values

    def finish_tasks(self, tasks: Sequence[int]) -> None:
        """The index has learnt these."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM index_task WHERE id = ?", ((task,) for task in tasks))

    def remembered(self, key: str) -> str | None:
        """A single value."""
        found = self.rows("SELECT value FROM fact WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def remember(self, key: str, value: str) -> None:
        """Keep a single value."""
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
        query = "SELECT id FROM document WHERE collection = ? AND path = ?"
        found = connection.execute(query, (collection, path)).fetchone()
        before = unlink(connection, collection, found[0]) if found else None
        connection.execute(
            "INSERT OR REPLACE INTO document(collection, path, source, status, reason, size_bytes, mtime_ns, waiting) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, 0)",
            (collection, path, source, status, reason, size_bytes, mtime_ns),
        )
        if source is not None:
            add_task(connection, collection, "add", source)
        forget_unused(connection, before)
        _touch(connection, collection)

    def _must_be_free(self, name: str) -> None:
        if self.rows("SELECT 1 FROM collection WHERE name = ?", name):
            raise BadRequest(tr("There is already a collection named {name}. Choose another name.", name=name))

    def _wipe(self) -> None:
        """Removed text leaves the keyword index and the log too, not only the tables."""
        with self.transaction() as connection:
            connection.execute("INSERT INTO chunk_words(chunk_words) VALUES('optimize')")
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            raise UserError(_sentence(self._path, str(error)), details=str(error)) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _touch(connection: sqlite3.Connection, collection: int) -> None:
    connection.execute("UPDATE collection SET changed_at = ? WHERE id = ?", (time.time(), collection))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise BadRequest(tr("A collection needs a name of 1 to 200 characters. Nothing was changed."))
    return name


def _sentence(path: Path, error: str) -> str:
    if "full" in error:
        return tr(
            "The disk with {file} is full, so nothing more can be stored. What was read before is safe. "
            "Free some space, then try again.",
            file=path,
        )
    if "malformed" in error or "not a database" in error:
        return tr(
            "{file} is damaged and can't be used. Your files themselves are untouched. "
            "Move it away and read the documents again.",
            file=path,
        )
    return tr(
        "{file} can't be used: {reason}. Your files are untouched. Check the disk and the folder's permissions.",
        file=path,
        reason=error,
    )
