"""A person at the real window, who types, clicks, drops files, and reads the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QListView, QWidget

from desktop_llm import settings as storage
from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import Conversation
from desktop_llm.gui.app import App
from desktop_llm.gui.build import Wiring
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.instance import Owner
from desktop_llm.paths import Folders

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHORT = {"max_tokens": 12, "temperature": 0.0}
LONG = {"max_tokens": 400, "temperature": 0.0}
WAIT_S = 30


def until(condition: Callable[[], object], limit_s: float = WAIT_S, says: str = "") -> None:
    """Run the window until a condition holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, says or "the window did not get there"
        QTest.qWait(5)


class Person:
    """Opens the window on a home, uses it, and closes it; can open it again."""

    def __init__(self, home: Folders) -> None:
        self.home = home

    # --- the window ---------------------------------------------------------------------------------------------

    def open(self, *, settled: bool = True, first_time: bool = False) -> None:
        """Start the window and wait until it can be used; `first_time` shows it as to a new person."""
        self.start(first_time=first_time)
        until(lambda: self.app.wiring is not None)
        if settled:
            until(lambda: self.wiring.models.model is not None)

    def start(self, *, first_time: bool = False) -> None:
        """Start the window without waiting."""
        self.owner = Owner.acquire(self.home)
        assert self.owner is not None
        settings, notice = storage.load(self.home.settings)
        if not first_time:
            settings = replace(settings, window={**settings.window, "welcomed": True})
        tasks = Tasks()
        keeper = SettingsKeeper(self.home.settings, settings, tasks)
        self.app = App(self.home, keeper, tasks, self.owner, notice)
        self.window = self.app.window
        self.window.show()

    def activate(self) -> None:
        """Bring the window to the front, so that its keys work."""
        self.window.activateWindow()
        until(self.window.isActiveWindow)
        self.find("composer_text").setFocus()

    def close(self) -> None:
        """Close the window as `run_window` does."""
        self.window.close()
        QCoreApplication.processEvents()
        self.app.close()
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
        assert self.app.wiring is not None
        return self.app.wiring

    def find(self, name: str, inside: QWidget | None = None) -> Any:
        """The one visible widget with this name."""
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

    def go(self, page: str) -> None:
        """Go to a page by its item on the rail."""
        self.click(f"rail_{page}")

    def begin_chat(self) -> None:
        """Press the button for a new chat."""
        self.go("chats")
        self.click("new_chat" if self.sees("new_chat") else "new_chat_compact")

    def choose(self, line: str) -> None:
        """Choose a line of the header's menu, such as "Delete chat"."""
        actions = self.find("more_button").menu().actions()
        next(action for action in actions if action.text().startswith(line)).trigger()

    def words(self, inside: QWidget | None = None) -> str:
        """All words that are visible or that a screen reader says."""
        shown = [each for each in (inside or self.window).findChildren(QWidget) if each.isVisible()]
        labels = [label.text() for label in shown if isinstance(label, QLabel)]
        return "\n".join([*labels, *(each.accessibleName() for each in shown)])

    def dismiss_banners(self) -> None:
        """Dismiss the banners above the pages."""
        for banner in self.banners():
            banner.action_triggered.emit("dismiss")
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def banners(self) -> list[Any]:
        """The banners above the pages."""
        rows = self.window.banners
        return [item.widget() for index in range(rows.count()) if (item := rows.itemAt(index)) is not None]

    def banner_words(self) -> str:
        """All words of the banners above the pages."""
        return "\n".join(banner.accessibleName() for banner in self.banners())

    # --- chats --------------------------------------------------------------------------------------------------

    def new_chat(self, sampling: dict[str, Any] = SHORT, collections: Sequence[str] = ()) -> str:
        """Begin a chat with its own settings; returns its id."""
        self.begin_chat()
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
        """The open chat as the window knows it; it has only defaults until it is stored."""
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
        """The stored draft of a chat."""
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
        """Wait until a new answer is complete; returns it."""
        until(lambda: self.newest(before) is not None and self.idle(), says="no answer came")
        newest = self.newest(before)
        assert newest is not None
        return newest

    def newest(self, before: set[str] = frozenset()) -> MessageView | None:  # type: ignore[assignment]
        """The last message shown, if it is a new answer that has ended."""
        ids = self.transcript.message_ids()
        view = self.transcript.message(ids[-1]) if ids else None
        ended = view is not None and view.role == "assistant" and view.status != "streaming"
        return view if ended and view is not None and view.id not in before else None

    def idle(self) -> bool:
        """Whether nothing is being answered."""
        return not self.wiring.chat.answering.chats

    def streaming_text(self) -> str:
        """The visible text of the answer being written."""
        ids = self.transcript.message_ids()
        return self.transcript.message(ids[-1]).text if ids and not self.idle() else ""

    def begin_long_answer(self, text: str = "Write a long story about the sea.") -> str:
        """Send a message and wait for the first words of a long answer; returns the answer's id."""
        self.send(text)
        until(lambda: len(self.streaming_text()) > 20, says="no answer began")
        return str(self.transcript.message_ids()[-1])

    @property
    def transcript(self) -> Any:
        return self.wiring.chats.transcript

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
        self.transcript._hover_message(index)
        buttons = [stop.button for stop in self.transcript.stops(index) if stop.button is not None]
        button = next(each for each in buttons if each.objectName() == name)
        QTest.mouseClick(button, LEFT)

    def titles(self) -> list[str]:
        """The titles in the list of chats."""
        (rows,) = (each.model() for each in self.window.findChildren(QListView, "chat_list"))
        indexes = [rows.index(row, 0) for row in range(rows.rowCount())]
        return [str(each.data()) for each in indexes if rows.flags(each) & Qt.ItemFlag.ItemIsSelectable]

    def stored(self, chat: str | None = None) -> list[Any]:
        """The messages of a chat, as stored in the file."""
        chosen = chat or self.chat
        assert chosen is not None
        reader = ChatReader(self.home.chats_db)
        try:
            return list(reader.messages(chosen))
        finally:
            reader.close()

    # --- documents ----------------------------------------------------------------------------------------------

    def drop(self, paths: Sequence[Path], zone: str, name: str = "") -> None:
        """Drag files over the window and drop them on a zone."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        actions = Qt.DropAction.CopyAction
        QApplication.sendEvent(self.window, QDragEnterEvent(QPoint(9, 9), actions, mime, LEFT, NO_KEY))
        overlay = self.find("drop_overlay")
        tiles = overlay.findChildren(QAbstractButton, f"drop_zone_{zone}")
        tile = next(tile for tile in tiles if name in tile.accessibleName())
        point = tile.mapTo(self.window, tile.rect().center())
        QApplication.sendEvent(self.window, QDragMoveEvent(point, actions, mime, LEFT, NO_KEY))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(point), actions, mime, LEFT, NO_KEY))

    def read(self, name: str) -> None:
        """Wait until a collection has been read and the page says so."""
        until(lambda: not self.wiring.collections.is_reading(name), 60, "reading did not end")
        until(lambda: self.collection(name) is not None and self.collection(name).state != "reading")

    def collection(self, name: str) -> Any:
        """A collection as the window knows it."""
        known = self.wiring.collections.all
        return next((each for each in known if each.name == name), None)

    def chat_collections(self) -> list[str]:
        """The collections that belong to single chats."""
        known = self.wiring.resources.knowledge.collections(of_chats=True)
        return [each.name for each in known if each.name.startswith("chat:")]
