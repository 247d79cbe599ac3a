"""The scrolled column of messages: messages near the view are laid out, all others are just a height.

An anchor (the first visible part of a message and the offset into it) or being pinned to the end keeps the place on
screen, whatever changes its height above.

Nothing here takes long at a stretch: what an event or a timer lays out is limited to `SLICE_US`, what is in view comes
first, and the rest follows slice by slice while the window does other things.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from desktop_llm.gui.chat.transcript.message_layout import MessageLayout, estimate
from desktop_llm.gui.chat.transcript.parts import Part, Selection, WordsPart
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.rich_text import Typography

SLICE_US = 8_000
"""Microseconds of layout at a stretch, by the estimate of `MessageLayout.work`; its last step may take longer."""
LEAST_US = 4000
"""The least that any event may lay out, so that short messages are shown at once."""


class Rows:
    """Heights by index; `top(i)` is the start of message i, `top(len)` the end of the last one."""

    def __init__(self) -> None:
        self._heights: list[float] = []
        self._measured: list[bool] = []
        self._tops: list[float] = [0.0]
        self._valid = 0

    def __len__(self) -> int:
        return len(self._heights)

    def reset(self, heights: list[float]) -> None:
        """Start again with these estimates."""
        self._heights = list(heights)
        self._measured = [False] * len(heights)
        self._tops, self._valid = [0.0], 0

    def append(self, height: float) -> None:
        """One more message at the end."""
        self._heights.append(height)
        self._measured.append(False)

    def measured(self, index: int) -> bool:
        """Whether the height is measured, not estimated."""
        return self._measured[index]

    def set_height(self, index: int, height: float) -> None:
        """The measured height of a message."""
        self._measured[index] = True
        if self._heights[index] != height:
            self._heights[index] = height
            self._valid = min(self._valid, index)

    def forget(self, index: int) -> None:
        """Treat the height as an estimate again, because the message changed."""
        self._measured[index] = False

    def height(self, index: int) -> float:
        """The height of one message."""
        return self._heights[index]

    def top(self, index: int) -> float:
        """The sum of the heights before `index`."""
        self._settle()
        return self._tops[index]

    def total(self) -> float:
        """The sum of all heights."""
        self._settle()
        return self._tops[-1]

    def at(self, y: float) -> int:
        """The index of the message at `y`; beyond the ends, the first or last one. There must be a message."""
        self._settle()
        return min(max(0, bisect_right(self._tops, y) - 1), len(self._heights) - 1)

    def _settle(self) -> None:
        """Add up again from the first changed height on."""
        count = len(self._heights)
        if self._valid == count and len(self._tops) == count + 1:
            return
        start = min(self._valid, len(self._tops) - 1)
        tail = accumulate(self._heights[start:], initial=self._tops[start])
        self._tops[start:] = list(tail)
        self._valid = count


_BOTTOM = 16
_NEAR_END = 24
_FOOT_AND_GAPS = 70
_DELETED_AT_ONCE = 150


class MessageCanvas(QAbstractScrollArea):
    """Lays out, scrolls and paints messages; `Transcript` adds the actions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(24)
        self._type = Typography(theme.current())
        self._views: list[MessageView] = []
        self._index: dict[str, int] = {}
        self._rows = Rows()
        self._layouts: dict[str, MessageLayout] = {}
        self._coming: dict[str, MessageLayout] = {}  # new layouts of messages that still show an older one
        self._parts_to_delete: list[Part] = []  # thousands of documents take a while to delete
        self._left_us = SLICE_US  # what may still be laid out until the timer fires
        self._anchor: tuple[int, int, float] = (0, 0, 0.0)  # message, part of it, offset in the part
        self._pinned = True
        self._adjusting = False
        self._placed: set[QWidget] = set()
        self._ahead = QTimer(self, singleShot=True, interval=0)
        self._ahead.timeout.connect(self._lay_out_ahead)
        theme.notifier().changed.connect(self._on_theme_changed)

    # --- the column -------------------------------------------------------------------------------------------

    def column_rect(self) -> QRect:
        """The reading column: centred, at most 720 wide; the scroll bar does not move it."""
        tokens = theme.current()
        room = self.width() - 2 * tokens.length("column", "reading_padding")
        width = max(80, min(tokens.length("column", "reading_max"), room))
        return QRect((self.width() - width) // 2, 0, width, self.viewport().height())

    def reading_scale(self) -> float:
        """The size of the text in messages; 1 is 15 px."""
        return self._type.scale

    def set_reading_scale(self, scale: float) -> None:
        """Set the text of messages larger or smaller; the place on screen stays."""
        self._set_type(Typography(theme.current(), scale))

    def _on_theme_changed(self) -> None:
        self._set_type(Typography(theme.current(), self._type.scale))

    def _set_type(self, type_: Typography) -> None:
        self._type = type_
        seen = {self._views[index].id for index in self._seen()}
        self._drop_layouts(keep=seen)
        for message_id in seen & self._layouts.keys():
            self._begin_anew(self._index[message_id])
        self._arrange()

    def jump_to_latest(self) -> None:
        """Go to the end and stay there while messages grow."""
        self._pinned = True
        self._arrange()

    def is_at_end(self) -> bool:
        """Whether the view follows the end."""
        return self._pinned

    def index_of(self, message_id: str) -> int:
        """The index of a message, -1 if it is not shown here."""
        return self._index.get(message_id, -1)

    def view_at(self, index: int) -> MessageView:
        """The view of a message."""
        return self._views[index]

    def last_seen(self) -> int:
        """The index of the last message in view, -1 if there is none."""
        return self._seen().stop - 1

    def message_at(self, y: float) -> int:
        """The index of the message at `y` in the viewport, -1 if there is none."""
        return self._rows.at(y + self.verticalScrollBar().value()) if self._views else -1

    # --- messages ---------------------------------------------------------------------------------------------

    def _replace_all(self, views: Sequence[MessageView]) -> None:
        self._drop_layouts()
        self._views = list(views)
        self._index = {view.id: index for index, view in enumerate(self._views)}
        self._pinned, self._anchor = True, (0, 0, 0.0)
        self._rows.reset([self._estimate(view) for view in self._views])
        self._arrange()

    def _append(self, view: MessageView) -> None:
        self._index[view.id] = len(self._views)
        self._views.append(view)
        self._rows.append(self._estimate(view))
        self._arrange()

    def _estimate(self, view: MessageView) -> float:
        width = self.column_rect().width() * (0.85 if view.role == "user" else 1)
        return estimate(view.text, width, self._type.scale) + (32 if view.role == "user" else _FOOT_AND_GAPS)

    def layout_at(self, index: int) -> MessageLayout:
        """The message laid out for the present column, at least in part: one slice more of it is laid out if needed."""
        return self._lay_out(index, SLICE_US)

    def _lay_out(self, index: int, most_us: int) -> MessageLayout:
        """Lay out more of a message, for about `most_us` microseconds."""
        view = self._views[index]
        width = self.column_rect().width()
        layout = self._layouts.get(view.id)
        if layout is None:
            layout = self._layouts[view.id] = MessageLayout(view, self._type, self.viewport(), width)
            self._prepare(layout)
        coming = self._coming.get(view.id)
        if coming is not None:
            coming.set_width(width)
            self._left_us -= coming.work(most_us)
            if coming.is_finished():
                layout = self._take_coming(view.id)
        layout.set_width(width)
        if coming is None and not layout.is_finished():
            top = self.verticalScrollBar().value() - self._rows.top(index)
            self._left_us -= layout.work(most_us, (top, top + self.viewport().height()))
            self._prepare(layout)
        self._rows.set_height(index, layout.height)
        return layout

    def _begin_anew(self, index: int) -> None:
        """Begin a new layout of a message; the old one is shown until it is finished."""
        view = self._views[index]
        if (old := self._coming.pop(view.id, None)) is not None:
            self._release(old)
        if view.id in self._layouts:
            coming = MessageLayout(view, self._type, self.viewport(), self.column_rect().width())
            coming.unfold_as_in(self._layouts[view.id])
            self._coming[view.id] = coming

    def _take_coming(self, message_id: str) -> MessageLayout:
        self._release(self._layouts[message_id])
        layout = self._layouts[message_id] = self._coming.pop(message_id)
        self._prepare(layout)
        return layout

    def _finish_layout(self, index: int) -> MessageLayout:
        """Lay out the whole message at once, however long it takes."""
        layout = self._lay_out(index, SLICE_US)
        while not layout.is_finished() or self._views[index].id in self._coming:
            layout = self._lay_out(index, SLICE_US)
        return layout

    def _prepare(self, layout: MessageLayout) -> None:
        """Prepare the new parts of a message that was just laid out; a hook for subclasses."""

    def _drop_layouts(self, keep: Collection[str] = ()) -> None:
        for message_id in [each for each in self._layouts if each not in keep]:
            self._drop(message_id)

    def _drop(self, message_id: str) -> None:
        for layout in (self._layouts.pop(message_id, None), self._coming.pop(message_id, None)):
            if layout is not None:
                self._release(layout)

    def _release(self, layout: MessageLayout) -> None:
        """Delete the widgets of a layout now, and its parts slice by slice."""
        self._parts_to_delete += layout.release()
        self._ahead.start()

    # --- arranging --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Lay out the messages in view, one slice of them, keep the place, move the widgets, repaint."""
        self._left_us = max(self._left_us, LEAST_US)
        if self._views:
            self._measure_view()
            for _attempt in range(3):  # the scroll bar's limits may bring other messages into view
                self._adjust_scroll_bar()
                if not self._measure_seen():
                    break
            self._adjust_scroll_bar()
            self._remember_anchor()
        else:
            self._adjust_scroll_bar()
        self._place_widgets()
        self.viewport().update()
        self._ahead.start()

    def _measure_view(self) -> None:
        room = float(self.viewport().height())
        if self._pinned:
            index = len(self._views) - 1
            while index >= 0 and room > 0:
                self._measure(index)
                room -= self._rows.height(index)
                index -= 1
            return
        index, part, offset = self._anchor
        room += self._offset_of(index, part, offset)
        while index < len(self._views) and room > 0:
            self._measure(index)
            room -= self._rows.height(index)
            index += 1

    def _measure(self, index: int) -> bool:
        """Lay out more of a message if this slice allows; returns True if its height turned out different."""
        if self._left_us <= 0 or not self._is_due(index):
            return False
        before = self._rows.height(index)
        self._lay_out(index, self._left_us)
        return self._rows.height(index) != before

    def _is_due(self, index: int) -> bool:
        """Whether there is something left to lay out of a message."""
        message_id = self._views[index].id
        layout = self._layouts.get(message_id)
        if layout is None or message_id in self._coming or not layout.is_finished():
            return True
        return layout.width != self.column_rect().width() or not self._rows.measured(index)

    def _measure_seen(self) -> bool:
        """Lay out more of the messages now in view; returns True if a height turned out different."""
        changed = False
        for index in self._seen():
            changed = self._measure(index) or changed
        return changed

    def _seen(self) -> range:
        if not self._views:
            return range(0)
        top = self.verticalScrollBar().value()
        return range(self._rows.at(top), self._rows.at(top + self.viewport().height()) + 1)

    def _adjust_scroll_bar(self) -> None:
        height = self.viewport().height()
        total = self._rows.total() + (_BOTTOM if self._views else 0)
        most = max(0, round(total - height))
        index, part, offset = self._anchor
        if self._pinned or not self._views:
            value = most
        else:
            value = round(self._rows.top(index) + self._offset_of(index, part, offset))
        self._adjusting = True
        bar = self.verticalScrollBar()
        bar.setPageStep(height)
        bar.setRange(0, most)
        bar.setValue(value)
        self._adjusting = False

    def _remember_anchor(self) -> None:
        value = self.verticalScrollBar().value()
        index = self._rows.at(value)
        offset = value - self._rows.top(index)
        layout = self._layouts.get(self._views[index].id)
        part = bisect_right(layout.tops, offset) - 1 if layout is not None else -1
        if layout is not None and part >= 0:
            offset -= layout.tops[part]
        self._anchor = (index, part, offset)

    def _offset_of(self, index: int, part: int, offset: float) -> float:
        """The offset in a message of a place in one of its parts."""
        layout = self._layouts.get(self._views[index].id)
        if layout is None or not layout.tops or part < 0:
            return offset
        return layout.tops[min(part, len(layout.tops) - 1)] + offset

    def _place_widgets(self) -> None:
        """Move the widgets of messages in view to their places and hide all others."""
        placed: set[QWidget] = set()
        for index in self._seen():
            layout, corner = self._layouts.get(self._views[index].id), self.corner_of(index)
            if layout is None:
                continue
            for number in layout.parts_between(-60 - corner.y(), self.viewport().height() + 60 - corner.y()):
                part = layout.parts[number]
                if widget := part.widget():
                    place = part.widget_rect().translated(round(corner.x()), round(corner.y() + layout.tops[number]))
                    widget.setGeometry(place)
                    widget.show()
                    placed.add(widget)
        for widget in self._placed - placed:
            self._hide_if_alive(widget)
        self._placed = placed

    def _hide_if_alive(self, widget: QWidget) -> None:
        alive = {part.widget() for layout in self._layouts.values() for part in layout.parts if part.has_widget()}
        if widget in alive:
            widget.hide()

    def corner_of(self, index: int) -> QPointF:
        """The top left corner of a message in the viewport."""
        return QPointF(self.column_rect().x(), self._rows.top(index) - self.verticalScrollBar().value())

    def _lay_out_ahead(self) -> None:
        """One slice: of the messages in view if they are not finished, or else of one beyond the edges of the view; far
        ones are dropped when nothing else is to do."""
        self._left_us = SLICE_US
        del self._parts_to_delete[-_DELETED_AT_ONCE:]
        if self._parts_to_delete:
            self._ahead.start()
        if not self._views:
            return
        screen, top = self.viewport().height(), self.verticalScrollBar().value()
        near = range(self._rows.at(top - screen), self._rows.at(top + 2 * screen) + 1)
        due = next((index for index in (*self._seen(), *near) if self._is_due(index)), None)
        if due is None:
            self._drop_far(self._rows.at(top - 3 * screen), self._rows.at(top + 4 * screen))
            return
        before = self._rows.height(due)
        self._lay_out(due, SLICE_US)
        if self._rows.height(due) != before or due in self._seen():
            self._settle()
        self._ahead.start()

    def _settle(self) -> None:
        """Keep the place after a slice, move the widgets and repaint."""
        self._adjust_scroll_bar()
        self._place_widgets()
        self.viewport().update()

    def _drop_far(self, first: int, last: int) -> None:
        for message_id in [key for key in self._layouts if not first <= self._index.get(key, -1) <= last]:
            self._drop(message_id)

    # --- painting ---------------------------------------------------------------------------------------------

    def _selection_within(self, message: int, part: int, length: int) -> Selection:
        """What of a part is selected."""
        return None

    def _paint_message_extras(self, painter: QPainter, index: int, layout: MessageLayout) -> None:
        """A hook for focus rings; the painter stands at the message's corner."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Background and the parts that lie in the region to repaint."""
        painter = QPainter(self.viewport())
        painter.setClipRect(event.rect())
        painter.fillRect(event.rect(), theme.current().colour("surface"))
        region = QRectF(event.rect())
        for index in self._seen():
            layout, corner = self._layouts.get(self._views[index].id), self.corner_of(index)
            if layout is None or corner.y() > region.bottom() or corner.y() + layout.height < region.top():
                continue
            painter.save()
            painter.translate(corner)

            def selection_of(part: int, index: int = index, layout: MessageLayout = layout) -> Selection:
                shown = layout.parts[part]
                length = shown.length() if isinstance(shown, WordsPart) else 0
                return self._selection_within(index, part, length)

            layout.paint(painter, selection_of, region.top() - corner.y(), region.bottom() - corner.y())
            self._paint_message_extras(painter, index, layout)
            painter.restore()
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again if the column's width changed; estimates stay good enough."""
        super().resizeEvent(event)
        self._arrange()

    def scrollContentsBy(self, _dx: int, dy: int) -> None:
        """Follow the scroll bar; moving up frees the view from the end, reaching the end pins it again."""
        if self._adjusting:
            return
        bar = self.verticalScrollBar()
        if dy > 0:
            self._pinned = False
        else:
            self._pinned = self._pinned or bar.value() >= bar.maximum() - _NEAR_END
        self._remember_anchor()
        self._arrange()
