"""Fetches what the map and the self-test of the opened collection show."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop_llm.errors import UserError
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.knowledge.client import CollectionMap, Probe, SelfTest
from desktop_llm.message import Citation


class LookingInside(QObject):
    """Answers the signals of the page's `opened` collection; `failed` is called with errors of single looks."""

    def __init__(
        self,
        resources: Resources,
        collections: Collections,
        page: DocumentsPage,
        failed: Callable[[UserError], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._knowledge, self._tasks, self._collections = resources.knowledge, resources.tasks, collections
        self._page, self._view, self._failed = page, page.opened, failed
        self._testing: Task | None = None
        self._view.map_shown.connect(self._on_map_shown)
        self._view.map.asked.connect(self._on_asked)
        self._view.map.pointed.connect(self._on_pointed)
        self._view.map.opened.connect(self._on_opened)
        self._view.self_test_shown.connect(self._on_self_test_shown)
        self._view.self_test.wanted.connect(self._on_test_wanted)
        self._view.self_test.stopped.connect(self._on_test_stopped)
        self._view.self_test.passage_wanted.connect(self._on_probe)

    def _on_map_shown(self, name: str) -> None:
        documents = next((each.documents for each in self._collections.all if each.name == name), 0)
        draw = functools.partial(self._knowledge.map, name)
        show = functools.partial(self._show_map, name, documents)
        self._tasks.call(draw, show, functools.partial(self._on_no_map, name))

    def _show_map(self, name: str, documents: int, drawn: CollectionMap) -> None:
        if self._view.name == name:
            self._view.map.show_map(drawn, documents)

    def _on_no_map(self, name: str, error: UserError) -> None:
        if self._view.name == name:
            self._view.map.show_error(error.message)

    def _on_asked(self, question: str) -> None:
        find = functools.partial(self._knowledge.find_on_map, self._view.name, question)
        self._tasks.call(find, self._view.map.show_found, self._failed)

    def _on_pointed(self, chunk: int) -> None:
        read = functools.partial(self._knowledge.passage, self._view.name, chunk)
        self._tasks.call(read, functools.partial(self._view.map.show_passage, chunk), self._failed)

    def _on_opened(self, chunk: int) -> None:
        self._tasks.call(functools.partial(self._knowledge.passage, self._view.name, chunk), self._open, self._failed)

    def _open(self, passage: Citation | None) -> None:
        if passage is not None:
            self._page.passage_activated.emit(passage)

    def _on_self_test_shown(self, name: str) -> None:
        if self._testing is None:
            read = functools.partial(self._knowledge.kept_self_test, name)
            self._tasks.call(read, functools.partial(self._show_test, name), self._failed)

    def _on_test_wanted(self, count: int) -> None:
        name = self._view.name
        self._view.self_test.show_running(0, count)
        self._testing = self._tasks.run(
            functools.partial(self._knowledge.self_test, name, count),
            progress=functools.partial(self._on_test_step, name),
            done=functools.partial(self._on_tested, name),
            failed=functools.partial(self._on_not_tested, name),
        )

    def _on_test_step(self, name: str, step: tuple[int, int]) -> None:
        if self._view.name == name:
            self._view.self_test.show_running(*step)

    def _on_tested(self, name: str, found: SelfTest) -> None:
        self._testing = None
        self._show_test(name, found)

    def _on_not_tested(self, name: str, error: UserError) -> None:
        self._testing = None
        if self._view.name == name:
            self._view.self_test.show_error(error.message)

    def _show_test(self, name: str, found: SelfTest | None) -> None:
        if self._view.name == name and found is not None:
            self._view.self_test.show_test(found)

    def _on_test_stopped(self) -> None:
        if self._testing is not None:
            self._testing.cancel()
            self._testing = None
        self._view.self_test.clear()
        self._on_self_test_shown(self._view.name)

    def _on_probe(self, probe: Probe) -> None:
        passage = Citation(1, probe.document, probe.page, probe.start, probe.end, "", 0.0, place=probe.place)
        self._page.passage_activated.emit(passage)
