"""The rows of the adapters that a chat can use: a switch, a number and a slider; or why one can't be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.gui.chat.adapters.mix import AdapterRow
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.layouts import empty_layout
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.setting_rows import SliderRow
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Switch
from desktop_llm.words import tr

LARGEST_SCALE, STEP = 1.5, 0.05
_PAUSE_MS = 250  # a slider that is being dragged is not stored at each step


class AdapterRows(QWidget):
    """Signals: `changed` with the mix, a tuple of ChatAdapter, when the person changed it; `shown` when this comes into
    sight. The button `add` belongs into the heading.
    """

    changed = Signal(tuple)
    shown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("chat_adapters")
        self._rows: list[_Usable | _Unusable] = []
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._store)
        self.add = Button(tr("Add"), "plus", kind="quiet", height=28, object_name="chat_adapters_add")
        self.add.setAccessibleName(tr("Add an adapter"))
        self._none = Label(
            tr("No adapters yet. An adapter is a small file that changes how a model writes."),
            "small",
            "text_secondary",
            wrap=True,
            object_name="chat_adapters_none",
        )
        self._column = QVBoxLayout()
        self._column.setSpacing(8)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        outer.addWidget(self._none)
        outer.addLayout(self._column)

    def show_rows(self, rows: Sequence[AdapterRow]) -> None:
        """Show these adapters: first those that can be used."""
        self._pause.stop()
        empty_layout(self._column)
        ordered = sorted(rows, key=lambda row: bool(row.unusable))
        self._rows = [
            _Unusable(row, number) if row.unusable else _Usable(row, number) for number, row in enumerate(ordered, 1)
        ]
        for shown in self._rows:
            shown.changed.connect(self._pause.start)
            self._column.addWidget(shown)
        self._none.setVisible(not rows)

    def _store(self) -> None:
        """Tell the mix: what is on, and what has a number of its own."""
        adapters = [row.adapter() for row in self._rows]
        self.changed.emit(tuple(adapter for adapter in adapters if adapter.on or adapter.scale != 1))

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the rows."""
        super().showEvent(event)
        self.shown.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        """Store what was changed a moment ago."""
        super().hideEvent(event)
        if self._pause.isActive():
            self._pause.stop()
            self._store()


class _Usable(QWidget):
    """A switch with the slider at its right. Signal: `changed`."""

    changed = Signal()

    def __init__(self, row: AdapterRow, number: int) -> None:
        super().__init__()
        self._adapter = row.adapter
        name = plain(row.adapter.name or row.adapter.id)
        self._switch = Switch(object_name=f"chat_adapter_{number}", accessible_name=name)
        self._switch.setChecked(row.adapter.on)
        scale = min(max(row.adapter.scale, -LARGEST_SCALE), LARGEST_SCALE)
        self._scale = SliderRow(
            name,
            min(0.0, scale),
            LARGEST_SCALE,
            1.0,
            object_name=f"chat_adapter_{number}_scale",
            decimals=2,
            step=STEP,
            note=row.about,
        )
        self._scale.set_value(scale)
        self._scale.setEnabled(row.adapter.on)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        switch = QVBoxLayout()
        switch.setContentsMargins(0, 4, 0, 0)  # on one line with the name
        switch.addWidget(self._switch, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(switch)
        layout.addWidget(self._scale, 1)
        self._switch.toggled.connect(self._on_toggled)
        self._scale.changed.connect(self._on_scaled)

    def adapter(self) -> ChatAdapter:
        """The adapter as it is set now."""
        return replace(self._adapter, on=self._switch.isChecked(), scale=round(self._scale.value(), 2))

    def _on_toggled(self, on: bool) -> None:
        self._scale.setEnabled(on)
        self.changed.emit()

    def _on_scaled(self, _value: float) -> None:
        self.changed.emit()


class _Unusable(QWidget):
    """The name of an adapter, greyed, and the reason at its right; it can only be switched off. Signal: `changed`."""

    changed = Signal()

    def __init__(self, row: AdapterRow, number: int) -> None:
        super().__init__()
        self._adapter = row.adapter
        name = plain(row.adapter.name or row.adapter.id)
        self._switch = Switch(object_name=f"chat_adapter_{number}", accessible_name=f"{name}, {row.unusable}")
        self._switch.setChecked(row.adapter.on)
        self._switch.setEnabled(row.adapter.on)
        self._switch.toggled.connect(self._on_toggled)
        title = ElidedLabel(name, "ui", "text_tertiary", object_name=f"chat_adapter_{number}_name")
        reason = Label(plain(row.unusable), "small", "text_secondary", object_name=f"chat_adapter_{number}_reason")
        set_tip(self, row.unusable)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._switch)
        layout.addWidget(title, 1)
        layout.addWidget(reason)

    def adapter(self) -> ChatAdapter:
        """The adapter as it is set now."""
        return replace(self._adapter, on=self._switch.isChecked())

    def _on_toggled(self, on: bool) -> None:
        self._switch.setEnabled(on)
        self.changed.emit()
