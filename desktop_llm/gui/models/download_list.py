"""Downloads as cards below each other, each made once and updated in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.models.download_card import DownloadCard
from desktop_llm.gui.models.transfers import Download


class DownloadList(QWidget):
    """Signal: `action_requested` with the key of a download and what to do."""

    action_requested = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, DownloadCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Show these, in this order; a card that is there already stays."""
        wanted = {download.key for download in downloads}
        for key in [key for key in self._cards if key not in wanted]:
            card = self._cards.pop(key)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, download in enumerate(downloads):
            self._show(place, download)

    def _show(self, place: int, download: Download) -> None:
        card = self._cards.get(download.key)
        if card is None:
            card = DownloadCard(download, self)
            card.action_requested.connect(self.action_requested)
            self._cards[download.key] = card
            self._column.insertWidget(place, card)
        else:
            card.set_download(download)
