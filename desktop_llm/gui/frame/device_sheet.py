"""The sheet below the device in the header: the device of the model in use, and why no more of it is on the GPU."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop_llm.engine.client import LoadedModel
from desktop_llm.gui.look.formats import number, size
from desktop_llm.gui.look.layouts import empty_layout
from desktop_llm.gui.look.model_words import device_words, gpu_layers_words
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.words import tr

_WIDTH = 360


class DeviceSheet(Popup):
    """Signal: `settings_requested` for the load settings of the model in use."""

    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, object_name="device_sheet", accessible_name=tr("Device"))
        self._title = Label("", "heading", wrap=True, object_name="device_sheet_title")
        self._why = Label("", "ui", "text_secondary", wrap=True, object_name="device_sheet_why")
        self._facts = QGridLayout()
        self._settings = Button(tr("Load settings"), "sliders", object_name="device_sheet_settings")
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._settings.clicked.connect(self._on_settings)

    def show_loaded(self, loaded: LoadedModel) -> None:
        """Show where this model computes."""
        self._title.setText(device_words(loaded))
        self._why.setText(loaded.fallback)
        self._why.setVisible(bool(loaded.fallback))
        empty_layout(self._facts)
        for row, (name, value) in enumerate(facts_of(loaded)):
            self._facts.addWidget(Label(name, "ui", "text_secondary"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(Label(value, "ui", wrap=True), row, 1, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleDescription("\n".join(f"{name}: {value}" for name, value in facts_of(loaded)))
        if self.is_open():
            self.place()

    def first_focus(self) -> QWidget:
        """The button to the load settings."""
        return self._settings

    def sizeHint(self) -> QSize:
        """As high as the sentences need."""
        width = _WIDTH + 2 * SHADOW
        return QSize(width, self._column.totalHeightForWidth(width))

    def _lay_out(self) -> None:
        self._facts.setHorizontalSpacing(16)
        self._facts.setVerticalSpacing(6)
        self._facts.setColumnStretch(1, 1)
        self._column.setContentsMargins(SHADOW + 16, SHADOW + 14, SHADOW + 16, SHADOW + 12)
        self._column.setSpacing(10)
        self._column.addWidget(self._title)
        self._column.addWidget(self._why)
        self._column.addLayout(self._facts)
        self._column.addWidget(self._settings, 0, Qt.AlignmentFlag.AlignTrailing)

    def _on_settings(self) -> None:
        self.close_popup()
        self.settings_requested.emit()


def facts_of(loaded: LoadedModel) -> list[tuple[str, str]]:
    """What the engine reports of the model in memory."""
    facts: list[tuple[str, str]] = [(tr("Device"), loaded.device), (tr("Backend"), loaded.backend)]
    if loaded.gpu_layers:
        facts.append((tr("On the GPU"), gpu_layers_words(loaded)))
        facts.append((tr("GPU memory"), size(loaded.gpu_bytes)))
    if loaded.memory_bytes:
        facts.append((tr("Main memory"), tr("up to {size}", size=size(loaded.memory_bytes))))
    facts.append((tr("Context"), tr("{count} tokens", count=number(loaded.context_length))))
    return facts
