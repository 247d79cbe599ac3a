"""The composer's thinking menu: how long the model may think before it answers, and what that costs in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from desktop_llm.gui.frame.keys import KeyCaps
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

KEY = "Ctrl+Shift+T"
_WIDTH, _ROW = 396, 50


@dataclass(frozen=True, slots=True)
class ThinkingLevel:
    """One row of the menu: `cost` is the most time that it takes, `detail` says in tokens what it means. `why_not` is
    the reason if it can't be chosen.
    """

    key: str
    name: str
    cost: str
    detail: str
    why_not: str = ""


class ThinkingButton(Button):
    """Says how long the model may think and opens the menu. It hides while there are no `levels`.

    Signal: `level_chosen` with the key of a level.
    """

    level_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Thinking"), "bulb", kind="quiet", chevron=True, parent=parent)
        self.setObjectName("composer_thinking")
        self.levels: tuple[ThinkingLevel, ...] = ()
        self._chosen, self._measured, self._compact = "", "", False
        self._menu: ThinkingMenu | None = None
        self.clicked.connect(self._open)
        self.hide()

    def set_levels(self, levels: Sequence[ThinkingLevel], chosen: str, measured: str) -> None:
        """Set the levels, the key of the chosen one, and the sentence about the measured speed."""
        self.levels, self._chosen, self._measured = tuple(levels), chosen, measured
        self.setVisible(bool(levels))
        self._show()
        if self._menu is not None:
            self._menu.set_levels(self.levels, chosen, measured)

    def set_compact(self, compact: bool) -> None:
        """Show the icon alone if there is little room."""
        self._compact = compact
        self._show()

    def _show(self) -> None:
        name = next((level.name for level in self.levels if level.key == self._chosen), "")
        words = tr("Thinking: {level}", level=name.lower())
        self.set_content("" if self._compact else words)
        self.setAccessibleName(words)
        set_tip(self, f"{words} ({KEY})")

    def _open(self) -> None:
        if self._menu is None:
            self._menu = ThinkingMenu(self.window())
            self._menu.level_chosen.connect(self.level_chosen)
        self._menu.set_levels(self.levels, self._chosen, self._measured)
        self._menu.show_below(self)


class ThinkingMenu(Popup):
    """The levels as one radio group, above the button. Signal: `level_chosen` with the key of a level."""

    level_chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, object_name="thinking_menu", accessible_name=tr("Thinking before the answer"))
        self._rows: dict[str, _Row] = {}
        self._group = QButtonGroup(self)
        self._measured = Label("", "small", "text_secondary", object_name="thinking_measured")
        self._column = QVBoxLayout()
        self._column.setContentsMargins(8, 0, 8, 0)
        self._column.setSpacing(0)
        self._group.idClicked.connect(self._on_clicked)
        self._lay_out()

    def set_levels(self, levels: Sequence[ThinkingLevel], chosen: str, measured: str) -> None:
        """Set the rows; the rows themselves stay, so that the focus does."""
        for level in levels:
            if level.key not in self._rows:
                row = self._rows[level.key] = _Row(level.key)
                self._group.addButton(row, len(self._rows) - 1)
                self._column.addWidget(row)
            self._rows[level.key].show_level(level)
            self._rows[level.key].setChecked(level.key == chosen)
        self._measured.setText(measured)

    def first_focus(self) -> QWidget:
        """The chosen level."""
        return self._group.checkedButton() or self

    def place(self) -> None:
        """Move above the anchor; their left edges are equal, at the right in scripts that begin there."""
        if self._anchor is None:
            return
        size, window = self.sizeHint(), self._anchor.window()
        corner = self._anchor.mapTo(window, QPoint(RING_MARGIN, 0))
        left = corner.x() - SHADOW
        if self.isRightToLeft():
            left = corner.x() + self._anchor.width() - 2 * RING_MARGIN + SHADOW - size.width()
        left = max(0, min(left, window.width() - size.width()))
        self.setGeometry(QRect(QPoint(left, max(0, corner.y() - size.height() + SHADOW - 4)), size))

    def sizeHint(self) -> QSize:
        """396 px wide, and as high as the rows."""
        return QSize(_WIDTH + 2 * SHADOW, super().sizeHint().height())

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SHADOW + 1, SHADOW + 9, SHADOW + 1, SHADOW + 9)
        outer.setSpacing(0)
        title = Label(tr("Thinking before the answer, in this chat"), "small_strong", "text_secondary")
        title.setContentsMargins(18, 2, 18, 6)
        outer.addWidget(title)
        outer.addLayout(self._column)
        outer.addSpacing(8)
        outer.addWidget(_Hairline())
        foot = QHBoxLayout()
        foot.setContentsMargins(18, 7, 18, 0)
        foot.addWidget(self._measured, 1)
        foot.addWidget(KeyCaps(KEY))
        outer.addLayout(foot)

    def _on_clicked(self, number: int) -> None:
        self.level_chosen.emit(list(self._rows)[number])


class _Hairline(QWidget):
    """A line across the sheet."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("border_subtle"))
        painter.end()


class _Row(QRadioButton):
    """A level with what it costs at the right and what it means below."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._level = ThinkingLevel(key, "", "", "")
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_names(self, f"thinking_{key}", "")
        repaint_on_theme(self)

    def show_level(self, level: ThinkingLevel) -> None:
        """Show this level."""
        self._level = level
        self.setEnabled(not level.why_not)
        self.setAccessibleName(f"{level.name}, {level.cost}" if level.cost else level.name)
        self.setAccessibleDescription(level.why_not or level.detail)
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines."""
        return QSize(_WIDTH - 18, max(_ROW, QFontMetrics(theme.current().font("ui")).height() * 2 + 12))

    def hitButton(self, position: QPoint) -> bool:
        """A click anywhere in the row chooses it."""
        return self.rect().contains(position)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fill of this state, the mark, and the words."""
        painter, colour = QPainter(self), theme.current().colour
        chosen, rtl = self.isChecked(), self.isRightToLeft()
        if chosen or (self.underMouse() and self.isEnabled()):
            draw_box(painter, self.rect(), 6, colour("accent_soft" if chosen else "hover"))
        self._draw_mark(painter, QRect(self.width() - 26 if rtl else 10, 9, 16, 16))
        ink = "text_primary" if self.isEnabled() else "text_disabled"
        half = self.height() // 2
        first = QRect(10 if rtl else 38, 4, self.width() - 48, half - 2)
        second = QRect(first.x(), half - 1, first.width(), half - 3)
        begin = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
        end = Qt.AlignmentFlag.AlignLeft if rtl else Qt.AlignmentFlag.AlignRight
        level, middle = self._level, Qt.AlignmentFlag.AlignVCenter
        for words, font, pen, box, side in (
            (level.name, "ui_strong", ink, first, begin),
            (level.cost, "figures", ink, first, end),
            (level.why_not or level.detail, "small", "text_secondary", second, begin),
        ):
            painter.setFont(theme.current().font(font))
            painter.setPen(colour(pen))
            painter.drawText(box, middle | side | Qt.AlignmentFlag.AlignAbsolute, words)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def _draw_mark(self, painter: QPainter, mark: QRect) -> None:
        colour, on, enabled = theme.current().colour, self.isChecked(), self.isEnabled()
        border = "accent" if on and enabled else "border_control" if enabled else "border"
        draw_box(painter, mark, 8, colour(border if on else "surface"), colour(border))
        if on:
            draw_box(painter, mark.adjusted(4, 4, -4, -4), 4, colour("on_accent"))
