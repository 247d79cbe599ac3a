"""Collections and files as the knowledge room would tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QLocale
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.knowledge.client import Collection, Document, FailedDocument, IndexProgress, Passage

MakeCollection = Callable[..., Collection]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Numbers as English writes them, wherever the tests run."""
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def page(qtbot: QtBot) -> DocumentsPage:
    """The page in a wide window."""
    page = DocumentsPage()
    qtbot.addWidget(page)
    page.resize(1208, 752)
    page.show()
    return page


def collection(name: str, **other: Any) -> Collection:
    """A collection that is ready, unless told otherwise."""
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
    """A run in the middle."""
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


def passage(path: str, text: str, page: int | None = 4, place: str = "") -> Passage:
    """A found piece of a document."""
    return Passage(1, path, page, place, 0, len(text), text, 0.9)


def failure(path: str, reason: str, cause: str = "") -> FailedDocument:
    """A file that could not be read."""
    return FailedDocument(path, reason, cause)
