"""Messages under the mouse: select text, open links and citations, show a message's buttons under the pointer."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QWidget

from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.chat.transcript.copying import Copying
from desktop_llm.gui.chat.transcript.feet import Feet
from desktop_llm.gui.chat.transcript.grid_part import GridPart
from desktop_llm.gui.chat.transcript.live_messages import LiveMessages
from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.parts import DocumentPart, Part, Places, Selection, WordsPart, tip
from desktop_llm.gui.chat.transcript.table_part import TablePart
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.chat.transcript.word_pointer import WordPointer
from desktop_llm.gui.look import icons, slices
from desktop_llm.gui.look.literal import show_tip
from desktop_llm.gui.look.rich_text import Anchor
from desktop_llm.gui.work.addresses import shown_address
from desktop_llm.words import tr

Place = tuple[int, int, int]
"""Message index, part index, position in the part's document."""

_LAST = 1 << 30


class TranscriptSelection:
    """The selected text, from the place where the mouse was pressed to where it is now."""

    def __init__(self) -> None:
        self._from: Place | None = None
        self._to: Place | None = None

    def clear(self) -> None:
        """Select nothing."""
        self._from = self._to = None

    def begin(self, place: Place) -> None:
        """Start a selection here."""
        self._from = self._to = place

    def extend(self, place: Place) -> None:
        """Extend the selection to here; without a start, start here."""
        self._from = self._from or place
        self._to = place

    def select(self, start: Place, end: Place) -> None:
        """Select from `start` to `end`."""
        self._from, self._to = start, end

    def select_all(self, messages: int) -> None:
        """Select all text of all messages."""
        self.select((0, 0, 0), (messages - 1, _LAST, _LAST))

    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self._from is None or self._from == self._to

    def ends(self) -> tuple[Place, Place] | None:
        """The first and last place in reading order."""
        if self._from is None or self._to is None or self._from == self._to:
            return None
        return min(self._from, self._to), max(self._from, self._to)

    def within(self, message: int, part: int, length: int) -> Selection:
        """The selection inside a part, as positions in its document."""
        ends = self.ends()
        return _within(ends, message, part, length) if ends is not None else None

    def pieces(
        self, layout_of: Callable[[int], MessageLayout], plain_of: Callable[[int], Iterator[str]]
    ) -> Iterator[str]:
        """The selected text in pieces to be joined; messages in the middle need not be laid out."""
        if (ends := self.ends()) is None:
            return
        first, last = ends[0][0], ends[1][0]
        begun = False
        for message in range(first, last + 1):
            whole = first < message < last or (ends[0] <= (message, 0, 0) and ends[1] >= (message, _LAST, _LAST))
            for piece in plain_of(message) if whole else _pieces_in(message, layout_of(message), ends):
                if piece and begun:
                    yield "\n\n"
                    begun = False
                yield piece
            begun = True


def _pieces_in(message: int, layout: MessageLayout, ends: tuple[Place, Place]) -> Iterator[str]:
    """The selected text of a message of which only a part may be selected."""
    begun = False
    for index, part in layout.documents():
        selected = _within(ends, message, index, part.length())
        if selected is not None and (text := part.text(selected)):
            yield (part.joint if part.joint is not None else "\n\n") + text if begun else text
            begun = True
        else:
            yield ""


def _within(ends: tuple[Place, Place], message: int, part: int, length: int) -> Selection:
    first, last = ends
    if not first[:2] <= (message, part) <= last[:2]:
        return None
    start = first[2] if (message, part) == first[:2] else 0
    end = last[2] if (message, part) == last[:2] else length
    return (start, min(end, length)) if start < end else None


class Hit(NamedTuple):
    """The target at a point: a message, a part of it, and the point in the part's coordinates."""

    message: int
    number: int
    part: Part
    point: QPointF


@dataclass(frozen=True, slots=True)
class Stop:
    """Something inside a message that can be opened or pressed: an anchor of a part, or a button."""

    part: int
    anchor: Anchor | None = None
    button: QAbstractButton | None = None


class SelectableMessages(LiveMessages):
    """Handles the mouse over messages. The signals name a message by its id."""

    link_activated = Signal(str)
    copy_requested = Signal(str)
    regenerate_requested = Signal(str)
    edit_requested = Signal(str)
    branch_requested = Signal(str, int)
    choices_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self._selection = TranscriptSelection()
        self._copying = Copying(self)
        self._selecting = False
        self._pressed: Anchor | None = None
        self._hovered = -1
        self._feet = Feet(self.viewport())
        self.words = WordPointer(self)
        for row in self._feet.rows:
            row.copy_clicked.connect(self.copy_requested)
            row.retry_clicked.connect(self.regenerate_requested)
            row.edit_clicked.connect(self.edit_requested)
            row.branch_clicked.connect(self.branch_requested)
            row.more_clicked.connect(self._on_more)
            row.choices_clicked.connect(self.choices_requested)

    # --- what is under a point ----------------------------------------------------------------------------------

    def _hit(self, point: QPointF) -> Hit | None:
        """The target at a point of the viewport."""
        index = self.message_at(point.y())
        if index < 0:
            return None
        layout, corner = self.layout_at(index), self.corner_of(index)
        number = layout.part_at(point.y() - corner.y())
        if number < 0:
            return None
        return Hit(index, number, layout.parts[number], point - corner - QPointF(0, layout.tops[number]))

    def _anchor_at(self, point: QPointF) -> tuple[int, Anchor] | None:
        """The link or citation at a point, with its message."""
        hit = self._hit(point)
        if hit is None or not isinstance(hit.part, WordsPart):
            return None
        anchor = hit.part.anchor_at(hit.point)
        return (hit.message, anchor) if anchor is not None else None

    def _place_at(self, point: QPointF) -> Place | None:
        """The position in the text nearest to a point."""
        hit = self._hit(point)
        if hit is None:
            return None
        if isinstance(hit.part, WordsPart):
            return hit.message, hit.number, hit.part.position_at(hit.point)
        above = [pair for pair in self.layout_at(hit.message).documents() if pair[0] < hit.number]
        return (hit.message, above[-1][0], above[-1][1].length()) if above else (hit.message, hit.number, 0)

    def stops(self, index: int) -> list[Stop]:
        """The links, citations and buttons of a message, in reading order."""
        found: list[Stop] = []
        for number, part in enumerate(self.layout_at(index).parts):
            if isinstance(part, WordsPart):
                found.extend(Stop(number, anchor) for anchor in part.anchors)
            if part.has_widget() and (widget := part.widget()) is not None:
                buttons = [widget] if isinstance(widget, QAbstractButton) else widget.findChildren(QAbstractButton)
                found.extend(Stop(number, button=button) for button in buttons)
        found.extend(Stop(-1, button=button) for button in self._feet.buttons(self._views[index].id))
        return found

    def activate(self, index: int, anchor: Anchor) -> None:
        """Open the target of a citation or link."""
        if anchor.citation:
            self.citation_activated.emit(self._views[index].id, self.layout_at(index).cited(anchor))
        elif anchor.href:
            self.link_activated.emit(anchor.href)

    def rect_of(self, index: int) -> QRect:
        """The rectangle of a message in the viewport."""
        corner = self.corner_of(index).toPoint()
        return QRect(corner.x(), corner.y(), self.column_rect().width(), round(self._rows.height(index)))

    def show_message(self, index: int) -> None:
        """Scroll as little as needed to show a message from its start."""
        layout = self.layout_at(index)
        top, height = self._rows.top(index), self.viewport().height()
        bar = self.verticalScrollBar()
        if top < bar.value() or layout.height > height:
            bar.setValue(round(top))
        elif top + layout.height > bar.value() + height:
            bar.setValue(round(top + layout.height - height + 16))
        self._place_feet()
        self.viewport().update()

    # --- selecting ----------------------------------------------------------------------------------------------

    def selected_text(self) -> str:
        """The selected text, however long it takes."""
        return "".join(self._selected_pieces())

    def copy_selected(self) -> None:
        """Put the selected text on the clipboard; if it is long, that is done a little later."""
        self._copying.start(self._selected_pieces())

    def _selected_pieces(self) -> Iterator[str]:
        """The selected text in pieces; later changes of the chat and of the selection don't touch it."""
        views, selection = tuple(self._views), copy.copy(self._selection)
        layouts = {place[0]: self.layout_at(place[0]) for place in selection.ends() or () if place[0] < len(views)}
        return selection.pieces(layouts.__getitem__, lambda index: plain_text(views[index]))

    def select_all(self) -> None:
        """Select every message."""
        if self._views:
            self._selection.select_all(len(self._views))
            self.viewport().update()

    def forget_pointer(self) -> None:
        """Forget the state of the pointer, because other messages are shown."""
        self._selection.clear()
        self._hovered, self._selecting, self._pressed = -1, False, None

    def _select(self, place: Place, *, extend: bool = False) -> None:
        if extend:
            self._selection.extend(place)
        else:
            self._selection.begin(place)
        self.viewport().update()

    def _selection_within(self, message: int, part: int, length: int) -> Selection:
        return self._selection.within(message, part, length)

    # --- mouse events -------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a selection, or press a link."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        found = self._anchor_at(event.position())
        self._pressed = found[1] if found else None
        place = self._place_at(event.position())
        if place is not None:
            self._select(place, extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self._selecting = True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or react to the link or message under the mouse."""
        if not self._selecting:
            self._hover(event.position())
            return
        place = self._place_at(event.position())
        if place is not None:
            self._select(place, extend=True)
        bar, height, y = self.verticalScrollBar(), self.viewport().height(), event.position().y()
        if y < 0 or y > height:
            bar.setValue(bar.value() + round(y if y < 0 else y - height))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection, or open the link that was pressed."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._selecting = False
        if not self._selection.is_empty():
            return
        found = self._anchor_at(event.position())
        if found is not None and found[1] == self._pressed:
            self.activate(*found)
            return
        hit = self._hit(event.position())
        if hit is not None and isinstance(hit.part, CodePart) and hit.part.fold_rect().contains(hit.point):
            self.layout_at(hit.message).toggle_fold(hit.part)
            self._relayout(hit.message)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        hit = self._hit(event.position())
        if hit is not None and isinstance(hit.part, WordsPart):
            start, end = hit.part.word_at(hit.point)
            self._select((hit.message, hit.number, start))
            self._select((hit.message, hit.number, end), extend=True)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll code and tables sideways (also with Shift), and everything up and down."""
        delta = event.angleDelta()
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        sideways = delta.x() or (delta.y() if shifted else 0)
        if not sideways or abs(sideways) < abs(delta.y()):
            super().wheelEvent(event)
            return
        hit = self._hit(event.position())
        if hit is not None and isinstance(hit.part, CodePart | TablePart | GridPart) and hit.part.scroll(-sideways / 2):
            self.viewport().update()
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Show the tooltips of citations and figures; hide the buttons when the mouse leaves."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            show_tip(event.globalPos(), self._tip(QPointF(event.pos())), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave:
            inside = self.viewport().mapFromGlobal(self.cursor().pos())
            if not self.viewport().rect().contains(inside):
                self._hover_message(-1)
                self.words.hover(-1, None, QPointF())
        return super().viewportEvent(event)

    def _tip(self, point: QPointF) -> str:
        found = self._anchor_at(point)
        if found is not None:
            index, anchor = found
            layout = self.layout_at(index)
            return tip(layout.cited(anchor), layout.checked(anchor)) if anchor.citation else shown_address(anchor.href)
        hit = self._hit(point)
        return hit.part.tip if hit is not None else ""

    def _hover(self, point: QPointF) -> None:
        hit, found = self._hit(point), self._anchor_at(point)
        over_words = hit is not None and isinstance(hit.part, WordsPart) and hit.part.contains_words(hit.point)
        shape = Qt.CursorShape.IBeamCursor if over_words else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if found else shape)
        mark: Places = ()
        if hit is not None and found is not None and found[1].citation and isinstance(hit.part, DocumentPart):
            mark = ((hit.part.document, found[1].start),)
        lit = self._views[found[0]].id if found and mark else ""
        for layout in self._layouts.values():
            wanted = mark if layout.view.id == lit else ()
            if layout.pills.hovered != wanted:
                layout.pills.hovered = wanted
                self.viewport().update()
        self._hover_message(hit.message if hit else -1)
        self.words.hover(hit.message if hit else -1, hit.part if hit else None, hit.point if hit else point)

    def _hover_message(self, index: int) -> None:
        """Show the buttons of the message under the mouse."""
        if index != self._hovered:
            self._hovered = index
            self._place_feet()

    def _prepare(self, layout: MessageLayout) -> None:
        super()._prepare(layout)
        self.words.light_again(layout)

    def _relayout(self, index: int) -> None:
        """Lay out the changed parts of a message."""
        self._pinned = False
        self._rows.set_height(index, self.layout_at(index).height)
        self._arrange()

    # --- buttons of a message -----------------------------------------------------------------------------------

    def _arrange(self) -> None:
        super()._arrange()
        self._place_feet()

    def _settle(self) -> None:
        super()._settle()
        self._place_feet()

    def focused_message(self) -> int:
        """The index of the message with the keyboard focus, -1 if there is none; a hook for subclasses."""
        return -1

    def focused_stop(self) -> Stop | None:
        """The link or button with the focus inside that message; a hook for subclasses."""
        return None

    def _place_feet(self) -> None:
        """Place the buttons of the last answer, and those of the message under the mouse or with the focus."""
        last = len(self._views) - 1
        wanted = [last if last >= 0 and self._views[last].role == "assistant" else -1]
        focused = self.focused_message() if self._has_focus_within() else -1
        other = focused if focused >= 0 else self._hovered
        wanted.append(other if other != wanted[0] else -1)
        for number, index in enumerate(wanted):
            seen = index in self._seen()
            layout = self._layouts.get(self._views[index].id) if seen else None
            self._feet.place(number, layout, self.corner_of(index).toPoint() if seen else QPoint())

    def _has_focus_within(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is self or (focused is not None and self.isAncestorOf(focused))

    def _on_more(self, message_id: str) -> None:
        menu = self._menu(self._index[message_id], None)
        row = self._feet.row_of(message_id)
        menu.popup(row.menu_position() if row is not None else self.cursor().pos())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open a menu of the things that can be copied here."""
        hit = self._hit(QPointF(event.pos()))
        if hit is not None:
            self._menu(hit.message, hit.part).popup(event.globalPos())

    def _menu(self, index: int, part: Part | None) -> QMenu:
        """A menu with the copy actions for a message, and for the part of it that was hit."""
        view = self._views[index]
        menu = QMenu(self)
        menu.setObjectName("message_menu")
        menu.aboutToHide.connect(menu.deleteLater)
        if not self._selection.is_empty():
            menu.addAction(tr("Copy selected text"), self.copy_selected)
        whole = menu.addAction(icons.icon("copy"), tr("Copy message"))
        whole.triggered.connect(functools.partial(self.copy_requested.emit, view.id))
        if view.role == "assistant":
            self._add_copy(menu, tr("Copy as Markdown"), lambda: iter((view.text,)))
        if isinstance(part, TablePart | GridPart):
            menu.addSeparator()
            self._add_copy(menu, tr("Copy table as Markdown"), part.as_markdown)
            self._add_copy(menu, tr("Copy table as CSV"), part.as_csv)
        if isinstance(part, CodePart):
            menu.addSeparator()
            self._add_copy(menu, tr("Copy code"), lambda: iter((part.block.text,)))
            wrap = menu.addAction(tr("Wrap long lines"))
            wrap.triggered.connect(functools.partial(self._toggle_wrap, part, index))
            wrap.setCheckable(True)
            wrap.setChecked(part.wrapped)
        return menu

    def _toggle_wrap(self, part: CodePart, index: int, _checked: bool) -> None:
        self.layout_at(index).toggle_wrap(part)
        self._relayout(index)

    def _add_copy(self, menu: QMenu, words: str, pieces: Callable[[], Iterator[str]]) -> None:
        menu.addAction(words, lambda: self._copying.start(pieces()))


def plain_text(view: MessageView) -> Iterator[str]:
    """The text of a message for copying, in pieces to be joined; it need not be laid out."""
    if view.role == "user":
        return iter((view.text,))
    return slices.plain_whole(view.text, {citation.number for citation in view.citations})
