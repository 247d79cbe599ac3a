"""The rail and the Activity page show the jobs under way, with the real controllers behind both."""

from __future__ import annotations

import queue
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import Loading, LoadSettings
from desktop_llm.engine.crashes import Crashes
from desktop_llm.engine.engines import Engines
from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.gui.activity.controller import ActivityController
from desktop_llm.gui.activity.count import ActivityCount
from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.documents.controller import DocumentsController
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.frame.rail import Rail
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import Resources
from desktop_llm.knowledge.client import CHAT_PREFIX, IndexProgress, IndexReport, Knowledge
from desktop_llm.knowledge.shapes import pack
from desktop_llm.workers.protocol import Message
from tests.gui.documents.conftest import collection, progress
from tests.gui.models.room import Room, half, room
from tests.gui.samples import find, heard
from tests.hub import status
from tests.models.gguf_files import CHAT, model

REPORT = IndexReport("Papers", "ready", 48, 2104, (), 0, 1.0, 31_000_000)


class Reading:
    """Stands in for the process that reads: it reads one collection until it is told to `finish`."""

    alive = True

    def __init__(self) -> None:
        self.papers = collection("Papers")
        self.dies = False
        self._steps: queue.SimpleQueue[IndexProgress | None] = queue.SimpleQueue()

    def call(self, kind: str, _data: dict[str, Any] | None = None, _body: bytes = b"") -> Message:
        if kind in ("pause", "resume") and self.papers.state != "ready":
            paused = kind == "pause"
            self.papers = replace(self.papers, state="paused" if paused else "reading")
            self._steps.put(progress("Papers", paused=paused))
        collections = pack([self.papers]) if kind == "collections" else []
        return Message(0, "done", {"collections": collections, "documents": []})

    def request(
        self, _kind: str, data: dict[str, Any] | None = None, _body: bytes = b""
    ) -> Generator[Message, None, Message]:
        assert data is not None
        of_chat = data["collection"].startswith(CHAT_PREFIX)
        self.papers = self.papers if of_chat else replace(self.papers, state="reading")
        self._steps.put(progress(data["collection"]))
        while (step := self._steps.get(timeout=10)) is not None:
            yield Message(0, "progress", pack(step))
        self.papers = replace(self.papers, state="paused" if self.dies else "ready")
        if self.dies:
            raise WorkerDied("The part that reads documents stopped unexpectedly.", details="")
        return Message(0, "done", pack(REPORT))

    def finish(self) -> None:
        self._steps.put(None)

    def close(self) -> None:
        self.finish()


class Window:
    """The rail and the Activity page beside a Models page with everything behind it."""

    def __init__(self, qtbot: QtBot, models_room: Room) -> None:
        self.qtbot, self.room, self.reading = qtbot, models_room, Reading()
        knowledge = Knowledge(models_room.folders, worker=self.reading)
        more = {"knowledge": knowledge, "chats": None, "engines": Engines(models_room.folders)}
        resources = cast(Resources, SimpleNamespace(**{**vars(models_room.resources), **more}))
        documents_page = DocumentsPage()
        self.rail, self.page = Rail(), ActivityPage()
        for widget in (documents_page, self.rail, self.page):
            qtbot.addWidget(widget)
        self.models = ChosenModelController(resources, models_room.shelf, documents_page)
        jobs = models_room.jobs
        self.collections = Collections(resources, jobs, documents_page)
        self.documents = DocumentsController(resources, jobs, self.collections, documents_page, documents_page)
        count = ActivityCount(jobs, self.models, self.collections, self.rail)
        count.changed.connect(self.rail.set_activity)
        activity = ActivityController(self.page, jobs, self.models, self.collections, count)
        activity.download_acted.connect(models_room.transfers.act)
        activity.collection_acted.connect(self.documents.act)
        models_room.transfers.offer_undo_at(self.page.undo)
        self.pages = heard(self.documents.page_requested)
        self.page.resize(1208, 752)
        self.page.show()

    @property
    def says(self) -> str:
        """The words on the rail."""
        return str(find(self.rail, "rail_activity").accessibleName())

    def until_it_says(self, words: str) -> None:
        """Run the window until the rail says these words."""
        self.qtbot.waitUntil(lambda: self.says == words, timeout=10_000)

    def press(self, name: str) -> None:
        """Click a button of the Activity page."""
        QTest.mouseClick(find(self.page, name), Qt.MouseButton.LeftButton)


@pytest.fixture
def window(qtbot: QtBot, home: Path) -> Iterator[Window]:
    with room(qtbot, home) as models_room:
        models_room.start()
        window = Window(qtbot, models_room)
        yield window
        window.reading.finish()


def download(models_room: Room) -> None:
    """Press Get in a repository that sends only half a file."""
    models_room.add()
    models_room.open()
    models_room.hub.behave("/cdn/*", half)
    models_room.get()
    models_room.until(models_room.received)


def test_a_download_counts_while_it_runs_and_is_paused_and_resumed_here(window: Window) -> None:
    download(window.room)
    assert window.says == "Activity, 1 running"
    assert find(window.page, "activity_summary").text() == "1 running"
    assert find(window.page, "downloads_disk").text().endswith("free")
    window.press("activity_pause_all")
    assert (window.says, window.room.stages()) == ("Activity", ["paused"])
    assert find(window.page, "activity_summary").text() == "Nothing is running"
    window.room.hub.behave_well()
    window.press("download_pause")
    window.room.until(lambda: window.room.stages() == ["done"])
    used = heard(window.room.transfers.use_requested)
    window.press("download_use")
    assert used == [download.model_id for download in window.room.shown.values()]
    assert window.says == "Activity"


def test_what_is_cancelled_here_can_be_undone_here(window: Window) -> None:
    download(window.room)
    window.room.page.hide()
    window.press("download_cancel")
    assert window.room.stages() == []
    window.press("activity_undo_undo")
    assert window.room.stages() == ["paused"]


def test_a_download_that_stopped_counts_and_its_action_may_lead_to_the_models(window: Window) -> None:
    window.room.add()
    window.room.open()
    window.room.hub.behave("/maker/*/resolve/*", status(404))
    asked = heard(window.room.transfers.page_requested)
    window.room.get()
    window.until_it_says("Activity, 1 stopped")
    window.press("download_open_repository")
    assert len(asked) == 1


def test_a_collection_that_is_read_is_shown_and_can_be_paused(window: Window) -> None:
    window.collections.refresh()
    window.qtbot.waitUntil(lambda: bool(window.collections.names))
    assert window.says == "Activity"
    window.collections.add("Papers", ["/papers"])
    window.until_it_says("Activity, 1 running")
    window.qtbot.waitUntil(lambda: find(window.page, "collection_progress_count").text() == "412 of 1,260 documents")
    window.press("collection_pause")
    window.until_it_says("Activity")
    window.press("collection_resume")
    window.until_it_says("Activity, 1 running")
    window.press("collection_files")
    assert len(window.pages) == 1
    window.reading.finish()
    window.until_it_says("Activity")
    window.qtbot.waitUntil(lambda: find(window.page, "activity_empty").isVisible())


def test_a_reading_that_stopped_by_itself_counts_until_it_goes_on(window: Window) -> None:
    window.collections.refresh()
    window.qtbot.waitUntil(lambda: bool(window.collections.names))
    window.reading.dies = True
    window.collections.add("Papers", ["/papers"])
    window.until_it_says("Activity, 1 running")
    window.reading.finish()
    window.until_it_says("Activity, 1 stopped")
    assert "stopped unexpectedly" in find(window.page, "collection_progress_note").text()
    window.reading.dies = False
    window.press("collection_resume")
    window.until_it_says("Activity, 1 running")
    window.reading.finish()
    window.until_it_says("Activity")


def test_files_of_a_chat_count_while_they_are_read(window: Window) -> None:
    window.collections.add("chat:1", ["/lease.pdf"])
    window.until_it_says("Activity, 1 running")
    assert find(window.page, "chat_reading").isVisible()
    window.reading.finish()
    window.until_it_says("Activity")
    assert find(window.page, "activity_empty").isVisible()


def test_a_model_that_is_being_loaded_is_shown_until_it_is_there(window: Window) -> None:
    with window.qtbot.waitSignal(window.models.chosen):
        window.models.shelf.look()
    assert window.models.model is not None
    window.models.states.show_loading(window.models.model, Loading(0.64))
    assert window.says == "Activity, 1 running"
    assert find(window.page, "model_in_use_state").text() == "Loading, 64 %"
    window.models.look_at(window.models.model)
    assert window.says == "Activity"
    assert find(window.page, "activity_empty").isVisible()


def test_loading_for_an_answer_is_cancelled_with_the_answer(window: Window) -> None:
    with window.qtbot.waitSignal(window.models.chosen):
        window.models.shelf.look()
    stopped = heard(window.models.stop_requested)
    assert window.models.model is not None
    window.models.states.show_loading(window.models.model, Loading(0.64))
    window.press("model_in_use_action")
    assert stopped == [window.models.model.id]


def test_a_model_that_would_not_load_is_named_although_the_one_before_is_chosen_again(
    window: Window, tmp_path: Path
) -> None:
    changed = window.room.library.import_file(model(tmp_path / "tiny.gguf")).model
    changed.path.unlink()
    model(changed.path, {**CHAT, "general.name": "Another"})
    with window.qtbot.waitSignal(window.models.chosen):
        window.models.shelf.look()
    window.models.use(changed.id)
    window.until_it_says("Activity, 1 stopped")
    assert find(window.page, "model_in_use").accessibleName().startswith("Another")
    assert find(window.page, "model_in_use_action").text() == "Try again"
    assert window.models.model is not None
    assert window.models.model.id != changed.id


def test_a_model_that_stopped_and_was_removed_is_told_of_no_more(window: Window, tmp_path: Path) -> None:
    gone = window.room.library.import_file(model(tmp_path / "tiny.gguf")).model
    with window.qtbot.waitSignal(window.models.chosen):
        window.models.shelf.look()
    window.models.model = gone
    window.models.states.show_stopped(gone, UserError("The model stopped unexpectedly."))
    assert window.says == "Activity, 1 stopped"
    window.room.library.remove(gone.id)
    window.models.shelf.look()
    window.until_it_says("Activity")
    assert find(window.page, "activity_empty").isVisible()


def test_a_model_that_ended_its_worker_twice_is_offered_and_not_chosen(window: Window, tmp_path: Path) -> None:
    held = window.room.library.import_file(model(tmp_path / "tiny.gguf")).model
    window.room.library.mark_used(held.id)
    crashes = Crashes(window.room.folders.data / "crashes.json")
    crashes.died(held.path, LoadSettings())
    crashes.died(held.path, LoadSettings())
    with window.qtbot.waitSignal(window.models.held_back) as said:
        window.models.shelf.look()
    assert said.args is not None
    assert said.args[0].id == held.id
    assert "not started again by itself" in said.args[1].title
    assert window.models.model is None


def test_a_model_that_is_used_as_soon_as_it_is_held_back_stays_chosen(window: Window, tmp_path: Path) -> None:
    held = window.room.library.import_file(model(tmp_path / "tiny.gguf")).model
    window.room.library.mark_used(held.id)
    crashes = Crashes(window.room.folders.data / "crashes.json")
    crashes.died(held.path, LoadSettings())
    crashes.died(held.path, LoadSettings())
    window.models.held_back.connect(lambda asked, _: window.models.use(asked.id))
    with window.qtbot.waitSignal(window.models.listed):
        window.models.shelf.look()
    window.qtbot.waitUntil(lambda: window.models.model is not None and window.models.model.id == held.id)
    window.models.cancel()
