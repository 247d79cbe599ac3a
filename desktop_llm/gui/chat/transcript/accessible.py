"""The transcript for screen readers: messages, readable line by line, with their citations and buttons.

Messages are painted, not widgets, so they get interfaces of their own, made on demand. The buttons in a message are
widgets and have Qt's. Qt keeps an interface as long as the object it belongs to, so each message and each link that was
asked for has a small `QObject`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRect
from PySide6.QtGui import (
    QAccessible,
    QAccessibleActionInterface,
    QAccessibleEvent,
    QAccessibleInterface,
    QAccessibleTextInterface,
    QWindow,
)
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.parts import WordsPart, describe
from desktop_llm.gui.chat.transcript.selectable import SelectableMessages, Stop
from desktop_llm.words import tr


@functools.cache
def install() -> None:
    """Have Qt ask here for the interfaces of transcripts and their messages; call it once in a process."""
    QAccessible.installFactory(_make)


def _make(_class: str, owner: QObject | None) -> QAccessibleInterface | None:
    match owner:
        case SelectableMessages():
            items = owner.findChild(MessageItems)
            return MessageList(owner, items) if items is not None else None
        case MessageItem():
            return Message(owner)
        case LinkItem():
            return Link(owner)
    return None


class MessageItems(QObject):
    """The objects of the messages that were asked for. `extras` returns the widgets that float over the messages."""

    def __init__(self, transcript: SelectableMessages, extras: Callable[[], list[QWidget]]) -> None:
        super().__init__(transcript)
        install()
        self.transcript = transcript
        self.extras = extras
        self._items: dict[str, MessageItem] = {}

    def item(self, index: int) -> MessageItem:
        """The object of a message."""
        message_id = self.transcript.message_ids()[index]
        if message_id not in self._items:
            self._items[message_id] = MessageItem(self, message_id)
        return self._items[message_id]

    def clear(self) -> None:
        """Forget all objects, because other messages are shown."""
        for item in self._items.values():
            item.deleteLater()
        self._items = {}

    def tell_focus(self, index: int, stop: Stop | None) -> None:
        """Tell a screen reader that the focus moved to a message, or to something inside it."""
        if QAccessible.isActive() and index >= 0:
            event = QAccessibleEvent(self.target(index, stop), QAccessible.Event.Focus)
            QAccessible.updateAccessibility(event)

    def target(self, index: int, stop: Stop | None) -> QObject:
        """The object of a message, or of a link or button inside it."""
        item = self.item(index)
        if stop is None:
            return item
        return stop.button or item.link(item.links().index(stop))


class MessageItem(QObject):
    """The object of a message."""

    def __init__(self, items: MessageItems, message_id: str) -> None:
        super().__init__(items)
        self.items, self.message_id = items, message_id
        self.caret = 0
        self._links: dict[int, LinkItem] = {}
        self._read: tuple[MessageLayout, int, str] | None = None

    @property
    def transcript(self) -> SelectableMessages:
        """The transcript that shows it."""
        return self.items.transcript

    @property
    def index(self) -> int:
        """Its index among the messages, -1 once it is gone."""
        return self.transcript.index_of(self.message_id)

    def text(self) -> str:
        """Its text, with lines broken as on screen, as far as it is laid out."""
        layout = self.transcript.layout_at(self.index)
        if self._read is None or self._read[0] is not layout or self._read[1] != layout.revision:
            self._read = (layout, layout.revision, "\n".join(layout.lines()))
        return self._read[2]

    def links(self) -> list[Stop]:
        """The citations and links in it."""
        return [stop for stop in self.transcript.stops(self.index) if stop.anchor is not None]

    def link(self, number: int) -> LinkItem:
        """The object of one of them."""
        if number not in self._links:
            self._links[number] = LinkItem(self, number)
        return self._links[number]


class LinkItem(QObject):
    """A citation or link of a message, by its number among them."""

    def __init__(self, message: MessageItem, number: int) -> None:
        super().__init__(message)
        self.message, self.number = message, number

    def stop(self) -> Stop | None:
        """The link or citation, None once it is gone."""
        links = self.message.links() if self.message.index >= 0 else []
        return links[self.number] if self.number < len(links) else None


class _Interface(QAccessibleInterface):
    """The part that all interfaces here have in common."""

    def __init__(self, owner: QObject, transcript: SelectableMessages) -> None:
        super().__init__()
        self._owner, self._transcript = owner, transcript

    def isValid(self) -> bool:
        return True

    def object(self) -> QObject:
        return self._owner

    def window(self) -> QWindow | None:  # type: ignore[override]  # the binding's stub forgets that there may be none
        return self._transcript.window().windowHandle()

    def children(self) -> list[QObject]:
        """The objects of the interfaces below this one."""
        return []

    def childCount(self) -> int:
        return len(self.children())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        children = self.children()
        return QAccessible.queryAccessibleInterface(children[index]) if 0 <= index < len(children) else None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        found = child.object()
        return next((index for index, each in enumerate(self.children()) if each is found), -1)

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        for index in range(self.childCount()):
            child = self.child(index)
            if child is not None and child.rect().contains(x, y):
                return child
        return None

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """Ignore it: nothing here can be edited."""

    def _on_screen(self, rect: QRect) -> QRect:
        return QRect(self._transcript.viewport().mapToGlobal(rect.topLeft()), rect.size())


class MessageList(_Interface):
    """The transcript: its messages, then the widgets that float over them."""

    def __init__(self, transcript: SelectableMessages, items: MessageItems) -> None:
        super().__init__(transcript, transcript)
        self._items = items

    def parent(self) -> QAccessibleInterface:
        return QAccessible.queryAccessibleInterface(self._transcript.parentWidget() or self._transcript.window())

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.List

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        state.focusable, state.focused = 1, int(self._transcript.hasFocus())
        state.invisible = int(not self._transcript.isVisible())
        return state

    def text(self, kind: QAccessible.Text) -> str:
        return self._transcript.accessibleName() if kind == QAccessible.Text.Name else ""

    def rect(self) -> QRect:
        return QRect(self._transcript.mapToGlobal(QPoint(0, 0)), self._transcript.size())

    def childCount(self) -> int:
        return len(self._transcript.message_ids()) + len(self._items.extras())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        count = len(self._transcript.message_ids())
        if 0 <= index < count:
            return QAccessible.queryAccessibleInterface(self._items.item(index))
        extras = self._items.extras()
        return (
            QAccessible.queryAccessibleInterface(extras[index - count]) if count <= index < self.childCount() else None
        )

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        found = child.object()
        if isinstance(found, MessageItem):
            return found.index
        extras = self._items.extras()
        return len(self._transcript.message_ids()) + extras.index(found) if found in extras else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        point = self._transcript.viewport().mapFromGlobal(QPoint(x, y))
        index = self._transcript.message_at(point.y())
        return self.child(index) if index >= 0 and self._transcript.viewport().rect().contains(point) else None

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        index, stop = self._transcript.focused_message(), self._transcript.focused_stop()
        if index < 0:
            return None
        return QAccessible.queryAccessibleInterface(self._items.target(index, stop))


class Message(_Interface):
    """A message: its lines as text, its citations, links and buttons as children."""

    def __init__(self, item: MessageItem) -> None:
        super().__init__(item, item.transcript)
        self._item = item
        self._lines = Lines(item)

    def isValid(self) -> bool:
        return self._item.index >= 0

    def interface_cast(self, kind: QAccessible.InterfaceType) -> QAccessibleTextInterface | None:  # type: ignore[override]
        return self._lines if kind == QAccessible.InterfaceType.TextInterface else None

    def parent(self) -> QAccessibleInterface:
        return QAccessible.queryAccessibleInterface(self._transcript)

    def children(self) -> list[QObject]:
        if self._item.index < 0:
            return []
        links, found = 0, list[QObject]()
        for stop in self._transcript.stops(self._item.index):
            if stop.button is not None:
                found.append(stop.button)
            else:
                found.append(self._item.link(links))
                links += 1
        return found

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        here = self._transcript.focused_message() == self._item.index and self._transcript.focused_stop() is None
        state.readOnly = state.focusable = state.multiLine = 1
        state.focused = int(here and self._transcript.hasFocus())
        state.offscreen = int(not self.rect().intersects(self._on_screen(self._transcript.viewport().rect())))
        return state

    def text(self, kind: QAccessible.Text) -> str:
        if self._item.index < 0:
            return ""
        if kind == QAccessible.Text.Name:
            return self._transcript.view_at(self._item.index).name
        return self._item.text() if kind == QAccessible.Text.Value else ""

    def rect(self) -> QRect:
        return self._on_screen(self._transcript.rect_of(self._item.index)) if self._item.index >= 0 else QRect()


class Lines(QAccessibleTextInterface):
    """The text of a message; Qt finds words, lines and sentences in it."""

    def __init__(self, item: MessageItem) -> None:
        super().__init__()
        self._item = item

    def text(self, start: int, end: int) -> str:
        return self._item.text()[start:end]

    def characterCount(self) -> int:
        return len(self._item.text())

    def cursorPosition(self) -> int:
        return self._item.caret

    def setCursorPosition(self, position: int) -> None:
        self._item.caret = position

    def characterRect(self, offset: int) -> QRect:
        return QAccessible.queryAccessibleInterface(self._item).rect()

    def offsetAtPoint(self, point: QPoint) -> int:
        return 0

    def selectionCount(self) -> int:
        return 0

    def addSelection(self, start: int, end: int) -> None:
        """Ignore it: text is selected with the mouse, and C copies a message."""

    def removeSelection(self, selection: int) -> None:
        """There is none."""

    def setSelection(self, selection: int, start: int, end: int) -> None:
        """There is none."""

    def scrollToSubstring(self, start: int, end: int) -> None:
        self._item.transcript.show_message(self._item.index)


class Link(_Interface):
    """A citation or a link inside a message; it opens when pressed."""

    def __init__(self, item: LinkItem) -> None:
        super().__init__(item, item.message.transcript)
        self._item = item
        self._action = _Press(item)

    def isValid(self) -> bool:
        return self._item.stop() is not None

    def interface_cast(self, kind: QAccessible.InterfaceType) -> QAccessibleActionInterface | None:  # type: ignore[override]
        return self._action if kind == QAccessible.InterfaceType.ActionInterface else None

    def parent(self) -> QAccessibleInterface:
        return QAccessible.queryAccessibleInterface(self._item.message)

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.Link

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        here = self._transcript.hasFocus() and self._transcript.focused_stop()
        state.focusable, state.focused = 1, int(bool(here) and here == self._item.stop())
        return state

    def text(self, kind: QAccessible.Text) -> str:
        stop = self._item.stop()
        if kind != QAccessible.Text.Name or stop is None or stop.anchor is None:
            return ""
        if not stop.anchor.citation:
            return tr("Link {address}", address=stop.anchor.href)
        layout = self._transcript.layout_at(self._item.message.index)
        checked = layout.checked(stop.anchor)
        return describe(layout.cited(stop.anchor), checked.check if checked is not None else None)

    def rect(self) -> QRect:
        stop, index = self._item.stop(), self._item.message.index
        if stop is None or stop.anchor is None:
            return QRect()
        layout = self._transcript.layout_at(index)
        part = layout.parts[stop.part]
        rects = part.anchor_rects(stop.anchor) if isinstance(part, WordsPart) else []
        corner = self._transcript.corner_of(index)
        return self._on_screen(
            rects[0].translated(corner.x(), corner.y() + layout.tops[stop.part]).toRect() if rects else QRect()
        )


class _Press(QAccessibleActionInterface):
    def __init__(self, item: LinkItem) -> None:
        super().__init__()
        self._item = item

    def actionNames(self) -> list[str]:
        return [QAccessibleActionInterface.pressAction()]

    def doAction(self, name: str) -> None:
        stop = self._item.stop()
        if stop is not None and stop.anchor is not None and name == QAccessibleActionInterface.pressAction():
            self._item.message.transcript.activate(self._item.message.index, stop.anchor)

    def keyBindingsForAction(self, name: str) -> list[str]:
        return []
