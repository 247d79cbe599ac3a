"""The order in which the samplers are applied: a list whose rows are dragged, or moved with Alt+Up and Alt+Down."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from desktop_llm.engine.client import SAMPLER_ORDER
from desktop_llm.gui.chat.settings.rows import Row
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr

_ROW_HEIGHT = 26


class SamplerOrder(Row):
    """Signal: `changed` with the names of the samplers in their order."""

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__("order", tr("Sampler order"), tr("first to last"), "sampler sequence chain")
        self.list = _List()
        set_names(self.list, "setting_order", tr("Sampler order"))
        self.middle.addWidget(self.list, 1)
        self.list.moved.connect(self._on_moved)
        self._titles = {
            "penalties": tr("Penalties"),
            "dry": "DRY",
            "top_n_sigma": tr("Top-n-sigma"),
            "top_k": tr("Top-k"),
            "typical_p": tr("Typical"),
            "top_p": tr("Top-p"),
            "min_p": tr("Min-p"),
            "xtc": "XTC",
            "temperature": tr("Temperature"),
        }

    def show_order(self, order: Sequence[str], usual: Sequence[str]) -> None:
        """Show this order; samplers that it leaves out are not listed."""
        self.set_changed(tuple(order) != tuple(usual), tr("the usual order"))
        if [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())] == list(order):
            return
        self.list.clear()
        for name in order:
            item = QListWidgetItem(icons.icon("grip"), self._titles[name])
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setSizeHint(QSize(0, _ROW_HEIGHT))
            self.list.addItem(item)
        self.list.setFixedHeight(_ROW_HEIGHT * len(SAMPLER_ORDER) + 2)

    def _on_moved(self) -> None:
        names = [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]
        self.changed.emit(tuple(names))


class _List(QListWidget):
    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFont(theme.current().font("small"))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleDescription(tr("Alt+Up and Alt+Down move a row"))

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell that a row was dropped elsewhere."""
        super().dropEvent(event)
        self.moved.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the row with Alt+Up and Alt+Down."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if by is None or not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        row = self.currentRow()
        if row >= 0 and 0 <= row + by < self.count():
            item = self.takeItem(row)
            self.insertItem(row + by, item)
            self.setCurrentRow(row + by)
            self.moved.emit()
