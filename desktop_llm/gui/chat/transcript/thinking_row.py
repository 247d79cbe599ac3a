"""The row above a piece of thinking: how long it takes or took, and the button that ends it."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.view_model import ThinkingFigures
from desktop_llm.gui.chat.transcript.widget_parts import WidgetPart
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.rich_text import Typography
from desktop_llm.gui.look.widgets import Button
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box
from desktop_llm.words import tr

_PADDING, _ICON, _GAP, _BETWEEN = 12, 16, 8, 10


class ThinkingRow(Button):
    """The row: pressing it shows the thoughts below, or folds them again.

    While the model thinks, `answer_now` stands at the right; its signal is `answer_now.clicked`.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Thought"), "bulb", object_name="thinking_block", parent=parent)
        self.is_open = False
        self._running = False
        self._details = ""
        self.setFont(theme.current().font("ui"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.answer_now = Button(
            tr("Answer now"),
            "right",
            kind="quiet",
            height=26,
            object_name="thinking_answer_now",
            tooltip=tr("End the thinking and answer (Ctrl+Enter)"),
            parent=self,
        )
        self.answer_now.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.answer_now.hide()

    def show_figures(self, figures: ThinkingFigures, *, running: bool) -> None:
        """Show these figures; `running` while the model thinks."""
        self._running = running
        words, self._details = figures.words(running=running)
        self.answer_now.setVisible(running)
        self.set_content(words)
        self.setAccessibleName(f"{words}, {self._details}" if self._details else words)
        self._place()

    def set_open(self, is_open: bool) -> None:
        """Point the chevron down (open) or to the side."""
        self.is_open = is_open
        self.setAccessibleDescription(tr("unfolded") if is_open else tr("folded"))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """End the thinking on Ctrl+Enter; otherwise as any button."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if self._running:
                self.answer_now.click()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the button at the end."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        size = self.answer_now.sizeHint()
        left = RING_MARGIN if self.isRightToLeft() else self.width() - size.width() - RING_MARGIN - 2
        self.answer_now.setGeometry(QRect(left, (self.height() - size.height()) // 2, size.width(), size.height()))

    def _content_width(self) -> int:
        width = 2 * (_ICON + _GAP) + self.fontMetrics().horizontalAdvance(self.text())
        if self._details:
            width += _BETWEEN + self._details_width()
        return width + (_BETWEEN + self.answer_now.sizeHint().width() - _PADDING if self._running else 0)

    def _details_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._details)

    def _inks(self) -> tuple[str, str]:
        return "text_secondary", "text_secondary"

    def _draw_background(self, painter: QPainter, rect: QRect) -> None:
        colour = theme.current().colour
        fill = colour("pressed" if self.isDown() else "hover") if self.underMouse() else None
        draw_box(painter, rect, 6, fill, colour("border_subtle"))

    def _draw_content(self, painter: QPainter, rect: QRect) -> None:
        ink, rtl = "text_secondary", self.isRightToLeft()
        x = rect.x() + _PADDING

        def place(width: int) -> QRect:
            left = self.width() - x - width if rtl else x
            return QRect(left, rect.y(), width, rect.height())

        for name in ("down" if self.is_open else "left" if rtl else "right", "bulb"):
            icons.paint_icon(painter, name, ink, place(_ICON), 14)
            x += _ICON + _GAP
        painter.setPen(theme.current().colour(ink))
        painter.setFont(self.font())
        for words in (self.text(), self._details):
            width = self.fontMetrics().horizontalAdvance(words)
            painter.drawText(place(width + 1), Qt.AlignmentFlag.AlignVCenter, words)
            x += width + _BETWEEN


class ThinkingPart(WidgetPart):
    """The row of a piece of thinking of an answer: as wide as its words, or as the column while it is open."""

    def __init__(self, type_: Typography, parent: QWidget) -> None:
        self.row = ThinkingRow(parent)
        super().__init__(type_, self.row, whole_width=False, outset=RING_MARGIN)

    def widget_rect(self) -> QRect:
        """The row with the margin for its focus ring."""
        self._whole = self.row.is_open
        return super().widget_rect()
