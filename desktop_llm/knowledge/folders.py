"""The folders of collections: which ones are remembered, and what has changed in them since they were last read.

A document belongs to the deepest remembered folder above it, unless a person named the file itself. A `Look` goes
through the folders and compares; `settle` then brings the store in step without reading a file's text: what moved is
known by its content and stays as it was read, what was deleted leaves, and what is new or changed is noted to be read.
Killed at any moment, the next look finds what is left to do.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from desktop_llm.errors import DocumentError, NotFound
from desktop_llm.knowledge.patterns import Patterns, checked, literal
from desktop_llm.knowledge.readahead import version_of
from desktop_llm.knowledge.shapes import Folder
from desktop_llm.knowledge.sources import forget_unused, unlink
from desktop_llm.knowledge.store import Store, touch
from desktop_llm.knowledge.walk import FileState, Walk, content_of, state_now
from desktop_llm.words import plural, tr

# If more files than this disappear at once, and more than half of a folder, a person decides: it may be a disk that is
# not connected, or a folder that a synchronisation has emptied.
MANY = 50
MOST_TRIES = 3  # of a file that could not be read for a reason that may pass; then it waits until it changes
ASKED, KEPT = 1, 2  # a document's `held`: whose file vanished with many others; and it stays, a person said

T = TypeVar("T")

_ROWS_A_STEP = 2_000
_CHANGES_A_STEP = 200


# Remembering


def folders_of(store: Store, collection: int) -> list[Folder]:
    """The remembered folders of a collection, by path."""
    query = "SELECT path, include, exclude, watched, looked_at, found FROM folder WHERE collection = ? ORDER BY path"
    return [folder_of_row(*row) for row in store.rows(query, collection)]


def remember(
    store: Store,
    collection: int,
    path: Path,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    watched: bool | None = None,
) -> None:
    """Remember a folder; what is None stays as it was. Raises BadRequest for a pattern that can't be understood."""
    key = os.fsencode(path)
    changes: dict[str, Any] = {}
    if include is not None:
        changes["include"] = "\n".join(checked(include))
    if exclude is not None:
        changes["exclude"] = "\n".join(checked(exclude))
    if watched is not None:
        changes["watched"] = int(watched)
    with store.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO folder(collection, path) VALUES(?, ?)", (collection, key))
        for column, value in changes.items():
            query = f"UPDATE folder SET {column} = ? WHERE collection = ? AND path = ?"
            connection.execute(query, (value, collection, key))


def remembered(store: Store, collection: int, path: Path) -> Folder:
    """A remembered folder by its path. Raises NotFound."""
    for folder in folders_of(store, collection):
        if folder.path == str(path):
            return folder
    raise NotFound(
        tr("{folder} is not a folder of this collection.", folder=path),
        tr("Nothing was changed. Add it to the collection first."),
    )


def relocate(store: Store, collection: int, path: Path, new: Path) -> None:
    """Remember a folder, with all that was read below it, at the place that it was moved to: a look then finds what is
    there without reading it again. Raises NotFound for a folder that is not remembered.
    """
    remembered(store, collection, path)
    before, after = os.fsencode(path), os.fsencode(new)
    below = before.rstrip(_SEP) + _SEP
    with store.transaction() as connection:
        values = (after, collection, before)
        connection.execute("UPDATE OR REPLACE folder SET path = ? WHERE collection = ? AND path = ?", values)
        query = "SELECT id, path FROM document WHERE collection = ? AND substr(path, 1, ?) = ?"
        documents = connection.execute(query, (collection, len(below), below)).fetchall()
        moved = [(after.rstrip(_SEP) + _SEP + old[len(below) :], document) for document, old in documents]
        connection.executemany("UPDATE OR IGNORE document SET path = ?, held = 0 WHERE id = ?", moved)
    # What the new place held already is there once.
    query = "SELECT id FROM document WHERE collection = ? AND substr(path, 1, ?) = ?"
    _take_out(store, collection, [document for (document,) in store.rows(query, collection, len(below), below)])


def is_found(folders: Sequence[Folder], path: bytes) -> bool:
    """Whether a look through these folders comes by a file, as far as their patterns say."""
    home = deepest(path, [os.fsencode(folder.path) for folder in folders])
    if home is None:
        return False
    (folder,) = (each for each in folders if os.fsencode(each.path) == home)
    return Patterns(folder.include, folder.exclude).take(_inside(home, path))


def stay_out(store: Store, collection: int, path: bytes) -> None:
    """See to it that the next look does not bring back what a person takes out: forget the folder with this path and
    those below it; for a file or folder inside a remembered one, leave it out by a pattern.
    """
    below = path + os.fsencode(os.sep)
    with store.transaction() as connection:
        query = "DELETE FROM folder WHERE collection = ? AND (path = ? OR substr(path, 1, ?) = ?)"
        connection.execute(query, (collection, path, len(below), below))
    home = deepest(path, [os.fsencode(folder.path) for folder in folders_of(store, collection)])
    if home is None or not os.path.lexists(path):
        return
    (folder,) = (each for each in folders_of(store, collection) if os.fsencode(each.path) == home)
    inside = _inside(home, path)
    if Patterns(folder.include, folder.exclude).take(inside):
        remember(store, collection, Path(folder.path), exclude=(*folder.exclude, literal(inside)))


def decide(store: Store, collection: int, *, keep: bool) -> None:
    """Keep the files that disappeared at once, until they come back, or take them out."""
    rows = store.rows("SELECT id, path FROM document WHERE collection = ? AND held = ?", collection, ASKED)
    if not keep:
        for part in _parts([document for document, path in rows if not os.path.lexists(path)]):
            _take_out(store, collection, part)
    with store.transaction() as connection:
        query = "UPDATE document SET held = ? WHERE collection = ? AND held = ?"
        connection.execute(query, (KEPT if keep else 0, collection, ASKED))
    for folder in folders_of(store, collection):
        _note(store, collection, folder, {"gone": 0})


def deepest(path: bytes, folders: Iterable[bytes]) -> bytes | None:
    """The deepest of the folders that a path lies in."""
    above = [folder for folder in folders if path.startswith(folder.rstrip(_SEP) + _SEP)]
    return max(above, key=len, default=None)


_SEP = os.fsencode(os.sep)


def _inside(folder: bytes, path: bytes) -> str:
    """The path below a folder, with `/` between names."""
    return os.fsdecode(path[len(folder) :]).replace(os.sep, "/").lstrip("/")


def folder_of_row(
    path: bytes, include: str, exclude: str, watched: int, looked_at: float | None = None, found: str = ""
) -> Folder:
    """A row of the table as a Folder, with what needs a person in words."""
    last = json.loads(found) if found else {}
    folder = Folder(
        path=os.fsdecode(path),
        include=tuple(include.splitlines()),
        exclude=tuple(exclude.splitlines()),
        watched=bool(watched),
        files=last.get("files", 0),
        missing=last.get("missing", False),
        gone=last.get("gone", 0),
        links=tuple(last.get("links", ())),
        looked_at=looked_at,
    )
    return replace(folder, problem=_problem(folder))


def _problem(folder: Folder) -> str:
    """What is to be said about a folder; "" if it is in order."""
    if folder.missing:
        return plural(
            "{folder} is not there. Its file stays searchable as last read.",
            "{folder} is not there. All %n files stay searchable as last read.",
            folder.files,
            folder=folder.path,
        )
    if folder.gone:
        return plural(
            "One file disappeared. It is kept until you say so.",
            "%n files disappeared at once. They are kept until you say so.",
            folder.gone,
        )
    return ""


def _note(store: Store, collection: int, folder: Folder, found: dict[str, Any]) -> None:
    last = {"files": folder.files, "missing": folder.missing, "gone": folder.gone, "links": list(folder.links)}
    query = "UPDATE folder SET found = ?, looked_at = ? WHERE collection = ? AND path = ?"
    with store.transaction() as connection:
        values = (json.dumps(last | found), time.time(), collection, os.fsencode(folder.path))
        connection.execute(query, values)


# Looking


@dataclass(slots=True)
class Changes:
    """What a look found: documents by their id, files by their path.

    `vanished` are documents whose file is gone, `excluded` those that the patterns leave out now, `moved` those whose
    content is elsewhere, `held` those that vanished with many others just now, `returned` those that were held before
    and are back.
    """

    new: dict[bytes, FileState] = field(default_factory=dict)
    changed: dict[bytes, FileState] = field(default_factory=dict)
    vanished: list[int] = field(default_factory=list)
    excluded: list[int] = field(default_factory=list)
    moved: list[tuple[int, bytes, FileState]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    unchanged: int = 0

    @property
    def count(self) -> int:
        """How many files are not as they were read, or not as they were thought to be."""
        found = (self.new, self.changed, self.vanished, self.excluded, self.moved, self.held, self.returned)
        return sum(map(len, found))


@dataclass(frozen=True, slots=True)
class _Known:
    """A document as the store has it; `version` and `sha256` are its content's."""

    id: int
    path: bytes
    state: FileState
    status: str
    held: int
    named: int
    unread: str
    tries: int
    version: str | None
    sha256: str | None


class Look:
    """Compares a collection with its files. `below` limits it to some folders, which need not be remembered.

    With `again`, what failed or was read by an older version counts as changed. `steps` looks and changes nothing;
    then `changes` tells what it found, and `settle` brings the store in step, except for what must be read.
    """

    def __init__(
        self, store: Store, collection: int, *, again: bool = False, below: Sequence[Path] | None = None
    ) -> None:
        self._store, self._collection, self._again = store, collection, again
        remembered = folders_of(store, collection)
        self._below = None if below is None else [os.fsencode(path) for path in below]
        self._folders = [folder for folder in remembered if self._is_meant(os.fsencode(folder.path))]
        known = {os.fsencode(folder.path) for folder in remembered}
        self._folders += [Folder(str(path)) for path in below or () if os.fsencode(path) not in known]
        self._roots = known | {os.fsencode(folder.path) for folder in self._folders}
        self._walks: dict[bytes, Walk] = {}
        self._gone: dict[int, _Known] = {}
        self._held_in: Counter[bytes] = Counter()
        self.changes = Changes()

    @property
    def sizes(self) -> dict[bytes, int]:
        """The sizes in bytes of the files that are to be read."""
        return {path: state.size_bytes for path, state in (self.changes.new | self.changes.changed).items()}

    def steps(self) -> Iterator[None]:
        """Walk and compare, in small steps."""
        files: dict[bytes, FileState] = {}
        for folder in self._folders:
            walk = Walk(Path(folder.path), Patterns(folder.include, folder.exclude))
            yield from walk.steps()
            self._walks[os.fsencode(folder.path)] = walk
            files |= walk.files
        yield from self._compare(files)
        yield from self._find_moved()
        self._hold_back()

    def settle(self) -> Iterator[None]:
        """Bring the store in step, in small steps: moves, what left, and what waits to be read."""
        changes = self.changes
        for moved in _parts(changes.moved):
            self._move(moved)
            yield None
        for left in _parts(changes.vanished + changes.excluded):
            _take_out(self._store, self._collection, left)
            yield None
        for unread in _parts([*changes.new, *changes.changed]):
            self._store.enqueue(self._collection, unread)
            yield None
        self._mark(changes.held, ASKED)
        self._mark(changes.returned, 0)
        self.note()
        yield None

    def note(self) -> None:
        """Note what was found about the folders themselves."""
        for folder in self._folders:
            walk = self._walks[os.fsencode(folder.path)]
            found: dict[str, Any] = {"missing": True}
            if not walk.missing:
                gone = self._held_in[os.fsencode(folder.path)]
                links = [link.encode("utf-8", "replace").decode() for link in walk.outside]
                found = {"missing": False, "files": len(walk.files), "gone": gone, "links": links}
            _note(self._store, self._collection, folder, found)

    def _is_meant(self, path: bytes) -> bool:
        if self._below is None:
            return True
        return any(path == above or path.startswith(above.rstrip(_SEP) + _SEP) for above in self._below)

    def _compare(self, files: dict[bytes, FileState]) -> Iterator[None]:
        for place, known in enumerate(self._documents()):
            if place % _ROWS_A_STEP == 0:
                yield None
            state = files.pop(known.path, None)
            if state is None:
                self._missed(known)
            else:
                self._compare_one(known, state)
        self.changes.new |= files

    def _compare_one(self, known: _Known, state: FileState) -> None:
        changes = self.changes
        if known.held:
            changes.returned.append(known.id)
        if known.status == "waiting":
            changes.new[known.path] = state
        elif self._has_changed(known, state):
            changes.changed[known.path] = state
        else:
            changes.unchanged += 1

    def _documents(self) -> list[_Known]:
        query = (
            "SELECT document.id, path, size_bytes, mtime_ns, status, held, named, unread, tries, version, sha256 "
            "FROM document "
            "LEFT JOIN source ON source.id = document.source WHERE collection = ?"
        )
        rows = self._store.rows(query, self._collection)
        return [
            _Known(id_, path, FileState(size, mtime), *rest)
            for id_, path, size, mtime, *rest in rows
            if self._is_meant(path)
        ]

    def _has_changed(self, known: _Known, state: FileState) -> bool:
        failed = known.status == "failed" or known.unread or known.tries
        if self._again and (failed or known.version != version_of(known.path)):
            return True
        return known.state != state or 0 < known.tries < MOST_TRIES

    def _missed(self, known: _Known) -> None:
        """Sort a document that no walk came by."""
        home = None if known.named else deepest(known.path, self._roots)
        if home is None:
            self._look_at(known)
            return
        walk = self._walks.get(home)
        if walk is None or walk.missing or deepest(known.path, walk.unreadable) is not None:
            return  # not looked at, or not to be seen just now: it stays as it was read
        if not walk.patterns.take(walk.relative(os.fsdecode(known.path))):
            self.changes.excluded.append(known.id)
        elif os.path.lexists(known.path):
            self._compare_one(known, state_now(known.path))  # a person named it where walks don't come by
        elif known.held != KEPT:
            self._gone[known.id] = known

    def _look_at(self, known: _Known) -> None:
        """Look at a file that was named by itself; it is gone only if its folder is there."""
        if not os.path.lexists(known.path):
            if os.path.isdir(os.path.dirname(known.path)):  # noqa: PTH112, PTH120 - paths stay bytes here
                self._gone[known.id] = known
            return
        self._compare_one(known, state_now(known.path))

    def _find_moved(self) -> Iterator[None]:
        """Recognise files that are gone in those that are new, by their content."""
        by_size: dict[int, list[_Known]] = {}
        for known in self._gone.values():
            if known.sha256 is not None:
                by_size.setdefault(known.state.size_bytes, []).append(known)
        for path, state in list(self.changes.new.items()):
            if not (candidates := by_size.get(state.size_bytes)):
                continue
            yield None
            try:
                content = content_of(Path(os.fsdecode(path)))
            except DocumentError:
                continue  # reading it tells why
            # Another format's reader would find another text in it.
            same = (known for known in candidates if known.sha256 == content.sha256)
            found = next((known for known in same if version_of(known.path) == version_of(path)), None)
            if found is not None:
                candidates.remove(found)
                del self._gone[found.id], self.changes.new[path]
                self.changes.moved.append((found.id, path, content.state))

    def _hold_back(self) -> None:
        """Hold what vanished in large numbers until a person decides, and what is held already."""
        homes = {known.id: None if known.named else deepest(known.path, self._roots) for known in self._gone.values()}
        counts = Counter(homes.values())
        many = {home for home, count in counts.items() if home and count > MANY and count > self._present(home)}
        for known in self._gone.values():
            home = homes[known.id]
            if home and (home in many or known.held):
                self._held_in[home] += 1
                if not known.held:
                    self.changes.held.append(known.id)
            else:
                self.changes.vanished.append(known.id)

    def _present(self, home: bytes) -> int:
        return sum(path not in self.changes.new for path in self._walks[home].files)

    def _move(self, moved: Sequence[tuple[int, bytes, FileState]]) -> None:
        with self._store.transaction() as connection:
            for document, path, state in moved:
                waiting = "DELETE FROM document WHERE collection = ? AND path = ? AND source IS NULL"
                connection.execute(waiting, (self._collection, path))
                connection.execute(
                    "UPDATE document SET path = ?, size_bytes = ?, mtime_ns = ?, waiting = 0, held = 0 WHERE id = ?",
                    (path, state.size_bytes, state.mtime_ns, document),
                )
            touch(connection, self._collection)

    def _mark(self, documents: Sequence[int], held: int) -> None:
        for part in _parts(documents):
            with self._store.transaction() as connection:
                query = "UPDATE document SET held = ? WHERE id = ? AND held <> ?"
                connection.executemany(query, ((held, document, held) for document in part))


def _take_out(store: Store, collection: int, documents: Sequence[int]) -> None:
    with store.transaction() as connection:
        for document in documents:
            source = unlink(connection, collection, document)
            connection.execute("DELETE FROM document WHERE id = ?", (document,))
            forget_unused(connection, source)
        touch(connection, collection)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _CHANGES_A_STEP):
        yield items[start : start + _CHANGES_A_STEP]
