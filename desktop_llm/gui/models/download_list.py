"""Downloads as cards, on the Models page and on the Activity page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal

from desktop_llm.gui.card_column import CardColumn
from desktop_llm.gui.models.download_card import DownloadCard
from desktop_llm.gui.models.transfers import Download


class DownloadList(CardColumn[DownloadCard]):
    """Signal: `action_requested` with the key of a download and what to do."""

    action_requested = Signal(str, str)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """Show these."""
        shown = {download.key: download for download in downloads}
        self.show_cards(list(shown), lambda key: self._card(shown[key]))
        for key, download in shown.items():
            self.cards[key].set_download(download)

    def _card(self, download: Download) -> DownloadCard:
        card = DownloadCard(download, self)
        card.action_requested.connect(self.action_requested)
        return card
