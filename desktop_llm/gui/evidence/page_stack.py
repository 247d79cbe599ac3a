"""What stands in the middle of the panel: a page picture, a text, or words about why there is none yet."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.picture import Picture
from desktop_llm.gui.evidence.page_view import PageView
from desktop_llm.gui.evidence.text_view import TextView
from desktop_llm.gui.widgets import Button, Label, Spinner
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme
from desktop_llm.knowledge.client import PagePicture


class PageStack(QWidget):
    """Shows one thing at a time. `width_wanted(px)` when the picture should be drawn anew at another size."""

    width_wanted = Signal(int)
    open_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(120)
        self._picture = PageView()
        self._picture.width_wanted.connect(self.width_wanted)
        self._text = TextView()
        self._message = self._make_message()
        self._stack = QStackedLayout(self)
        for view in (self._message, self._picture, self._text):
            self._stack.addWidget(view)
        self._slow = QTimer(self, singleShot=True, interval=theme.current().length("motion", "spinner_delay_ms"))
        self._slow.timeout.connect(self._on_slow)
        self.clear()

    @property
    def shows_picture(self) -> bool:
        """Whether a page picture is in view."""
        return self._stack.currentWidget() is self._picture

    def wanted_width(self) -> int:
        """The width in physical pixels at which a page picture would be sharp here."""
        self._picture.resize(self.size())
        return self._picture.wanted_width()

    def show_picture(self, picture: PagePicture) -> None:
        """Show a page picture."""
        self._slow.stop()
        self._stack.setCurrentWidget(self._picture)
        if not self._picture.set_picture(picture):
            self.show_error(self.tr("The picture of this page arrived damaged. The file itself is not touched."))

    def show_text(self, text: str, start: int, end: int) -> None:
        """Show a text with `[start:end]` lit."""
        self._slow.stop()
        self._stack.setCurrentWidget(self._text)
        self._text.show_text(text, start, end)

    def show_error(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._slow.stop()
        self._say(text, failed=True)

    def wait(self) -> None:
        """Something is on its way: say so after a moment, unless a page is in view."""
        if not self._slow.isActive():
            self._slow.start()

    def clear(self) -> None:
        """Show nothing."""
        self._slow.stop()
        self._picture.clear()
        self._say("", failed=False)

    def zoom(self, step: int) -> None:
        """Larger (1) or smaller (-1)."""
        if self.shows_picture:
            (self._picture.zoom_in if step > 0 else self._picture.zoom_out)()

    def _make_message(self) -> QWidget:
        message = _Paper()
        self._spinner, self._alert = Spinner(), Picture("alert", 16, "danger_text")
        self._words = Label("", "ui", "text_secondary", wrap=True, object_name="evidence_message")
        self._open = Button(self.tr("Open the file"), "external", object_name="evidence_message_open")
        self._open.clicked.connect(self.open_requested)
        row = QHBoxLayout()
        row.setSpacing(8)
        first_line = QVBoxLayout()
        first_line.setContentsMargins(0, 2, 0, 0)
        for icon in (self._spinner, self._alert):
            first_line.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        first_line.addStretch(1)
        row.addLayout(first_line)
        row.addWidget(self._words, 1)
        column = QVBoxLayout(message)
        column.setContentsMargins(16, 16, 16, 16)
        column.addLayout(row)
        column.addWidget(self._open, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return message

    def _say(self, text: str, *, failed: bool) -> None:
        self._words.setText(text)
        self._alert.setVisible(failed)
        self._open.setVisible(failed)
        self._spinner.setVisible(bool(text) and not failed)
        self._stack.setCurrentWidget(self._message)

    def _on_slow(self) -> None:
        if self._stack.currentWidget() is self._message:
            self._say(self.tr("Opening the page"), failed=False)


class _Paper(QWidget):
    """The place where a page will be."""

    def __init__(self) -> None:
        super().__init__()
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """An empty sheet."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 2, colour("surface"), colour("border"))
        painter.end()
