"""A person at the real window: types, clicks, drops files, and reads what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from desktop_llm import settings as storage
from desktop_llm.chats.records import Conversation
from desktop_llm.chats.store import ChatReader
from desktop_llm.gui.main_window import MainWindow
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.tasks import Tasks
from desktop_llm.gui.transcript.view_model import MessageView
from desktop_llm.gui.wiring import Wiring
from desktop_llm.instance import Owner
from desktop_llm.paths import Folders

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHORT = {"max_tokens": 12, "temperature": 0.0}
LONG = {"max_tokens": 400, "temperature": 0.0}
WAIT_S = 30


def until(condition: Callable[[], object], limit_s: float = WAIT_S, says: str = "") -> None:
    """Let the window live until something is so."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, says or "the window did not get there"
        QTest.qWait(5)


class Person:
    """Opens the window on a home, uses it, closes it; may open it again."""

    def __init__(self, home: Folders) -> None:
        self.home = home

    # --- the window ---------------------------------------------------------------------------------------------

    def open(self, *, settled: bool = True, first_time: bool = False) -> None:
        """Start the window and wait until it can be used; one that is new here is welcomed `first_time`."""
        self.owner = Owner.acquire(self.home)
        assert self.owner is not None
        settings, notice = storage.load(self.home.settings)
        if not first_time:
            settings = replace(settings, window={**settings.window, "welcomed": True})
        tasks = Tasks()
        keeper = SettingsKeeper(self.home.settings, settings, tasks)
        self.window = MainWindow(self.home, keeper, tasks, self.owner, notice)
        self.window.show()
        until(lambda: self.window.wiring is not None)
        if settled:
            until(lambda: self.wiring.models.model is not None)

    def activate(self) -> None:
        """Have the window in front, so that its keys work."""
        self.window.activateWindow()
        until(self.window.isActiveWindow)
        self.find("composer_text").setFocus()

    def close(self) -> None:
        """Close it, as `run_window` does."""
        self.window.close()
        QCoreApplication.processEvents()
        self.window.shut_down()
        assert self.owner is not None
        self.owner.release()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def wait(self, duration_s: float) -> None:
        """Do nothing for a while."""
        QTest.qWait(round(duration_s * 1000))

    def reopen(self) -> None:
        """Close the window and start it again."""
        self.close()
        self.open()

    @property
    def wiring(self) -> Wiring:
        assert self.window.wiring is not None
        return self.window.wiring

    def find(self, name: str, inside: QWidget | None = None) -> Any:
        """The one visible widget of a name."""
        found = [each for each in (inside or self.window).findChildren(QWidget, name) if each.isVisible()]
        assert len(found) == 1, f"{len(found)} visible widgets are called {name}"
        return found[0]

    def sees(self, name: str) -> bool:
        """Whether a widget of this name is visible."""
        return any(each.isVisible() for each in self.window.findChildren(QWidget, name))

    def click(self, name: str, inside: QWidget | None = None) -> None:
        """Press a widget with the mouse."""
        QTest.mouseClick(self.find(name, inside), LEFT)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_KEY, name: str = "composer_text") -> None:
        """Press a key on a widget."""
        QTest.keyClick(self.find(name), key, modifier)

    def words(self, inside: QWidget | None = None) -> str:
        """All words that are shown, or said by a screen reader."""
        shown = [each for each in (inside or self.window).findChildren(QWidget) if each.isVisible()]
        labels = [label.text() for label in shown if isinstance(label, QLabel)]
        return "\n".join([*labels, *(each.accessibleName() for each in shown)])

    def dismiss_banners(self) -> None:
        """Put away what was said above the pages."""
        for banner in self.banners():
            banner.action_triggered.emit("dismiss")
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def banners(self) -> list[Any]:
        """What is said above the pages."""
        rows = self.window.banners
        return [rows.itemAt(index).widget() for index in range(rows.count())]

    def banner_words(self) -> str:
        """All that is said above the pages."""
        return "\n".join(banner.accessibleName() for banner in self.banners())

    # --- chats --------------------------------------------------------------------------------------------------

    def new_chat(self, sampling: dict[str, Any] = SHORT, collections: Sequence[str] = ()) -> str:
        """Begin a chat with settings of its own; its id."""
        self.wiring.show_page("chats")
        self.wiring.conversations.new()
        self.wiring.chat.tick(collections)
        self.wiring.conversations.change(sampling=sampling)
        until(lambda: self.chat is not None)
        assert self.chat is not None
        return self.chat

    @property
    def chat(self) -> str | None:
        """The id of the open chat."""
        current = self.wiring.conversations.current
        return current.id if current else None

    @property
    def current(self) -> Any:
        """The open chat as the window knows it; nothing but defaults while it is not stored."""
        return self.wiring.conversations.current or Conversation("", "", 0.0, 0.0)

    def type(self, text: str) -> None:
        """Type into the composer."""
        QTest.keyClicks(self.find("composer_text"), text)

    def type_in(self, name: str, text: str) -> None:
        """Type into a field and leave it."""
        field = self.find(name)
        field.setFocus()
        QTest.keyClicks(field, text)
        if hasattr(field, "editingFinished"):
            QTest.keyClick(field, Qt.Key.Key_Return)

    def draft(self, chat: str) -> str:
        """What is stored of an unsent text."""
        reader = ChatReader(self.home.chats_db)
        try:
            return reader.draft(chat)
        finally:
            reader.close()

    def send(self, text: str) -> None:
        """Type a message and press Enter."""
        self.type(text)
        self.key(Qt.Key.Key_Return)

    def ask(self, text: str) -> MessageView:
        """Send a message and wait for the whole answer."""
        before = set(self.transcript.message_ids())
        self.send(text)
        return self.answer(before)

    def answer(self, before: set[str]) -> MessageView:
        """Wait for the whole of an answer that was not there before."""
        until(lambda: self.newest(before) is not None and self.idle(), says="no answer came")
        newest = self.newest(before)
        assert newest is not None
        return newest

    def newest(self, before: set[str] = frozenset()) -> MessageView | None:  # type: ignore[assignment]
        """The last message shown, if it is an answer that was not there before and has ended."""
        ids = self.transcript.message_ids()
        view = self.transcript.message(ids[-1]) if ids else None
        ended = view is not None and view.role == "assistant" and view.status != "streaming"
        return view if ended and view is not None and view.id not in before else None

    def idle(self) -> bool:
        """Whether nothing is being answered."""
        return self.wiring.chat.answering is None

    def streaming_text(self) -> str:
        """What is shown of the answer being written."""
        ids = self.transcript.message_ids()
        return self.transcript.message(ids[-1]).text if ids and not self.idle() else ""

    def begin_long_answer(self, text: str = "Write a long story about the sea.") -> str:
        """Send a message and wait for the first words of a long answer; the answer's id."""
        self.send(text)
        until(lambda: len(self.streaming_text()) > 20, says="no answer began")
        return self.transcript.message_ids()[-1]

    @property
    def transcript(self) -> Any:
        return self.window.chats.transcript

    def last_id(self) -> str:
        """The id of the last message."""
        return str(self.transcript.message_ids()[-1])

    def last_text(self) -> str:
        """All words of the last message."""
        return str(self.transcript.message_text(self.transcript.message_ids()[-1]))

    def foot(self, index: int, name: str) -> None:
        """Press a button below a message."""
        if index < 0:
            index += len(self.transcript.message_ids())
        self.transcript.show_message(index)
        self.transcript._mouse.hover_message(index)
        self.transcript.place_feet()
        button = next(each for each in self.transcript.foot_buttons(index) if each.objectName() == name)
        QTest.mouseClick(button, LEFT)

    def titles(self) -> list[str]:
        """The titles in the list of chats."""
        return [item.title for item in self.wiring.conversations._all]

    def stored(self, chat: str | None = None) -> list[Any]:
        """The messages of a chat, as they are in the file."""
        chosen = chat or self.chat
        assert chosen is not None
        reader = ChatReader(self.home.chats_db)
        try:
            return list(reader.messages(chosen))
        finally:
            reader.close()

    # --- documents ----------------------------------------------------------------------------------------------

    def drop(self, paths: Sequence[Path], zone: str, name: str = "") -> None:
        """Drag files over the window and let go on a zone."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        actions = Qt.DropAction.CopyAction
        QApplication.sendEvent(self.window, QDragEnterEvent(QPoint(9, 9), actions, mime, LEFT, NO_KEY))
        overlay = self.find("drop_overlay")
        tiles = [tile for tile in overlay._sheet.tiles if tile.zone.kind == zone and name in tile.zone.name]
        point = tiles[0].mapTo(self.window, tiles[0].rect().center())
        QApplication.sendEvent(self.window, QDragMoveEvent(point, actions, mime, LEFT, NO_KEY))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(point), actions, mime, LEFT, NO_KEY))

    def read(self, name: str) -> None:
        """Wait until a collection has been read and the page says so."""
        until(lambda: not self.wiring.documents.is_reading(name), 60, "reading did not end")
        until(lambda: self.collection(name) is not None and self.collection(name).state != "reading")

    def collection(self, name: str) -> Any:
        """A collection as the window knows it."""
        known = self.wiring.documents._collections
        return next((each for each in known if each.name == name), None)

    def chat_collections(self) -> list[str]:
        """The collections that belong to single chats."""
        known = self.wiring.resources.knowledge.collections(of_chats=True)
        return [each.name for each in known if each.name.startswith("chat:")]
