"""The knowledge worker as the app sees it: collections, reading files, search, passages, citations, pages.

Blocking calls and generators, usable from any thread; the worker process starts at the first request, and again after
it died. Names of collections that start with `chat:` belong to one conversation and are not listed.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from desktop_llm.knowledge.shapes import (
    Cited,
    Collection,
    CollectionMap,
    Document,
    FailedDocument,
    FileOutline,
    FilePiece,
    Folder,
    Forgotten,
    FoundOnMap,
    IndexProgress,
    IndexReport,
    Only,
    PagePicture,
    PageText,
    PatternCounts,
    Probe,
    SelfTest,
    Topic,
    likely_range,
    pack,
    unpack,
    unpack_all,
)
from desktop_llm.knowledge.trace import SearchTrace, Standing, TracedCandidate
from desktop_llm.message import Citation
from desktop_llm.paths import Folders
from desktop_llm.steps import Run
from desktop_llm.words import from_json, tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker
from desktop_llm.workers.protocol import Message, path_to_wire

__all__ = [
    "CHAT_PREFIX",
    "Cited",
    "Collection",
    "CollectionMap",
    "Document",
    "FailedDocument",
    "FileOutline",
    "FilePiece",
    "Folder",
    "Forgotten",
    "FoundOnMap",
    "IndexProgress",
    "IndexReport",
    "Knowledge",
    "KnowledgeWorker",
    "LookFor",
    "Only",
    "PagePicture",
    "PageText",
    "PatternCounts",
    "Probe",
    "SearchTrace",
    "SelfTest",
    "Standing",
    "Topic",
    "TracedCandidate",
    "likely_range",
]

CHAT_PREFIX = "chat:"

LookFor = Literal["", "gone", "changes", "all"]


class KnowledgeWorker(Protocol):
    """Answers the requests: our own process, or a connection to the program that owns the data folder."""

    @property
    def alive(self) -> bool: ...

    def request(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b""
    ) -> Generator[Message, None, Message]: ...

    def call(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Message: ...

    def close(self) -> None: ...


class Knowledge:
    """Owns the knowledge worker of a data folder. Every call may raise a UserError: NotFound for a collection or
    document that is not there, Busy if another program reads this data folder, WorkerDied."""

    def __init__(
        self, folders: Folders, *, command: Sequence[str] | None = None, worker: KnowledgeWorker | None = None
    ) -> None:
        self._folders = folders
        self._command = command
        self._given = worker
        self._own: Worker | None = None
        self._starting = threading.Lock()  # several threads may find that there is no worker
        self._answers = 0  # those being written
        self.only: Only | None = None
        """What every search is limited to."""

    def collections(self, *, of_chats: bool = False) -> list[Collection]:
        """All collections by name; those of single conversations only with `of_chats`."""
        return unpack_all(Collection, self._ask("collections", of_chats=of_chats)["collections"])

    def create(self, name: str) -> None:
        """Make a new, empty collection. Raises BadRequest if the name is taken or empty."""
        self._ask("create", collection=name)

    def rename(self, old: str, new: str) -> None:
        """Give a collection another name."""
        self._ask("rename", collection=old, name=new)

    def remove(self, name: str) -> IndexReport:
        """Remove a collection and everything stored for it; the files themselves stay."""
        return unpack(IndexReport, self._ask("remove", collection=name))

    def documents(self, name: str) -> list[Document]:
        """The collection's files, by path."""
        return unpack_all(Document, self._ask("documents", collection=name)["documents"])

    def remove_document(self, collection: str, path: str) -> IndexReport:
        """Remove a file (or all files below a folder) from a collection; the file itself stays."""
        return unpack(IndexReport, self._ask("remove_document", collection=collection, path=_wire(path)))

    def forget(self, path: str | Path) -> Forgotten:
        """Remove every trace of a file's text from the data folder, in whatever collections it is; the file stays.
        Raises NotFound, or Busy if one of them is being read.
        """
        return unpack(Forgotten, self._ask("forget", path=_wire(path)))

    def index(
        self,
        collection: str,
        paths: Iterable[str | Path],
        password: str | None = None,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        look: LookFor = "",
    ) -> Generator[IndexProgress, None, IndexReport]:
        """Read files and folders into a collection (created if new), and the files that still waited there.

        Folders are remembered, with patterns of what is read in them and what is left out (None: as before). With
        `look`, all of its folders and files are looked through, for "changes" or, with "all", also for what failed
        before; with "gone", nothing is read. Without paths or that, it goes on with the waiting files. Closing the
        generator ends the run after the current file: files already read stay, the rest wait. Raises BadRequest for a
        pattern that can't be understood.
        """
        data = {"collection": collection, "paths": [_wire(path) for path in paths], "password": password}
        more = {"include": include, "exclude": exclude, "look": look or None}
        return self._run("index", data | {name: value for name, value in more.items() if value is not None})

    def changes(self, collection: str) -> IndexReport:
        """The content of a collection, with `changed`: how many files are not as they were read. Changes nothing."""
        return unpack(IndexReport, self._ask("changes", collection=collection))

    def watch(self) -> tuple[list[str], bool]:
        """The collections in whose watched folders something may have changed, or that are looked through for the first
        time since the start; and whether the system reports too few changes, so that some are found every 10 minutes
        only. Call it about once a second.
        """
        answer = self._ask("watch")
        return list(answer["collections"]), bool(answer["limited"])

    def set_folder(
        self,
        collection: str,
        path: str | Path,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        watched: bool | None = None,
    ) -> None:
        """Remember a folder, or change what is said about it; None stays as it was. Raises BadRequest."""
        data = {"path": _wire(path), "include": include, "exclude": exclude, "watched": watched}
        self._ask("set_folder", collection=collection, **data)

    def relocate(self, collection: str, path: str | Path, new: str | Path) -> None:
        """Say that a folder of a collection was moved: what was read in it stays. Raises NotFound, Busy."""
        self._ask("relocate", collection=collection, path=_wire(path), new=_wire(new))

    def count_patterns(
        self,
        collection: str,
        path: str | Path,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
    ) -> PatternCounts:
        """How many files of a remembered folder patterns fit, and what they would change; None: those it has. Changes
        nothing. Raises BadRequest for a pattern that can't be understood, NotFound.
        """
        data = {"path": _wire(path), "include": include, "exclude": exclude}
        return unpack(PatternCounts, self._ask("count_patterns", collection=collection, **data))

    def decide(self, collection: str, *, keep: bool) -> IndexReport:
        """Keep the files that disappeared in large numbers, until they come back, or take them out."""
        return unpack(IndexReport, self._ask("decide", collection=collection, keep=keep))

    def pause(self, collection: str) -> None:
        """Pause a run after the current batch."""
        self._ask("pause", collection=collection)

    def resume(self, collection: str) -> None:
        """Let a paused run go on. If none is running (after a crash), call `index` without paths."""
        self._ask("resume", collection=collection)

    def stop(self, collection: str) -> None:
        """End a run and forget the files that still waited; files already read stay."""
        self._ask("stop", collection=collection)

    def waiting(self) -> list[str]:
        """Names of the collections whose files wait to be read while no run is going, as after a crash."""
        return list(self._ask("waiting")["collections"])

    def notice(self, *, seen: bool = False) -> str:
        """What was lost or recovered because the stored text was damaged; "" if it was not.

        It stays until the documents have been read again; `seen`: forget it, if none has to be.
        """
        return from_json(self._ask("notice", seen=seen).get("notice", ""))

    def status(self, name: str | None = None) -> list[IndexReport]:
        """The content of one collection, or of all."""
        return unpack_all(IndexReport, self._ask("status", collection=name)["reports"])

    def verify(self, name: str) -> IndexReport:
        """Check a collection's stored data and its search index; `failed` also lists the problems found."""
        return unpack(IndexReport, self._ask("verify", collection=name))

    def rebuild(self, name: str) -> Generator[IndexProgress, None, IndexReport]:
        """Rebuild the nearest-neighbour index from the stored vectors; nothing is read or embedded again."""
        return self._run("rebuild", {"collection": name})

    def choose_model(self, collection: str, name: str = "", path: Path | None = None) -> IndexReport:
        """Choose the embedding model of a collection: a GGUF file whose header was checked, or (without a path) the one
        that came with the app. It takes over once `reembed` has run; until then the one before answers.
        """
        file = {"name": name, "path": None if path is None else _wire(path)}
        return unpack(IndexReport, self._ask("choose_model", collection=collection, **file))

    def reembed(self, collection: str) -> Generator[IndexProgress, None, IndexReport]:
        """Embed the passages that lack vectors of the chosen model; `done` and `total` count passages. What was
        embedded stays if it is closed or the process dies. After `stop`, the model before stays. Raises UserError if
        the model can't be used.
        """
        return self._run("reembed", {"collection": collection})

    def reranker(self) -> tuple[str, str]:
        """The name of the model that reads the best passages of each search again, "" if there is none; and why it is
        not used for now, if so.
        """
        told = self._ask("reranker", set=False)
        return str(told["name"]), from_json(told["problem"])

    def use_reranker(self, name: str = "", path: Path | None = None) -> None:
        """Have a GGUF reranker, whose header was checked, read the best passages again; without a path, none does."""
        self._ask("reranker", set=True, name=name, path=None if path is None else _wire(path))

    def search(self, collections: Sequence[str], query: str, k: int = 10) -> list[Citation]:
        """The best `k` passages for a query, best first, numbered from 1."""
        return self.search_many(collections, [query], k)[0]

    def search_many(self, collections: Sequence[str], queries: Sequence[str], k: int = 10) -> list[list[Citation]]:
        """`search` for several queries."""
        data = self._ask("search", collections=list(collections), queries=list(queries), k=k, only=self._limits())
        return [unpack_all(Citation, found) for found in data["results"]]

    def map(self, name: str) -> CollectionMap:
        """A collection's passages placed by meaning and grouped into topics; no point at all if they are too few."""
        done = self._worker().call("collection_map", {"collection": name})
        topics, columns = unpack_all(Topic, done.data["topics"]), CollectionMap.columns(done.body, done.data["shown"])
        return CollectionMap(tuple(topics), done.data["total"], *columns)

    def find_on_map(self, name: str, query: str, k: int = 5) -> list[FoundOnMap]:
        """What `search` finds in one collection, with the chunks to light on its map."""
        data = self._ask("find_on_map", collection=name, query=query, k=k)
        found = zip(data["chunks"], unpack_all(Citation, data["passages"]), strict=True)
        return [FoundOnMap(-1 if chunk is None else chunk, passage) for chunk, passage in found]

    def passage(self, name: str, chunk: int) -> Citation | None:
        """A collection's passage by the number of its chunk; None if it is not there any more."""
        found = unpack_all(Citation, self._ask("passage", collection=name, chunk=chunk)["passages"])
        return found[0] if found else None

    def self_test(self, name: str, count: int = 60) -> Generator[tuple[int, int], None, SelfTest]:
        """Ask a collection `count` questions made from its own passages; yields (asked, total). The outcome is kept."""
        run = Run(self._worker().request("self_test", {"collection": name, "count": count}))
        for message in run:
            yield message.data["asked"], message.data["total"]
        return unpack(SelfTest, run.result.data)

    def kept_self_test(self, name: str) -> SelfTest | None:
        """The last self-test of a collection; None if there was none since documents were removed."""
        kept = self._ask("kept_self_test", collection=name)["kept"]
        return None if kept is None else unpack(SelfTest, kept)

    def retrieve(
        self, collections: Sequence[str], question: str, token_budget: int, *, whole: bool = False
    ) -> list[Citation]:
        """The passages to give to a model for a question, numbered, within a budget of (embedding model's) tokens.

        Empty if nothing relevant is found. With `whole`, they are all pages of the documents, in order, if these fit.
        """
        return unpack_all(Citation, self._retrieved(collections, question, token_budget, whole)["passages"])

    def retrieve_traced(
        self, collections: Sequence[str], question: str, token_budget: int, *, whole: bool = False
    ) -> tuple[list[Citation], SearchTrace]:
        """`retrieve`, and what the search did."""
        data = self._retrieved(collections, question, token_budget, whole, trace=True)
        return unpack_all(Citation, data["passages"]), SearchTrace.from_json(data["trace"])

    def beginnings(self, candidates: Iterable[TracedCandidate]) -> list[str]:
        """The first characters of each candidate's text, "" for one whose document is not in the store any more."""
        spans = [(_wire(each.document), each.page, each.start, each.end) for each in candidates]
        return list(self._ask("texts", spans=spans)["texts"])

    def outline(self, collections: Sequence[str]) -> list[FileOutline]:
        """Every file of these collections, by path, read or not."""
        return unpack_all(FileOutline, self._ask("outline", collections=list(collections))["files"])

    def file_count(self, collections: Sequence[str]) -> int:
        """How many files these collections have, read or not."""
        return int(self._ask("file_count", collections=list(collections))["count"])

    def unread_counts(self, collections: Sequence[str]) -> tuple[int, int]:
        """How many files of these collections could not be read, and how many are still to be read."""
        told = self._ask("file_count", collections=list(collections))
        return int(told["failed"]), int(told["waiting"])

    def file_pieces(self, path: str) -> list[FilePiece]:
        """All of a file's stored text, in order and in pieces of some paragraphs."""
        return unpack_all(FilePiece, self._ask("file_pieces", path=_wire(path))["pieces"])

    def cite(self, answer: str, passages: Sequence[Citation]) -> Cited:
        """Check an answer against the passages it was given: remove marks that name no passage, add marks to supported
        sentences.
        """
        return unpack(Cited, self._ask("cite", answer=answer, passages=pack(list(passages))))

    def page_picture(
        self, document: str, page: int, width_px: int, start: int | None = None, end: int | None = None
    ) -> PagePicture:
        """A page drawn as a picture, with the place of the span `[start:end]`. Raises DocumentError for formats without
        pages, and for a file that has gone or changed.
        """
        data = {"path": _wire(document), "page": page, "width_px": width_px, "start": start, "end": end}
        done = self._worker().call("page_picture", data)
        return unpack(PagePicture, {**done.data, "pixels": done.body})

    def page_text(self, document: str, page: int | None) -> PageText:
        """The stored text of a page (None for formats without pages)."""
        return unpack(PageText, self._ask("page_text", path=_wire(document), page=page))

    def answering(self, active: bool) -> None:
        """Say that an answer begins or has ended: until the last one has ended, reading uses little of the processor.

        Starts no worker.
        """
        with self._starting:
            self._answers += 1 if active else -1
            if self._answers != int(active):  # another answer is still being written
                return
        if self._given is not None or (self._own is not None and self._own.alive):
            self._ask("answering", active=active)

    def forward(self, kind: str, data: dict[str, Any], body: bytes = b"") -> Generator[Message, None, Message]:
        """Run a request of another process on this worker, frame by frame."""
        return self._worker().request(kind, data, body)

    def close(self) -> None:
        """End the worker process; waiting files keep waiting."""
        worker = self._given or self._own
        if worker is not None:
            worker.close()

    def _retrieved(
        self, collections: Sequence[str], question: str, token_budget: int, whole: bool, trace: bool = False
    ) -> dict[str, Any]:
        wanted = {"collections": list(collections), "question": question, "token_budget": token_budget}
        return self._ask("retrieve", **wanted, whole=whole, trace=trace, only=self._limits())

    def _limits(self) -> Any:
        return None if self.only is None else pack(self.only)

    def _ask(self, kind: str, **data: Any) -> dict[str, Any]:
        return self._worker().call(kind, data).data

    def _run(self, kind: str, data: dict[str, Any]) -> Generator[IndexProgress, None, IndexReport]:
        run = Run(self._worker().request(kind, data))
        for message in run:
            yield unpack(IndexProgress, message.data)
        return unpack(IndexReport, run.result.data)

    def _worker(self) -> KnowledgeWorker:
        if self._given is not None:
            return self._given
        with self._starting:
            if self._own is not None and not self._own.alive:
                self._own.close()  # the pipe and threads outlive the process
                self._own = None
            if self._own is None:
                part = Part(
                    tr("The part that reads documents"),
                    tr("Everything read so far is kept. It starts again when you search or go on reading."),
                    tr("Close other programs first."),
                )
                self._own = Worker(_arguments(self._folders), part, command=self._command)
            return self._own


def _arguments(folders: Folders) -> list[str]:
    home = folders.data.parent
    moved = folders == Folders(home / "data", home / "models", home / "cache", home / "logs")
    return ["knowledge", "--home", str(home)] if moved else ["knowledge"]


def _wire(path: str | Path) -> str:
    return path_to_wire(Path(path).absolute())
