"""A part of the panel that can be folded, with a line above it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_words
from desktop_llm.gui.look.widgets import Label
from desktop_llm.gui.look.widgets.buttons import press_on_enter
from desktop_llm.gui.look.widgets.painting import draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

_CHEVRON = 20


class Section(QWidget):
    """A title with a chevron, a word at its right, and the content below in `column`; `row` holds the head.

    Signal: `folded` with whether it was closed.
    """

    folded = Signal(bool)

    def __init__(self, name: str, title: str, hint: str = "") -> None:
        super().__init__()
        self.setObjectName(f"chat_settings_section_{name}")
        self._head = _Head(title)
        set_names(self._head, f"chat_settings_fold_{name}", title)
        self.hint = Label(hint, "small", "text_secondary", object_name=f"chat_settings_hint_{name}")
        self.row = QHBoxLayout()
        self.row.setSpacing(8)
        self.row.addWidget(self._head)
        self.row.addStretch(1)
        self.row.addWidget(self.hint)
        self._content = QWidget()
        self.column = QVBoxLayout(self._content)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 9, 0, 8)
        outer.setSpacing(4)
        outer.addLayout(self.row)
        outer.addWidget(self._content)
        self._head.clicked.connect(self._on_clicked)
        repaint_on_theme(self)

    def set_open(self, is_open: bool) -> None:
        """Show or fold the content."""
        self._content.setVisible(is_open)
        self._head.set_open(is_open)

    def _on_clicked(self) -> None:
        self.set_open(self._content.isHidden())
        self.folded.emit(self._content.isHidden())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the line above."""
        painter = QPainter(self)
        painter.fillRect(QRect(0, 0, self.width(), 1), theme.current().colour("border_subtle"))
        painter.end()


class _Head(QAbstractButton):
    def __init__(self, title: str) -> None:
        super().__init__()
        self._open = True
        set_words(self, title)
        self.setFont(theme.current().font("ui_strong"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        repaint_on_theme(self)

    def set_open(self, is_open: bool) -> None:
        self._open = is_open
        self.setAccessibleDescription("" if is_open else tr("folded"))
        self.update()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + _CHEVRON + 8
        return QSize(width, max(24, self.fontMetrics().height() + 6))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        icon = "down" if self._open else "right"
        icons.paint_icon(painter, icon, "text_secondary", QRect(0, 0, 16, self.height()))
        painter.setFont(self.font())
        painter.setPen(theme.current().colour("text_primary"))
        words = self.rect().adjusted(_CHEVRON, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 4)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Fold on Enter, as on Space."""
        if not press_on_enter(self, event):
            super().keyPressEvent(event)
