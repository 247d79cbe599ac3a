"""The right column: every download that waits, runs, is paused, is done or failed, and how full the disk is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.models.disk_use import DiskUse
from desktop_llm.gui.models.download_list import DownloadList
from desktop_llm.gui.models.parts import IconText
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.scrolled import transparent_area
from desktop_llm.gui.widgets import Button, IconButton, Label
from desktop_llm.gui.widgets.painting import RING_MARGIN, repaint_on_theme, set_names

_DISK_MARGIN = 12


class DownloadsPanel(QWidget):
    """Signals: `action_requested` with the key of a download and what to do; `pause_all_requested`; `closed`;
    `clear_requested` to take what is done off the list."""

    action_requested = Signal(str, str)
    pause_all_requested = Signal()
    clear_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "downloads_panel", self.tr("Downloads"))
        self._pause_all = Button(
            self.tr("Pause all"), "pause", kind="quiet", height=28, object_name="downloads_pause_all"
        )
        self._close = IconButton("x", self.tr("Fold the downloads away"), object_name="downloads_close", side=24)
        nothing = self.tr("Nothing is being downloaded. What you get appears here.")
        self._nothing = Label(nothing, "ui", "text_secondary", wrap=True, object_name="downloads_nothing")
        self._clear = Button(self.tr("Clear finished"), "check", kind="quiet", height=28, object_name="downloads_clear")
        checked = self.tr("Files are checked against their sha256.")
        self._checked = IconText("shieldcheck", checked, object_name="downloads_checked")
        self._disk = DiskUse()
        self._list = DownloadList()
        self._lay_out()
        self._pause_all.clicked.connect(self._on_pause_all)
        self._clear.clicked.connect(self._on_clear)
        self._close.clicked.connect(self._on_close)
        self._list.action_requested.connect(self.action_requested)
        self.set_downloads(())
        repaint_on_theme(self)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Show these, in this order."""
        self._list.set_downloads(downloads)
        self._nothing.setVisible(not downloads)
        stopping = any(download.running or download.stage == "waiting" for download in downloads)
        self._pause_all.setVisible(stopping)
        # Not where it is untrue of one of them: some mirrors name no checksum.
        self._checked.setVisible(all(download.checked for download in downloads))
        self._clear.setVisible(sum(download.stage == "done" for download in downloads) > 1)

    def set_space(self, models_bytes: int, free_bytes: int) -> None:
        """How full the disk is that holds the models."""
        self._disk.set_space(models_bytes, free_bytes)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 11, 16 - RING_MARGIN, 0)
        head.setSpacing(0)
        head.addWidget(Label(self.tr("Downloads"), "heading"), 1)
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

    def _on_pause_all(self) -> None:
        self.pause_all_requested.emit()

    def _on_clear(self) -> None:
        self.clear_requested.emit()

    def _on_close(self) -> None:
        self.closed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground, its edge, and the rule above the disk."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_window"))
        edge = self.width() - 1 if self.isRightToLeft() else 0
        painter.fillRect(edge, 0, 1, self.height(), colour("border_subtle"))
        if self._disk.isVisible():
            painter.fillRect(0, self._disk.y() - _DISK_MARGIN, self.width(), 1, colour("border_subtle"))
        painter.end()
