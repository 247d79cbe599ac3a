"""The knowledge worker: one process per data folder that owns the store, the index and the embedding model.

Serves the requests of `client.py`; searches and pictures go before the next batch of a run. It parses nothing itself:
readers do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

from filelock import FileLock, Timeout

from desktop_llm.errors import Busy, Cancelled, NotFound
from desktop_llm.knowledge import catalog
from desktop_llm.knowledge.cite import cite
from desktop_llm.knowledge.embed import Embedder, EmbeddingFiles, starter_files
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.indexing import Controls, Reading
from desktop_llm.knowledge.pages import Pages
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.shapes import IndexProgress, Passage, pack, unpack_all
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders
from desktop_llm.words import tr
from desktop_llm.workers import confine
from desktop_llm.workers.child import Answer, Handler, Reply, Request, serve, take_stdout
from desktop_llm.workers.protocol import path_from_wire

Data = dict[str, Any]

_LOCK_WAIT_S = 5.0  # a worker that was ended gives its lock back within a moment


def main(folders: Folders) -> None:
    """Give up the network and more, then serve; does not return."""
    wire = take_stdout()
    confine.no_network()
    confine.no_core_dumps()
    confine.lower_priority()
    service = Lazy(folders)
    serve(service.handlers(), wire, urgent=service.urgent())


class Lazy:
    """Opens the knowledge of a data folder at the first request, so that a failure becomes that request's answer."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._lock = FileLock(folders.data / "knowledge.lock")
        self._opened: Service | None = None

    def handlers(self) -> dict[str, Handler]:
        """All kinds of requests."""
        kinds = {name: self._at_once(name) for name in self.urgent()}
        return {**kinds, "index": self._in_steps("index"), "rebuild": self._in_steps("rebuild")}

    def urgent(self) -> frozenset[str]:
        """The kinds that go before a run's next step."""
        return frozenset(name.removeprefix("answer_") for name in dir(Service) if name.startswith("answer_"))

    def _at_once(self, name: str) -> Handler:
        def handler(request: Request) -> Generator[Answer | None, None, Answer]:
            yield from ()
            answer: Callable[[Data], Answer] = getattr(self._service(), f"answer_{name}")
            return answer(request.data)

        return handler

    def _in_steps(self, name: str) -> Handler:
        def handler(request: Request) -> Generator[Answer | None, None, Answer]:
            run: Callable[[Request], Generator[Answer | None, None, Answer]] = getattr(self._service(), name)
            return (yield from run(request))

        return handler

    def _service(self) -> Service:
        if self._opened is None:
            self._take_lock()
            self._opened = Service(self._folders)
        return self._opened

    def _take_lock(self) -> None:
        try:
            self._lock.acquire(timeout=_LOCK_WAIT_S)
        except Timeout as error:
            raise Busy(
                tr(
                    "Another running program already uses the documents of this data folder. Nothing was changed. "
                    "Close it, or wait until it has finished."
                )
            ) from error


class Service:
    """The open knowledge of one data folder. `answer_…` methods answer one kind of request at once."""

    def __init__(self, folders: Folders) -> None:
        self._store = Store(folders.knowledge_db)
        files = starter_files()
        _check_once(self._store, files)
        self._controls = Controls(threads=_threads())
        self._embedder = Embedder(files, threads=self._controls.threads)
        self._nearest = Nearest(folders.index, self._store, files.fingerprint)
        self._retriever = Retriever(self._store, self._embedder, self._nearest, files.fingerprint)
        self._pages = Pages(self._store)
        self._turns: list[Reading] = []

    def answer_collections(self, data: Data) -> Answer:
        rows = self._store.rows("SELECT id, name FROM collection ORDER BY name")
        wanted = [number for number, name in rows if data["of_chats"] or not name.startswith("chat:")]
        return {"collections": [pack(self._summary(collection)) for collection in wanted]}

    def answer_create(self, data: Data) -> Answer:
        self._store.create_collection(data["collection"])
        return {}

    def answer_rename(self, data: Data) -> Answer:
        self._store.rename_collection(self._store.collection(data["collection"]), data["name"])
        return {}

    def answer_remove(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        self._must_rest(collection)
        report = catalog.report(self._summary(collection))
        self._store.remove_collection(collection)
        self._nearest.forget(collection)
        return dict(pack(report))

    def answer_documents(self, data: Data) -> Answer:
        return {"documents": pack(catalog.documents(self._store, self._store.collection(data["collection"])))}

    def answer_remove_document(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        path = os.fsencode(path_from_wire(data["path"]))
        documents = catalog.documents_below(self._store, collection, path)
        if not documents:
            raise NotFound(
                tr(
                    "{file} is not in {collection}. Nothing was changed.",
                    file=os.fsdecode(path),
                    collection=data["collection"],
                )
            )
        self._store.remove_documents(collection, documents)
        self._nearest.learn(collection)
        return dict(pack(catalog.report(self._summary(collection))))

    def answer_pause(self, data: Data) -> Answer:
        self._controls.paused.add(self._store.collection(data["collection"]))
        return {}

    def answer_resume(self, data: Data) -> Answer:
        self._controls.paused.discard(self._store.collection(data["collection"]))
        return {}

    def answer_stop(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        if collection in self._controls.running:
            self._controls.stopped.add(collection)
        self._store.forget_waiting(collection)
        return {}

    def answer_waiting(self, data: Data) -> Answer:
        return {"collections": catalog.waiting(self._store, self._controls.running)}

    def answer_status(self, data: Data) -> Answer:
        if data["collection"] is not None:
            wanted = [self._store.collection(data["collection"])]
        else:
            wanted = [row for (row,) in self._store.rows("SELECT id FROM collection ORDER BY name")]
        return {"reports": [pack(catalog.report(self._summary(collection))) for collection in wanted]}

    def answer_verify(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        problems = [*catalog.problems(self._store, collection), *self._nearest.problems(collection)]
        return dict(pack(catalog.checked(catalog.report(self._summary(collection)), problems)))

    def answer_search(self, data: Data) -> Answer:
        collections = self._named(data["collections"])
        found = [self._retriever.search(collections, query, data["k"]) for query in data["queries"]]
        return {"results": [pack(passages) for passages in found]}

    def answer_retrieve(self, data: Data) -> Answer:
        collections = self._named(data["collections"])
        return {"passages": pack(self._retriever.retrieve(collections, data["question"], data["token_budget"]))}

    def answer_cite(self, data: Data) -> Answer:
        return dict(pack(cite(data["answer"], unpack_all(Passage, data["passages"]), self._pages.quoted)))

    def answer_page_picture(self, data: Data) -> Answer:
        answer, pixels = self._pages.picture({**data, "path": path_from_wire(data["path"])})
        return Reply(answer, pixels)

    def answer_page_text(self, data: Data) -> Answer:
        return dict(pack(self._pages.text(path_from_wire(data["path"]), data["page"])))

    def answer_answering(self, data: Data) -> Answer:
        self._controls.answering = data["active"]
        return {}

    def index(self, request: Request) -> Generator[Answer | None, None, Answer]:
        """Read files into a collection; runs take turns, one at a time."""
        data = request.data
        collection = self._collection_for(data["collection"])
        self._pages.remember_password(data["password"])
        reading = Reading(
            self._store, self._nearest, self._embedder, self._controls, collection, password=data["password"]
        )
        self._turns.append(reading)
        try:
            yield from _sent(reading.find([path_from_wire(path) for path in data["paths"]]))
            while self._turns[0] is not reading:
                yield None
            self._begin(collection, request)
            yield from _sent(reading.steps())
        except Cancelled:
            pass
        finally:
            self._turns.remove(reading)
            self._end(collection)
        return dict(pack(reading.report()))

    def rebuild(self, request: Request) -> Generator[Answer | None, None, Answer]:
        """Make a collection's index anew from the stored vectors."""
        data = request.data
        collection = self._store.collection(data["collection"])
        self._must_rest(collection)
        for done, total in self._nearest.rebuild(collection):
            yield pack(IndexProgress(data["collection"], "", done, total, done, 0, 0.0, None, False))
        return dict(pack(catalog.report(self._summary(collection))))

    def _begin(self, collection: int, request: Request) -> None:
        self._controls.runs[collection] = request
        self._controls.paused.discard(collection)
        self._controls.stopped.discard(collection)

    def _end(self, collection: int) -> None:
        self._controls.runs.pop(collection, None)
        self._controls.paused.discard(collection)
        self._controls.stopped.discard(collection)

    def _collection_for(self, name: str) -> int:
        try:
            return self._store.collection(name)
        except NotFound:
            return self._store.create_collection(name)

    def _must_rest(self, collection: int) -> None:
        if collection in self._controls.running:
            raise Busy(
                tr("Files of this collection are being read just now. Nothing was changed. Stop the reading first.")
            )

    def _named(self, names: list[str]) -> list[int]:
        if not names:
            raise NotFound(tr("No collection was chosen to look into. Tick one and ask again."))
        return [self._store.collection(name) for name in dict.fromkeys(names)]

    def _summary(self, collection: int) -> Any:
        return catalog.summary(self._store, collection, self._controls.running, self._controls.paused)


def _sent(steps: Any) -> Generator[Answer | None, None, None]:
    for progress in steps:
        yield None if progress is None else dict(pack(progress))


def _check_once(store: Store, files: EmbeddingFiles) -> None:
    """Compare the model's files with their release at first use and whenever they change on the disk."""
    if store.remembered("embedding model") != files.seal():
        files.check()
        store.remember("embedding model", files.seal())


def _threads() -> int:
    return max(1, min(8, os.cpu_count() or 1))
