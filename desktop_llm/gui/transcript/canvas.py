"""The scrolled column of messages: only what is near the view is laid out, everything else is a number.

The place on screen is kept by an anchor (first visible message and the offset into it) or by being pinned to the end;
both survive every change of height above.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.parts import DocumentPart, Selection
from desktop_llm.gui.transcript.rows import Rows, estimate
from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.transcript.view_model import MessageView

_BOTTOM = 16
_NEAR_END = 24
_FOOT_AND_GAPS = 70


class MessageCanvas(QAbstractScrollArea):
    """Lays out, scrolls and paints messages; what can be done with them is `Transcript`'s."""

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
        self._anchor: tuple[int, float] = (0, 0.0)
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
        """How large messages are set; 1 is 15 px."""
        return self._type.scale

    def set_reading_scale(self, scale: float) -> None:
        """Set messages larger or smaller; the place on screen stays."""
        self._set_type(Typography(theme.current(), scale))

    def _on_theme_changed(self) -> None:
        self._set_type(Typography(theme.current(), self._type.scale))

    def _set_type(self, type_: Typography) -> None:
        self._type = type_
        self._drop_layouts()
        self._arrange()

    def jump_to_latest(self) -> None:
        """Go to the end and stay there while it grows."""
        self._pinned = True
        self._arrange()

    def is_at_end(self) -> bool:
        """Whether the view follows the end."""
        return self._pinned

    def last_seen(self) -> int:
        """Index of the last message of which something is seen, -1 without any."""
        return self._seen().stop - 1

    def message_at(self, y: float) -> int:
        """The message at a height of the viewport, -1 without any."""
        return self._rows.at(y + self.verticalScrollBar().value()) if self._views else -1

    # --- messages ---------------------------------------------------------------------------------------------

    def _replace_all(self, views: Sequence[MessageView]) -> None:
        self._drop_layouts()
        self._views = list(views)
        self._index = {view.id: index for index, view in enumerate(self._views)}
        self._pinned, self._anchor = True, (0, 0.0)
        self._rows.reset([self._estimate(view) for view in self._views])
        self._arrange()

    def _append(self, view: MessageView) -> None:
        self._index[view.id] = len(self._views)
        self._views.append(view)
        self._rows.append(self._estimate(view))
        self._arrange()

    def _estimate(self, view: MessageView) -> float:
        width = self.column_rect().width() * (0.85 if view.role == "user" else 1)
        return estimate(view.text, width, self._type.scale, 32 if view.role == "user" else _FOOT_AND_GAPS)

    def layout_at(self, index: int) -> MessageLayout:
        """The message laid out for the column as it is now."""
        view = self._views[index]
        layout = self._layouts.get(view.id)
        if layout is None:
            layout = MessageLayout(view, self._type, self.viewport())
            self._layouts[view.id] = layout
            self._prepare(layout)
        width = self.column_rect().width()
        if layout.width != width:
            layout.layout(width)
        self._rows.set_height(index, layout.height)
        return layout

    def _prepare(self, layout: MessageLayout) -> None:
        """A hook for what a freshly laid out message needs."""

    def _drop_layouts(self) -> None:
        for message_id in list(self._layouts):
            self._drop(message_id)

    def _drop(self, message_id: str) -> None:
        layout = self._layouts.pop(message_id, None)
        if layout is not None:
            layout.release()

    # --- arranging --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Lay out what is seen, keep the place, move the widgets, repaint."""
        if self._views:
            self._measure_view()
            for _attempt in range(3):  # the scroll bar's limits may bring other messages into view
                self._adjust_scroll_bar()
                if not self._measure_seen():
                    break
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
                self.layout_at(index)
                room -= self._rows.height(index)
                index -= 1
            return
        index, offset = self._anchor
        room += offset
        while index < len(self._views) and room > 0:
            self.layout_at(index)
            room -= self._rows.height(index)
            index += 1

    def _measure_seen(self) -> bool:
        """Lay out what the scroll bar now shows; True if some height turned out different."""
        changed = False
        for index in self._seen():
            before = self._rows.height(index)
            self.layout_at(index)
            changed = changed or self._rows.height(index) != before
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
        index, offset = self._anchor
        value = most if self._pinned or not self._views else round(self._rows.top(index) + offset)
        self._adjusting = True
        bar = self.verticalScrollBar()
        bar.setPageStep(height)
        bar.setRange(0, most)
        bar.setValue(value)
        self._adjusting = False

    def _remember_anchor(self) -> None:
        value = self.verticalScrollBar().value()
        index = self._rows.at(value)
        self._anchor = (index, value - self._rows.top(index))

    def _place_widgets(self) -> None:
        """Move the real widgets of seen messages to their places and hide all others."""
        placed: set[QWidget] = set()
        for index in self._seen():
            layout, corner = self._layouts[self._views[index].id], self.corner_of(index)
            for part, top in zip(layout.parts, layout.tops, strict=True):
                y = corner.y() + top
                if y + part.height > -60 and y < self.viewport().height() + 60 and (widget := part.widget()):
                    widget.setGeometry(part.widget_rect().translated(round(corner.x()), round(y)))
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
        """Where a message starts on the viewport."""
        return QPointF(self.column_rect().x(), self._rows.top(index) - self.verticalScrollBar().value())

    def _lay_out_ahead(self) -> None:
        """One message beyond the edges of the view at a time, when nothing else is to do; far ones are dropped."""
        if not self._views:
            return
        screen, top = self.viewport().height(), self.verticalScrollBar().value()
        near = range(self._rows.at(top - screen), self._rows.at(top + 2 * screen) + 1)
        missing = next((i for i in near if self._views[i].id not in self._layouts), None)
        if missing is not None:
            before = self._rows.height(missing)
            self.layout_at(missing)
            if self._rows.height(missing) != before:
                self._adjust_scroll_bar()
                self._place_widgets()
                self.viewport().update()
            self._ahead.start()
        else:
            self._drop_far(self._rows.at(top - 3 * screen), self._rows.at(top + 4 * screen))

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
        painter.fillRect(event.rect(), theme.current().colour("surface"))
        region = QRectF(event.rect())
        for index in self._seen():
            layout, corner = self.layout_at(index), self.corner_of(index)
            if corner.y() > region.bottom() or corner.y() + layout.height < region.top():
                continue
            painter.save()
            painter.translate(corner)

            def selection_of(part: int, index: int = index, layout: MessageLayout = layout) -> Selection:
                shown = layout.parts[part]
                length = shown.length() if isinstance(shown, DocumentPart) else 0
                return self._selection_within(index, part, length)

            layout.paint(painter, selection_of, region.top() - corner.y(), region.bottom() - corner.y())
            self._paint_message_extras(painter, index, layout)
            painter.restore()
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew if the column's width changed; estimates stay good enough."""
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
