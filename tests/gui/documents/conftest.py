"""Collections and files as the knowledge room would report them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QLocale
from pytestqt.qtbot import QtBot

from desktop_llm.errors import BadRequest
from desktop_llm.gui.documents.controller import DocumentsController
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.jobs.job import Progress, State
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import (
    Collection,
    Document,
    FailedDocument,
    IndexProgress,
    IndexReport,
    Knowledge,
    PatternCounts,
)
from desktop_llm.knowledge.shapes import pack
from desktop_llm.message import Citation
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import Message

REPORT = IndexReport("Papers", "ready", 48, 2104, (), 0, 1.0, 31_000_000)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Write numbers as in English, wherever the tests run."""
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English))
    yield
    QLocale.setDefault(before)


class Documents:
    """The page and the objects behind it; `worker` stands in for the process that reads."""

    def __init__(self, qtbot: QtBot, home: Path) -> None:
        self.qtbot, self.worker, self.tasks = qtbot, ReadingWorker(), Tasks()
        knowledge = Knowledge(folders(home), worker=self.worker)
        resources = cast(
            Resources,
            SimpleNamespace(knowledge=knowledge, chats=None, tasks=self.tasks, library=Library(folders(home))),
        )
        self.page = DocumentsPage()
        qtbot.addWidget(self.page)
        self.jobs = Jobs(self.tasks, self.page)
        self.collections = Collections(resources, self.jobs, self.page)
        self.controller = DocumentsController(resources, self.jobs, self.collections, self.page, self.page)
        self.page.resize(1208, 752)
        self.page.show()

    def show(self, *collections: Collection) -> None:
        """Give the worker these collections, and wait until the page shows them."""
        self.worker.collections = list(collections)
        self.collections.refresh()
        self.qtbot.waitUntil(lambda: self.collections.all == collections)

    def asked(self, kind: str, times: int = 1) -> dict[str, Any]:
        """Wait until the worker got this request so often; returns the data of the last one."""
        self.qtbot.waitUntil(lambda: len(self.worker.asked[kind]) >= times)
        return self.worker.asked[kind][-1]


@pytest.fixture
def documents(qtbot: QtBot, home: Path) -> Iterator[Documents]:
    """The page in a wide window."""
    made = Documents(qtbot, home)
    yield made
    made.tasks.close()


@pytest.fixture
def page(documents: Documents) -> DocumentsPage:
    """The page with everything behind it."""
    return documents.page


@pytest.fixture
def lone_page(qtbot: QtBot) -> DocumentsPage:
    """The page by itself: nobody carries out its requests."""
    page = DocumentsPage()
    qtbot.addWidget(page)
    page.resize(1208, 752)
    page.show()
    return page


class ReadingWorker:
    """Answers as the knowledge worker does, and keeps the data of each kind of request."""

    alive = True

    def __init__(self) -> None:
        self.collections: list[Collection] = []
        self.files: list[Document] = []
        self.found: list[Citation] = []
        self.notice = ""
        self.waiting: list[str] = []
        self.counts: PatternCounts | None = None
        self.wrong_pattern = ""
        self.asked: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def call(self, kind: str, data: dict[str, Any] | None = None, _body: bytes = b"") -> Message:
        self.asked[kind].append(dict(data or {}))
        answers: dict[str, dict[str, Any]] = {
            "collections": {"collections": pack(self.collections)},
            "documents": {"documents": pack(self.files)},
            "remove": pack(REPORT),
            "remove_document": pack(REPORT),
            "search": {"results": [pack(self.found)]},
            "waiting": {"collections": self.waiting},
            "notice": {"notice": self.notice},
            "changes": pack(REPORT),
            "decide": pack(REPORT),
            "count_patterns": pack(self.counts),
        }
        if kind == "count_patterns" and self.wrong_pattern:
            raise BadRequest(self.wrong_pattern, "Nothing was changed.")
        return Message(0, "done", answers.get(kind, {}))

    def request(
        self, kind: str, data: dict[str, Any] | None = None, _body: bytes = b""
    ) -> Generator[Message, None, Message]:
        yield from ()
        self.asked[kind].append(dict(data or {}))
        return Message(0, "done", pack(REPORT))

    def close(self) -> None:
        """Do nothing: it has no process."""


def readings(
    name: str, state: State = "running", progress: Progress | None = None, **fields: Any
) -> dict[str, Reading]:
    """A reading under way."""
    middle = Progress(412, 1260, 0, 74.2, 655.0, "/papers/Vaswani_2017_attention.pdf")
    return {name: Reading(name, name, state, middle if progress is None else progress, **fields)}


def collection(name: str, **other: Any) -> Collection:
    """A collection that is ready, unless `other` says otherwise."""
    facts: dict[str, Any] = {
        "state": "ready",
        "documents": 48,
        "pages": 612,
        "chunks": 2104,
        "failed": (),
        "size_bytes": 31_000_000,
        "changed_at": 1_700_000_000.0,
        "formats": (("PDF", 31), ("Word", 9)),
    }
    return Collection(name, **(facts | other))


def progress(name: str, **other: Any) -> IndexProgress:
    """A run under way."""
    facts: dict[str, Any] = {
        "current": "/papers/Vaswani_2017_attention.pdf",
        "done": 412,
        "total": 1260,
        "chunks": 31_000,
        "failed": 0,
        "chunks_per_s": 74.2,
        "seconds_left": 655.0,
        "paused": False,
    }
    return IndexProgress(name, **(facts | other))


def document(path: str, **other: Any) -> Document:
    """A file that was read."""
    facts: dict[str, Any] = {"status": "ready", "reason": "", "pages": 3, "chunks": 12, "size_bytes": 120_000}
    return Document(path, **(facts | other))


def passage(path: str, text: str, page: int | None = 4, place: str = "") -> Citation:
    """A passage that was found in a document."""
    return Citation(1, path, page, 0, len(text), text, 0.9, place=place, verified=True)


def failure(path: str, reason: str, cause: str = "") -> FailedDocument:
    """A file that could not be read."""
    return FailedDocument(path, reason, cause, in_use=cause == "partly")
