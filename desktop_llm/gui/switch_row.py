"""Something that is on or off: its name, what that means in a few words, and the switch at the end of the row."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.widgets import Label, Switch


class SwitchRow(QWidget):
    """Signal: `toggled` with the new state, only when the person changed it. The words belong to the switch."""

    toggled = Signal(bool)

    def __init__(self, label: str, note: str = "", *, object_name: str) -> None:
        super().__init__()
        self._label = Label(label, "ui_strong", wrap=True)
        self._note = Label(note, "small", "text_secondary", wrap=True, object_name=f"{object_name}_note")
        self.switch = Switch(object_name=object_name, accessible_name=label)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._label)
        words.addWidget(self._note)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addLayout(words, 1)
        row.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignVCenter)
        self._note.setVisible(bool(note))  # after it has a parent: alone it would be a window
        self.switch.toggled.connect(self.toggled)

    def is_on(self) -> bool:
        """Whether it is on."""
        return self.switch.isChecked()

    def set_on(self, on: bool) -> None:
        """Show it on or off; nobody is told."""
        self.switch.blockSignals(True)
        self.switch.setChecked(on)
        self.switch.blockSignals(False)

    def set_note(self, text: str) -> None:
        """Say something else below the name."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on the words switches too."""
        if event.button() == Qt.MouseButton.LeftButton and self.switch.isEnabled():
            self.switch.toggle()
        event.accept()
