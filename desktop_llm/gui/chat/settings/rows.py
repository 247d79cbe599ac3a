"""The rows of the panel: a name with a plain word, something to set, and an undo button when it was changed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import QRect, QRegularExpression, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegularExpressionValidator,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLineEdit, QSlider, QVBoxLayout, QWidget

from desktop_llm.gui.chat.settings.catalogue import Setting
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import IconButton, Label
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

_NAME_WIDTH, _FIELD_WIDTH, _UNDO_SIDE, _ROW_HEIGHT = 142, 66, 24, 40
_STEPS = 1000


class Name(QWidget):
    """The name of a setting, with a dot if it was changed; a double click, or Delete, asks to undo the change."""

    undo_requested = Signal()

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text, self.is_changed = text, False
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(text)
        self.setFont(theme.current().font("ui_strong"))
        repaint_on_theme(self)

    def set_changed(self, changed: bool, tip: str) -> None:
        """Show the dot or not."""
        self.is_changed = changed
        self.setAccessibleName(tr("{name}, changed", name=self.text) if changed else self.text)
        set_tip(self, tip if changed else "")
        self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text) + 12, self.fontMetrics().height() + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the name and the dot."""
        painter, colour = QPainter(self), theme.current().colour
        painter.setFont(self.font())
        painter.setPen(colour("text_primary" if self.isEnabled() else "text_disabled"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self.text)
        if self.is_changed:
            width = self.fontMetrics().horizontalAdvance(self.text)
            draw_box(painter, QRect(width + 5, self.height() // 2 - 1, 5, 5), 2.5, colour("accent"))
        if self.hasFocus():
            draw_box(painter, self.rect(), 3, None, colour("focus_ring"))
        painter.end()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Undo the change."""
        event.accept()
        self.undo_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo the change on Delete."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.undo_requested.emit()
        else:
            super().keyPressEvent(event)


class Row(QWidget):
    """A name, the widgets that subclasses add, and the undo button, whose place is always kept.

    Signal: `undo_requested`.
    """

    undo_requested = Signal()

    def __init__(self, name: str, title: str, plain: str, terms: str = "") -> None:
        super().__init__()
        self.title, self._plain = title, plain
        self.words = f"{title} {plain} {terms} {name.replace('_', ' ')}".casefold()
        self.setObjectName(f"setting_{name}_row")
        self.name = Name(title)
        self._note = Label(plain, "small", "text_secondary", object_name=f"setting_{name}_note")
        self.undo = IconButton("undo", tr("Undo {name}", name=title), object_name=f"setting_{name}_undo", side=24)
        self.middle = QHBoxLayout()
        self.middle.setSpacing(10)
        self._lay_out()
        self.name.undo_requested.connect(self._on_undo)
        self.undo.clicked.connect(self.undo_requested)

    @property
    def is_changed(self) -> bool:
        """Whether the value differs from the preset's."""
        return self.name.is_changed

    def set_changed(self, changed: bool, usual: str) -> None:
        """Show whether the value differs from the preset's, which is `usual` in words."""
        tip = tr("Preset: {value}", value=usual)
        self.name.set_changed(changed, tip)
        self.undo.setVisible(changed)
        set_tip(self.undo, tip)

    def set_idle(self, reason: str) -> None:
        """Grey the row and say why its value changes nothing; "" makes it live."""
        self._note.setText(reason or self._plain)
        for widget in self.inputs():
            widget.setEnabled(not reason)
        self.name.setEnabled(not reason)

    def inputs(self) -> tuple[QWidget, ...]:
        """The widgets that take the value."""
        return ()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.name)
        words.addWidget(self._note)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addLayout(words)
        row.addLayout(self.middle, 1)
        row.addWidget(self.undo)
        keep = self.undo.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.undo.setSizePolicy(keep)
        self.undo.hide()
        self.name.setFixedWidth(_NAME_WIDTH)
        self._note.setFixedWidth(_NAME_WIDTH)
        self.setMinimumHeight(_ROW_HEIGHT)

    def _on_undo(self) -> None:
        if self.is_changed:
            self.undo_requested.emit()


class NumberRow(Row):
    """A number with a slider and a field. Signal: `changed` with the new value."""

    changed = Signal(float)

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.name, setting.title, setting.plain, setting.terms)
        self.setting = setting
        self._slider = Slider(setting.low, setting.high, setting.step)
        set_names(self._slider, f"setting_{setting.name}_slider", setting.title)
        self.field = NumberField(setting.decimals, setting.step, setting.shown)
        set_names(self.field, f"setting_{setting.name}", setting.title)
        self.field.setFixedWidth(_FIELD_WIDTH)
        self.middle.addWidget(self._slider, 1)
        self.middle.addWidget(self.field)
        self.field.valueChanged.connect(self._on_typed)
        self._slider.slid.connect(self.field.setValue)

    def inputs(self) -> tuple[QWidget, ...]:
        """Slider and field."""
        return self._slider, self.field

    def show_value(self, value: float, usual: float, limits: tuple[float, float]) -> None:
        """Show a value and the preset's, without sending the signal."""
        self.field.blockSignals(True)
        self.field.setRange(*limits)
        self.field.setValue(value)
        self.field.blockSignals(False)
        self._slider.show_value(value)
        self._slider.setAccessibleName(f"{self.title}, {self.field.text()}")
        self.set_changed(not math.isclose(value, usual, abs_tol=1e-9), self.field.textFromValue(usual))

    def _on_typed(self, value: float) -> None:
        self._slider.show_value(value)
        self.changed.emit(value)


class DigitsRow(Row):
    """A whole number that may be left empty. Signal: `changed` with the number, or -1 if it is empty."""

    changed = Signal(int)

    def __init__(self, name: str, title: str, plain: str, placeholder: str, terms: str = "") -> None:
        super().__init__(name, title, plain, terms)
        self._placeholder = placeholder
        self.field = QLineEdit()
        self.field.setPlaceholderText(placeholder)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setFixedWidth(106)
        self.field.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9]{0,9}"), self.field))
        set_names(self.field, f"setting_{name}", title)
        self.middle.addStretch(1)
        self.middle.addWidget(self.field)
        self.field.editingFinished.connect(self._on_finished)

    def inputs(self) -> tuple[QWidget, ...]:
        """The field."""
        return (self.field,)

    def show_value(self, value: int | None, usual: int | None) -> None:
        """Show a value and the preset's."""
        self.field.setText("" if value is None else str(value))
        self.set_changed(value != usual, self._placeholder if usual is None else number(usual))

    def _on_finished(self) -> None:
        self.changed.emit(int(self.field.text() or -1))


class NumberField(QDoubleSpinBox):
    """A number with the locale's separators, or a word for some values; the wheel scrolls the page."""

    def __init__(self, decimals: int, step: float, shown: Mapping[float, str]) -> None:
        super().__init__()
        self._shown = shown
        self.setDecimals(decimals)
        self.setSingleStep(step)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(0, 0, 4, 0)  # the style sheet's padding leaves out the room of the arrows

    def textFromValue(self, value: float) -> str:
        """The word for this value, a whole number, or a number with its decimals."""
        for known, word in self._shown.items():
            if math.isclose(known, value, abs_tol=1e-9):
                return word
        return number(value) if self.decimals() == 0 else super().textFromValue(value)

    def valueFromText(self, text: str) -> float:
        """The value of a word or a number."""
        for value, word in self._shown.items():
            if text.strip().casefold() == word.casefold():
                return value
        return super().valueFromText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Take the words too, letter by letter."""
        typed = text.strip().casefold()
        for word in self._shown.values():
            if word.casefold() == typed:
                return QValidator.State.Acceptable, text, position
            if word.casefold().startswith(typed):
                return QValidator.State.Intermediate, text, position
        return super().validate(text, position)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class Slider(QSlider):
    """A horizontal slider over numbers. Signal: `slid` with the number when the person moved it."""

    slid = Signal(float)

    def __init__(self, low: float, high: float, step: float) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low, self._high, self._step = low, high, step
        self.setRange(0, _STEPS)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(20)
        self.setMinimumWidth(40)
        self.setSingleStep(max(1, round(_STEPS * step / (high - low))))
        self.setPageStep(_STEPS // 10)
        self.valueChanged.connect(self._on_moved)

    def show_value(self, value: float) -> None:
        """Move the handle, without sending the signal; a number beyond an end stands at that end."""
        inside = min(max(value, self._low), self._high)
        self.blockSignals(True)
        self.setValue(round(_STEPS * (inside - self._low) / (self._high - self._low)))
        self.blockSignals(False)

    def _on_moved(self, position: int) -> None:
        value = self._low + (self._high - self._low) * position / _STEPS
        self.slid.emit(min(max(round(value / self._step) * self._step, self._low), self._high))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()
