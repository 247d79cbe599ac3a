"""A row for one setting: a number with a field and a slider, or a switch."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import IconButton, Label, Switch
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr

_STEPS = 1000


class SliderRow(QWidget):
    """A label, a number, a slider and, if the value was changed, an undo button.

    A `logarithmic` slider steps through the powers of two between its ends, as context lengths need. Signal: `changed`
    with the value when the person changed it.
    """

    changed = Signal(float)

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        default: float,
        *,
        object_name: str,
        decimals: int = 0,
        step: float = 1,
        logarithmic: bool = False,
        suffix: str = "",
        note: str = "",
    ) -> None:
        super().__init__()
        self._label_text, self._default, self._logarithmic, self._step = label, default, logarithmic, step
        self._label = _ResettingLabel(label, self.reset)
        set_tip(self._label, tr("Double-click to restore the usual value"))
        self._undo = IconButton("undo", tr("Reset {name}", name=label), object_name=f"{object_name}_reset", side=24)
        self._number = _Number()
        self._number.setDecimals(decimals)
        self._number.setRange(low, high)
        self._number.setSingleStep(step)
        self._number.setSuffix(suffix)
        set_names(self._number, object_name, label)
        self._slider = _Slider()
        self._slider.setRange(0, _STEPS)
        set_names(self._slider, f"{object_name}_slider", label)
        self._note = Label(note, "small", "text_secondary", wrap=True, object_name=f"{object_name}_note")
        self._lay_out()
        self._note.setVisible(bool(note))  # after it has a parent, as without one it would be a window
        self._undo.clicked.connect(self.reset)
        self._number.valueChanged.connect(self._on_typed)
        self._slider.valueChanged.connect(self._on_slid)
        self.set_value(default)

    def value(self) -> float:
        """The current value."""
        return self._number.value()

    def is_default(self) -> bool:
        """Whether the value is unchanged."""
        return math.isclose(self.value(), self._default)

    def set_value(self, value: float) -> None:
        """Show a value without sending the signal."""
        self._number.blockSignals(True)
        self._number.setValue(value)
        self._number.blockSignals(False)
        self._show_value()

    def show_default(self) -> None:
        """Show the usual value without sending the signal."""
        self.set_value(self._default)

    def set_range(self, low: float, high: float, default: float) -> None:
        """Set the ends and the usual value; an unchanged value follows the usual one."""
        unchanged = self.is_default()
        self._default = default
        self._number.blockSignals(True)
        self._number.setRange(low, high)
        self._number.blockSignals(False)
        self.set_value(default if unchanged else self.value())

    def set_note(self, text: str) -> None:
        """Set the text below."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def reset(self) -> None:
        """Restore the usual value."""
        if not self.is_default():
            self._number.setValue(self._default)

    def focus(self) -> None:
        """Put the focus on the number."""
        self._number.setFocus(Qt.FocusReason.TabFocusReason)
        self._number.selectAll()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self._label, 1)
        head.addWidget(self._undo)
        head.addWidget(self._number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._slider)
        column.addWidget(self._note)
        keep = self._undo.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._undo.setSizePolicy(keep)
        self._number.setFixedWidth(84)

    def _on_typed(self, value: float) -> None:
        self._show_value()
        self.changed.emit(value)

    def _on_slid(self, position: int) -> None:
        value = self._value_at(position)
        if not math.isclose(value, self._number.value()):
            self._number.setValue(value)

    def _show_value(self) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(self._position_of(self._number.value()))
        self._slider.blockSignals(False)
        shown = self._number.text()
        self._slider.setAccessibleName(f"{self._label_text}, {shown}")
        self._undo.setVisible(not self.is_default())

    def _ends(self) -> tuple[float, float]:
        low, high = self._number.minimum(), self._number.maximum()
        return (math.log2(low), math.log2(high)) if self._logarithmic else (low, high)

    def _position_of(self, value: float) -> int:
        low, high = self._ends()
        where = math.log2(value) if self._logarithmic else value
        return round(_STEPS * (where - low) / (high - low)) if high > low else 0

    def _value_at(self, position: int) -> float:
        low, high = self._ends()
        where = low + (high - low) * position / _STEPS
        value = round((2**where if self._logarithmic else where) / self._step) * self._step
        return min(max(value, self._number.minimum()), self._number.maximum())


class _ResettingLabel(Label):
    """The name of a value; a double click on it restores the usual value."""

    def __init__(self, text: str, reset: object) -> None:
        super().__init__(text, "ui_strong")
        self._reset = reset

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Restore the usual value."""
        event.accept()
        if callable(self._reset):
            self._reset()


class _Number(QDoubleSpinBox):
    """A number with the locale's separators; the wheel scrolls the page and doesn't change the value."""

    def __init__(self) -> None:
        super().__init__()
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(0, 0, 8, 0)  # the style sheet's padding leaves out the room of the arrows
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        """A whole number with separators, or a number with its decimals."""
        return number(value) if self.decimals() == 0 else super().textFromValue(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class _Slider(QSlider):
    """A horizontal slider that takes focus by Tab; the wheel scrolls the page."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(20)
        self.setSingleStep(_STEPS // 50)
        self.setPageStep(_STEPS // 10)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class SwitchRow(QWidget):
    """A switch with its name and a note. Signal: `toggled` with the new state when the person changed it."""

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
        self._note.setVisible(bool(note))  # after it has a parent, as without one it would be a window
        self.switch.toggled.connect(self.toggled)

    def is_on(self) -> bool:
        """Whether it is on."""
        return self.switch.isChecked()

    def set_on(self, on: bool) -> None:
        """Show it on or off without sending the signal."""
        self.switch.blockSignals(True)
        self.switch.setChecked(on)
        self.switch.blockSignals(False)

    def set_note(self, text: str) -> None:
        """Set the text below the name."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Toggle the switch on a click on its text."""
        if event.button() == Qt.MouseButton.LeftButton and self.switch.isEnabled():
            self.switch.toggle()
        event.accept()
