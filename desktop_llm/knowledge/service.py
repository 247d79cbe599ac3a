"""The open knowledge of a data folder, and what it answers; `requests.py` has the tables of all kinds of requests."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from desktop_llm.errors import Busy, Cancelled, NotFound, UserError
from desktop_llm.knowledge import catalog, file_by_file
from desktop_llm.knowledge.cite import cite
from desktop_llm.knowledge.embed import Embedder, EmbeddingFiles, starter_files
from desktop_llm.knowledge.folders import Look, decide, folders_of, relocate, remember, remembered, stay_out
from desktop_llm.knowledge.forget import forget
from desktop_llm.knowledge.gguf_embedder import ModelFile
from desktop_llm.knowledge.indexing import Controls, Indexing
from desktop_llm.knowledge.looking import Data, Looking
from desktop_llm.knowledge.pages import Pages
from desktop_llm.knowledge.pattern_counts import PatternCounter
from desktop_llm.knowledge.patterns import checked
from desktop_llm.knowledge.recovery import NOTICE, ensure_sound
from desktop_llm.knowledge.reembedding import choose, fill, forget_next, is_due, reembed
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.seal import Held, break_seal, note_held, read_seal, seal
from desktop_llm.knowledge.shapes import Collection, IndexProgress, IndexReport, Only, pack, unpack, unpack_all
from desktop_llm.knowledge.spaces import Spaces
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.suspects import Suspects
from desktop_llm.knowledge.watching import Watching
from desktop_llm.knowledge.whole import whole_documents
from desktop_llm.message import Citation
from desktop_llm.paths import Folders
from desktop_llm.sqlite_files import mark_suspect
from desktop_llm.words import to_json, tr
from desktop_llm.workers.child import Answer, Request, Steps
from desktop_llm.workers.protocol import path_from_wire

_SAME_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class _LastLook:
    """A look through a collection's folders: when it ended, and how much was stored until then."""

    collection: int
    look: Look
    changes: int
    at: float


class Service:
    """The open knowledge of one data folder. Each public method answers one kind of request."""

    def __init__(self, folders: Folders) -> None:
        self._path = folders.knowledge_db
        ensure_sound(self._path, folders.index)
        self._sealed = read_seal(self._path)
        self.store = self._store = Store(self._path)
        break_seal(self._path, self._sealed)
        files = starter_files()
        _check_once(self._store, files)
        self._controls = Controls(threads=_threads())
        starter = Embedder(files, threads=self._controls.threads)
        self._spaces = Spaces(self._store, folders.index, starter, threads=self._controls.threads)
        self._retriever = Retriever(self._store, self._spaces)
        self._pages = Pages(self._store)
        self.looking = Looking(self._store, self._spaces, self._retriever, self._pages)
        self._turns: list[object] = []
        self._last_look: _LastLook | None = None
        self._watching = Watching()
        self._counter = PatternCounter()
        self._suspects = Suspects(folders.data / "knowledge-in-hand.json")
        self.is_damaged = False

    def close(self) -> None:
        """Bring the write-ahead log into the file and seal it, so that a copy of the file is whole."""
        self._suspects.close()
        self._watching.close()
        if self._store.read_only:
            return
        held = self._held()
        self._spaces.close()
        self._store.close()
        seal(self._path, held, self._sealed)

    def abandon(self) -> None:
        """Let go of a damaged file."""
        self._spaces.close()
        self._store.close()

    def notice(self, data: Data) -> Answer:
        told = catalog.notice(self._store)
        if told and data["seen"] and not catalog.waiting(self._store, ()):
            self._store.forget(NOTICE)
        return {"notice": to_json(told)}

    def collections(self, data: Data) -> Answer:
        rows = self._store.rows("SELECT id, name FROM collection ORDER BY name")
        wanted = [number for number, name in rows if data["of_chats"] or not name.startswith("chat:")]
        return {"collections": [pack(self._summary(collection)) for collection in wanted]}

    def create(self, data: Data) -> Answer:
        self._store.create_collection(data["collection"])
        return {}

    def rename(self, data: Data) -> Answer:
        self._store.rename_collection(self._store.collection(data["collection"]), data["name"])
        self._note_held()
        return {}

    def remove(self, request: Request) -> Steps:
        """Delete a collection, at once, and then the text that only it had."""
        collection = self._store.collection(request.data["collection"])
        self._must_rest(collection)
        report = catalog.report(self._summary(collection))
        self._store.remove_collection(collection)
        self._spaces.forget(collection)
        self._note_held()
        yield from self._swept()
        return dict(pack(report))

    def documents(self, data: Data) -> Answer:
        return {"documents": pack(catalog.documents(self._store, self._store.collection(data["collection"])))}

    def remove_document(self, request: Request) -> Steps:
        """Take a file or all files below a folder out of a collection, at once, and then delete their text."""
        data = request.data
        collection = self._store.collection(data["collection"])
        path = os.fsencode(path_from_wire(data["path"]))
        documents = catalog.documents_below(self._store, collection, path)
        if not documents and os.fsdecode(path) not in [each.path for each in folders_of(self._store, collection)]:
            raise NotFound(
                tr("{file} is not in {collection}.", file=os.fsdecode(path), collection=data["collection"]),
                tr("Nothing was changed."),
            )
        stay_out(self._store, collection, path)
        self._store.remove_documents(collection, documents)
        yield from self._spaces.of(collection).nearest.learn_steps(collection)
        yield from self._swept()
        return dict(pack(catalog.report(self._summary(collection))))

    def tidy(self) -> bool:
        """Delete some of what a run that was stopped, or a worker that ended, left behind; False if nothing is."""
        return any(True for _ in islice(self._store.sweep(), 1))

    def _swept(self) -> Iterator[None]:
        yield from self._store.sweep()
        yield from self._store.wipe()

    def pause(self, data: Data) -> Answer:
        self._controls.paused.add(self._store.collection(data["collection"]))
        return {}

    def resume(self, data: Data) -> Answer:
        self._controls.paused.discard(self._store.collection(data["collection"]))
        return {}

    def stop(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        if collection in self._controls.running:
            self._controls.stopped.add(collection)
        self._store.forget_waiting(collection)
        return {}

    def waiting(self, data: Data) -> Answer:
        return {"collections": catalog.waiting(self._store, self._controls.running)}

    def status(self, data: Data) -> Answer:
        if data["collection"] is not None:
            wanted = [self._store.collection(data["collection"])]
        else:
            wanted = [row for (row,) in self._store.rows("SELECT id FROM collection ORDER BY name")]
        return {"reports": [pack(self._told(catalog.report(self._summary(collection)))) for collection in wanted]}

    def verify(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        damage = catalog.problems(self._store, collection)
        if damage and not self._store.read_only:
            mark_suspect(self._path)
            self.is_damaged = True
        problems = [*damage, *self._spaces.of(collection).nearest.problems(collection)]
        return dict(pack(self._told(catalog.checked(catalog.report(self._summary(collection)), problems))))

    def search(self, data: Data) -> Answer:
        collections = self._named(data["collections"])
        only = _only(data)
        found = [self._retriever.search(collections, query, data["k"], only) for query in data["queries"]]
        return {"results": [pack(passages) for passages in found]}

    def retrieve(self, data: Data) -> Answer:
        collections = self._named(data["collections"])
        question, budget, only = data["question"], data["token_budget"], _only(data)
        if data.get("trace"):
            passages, trace = self._retriever.retrieve_traced(collections, question, budget, only)
        else:
            passages, trace = self._retriever.retrieve(collections, question, budget, only), None
        if passages and data["whole"] and only is None:
            all_pages = whole_documents(self._store, collections, self._spaces.counter.count_tokens, budget)
            passages, trace = all_pages or passages, trace and replace(trace, whole=bool(all_pages))
        return {"passages": pack(passages), "trace": trace and trace.to_json()}

    def outline(self, data: Data) -> Answer:
        return {"files": pack(file_by_file.outline(self._store, self._named(data["collections"])))}

    def file_count(self, data: Data) -> Answer:
        collections = self._named(data["collections"])
        failed, waiting = file_by_file.unread_counts(self._store, collections)
        return {"count": file_by_file.file_count(self._store, collections), "failed": failed, "waiting": waiting}

    def file_pieces(self, data: Data) -> Answer:
        return {"pieces": pack(file_by_file.pieces(self._store, path_from_wire(data["path"])))}

    def cite(self, data: Data) -> Answer:
        return dict(pack(cite(data["answer"], unpack_all(Citation, data["passages"]), self._pages.quoted)))

    def answering(self, data: Data) -> Answer:
        self._controls.answering = data["active"]
        return {}

    def watch(self, data: Data) -> Answer:
        query = (
            "SELECT folder.path, name FROM folder JOIN collection ON collection.id = folder.collection "
            "WHERE watched = 1 ORDER BY folder.path"
        )
        wanted = [(os.fsdecode(path), name) for path, name in self._store.rows(query)]
        return {"collections": self._watching.due(wanted), "limited": self._watching.limited}

    def set_folder(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        path = path_from_wire(data["path"])
        remember(
            self._store,
            collection,
            path,
            include=data["include"],
            exclude=data["exclude"],
            watched=data["watched"],
        )
        self._note_held()
        return {}

    def relocate(self, data: Data) -> Answer:
        """A folder of a collection was moved."""
        collection = self._store.collection(data["collection"])
        self._must_rest(collection)
        relocate(self._store, collection, path_from_wire(data["path"]), path_from_wire(data["new"]))
        self._spaces.of(collection).nearest.learn(collection)
        self._note_held()
        return {}

    def count_patterns(self, request: Request) -> Steps:
        """Count what patterns fit in a folder, before they are stored."""
        data = request.data
        folder = remembered(self._store, self._store.collection(data["collection"]), path_from_wire(data["path"]))
        include = folder.include if data["include"] is None else checked(data["include"])
        exclude = folder.exclude if data["exclude"] is None else checked(data["exclude"])
        for _ in self._counter.count(folder, include, exclude):
            yield None
        return dict(pack(self._counter.counts(folder, include, exclude)))

    def decide(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        decide(self._store, collection, keep=data["keep"])
        self._spaces.of(collection).nearest.learn(collection)
        return dict(pack(catalog.report(self._summary(collection))))

    def changes(self, request: Request) -> Steps:
        """Look through the folders of a collection, and count what is not as it was read; no document is changed."""
        collection = self._store.collection(request.data["collection"])
        look = Look(self._store, collection)
        for _ in look.steps():
            yield None
        with contextlib.suppress(UserError):  # on a full disk it is not noted that somebody looked
            look.note()
        self._last_look = _LastLook(collection, look, self._store.changes, time.monotonic())
        report = self._told(catalog.report(self._summary(collection)))
        return dict(pack(catalog.with_changes(report, look.changes, settled=False)))

    def forget(self, request: Request) -> Steps:
        """Remove every trace of a file; indexes that held its vectors are made anew, as they would only hide them."""
        path = path_from_wire(request.data["path"])
        query = "SELECT DISTINCT collection FROM document WHERE path = ?"
        for (collection,) in self._store.rows(query, os.fsencode(path)):
            self._must_rest(collection)
        forgotten, collections = forget(self._store, path, self._path)
        yield from self._swept()
        for collection in dict.fromkeys(collections):
            for _ in self._spaces.of(collection).nearest.rebuild(collection):
                yield None
        self._note_held()
        return dict(pack(forgotten))

    def index(self, request: Request) -> Steps:
        """Read files into a collection; runs take turns, one at a time."""
        data = request.data
        collection = self._collection_for(data["collection"])
        self._pages.remember_password(data["password"])
        space = self._spaces.of(collection)
        run = Indexing(
            self._store,
            space.nearest,
            space.embedder,
            self._controls,
            collection,
            suspects=self._suspects,
            password=data["password"],
            embed_later=space is not self._spaces.starter,
        )
        self._turns.append(run)
        try:
            yield from _sent(self._found(run, collection, data))
            yield from self._turn_of(run)
            self._begin(collection, request)
            if data.get("look") == "gone":
                yield from self._spaces.of(collection).nearest.learn_steps(collection)
                yield from self._store.sweep()
                return dict(pack(self._with_model(run.report(), collection)))
            yield from _sent(run.steps())
            if run.has_late:  # the files of other collections go before them
                self._turns.append(self._turns.pop(0))
                yield from self._turn_of(run)
                yield from _sent(run.late_steps())
            with contextlib.suppress(UserError):  # the model's problem is told with the collection
                yield from self._filled(collection)
            yield from self._store.sweep()
        except Cancelled:
            pass
        finally:
            self._turns.remove(run)
            self._end(collection)
        self._note_held()
        return dict(pack(self._with_model(run.report(), collection)))

    def _found(self, run: Indexing, collection: int, data: Data) -> Iterator[IndexProgress | None]:
        """Note what is to be read: of the given folders, which are remembered, and the given files; or of all folders
        and files of the collection, if `look` says so: "changes" or "gone", or "all" to try again what failed, too.
        """
        paths = [path_from_wire(path) for path in data["paths"]]
        folders = [] if data["collection"].startswith("chat:") else [path for path in paths if path.is_dir()]
        for path in folders:
            remember(self._store, collection, path, include=data.get("include"), exclude=data.get("exclude"))
        if folders:
            self._note_held()
        if folders or data.get("look"):
            again = data.get("look") not in ("changes", "gone")
            look = None if again or folders else self._look_just_now(collection)
            if look is None:
                look = Look(self._store, collection, again=again, below=folders or None)
                started = time.monotonic()
                yield from look.steps()
                self._watching.looked(data["collection"], time.monotonic() - started)
            run.expect(look)
            yield from look.settle()
        yield from run.find([path for path in paths if path not in folders])

    def _look_just_now(self, collection: int) -> Look | None:
        """The look that `changes` has just taken if nothing was stored since: a folder is walked through once."""
        last, self._last_look = self._last_look, None
        if last is None or last.collection != collection or last.changes != self._store.changes:
            return None
        return last.look if time.monotonic() - last.at < _SAME_LOOK_S else None

    def _filled(self, collection: int) -> Iterator[Answer | None]:
        """Embed what lacks vectors of the model that answers: known contents, and those of a model that may be slow."""
        space, model = self._spaces.of(collection), self._spaces.models_of(collection).now
        yield from _sent(fill(self._store, space.embedder, self._controls, collection, model=model))
        yield from _sent(space.nearest.mend(collection))

    def choose_model(self, request: Request) -> Steps:
        """Have another embedding model take over a collection once it has embedded all passages (see `reembed`)."""
        data = request.data
        collection = self._store.collection(data["collection"])
        self._must_rest(collection)
        yield None
        file = ModelFile.of(data["name"], path_from_wire(data["path"])) if data["path"] else None
        choose(self._store, self._spaces, collection, self._spaces.know(file))
        return dict(pack(catalog.report(self._summary(collection))))

    def reranker(self, data: Data) -> Answer:
        """The name of the reranker and its problem, "" each if there is none; with `set`, another one first."""
        if data["set"]:
            path = data["path"]
            self._spaces.use_reranker(ModelFile.of(data["name"], path_from_wire(path)) if path else None)
        used = self._spaces.reranker
        return {"name": used.model.file.name if used else "", "problem": to_json(used.model.problem if used else "")}

    def reembed(self, request: Request) -> Steps:
        """Embed what is due in a collection; a chosen model then takes over. Takes turns with the reading of files."""
        collection = self._store.collection(request.data["collection"])
        self._must_rest(collection)
        turn = object()
        self._turns.append(turn)
        try:
            yield from self._turn_of(turn)
            self._begin(collection, request)
            yield from _sent(reembed(self._store, self._spaces, self._controls, collection))
        except Cancelled:
            if collection in self._controls.stopped:
                forget_next(self._store, self._spaces, collection)
        finally:
            self._turns.remove(turn)
            self._end(collection)
        return dict(pack(catalog.report(self._summary(collection))))

    def _turn_of(self, run: object) -> Iterator[None]:
        while self._turns[0] is not run:
            yield None

    def rebuild(self, request: Request) -> Steps:
        """Rebuild a collection's index from the stored vectors."""
        data = request.data
        collection = self._store.collection(data["collection"])
        self._must_rest(collection)
        for done, total in self._spaces.of(collection).nearest.rebuild(collection):
            yield pack(IndexProgress(data["collection"], "", done, total, done, 0, 0.0, None, False))
        return dict(pack(catalog.report(self._summary(collection))))

    def _told(self, report: IndexReport) -> IndexReport:
        return replace(report, notice=catalog.notice(self._store))

    def _with_model(self, report: IndexReport, collection: int) -> IndexReport:
        now = self._summary(collection)
        return replace(report, model=now.model, next_model=now.next_model, problem=now.problem)

    def _note_held(self) -> None:
        """Note what the collections hold, in case the file is lost. Once nothing waits, all is said about a loss."""
        if not catalog.waiting(self._store, ()) and self._store.remembered(NOTICE):
            self._store.forget(NOTICE)
        self._sealed = None
        note_held(self._path, self._held())

    def _held(self) -> Held:
        return Held(self._store.lists(), self._store.folders())

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
                tr("Files of this collection are being read right now."),
                tr("Nothing was changed. Stop the reading first."),
            )

    def _named(self, names: list[str]) -> list[int]:
        if not names:
            raise NotFound(tr("No collection was chosen for the search."), tr("Tick one and ask again."))
        return [self._store.collection(name) for name in dict.fromkeys(names)]

    def _summary(self, collection: int) -> Collection:
        found = catalog.summary(self._store, collection, self._controls.running, self._controls.paused)
        folders = (replace(folder, note=self._watching.note(folder.path)) for folder in found.folders)
        models = self._spaces.models_of(collection)
        return replace(
            found,
            folders=tuple(folders),
            model=self._spaces.name(models.now),
            next_model="" if models.next is None else self._spaces.name(models.next),
            due=is_due(self._store, self._spaces, collection),
            problem=self._spaces.problem_of(collection),
        )


def _only(data: Data) -> Only | None:
    return unpack(Only, data["only"]) if data.get("only") else None


def _sent(steps: Any) -> Generator[Answer | None, None, None]:
    for progress in steps:
        yield None if progress is None else dict(pack(progress))


def _check_once(store: Store, files: EmbeddingFiles) -> None:
    """Compare the model's files with their release at first use and whenever they change on the disk."""
    if store.remembered("embedding model") != files.seal():
        files.check()
        with contextlib.suppress(UserError):  # on a full disk it is checked again at the next start
            store.remember("embedding model", files.seal())


def _threads() -> int:
    return max(1, min(8, os.cpu_count() or 1))
