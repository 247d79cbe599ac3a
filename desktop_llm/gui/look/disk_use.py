"""A meter for the disk that holds the models."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look.formats import size
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import Label, Meter
from desktop_llm.words import tr


class DiskUse(QWidget):
    """ "17.9 GB, 9.1 GB free" over a bar that turns amber and red as the disk fills."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = Label("", "figures", object_name="downloads_disk")
        self._bar = Meter(object_name="downloads_disk_bar", accessible_name=tr("Models on this disk"))
        self._bar.setSizePolicy(self._bar.sizePolicy().Policy.Expanding, self._bar.sizePolicy().Policy.Fixed)
        row = QHBoxLayout()
        row.addWidget(Label(tr("Models on this disk"), "small", "text_secondary", wrap=True), 1)
        row.addWidget(self._words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.hide()

    def set_space(self, models_bytes: int, free_bytes: int) -> None:
        """Show the space taken by models, and the free space on their disk."""
        words = tr("{used}, {free} free", used=size(models_bytes), free=size(free_bytes))
        self._words.setText(words)
        self._bar.set_amount(models_bytes, models_bytes + free_bytes)
        set_tip(self._bar, words)
        self.show()
