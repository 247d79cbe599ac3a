"""The knowledge worker's answers as plain values, which the rest of the app uses too.

`worker.py` makes them and `client.py` hands them to the app; `pack` and `unpack` turn them into JSON for the wire and
back. A document is named by its absolute path as text (`os.fsdecode`, so that names which are not UTF-8 survive).
"""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from desktop_llm.message import Check, Citation
from desktop_llm.words import from_json, plural, to_json, tr
from desktop_llm.workers.protocol import path_from_wire, path_to_wire

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Only:
    """What a search is limited to; an empty field limits nothing.

    `file`: a name, a pattern of names ("lease-*.pdf") or the end of a path. `folder`: the name of a folder, or the end
    of its path. `type`: an ending without the dot, or a name of several ("spreadsheets"). `since` and `before`: when
    the file was changed, in seconds since 1970. `told`: all of this as a person wrote it.
    """

    file: str = ""
    folder: str = ""
    type: str = ""
    since: float | None = None
    before: float | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document that could not be read, with the reason in words; `cause` is the DocumentError's, or "partly" for one
    of which a part was read. `in_use`: text of it is searched, a part of it or that of an earlier reading.
    """

    document: str
    reason: str
    cause: str = ""
    in_use: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a collection remembers, with the patterns of what is read in it and what is left out.

    What the last look found, at `looked_at` (seconds since 1970): `files` to be read, `missing` if the folder was not
    there, `gone` if so many files had disappeared at once that they are kept until a person decides, and the `links`
    that lead out of the folder and are not followed. `problem` says in words what needs a person, `note` why changes in
    it are found late.
    """

    path: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    watched: bool = True
    files: int = 0
    missing: bool = False
    gone: int = 0
    links: tuple[str, ...] = ()
    looked_at: float | None = None
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PatternCounts:
    """What patterns would do in a folder that holds `files`: how many of these are `read`, how many would be `added` to
    those that are read now and `removed` from them, and how many files each pattern fits.
    """

    path: str
    files: int
    read: int
    added: int
    removed: int
    include: tuple[tuple[str, int], ...]
    exclude: tuple[tuple[str, int], ...]

    def effect(self) -> str:
        """What storing the patterns does."""
        taken = plural(
            "Saving takes one file out of it, which stays on the disk.",
            "Saving takes %n files out of it. They stay on the disk.",
            self.removed,
        )
        added = plural("Saving adds one file.", "Saving adds %n files.", self.added)
        if self.removed and self.added:
            return f"{taken} {added}"
        return taken if self.removed else added if self.added else tr("Saving changes no file.")


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents. `state`: ready, reading, paused, attention (something failed) or empty.

    `model` is the name of the embedding model that answers, `next_model` of the one that takes over ("" if none does);
    `due`: passages are to be embedded. `problem` says why it is searched by keywords alone, if it is.
    """

    name: str
    state: str
    documents: int
    pages: int
    chunks: int
    failed: tuple[FailedDocument, ...]
    size_bytes: int
    changed_at: float | None
    formats: tuple[tuple[str, int], ...]
    folders: tuple[Folder, ...] = ()
    words: int = 0
    model: str = ""
    next_model: str = ""
    due: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a collection. `status`: ready, failed (see `reason` and `cause`) or waiting to be read; one that is
    ready and has a reason was read in part.
    """

    path: str
    status: str
    reason: str
    pages: int
    chunks: int
    size_bytes: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far reading is: `done` of `total` files, the current one, the speed, and an estimate once there is a sound
    one.
    """

    collection: str
    current: str
    done: int
    total: int
    chunks: int
    failed: int
    chunks_per_s: float
    seconds_left: float | None
    paused: bool


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The outcome of a run, or a collection's content; `skipped` files had not changed, `read` ones were read, `bytes`
    in all.

    `added`, `updated`, `moved` and `removed` count the files that a look through the folders found new, changed,
    elsewhere and gone; `changed` the files that are not as they were read. `notice` is what was lost or recovered when
    the stored text was damaged. `model`, `next_model` and `problem` are the collection's.
    """

    collection: str
    state: str
    documents: int
    chunks: int
    failed: tuple[FailedDocument, ...]
    skipped: int
    seconds: float
    bytes: int
    read: int = 0
    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    changed: int = 0
    folders: tuple[Folder, ...] = ()
    notice: str = ""
    model: str = ""
    next_model: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a file, from which collections. `others` are files with the same text, which stays with them;
    `copies` is how many older copies of the database were deleted.
    """

    path: str
    collections: tuple[str, ...]
    pages: int
    passages: int
    vectors: int
    others: tuple[str, ...]
    copies: int

    def words(self, answers: int) -> list[str]:
        """Sentences about what was removed and what stays; `answers` in chats hold passages of the file."""
        said: list[str] = [
            tr(
                "Removed from {collections}: {pages:,} pages, {passages:,} passages, {vectors:,} vectors.",
                collections=", ".join(self.collections),
                pages=self.pages,
                passages=self.passages,
                vectors=self.vectors,
            )
        ]
        if self.copies:
            said.append(
                plural(
                    "An older copy of the store was deleted.", "%n older copies of the store were deleted.", self.copies
                )
            )
        if self.others:
            said.append(tr("The same text is also in {files}, so it stays with it.", files=", ".join(self.others)))
        if answers:
            said.append(
                plural(
                    "One answer in your chats quotes it; it is kept.",
                    "%n answers in your chats quote it; they are kept.",
                    answers,
                )
            )
        return said


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer whose marks `[n]` all name a citation; `unsupported` holds the (start, end) of the sentences in
    `text` that no passage supports. `checks` has each sentence that was looked at, in order; a passage that contradicts
    one stands there alone, without a mark in the text."""

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[tuple[int, int], ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A drawn page: RGBA8888 with a stride of 4 * width; `boxes` are (x, y, width, height) of the passage in pixels."""

    width: int
    height: int
    pixels: bytes
    boxes: tuple[tuple[float, float, float, float], ...]
    pages: int


@dataclass(frozen=True, slots=True)
class PageText:
    """The stored text of a page, to which `start` and `end` of passages and citations refer."""

    text: str
    pages: int | None
    place: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of passages that are alike, named by its typical words."""

    name: str
    passages: int
    files: int


@dataclass(frozen=True, slots=True)
class CollectionMap:
    """Passages placed in a plane by meaning: chunk `chunks[i]` at `(xs[i], ys[i])`, within -1 to 1, belongs to
    `topics[labels[i]]`, or to none if the label is -1. Of `total` passages, an even sample may be shown.
    """

    topics: tuple[Topic, ...]
    total: int
    chunks: array[int]
    xs: array[float]
    ys: array[float]
    labels: array[int]

    @staticmethod
    def columns(body: bytes = b"", count: int = 0) -> tuple[array[int], array[float], array[float], array[int]]:
        """The four arrays from the bytes of a message: each one's `count` values, one array after the other."""
        chunks, xs, ys, labels = array("q"), array("f"), array("f"), array("h")
        start = 0
        for column in (chunks, xs, ys, labels):
            end = start + count * column.itemsize
            column.frombytes(body[start:end])
            start = end
        return chunks, xs, ys, labels


@dataclass(frozen=True, slots=True)
class FoundOnMap:
    """A passage that a search found, by rank from 1, and the chunk that holds its beginning."""

    chunk: int
    passage: Citation


@dataclass(frozen=True, slots=True)
class FileOutline:
    """One file of a collection before it is read as a whole: its `status` as in `Document`, a `reason` if it was not
    read or only in part, the hash of its content, and about how many characters of text it has.
    """

    path: str
    status: str
    reason: str
    sha256: str
    characters: int

    @property
    def is_whole(self) -> bool:
        """Whether all of its text is stored."""
        return self.status == "ready" and not self.reason


@dataclass(frozen=True, slots=True)
class FilePiece:
    """`[start:end]` (code points) of a page's stored text, and the (start, end) of the sentences in it, on the same
    page; a line is one too. `header` has the column names if the piece holds rows of a table.
    """

    page: int | None
    start: int
    end: int
    text: str
    place: str
    header: str
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """A question of a self-test and the passage `[start:end]` of the page that it was made from.

    `kind`: words, heading or table. The ranks count from 1, 0 if the passage was not among the first ten: by the search
    in use, by meaning alone, and by words alone. `reason` says why it was not the first.
    """

    question: str
    document: str
    page: int | None
    place: str
    start: int
    end: int
    kind: str
    rank: int
    rank_by_meaning: int
    rank_by_words: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The questions of a self-test, of how many documents, how long it took, and when it began (seconds since 1970)."""

    collection: str
    probes: tuple[Probe, ...]
    documents: int
    seconds: float
    made_at: float

    def found(self, within: int, way: str = "rank") -> int:
        """How many passages came among the first `within`; `way` names the rank that counts."""
        return sum(0 < getattr(probe, way) <= within for probe in self.probes)


def likely_range(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share of which `hits` in `of` trials were seen."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


# Fields that hold a path (sent as the base64 of its bytes), a sentence, or a value of this module.
_PATHS = frozenset({"document", "path", "current"})
_PATH_LISTS = frozenset({"also_in"})
_SENTENCES = frozenset({"reason", "notice", "problem", "note"})
_NESTED: dict[str, type] = {
    "failed": FailedDocument,
    "citations": Citation,
    "checks": Check,
    "quotes": Citation,
    "topics": Topic,
    "probes": Probe,
    "folders": Folder,
}


def pack(value: Any) -> Any:
    """A value of this module (or a list of them) as JSON."""
    if dataclasses.is_dataclass(value):
        return {each.name: _packed(each.name, getattr(value, each.name)) for each in dataclasses.fields(value)}
    return [pack(item) for item in value] if isinstance(value, list | tuple) else value


def unpack(kind: type[T], data: Mapping[str, Any]) -> T:
    """The value of `kind` that `pack` wrote; unknown fields are left out."""
    names = [each.name for each in dataclasses.fields(cast(Any, kind))]
    return kind(**{name: _unpacked(name, data[name]) for name in names if name in data})


def unpack_all(kind: type[T], data: Iterable[Mapping[str, Any]]) -> list[T]:
    """Several values of `kind`."""
    return [unpack(kind, item) for item in data]


def _packed(name: str, value: Any) -> Any:
    if name in _SENTENCES:
        return to_json(value)
    if name in _PATH_LISTS:
        return [path_to_wire(Path(path)) for path in value]
    return path_to_wire(Path(value)) if name in _PATHS and value else pack(value)


def _unpacked(name: str, value: Any) -> Any:
    if name in _PATHS and value:
        return str(path_from_wire(value))
    if name in _SENTENCES:
        return from_json(value)
    if not isinstance(value, list):
        return value
    if name in _PATH_LISTS:
        return tuple(str(path_from_wire(path)) for path in value)
    if name in _NESTED:
        return tuple(unpack(_NESTED[name], item) for item in value)
    return tuple(tuple(item) if isinstance(item, list) else item for item in value)
