"""The downloads folded into one line at the foot of the page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.models import words
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.widgets import Button, Label, ProgressBar
from desktop_llm.gui.widgets.painting import RING_MARGIN, repaint_on_theme


class DownloadsBar(QWidget):
    """How many there are and how far they are together. Signal: `opened` when the person wants to see them."""

    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloads_bar")
        self._open = Button("", "download", kind="quiet", height=28, object_name="downloads_open")
        self._bar = ProgressBar(object_name="downloads_bar_progress", accessible_name=self.tr("All downloads"))
        self._bar.setMaximumWidth(200)
        self._words = Label("", "figures", "text_secondary", object_name="downloads_bar_words")
        row = QHBoxLayout(self)
        row.setContentsMargins(12 - RING_MARGIN, 3, 16, 2)
        row.setSpacing(12)
        row.addWidget(self._open)
        row.addStretch(1)
        row.addWidget(self._words)
        row.addWidget(self._bar, 1)
        self._open.clicked.connect(self._on_open)
        self.set_downloads(())
        repaint_on_theme(self)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Sum them up."""
        going = [download for download in downloads if download.stage not in ("done", "failed")]
        failed = sum(download.stage == "failed" for download in downloads)
        count = len(going) + failed
        said = self.tr("Downloads, {count}") if count else self.tr("Downloads")
        if failed:  # an icon alone would not be enough
            said = self.tr("Downloads, {failed} stopped")
        said = said.format(count=number(count), failed=number(failed))
        self._open.set_content(said, "alert" if failed else "download")
        total, done = (sum(getattr(each, name) for each in going) for name in ("total_bytes", "done_bytes"))
        speed = sum(download.bytes_per_s for download in going if download.running)
        self._bar.setVisible(bool(total))
        self._words.setVisible(bool(total))
        self._bar.set_fraction(done / total if total else 0.0)
        rate = f", {words.speed(speed)}" if speed else ""
        self._words.setText(words.amount_of(done, total) + rate if total else "")

    def _on_open(self) -> None:
        self.opened.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground and the rule above."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        painter.fillRect(0, 0, self.width(), 1, colour("border_subtle"))
        painter.end()
