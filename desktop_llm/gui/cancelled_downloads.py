"""Downloads that were cancelled a moment ago and can be taken back: the last one on each page that shows them."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Signal

from desktop_llm.gui.download_queue import Item
from desktop_llm.gui.widgets import UndoBar


class CancelledDownloads(QObject):
    """Signals with an Item: `taken_back` by the person, `given_up` when the offer to undo is gone."""

    taken_back = Signal(object)
    given_up = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._bars: list[UndoBar] = []
        self._kept: dict[UndoBar, Item] = {}

    def offer_at(self, bar: UndoBar) -> None:
        """Offer to undo here too, while the page below is in front."""
        self._bars.append(bar)
        bar.undo_requested.connect(functools.partial(self._on_undo, bar))
        bar.closed.connect(functools.partial(self._on_closed, bar))

    def add(self, item: Item) -> None:
        """It was cancelled: say so on the page that the person looks at."""
        bar = next((bar for bar in self._bars if bar.pane.isVisible()), self._bars[0])
        bar.show_message(self.tr("Download of {name} cancelled.").format(name=item.shown.full_name))
        self._kept[bar] = item

    def drop(self, key: str) -> None:
        """It is got again: its bytes are of use, and there is nothing to undo."""
        for bar in [bar for bar, item in self._kept.items() if item.shown.key == key]:
            del self._kept[bar]
            bar.hide()

    def _on_undo(self, bar: UndoBar) -> None:
        if (item := self._kept.pop(bar, None)) is not None:
            self.taken_back.emit(item)

    def _on_closed(self, bar: UndoBar) -> None:
        if (item := self._kept.pop(bar, None)) is not None:
            self.given_up.emit(item)
