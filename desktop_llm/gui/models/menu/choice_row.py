"""A choice from a list, with its label above and a note below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.look.widgets import Label, Select


class ChoiceRow(QWidget):
    """Signal: `changed` when the person chose."""

    changed = Signal()

    def __init__(self, label: str, object_name: str, values: tuple[tuple[str, object], ...]) -> None:
        super().__init__()
        self._field = Select(object_name=object_name, accessible_name=label)
        self._note = Label("", "small", "text_secondary", wrap=True, object_name=f"{object_name}_note")
        self._note.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(label, "ui_strong"))
        column.addWidget(self._field)
        column.addWidget(self._note)
        self.offer(values)
        self._field.activated.connect(self.changed)

    def offer(self, values: tuple[tuple[str, object], ...]) -> None:
        """Offer these values; the choice stays if it is among them."""
        before = self.chosen()
        self._field.clear()
        for words, value in values:
            self._field.addItem(words, value)
        self.choose(before)

    def rename(self, values: tuple[tuple[str, object], ...]) -> None:
        """Give the same values other words; the choice stays."""
        for index, (words, _) in enumerate(values):
            self._field.setItemText(index, words)

    def choose(self, value: object) -> None:
        """Show this value, or the first one if it is not offered."""
        self._field.setCurrentIndex(max(0, self._field.findData(value)))

    def chosen(self) -> object:
        """The chosen value."""
        return self._field.currentData()

    def set_note(self, words: str) -> None:
        """Set the text below."""
        self._note.setText(words)
        self._note.setVisible(bool(words))
