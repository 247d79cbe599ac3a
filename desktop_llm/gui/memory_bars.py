"""How much memory the chosen load settings need, against what is free: one bar for the GPU, one for main memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import size
from desktop_llm.gui.widgets import Label, Meter

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine


class MemoryBars(QWidget):
    """Two bars that are amber from nine tenths of what is free, and red from all of it."""

    def __init__(self) -> None:
        super().__init__()
        self._gpu = _Bar(self.tr("GPU memory"), "load_gpu_memory")
        self._main = _Bar(self.tr("Main memory"), "load_main_memory")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._gpu)
        column.addWidget(self._main)

    def show_forecast(self, forecast: Forecast, machine: Machine) -> None:
        """Show what a forecast needs of a machine, whose free memory counts the model in use as free."""
        gpu = machine.gpus[0] if machine.gpus else None
        self._gpu.setVisible(gpu is not None)
        if gpu is not None:
            self._gpu.show_amount(forecast.gpu_bytes, gpu.free_bytes)
        self._main.show_amount(forecast.memory_bytes - forecast.gpu_bytes, machine.ram_free_bytes)


class _Bar(QWidget):
    """Name, amounts, and the bar below."""

    def __init__(self, label: str, object_name: str) -> None:
        super().__init__()
        self._label = label
        self._amount = Label("", "small", "text_secondary", object_name=f"{object_name}_amount")
        self._meter = Meter(object_name=object_name, accessible_name=label, warn_from=0.9, full_from=1.0)
        self._meter.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(label, "small_strong"), 1)
        head.addWidget(self._amount)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._meter)

    def show_amount(self, needed: int, free: int) -> None:
        """Show that so many bytes are needed of so many."""
        too_much = needed > free
        words = self.tr("{needed}, only {free} free") if too_much else self.tr("{needed} of {free} free")
        shown = words.format(needed=size(max(0, needed)), free=size(max(0, free)))
        self._amount.setText(shown)
        self._amount.set_colour("danger_text" if too_much else "text_secondary")
        self._meter.set_amount(max(0, needed), max(1, free))
        self._meter.setAccessibleName(f"{self._label}, {shown}")
