"""All downloads on the Models page: as cards in the right column, or folded into one line at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.disk_use import DiskUse
from desktop_llm.gui.look.formats import amount_of, number, transfer_speed
from desktop_llm.gui.look.layouts import CardAction, transparent_area
from desktop_llm.gui.look.widgets import Button, IconButton, Label, ProgressBar
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, repaint_on_theme, set_names
from desktop_llm.gui.work.download_card import DownloadList
from desktop_llm.jobs.download import Download
from desktop_llm.words import tr

_DISK_MARGIN = 12


class DownloadsPanel(QWidget):
    """Signals: `acted` when a button of a card is pressed; `pause_all_requested`; `closed`; `clear_requested` to remove
    finished downloads from the list."""

    acted = Signal(CardAction)
    pause_all_requested = Signal()
    clear_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "downloads_panel", tr("Downloads"))
        self._pause_all = Button(tr("Pause all"), "pause", kind="quiet", height=28, object_name="downloads_pause_all")
        self._close = IconButton("x", tr("Hide the downloads"), object_name="downloads_close", side=24)
        nothing = tr("Nothing is being downloaded. Your downloads appear here.")
        self._nothing = Label(nothing, "ui", "text_secondary", wrap=True, object_name="downloads_nothing")
        self._clear = Button(tr("Clear finished"), "check", kind="quiet", height=28, object_name="downloads_clear")
        checked = tr("Files are checked against their sha256.")
        self._checked = IconText("shieldcheck", checked, object_name="downloads_checked")
        self._disk = DiskUse()
        self._list = DownloadList()
        self._lay_out()
        self._pause_all.clicked.connect(self.pause_all_requested)
        self._clear.clicked.connect(self.clear_requested)
        self._close.clicked.connect(self.closed)
        self._list.acted.connect(self.acted)
        self.show_downloads(())
        repaint_on_theme(self)

    def show_downloads(self, downloads: Sequence[Download], model_in_use: str = "") -> None:
        """Show these downloads, in this order."""
        self._list.show_downloads(downloads, model_in_use)
        self._nothing.setVisible(not downloads)
        self._pause_all.setVisible(any(download.under_way for download in downloads))
        # Some mirrors give no checksum; then this would not be true.
        self._checked.setVisible(all(download.checked for download in downloads))
        self._clear.setVisible(sum(download.state == "done" for download in downloads) > 1)

    def set_space(self, models_bytes: int, free_bytes: int) -> None:
        """Show the space taken by models, and the free space on their disk."""
        self._disk.set_space(models_bytes, free_bytes)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 11, 16 - RING_MARGIN, 0)
        head.setSpacing(0)
        head.addWidget(Label(tr("Downloads"), "heading"), 1)
        head.addWidget(self._pause_all)
        head.addWidget(self._close)
        inner = QWidget()
        inner.setProperty("page", True)
        area = transparent_area(inner, self)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 7, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._nothing)
        column.addWidget(self._list)
        column.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignLeading)
        column.addWidget(self._checked)
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(head)
        outer.addWidget(area, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(16, _DISK_MARGIN, 16, _DISK_MARGIN)
        foot.addWidget(self._disk)
        outer.addLayout(foot)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background, its edge, and the rule above the disk meter."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        edge = self.width() - 1 if self.isRightToLeft() else 0
        painter.fillRect(edge, 0, 1, self.height(), colour("border_subtle"))
        if self._disk.isVisible():
            painter.fillRect(0, self._disk.y() - _DISK_MARGIN, self.width(), 1, colour("border_subtle"))
        painter.end()


class DownloadsBar(QWidget):
    """The number of downloads and their joint progress. Signal: `opened` to show them."""

    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("downloads_bar")
        self._open = Button("", "download", kind="quiet", height=28, object_name="downloads_open")
        self._bar = ProgressBar(object_name="downloads_bar_progress", accessible_name=tr("All downloads"))
        self._bar.setMaximumWidth(200)
        self._words = Label("", "figures", "text_secondary", object_name="downloads_bar_words")
        row = QHBoxLayout(self)
        row.setContentsMargins(12 - RING_MARGIN, 3, 16, 2)
        row.setSpacing(12)
        row.addWidget(self._open)
        row.addStretch(1)
        row.addWidget(self._words)
        row.addWidget(self._bar, 1)
        self._open.clicked.connect(self.opened)
        self.show_downloads(())
        repaint_on_theme(self)

    def show_downloads(self, downloads: Sequence[Download]) -> None:
        """Show the sum of these downloads."""
        going = [download for download in downloads if download.state not in ("done", "failed")]
        failed = sum(download.state == "failed" for download in downloads)
        count = len(going) + failed
        said = tr("Downloads, {count}", count=number(count)) if count else tr("Downloads")
        if failed:  # an icon alone would not be enough
            said = tr("Downloads, {failed} stopped", failed=number(failed))
        self._open.set_content(said, "alert" if failed else "download")
        total, done = sum(each.progress.total for each in going), sum(each.progress.done for each in going)
        speed = sum(each.progress.speed for each in going)
        self._bar.setVisible(bool(total))
        self._words.setVisible(bool(total))
        self._bar.set_fraction(done / total if total else 0.0)
        rate = f", {transfer_speed(speed)}" if speed else ""
        self._words.setText(amount_of(done, total) + rate if total else "")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background and the rule above."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        painter.fillRect(0, 0, self.width(), 1, colour("border_subtle"))
        painter.end()
