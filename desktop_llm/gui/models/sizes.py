"""The sizes of one repository: which file stands for each word, and the table to get them from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import plain, size
from desktop_llm.gui.fit_words import fit_tip
from desktop_llm.gui.model_words import size_word
from desktop_llm.gui.models import words
from desktop_llm.gui.models.parts import IconText, empty_layout
from desktop_llm.gui.widgets import Button, ElidedLabel, Label, Pill
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast
    from desktop_llm.models.hub import HubFile

HereState = Literal["get", "waiting", "running", "paused", "failed", "here"]

# Which quantization stands for its word where a repository has several, the best known first.
_USUAL = ("Q4_K_M", "Q6_K", "Q3_K_M", "Q8_0", "BF16", "F16", "Q5_K_M", "IQ4_XS", "IQ3_M", "MXFP4", "Q4_0", "F32")


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One file of a repository, what is forecast of it, and whether the person named it, and whether it is here or
    on its way (`fraction` 0 to 1).
    """

    file: HubFile
    forecast: Forecast | None = None
    recommended: bool = False
    named: bool = False
    state: HereState = "get"
    fraction: float = 0.0

    @property
    def word(self) -> str:
        """Small, Balanced, Large, Largest or Full."""
        return size_word(self.file.quantization) or plain(self.file.name.rpartition("/")[2])


def main_rows(rows: Sequence[SizeRow]) -> tuple[list[SizeRow], list[SizeRow]]:
    """One file for each word, in order of size, and the others; what is recommended or here always stands for it."""
    chosen: dict[str, SizeRow] = {}
    for row in sorted(rows, key=_standing):
        chosen.setdefault(row.word, row)
    main = [row for row in rows if chosen[row.word] is row]
    return main, [row for row in rows if chosen[row.word] is not row]


def _standing(row: SizeRow) -> tuple[bool, bool, bool, int, int]:
    name = row.file.quantization.upper()
    usual = _USUAL.index(name) if name in _USUAL else len(_USUAL)
    return (not row.named, not row.recommended, row.state == "get", usual, row.file.size_bytes)


class SizesTable(QWidget):
    """Size, download, memory, speed, fit, and the button. Signal: `get_requested` with the name of a file."""

    get_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "sizes_table", self.tr("Sizes of this model"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 1, 1, 1)
        self._column.setSpacing(0)
        self._rows: dict[str, _Row] = {}
        self._names: list[str] = []
        repaint_on_theme(self)

    def set_rows(self, rows: Sequence[SizeRow]) -> None:
        """Show these files; the same ones as before only change their words."""
        names = [row.file.name for row in rows]
        if names != self._names:
            self._rebuild(rows)
        for row in rows:
            self._rows[row.file.name].set_row(row)

    def _rebuild(self, rows: Sequence[SizeRow]) -> None:
        empty_layout(self._column)
        self._column.addWidget(_Head())
        self._rows = {}
        for row in rows:
            widget = _Row(row.file.name)
            widget.get_requested.connect(self.get_requested)
            self._rows[row.file.name] = widget
            self._column.addWidget(widget)
        self._names = [row.file.name for row in rows]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The frame."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 8, colour("surface"), colour("border"))
        painter.end()


# Widths of the columns behind the first; the first takes the rest.
_WIDTHS = (76, 74, 74, 90, 84)


class _Line(QWidget):
    """What head and rows share: the same columns."""

    def __init__(self, height: int) -> None:
        super().__init__()
        self.setMinimumHeight(height)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(10, 0, 6, 0)
        self.grid.setHorizontalSpacing(0)
        self.grid.setVerticalSpacing(0)
        self.grid.setColumnStretch(0, 1)
        for place, width in enumerate(_WIDTHS, 1):
            self.grid.setColumnMinimumWidth(place, width)
        repaint_on_theme(self)

    def put(self, widget: QWidget, column: int, side: Qt.AlignmentFlag) -> None:
        """A cell in the middle of its height."""
        self.grid.addWidget(widget, 0, column, side | Qt.AlignmentFlag.AlignVCenter)


class _Head(_Line):
    """The names of the columns."""

    def __init__(self) -> None:
        super().__init__(32)
        right = Qt.AlignmentFlag.AlignRight
        self.put(_head(tr("Size")), 0, Qt.AlignmentFlag.AlignLeft)
        for column, name in enumerate((tr("Download"), tr("Memory"), tr("Tokens/s")), 1):
            self.put(_head(name), column, right)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A sunken line with a rule below."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect().adjusted(0, 0, 0, 7), 7, colour("surface_sunken"))
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), colour("border"))
        painter.end()


class _Row(_Line):
    """One file."""

    get_requested = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__(49)
        self._name = name
        self._shown: SizeRow | None = None
        self._word = Label("", "ui_strong")
        self._quantization = ElidedLabel("", "code", mode=Qt.TextElideMode.ElideMiddle)
        small = self._quantization.font()
        small.setPixelSize(12)
        self._quantization.setFont(small)
        self._advised = Label(self.tr("Recommended"), "small_strong", "accent_text")
        self._download, self._memory, self._speed = (Label("", "ui") for _ in range(3))
        self._pill = Pill("")
        self._state = IconText("", type_name="ui")
        self._get = Button(self.tr("Get"), "download", height=26, object_name=f"get_{_safe(name)}")
        self._get.clicked.connect(self._on_get)
        self._lay_out()

    def set_row(self, row: SizeRow) -> None:
        """Show the facts of the file; progress of another one is no work here."""
        if row == self._shown:
            return
        self._shown, forecast = row, row.forecast
        self._word.setText(row.word)
        self._quantization.set_text(plain(row.file.quantization))
        self._advised.setVisible(row.recommended)
        self._download.setText(size(row.file.size_bytes))
        self._memory.setText(size(forecast.memory_bytes) if forecast else "–")
        runs = forecast is not None and forecast.fit != "too_big"
        self._speed.setText(words.per_second(forecast.tokens_per_s if forecast and runs else None))
        self._pill.setVisible(forecast is not None)
        if forecast is not None:
            mark = words.fit_mark(forecast.fit)
            self._pill.set_state(mark.text, mark.kind, mark.icon)
            self._pill.setToolTip(fit_tip(forecast))
        self._show_state(row)
        self._name_parts(row)
        self.update()

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self._quantization)
        below.addWidget(self._advised)
        below.addStretch(1)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._word)
        names.addLayout(below)
        self.grid.addLayout(names, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        right = Qt.AlignmentFlag.AlignRight
        for column, label in enumerate((self._download, self._memory, self._speed), 1):
            self.put(label, column, right)
        pill = QHBoxLayout()
        pill.setContentsMargins(16, 0, 0, 0)
        pill.addWidget(self._pill)
        pill.addStretch(1)
        self.grid.addLayout(pill, 0, 4)
        self.put(self._get, 5, right)
        self.put(self._state, 5, right)

    def _show_state(self, row: SizeRow) -> None:
        percent = self.tr("{percent} %").format(percent=int(row.fraction * 100 + 1e-9))
        shown = {
            "get": ("", "", ""),
            "waiting": ("clock", self.tr("Waiting"), "text_secondary"),
            "running": ("", percent, "text_secondary"),
            "paused": ("pause", percent, "text_secondary"),
            "failed": ("alert", self.tr("Stopped"), "danger_text"),
            "here": ("check", self.tr("Here"), "success_text"),
        }[row.state]
        self._state.set_content(*shown)
        self._state.setVisible(row.state != "get")
        self._get.setVisible(row.state == "get")
        too_big = row.forecast is not None and row.forecast.fit == "too_big"
        self._get.set_content(self.tr("Get"), "download", "quiet" if too_big else "default")

    def _name_parts(self, row: SizeRow) -> None:
        full = f"{row.word} {plain(row.file.quantization)}, {size(row.file.size_bytes)}"
        self._get.setAccessibleName(self.tr("Get {size}").format(size=full))
        state = self._state.text() if row.state != "get" else ""
        parts = (
            full,
            self._pill.text() if row.forecast else "",
            self._advised.text() if row.recommended else "",
            state,
        )
        self.setAccessibleName(", ".join(part for part in parts if part))

    def _on_get(self) -> None:
        self.get_requested.emit(self._name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The fill of the recommended one, and the rule above."""
        painter, colour = QPainter(self), theme.current().colour
        if self._shown is not None and self._shown.recommended:
            painter.fillRect(self.rect(), colour("selected"))
        painter.fillRect(QRect(0, 0, self.width(), 1), colour("border_subtle"))
        painter.end()


def _head(text: str) -> Label:
    return Label(text, "ui_strong")


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name).lower()
