"""The sizes of one repository: the file for each size word, and the table to download them from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QRect, Qt, Signal, SignalInstance
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import plain, size
from desktop_llm.gui.look.layouts import empty_layout
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.model_words import fit_mark, fit_tip, per_second, size_word
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Pill
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.models.hub import HubFile
from desktop_llm.words import plural, tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

HereState = Literal["get", "waiting", "running", "paused", "failed", "here"]

# If a repository has several quantizations for one size word, the first of these is used.
_USUAL = ("Q4_K_M", "Q6_K", "Q3_K_M", "Q8_0", "BF16", "F16", "Q5_K_M", "IQ4_XS", "IQ3_M", "MXFP4", "Q4_0", "F32")


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One file of a repository with its forecast; `named` if the person asked for exactly this file.

    `state` says whether it is here or being downloaded, and `fraction` (0 to 1) how much of it is.
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
    """One file for each size word, in order of size, and all other files; recommended or downloaded files are
    preferred."""
    chosen: dict[str, SizeRow] = {}
    for row in sorted(rows, key=_standing):
        chosen.setdefault(row.word, row)
    main = [row for row in rows if chosen[row.word] is row]
    return main, [row for row in rows if chosen[row.word] is not row]


def _standing(row: SizeRow) -> tuple[bool, bool, bool, int, int]:
    name = row.file.quantization.upper()
    usual = _USUAL.index(name) if name in _USUAL else len(_USUAL)
    return (not row.named, not row.recommended, row.state == "get", usual, row.file.size_bytes)


class SizesPart(QWidget):
    """A heading, the table, and a button for the files that it leaves out at first. Signal: `get_requested`."""

    get_requested = Signal(HubFile)

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[SizeRow, ...] = ()
        self._machine = IconText("gpu", "", object_name="repository_machine")
        self._table = _Table(self.get_requested)
        self._more = Button(tr("More files"), "right", kind="quiet", height=28, object_name="repository_more_files")
        self._measured = Label("", "small", "text_secondary", object_name="repository_measured")
        self._open = False
        head = QHBoxLayout()
        head.setContentsMargins(0, 16, 0, 8)
        head.addWidget(Label(tr("Choose a size"), "heading"), 1)
        head.addWidget(self._machine)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 4, 0, 0)
        foot.addWidget(self._more)
        foot.addStretch(1)
        foot.addWidget(self._measured)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._table)
        column.addLayout(foot)
        self._more.clicked.connect(self._on_more)

    def set_rows(self, rows: Sequence[SizeRow], machine: str = "", *, on_gpu: bool = False) -> None:
        """Show these files; `machine` says what the forecasts are for. For another repository the other files fold away
        again."""
        if [row.file.name for row in rows] != [row.file.name for row in self._rows]:
            self._open = False
        self._rows = tuple(rows)
        self.setVisible(bool(rows))
        self._machine.set_content("gpu" if on_gpu else "cpu", machine)
        measured = any(row.forecast is not None and row.forecast.measured for row in rows)
        self._measured.setText(tr("Forecast corrected by measurements on this computer.") if measured else "")
        self._show()

    def _show(self) -> None:
        main, others = main_rows(self._rows)
        self._table.set_rows(self._rows if self._open else main)
        self._more.setVisible(bool(others))
        folded = plural("%n more file", "%n more files", len(others))
        self._more.set_content(tr("Fewer files") if self._open else folded, "up" if self._open else "right")

    def _on_more(self) -> None:
        self._open = not self._open
        self._show()


class _Table(QWidget):
    """Size, download, memory, speed, fit and button of each file; `get` is emitted with the file of a button."""

    def __init__(self, get: SignalInstance) -> None:
        super().__init__()
        set_names(self, "sizes_table", tr("Sizes of this model"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._get = get
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 1, 1, 1)
        self._column.setSpacing(0)
        self._rows: dict[str, _Row] = {}
        repaint_on_theme(self)

    def set_rows(self, rows: Sequence[SizeRow]) -> None:
        """Show these files; if they are the same as before, only their words change."""
        if [row.file.name for row in rows] != list(self._rows):
            empty_layout(self._column)
            self._column.addWidget(_Head())
            self._rows = {row.file.name: _Row(row.file) for row in rows}
            for widget in self._rows.values():
                widget.get.clicked.connect(lambda _checked, row=widget: self._get.emit(row.file))
                self._column.addWidget(widget)
        for row in rows:
            self._rows[row.file.name].set_row(row)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 8, colour("surface"), colour("border"))
        painter.end()


# The widths of all columns after the first, which takes the rest.
_WIDTHS = (76, 74, 74, 90, 84)


class _Line(QWidget):
    """The columns, shared by head and rows."""

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
        """Put a widget into a cell, centred vertically."""
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
        """Paint a sunken line with a rule below."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect().adjusted(0, 0, 0, 7), 7, colour("surface_sunken"))
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), colour("border"))
        painter.end()


class _Row(_Line):
    """One file, and the button `get`."""

    def __init__(self, file: HubFile) -> None:
        super().__init__(49)
        self.file = file
        self._shown: SizeRow | None = None
        self._word = Label("", "ui_strong")
        self._quantization = ElidedLabel("", "code", mode=Qt.TextElideMode.ElideMiddle)
        small = self._quantization.font()
        small.setPixelSize(12)
        self._quantization.setFont(small)
        self._advised = Label(tr("Recommended"), "small_strong", "accent_text")
        self._download, self._memory, self._speed = (Label("", "ui") for _ in range(3))
        self._pill = Pill("")
        self._state = IconText("", type_name="ui")
        safe_name = "".join(char if char.isalnum() else "_" for char in file.name).lower()
        self.get = Button(tr("Get"), "download", height=26, object_name=f"get_{safe_name}")
        self._lay_out()

    def set_row(self, row: SizeRow) -> None:
        """Show the facts of the file, unless they are the same as before."""
        if row == self._shown:
            return
        self._shown, self.file, forecast = row, row.file, row.forecast
        self._word.setText(row.word)
        self._quantization.set_text(plain(row.file.quantization))
        self._advised.setVisible(row.recommended)
        self._download.setText(size(row.file.size_bytes))
        self._memory.setText(size(forecast.memory_bytes) if forecast else "–")
        runs = forecast is not None and forecast.fit != "too_big"
        self._speed.setText(per_second(forecast.tokens_per_s if forecast and runs else None))
        self._pill.setVisible(forecast is not None)
        if forecast is not None:
            mark = fit_mark(forecast.fit)
            self._pill.set_state(mark.text, mark.kind, mark.icon)
            set_tip(self._pill, fit_tip(forecast))
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
        self.put(self.get, 5, right)
        self.put(self._state, 5, right)

    def _show_state(self, row: SizeRow) -> None:
        percent = tr("{percent} %", percent=int(row.fraction * 100 + 1e-9))
        shown = {
            "get": ("", "", ""),
            "waiting": ("clock", tr("Waiting"), "text_secondary"),
            "running": ("", percent, "text_secondary"),
            "paused": ("pause", percent, "text_secondary"),
            "failed": ("alert", tr("Stopped"), "danger_text"),
            "here": ("check", tr("Here"), "success_text"),
        }[row.state]
        self._state.set_content(*shown)
        self._state.setVisible(row.state != "get")
        self.get.setVisible(row.state == "get")
        too_big = row.forecast is not None and row.forecast.fit == "too_big"
        self.get.set_content(tr("Get"), "download", "quiet" if too_big else "default")

    def _name_parts(self, row: SizeRow) -> None:
        full = f"{row.word} {plain(row.file.quantization)}, {size(row.file.size_bytes)}"
        self.get.setAccessibleName(tr("Get {size}", size=full))
        state = self._state.text() if row.state != "get" else ""
        parts = (
            full,
            self._pill.text() if row.forecast else "",
            self._advised.text() if row.recommended else "",
            state,
        )
        self.setAccessibleName(", ".join(part for part in parts if part))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fill of the recommended file, and the rule above."""
        painter, colour = QPainter(self), theme.current().colour
        if self._shown is not None and self._shown.recommended:
            painter.fillRect(self.rect(), colour("selected"))
        painter.fillRect(QRect(0, 0, self.width(), 1), colour("border_subtle"))
        painter.end()


def _head(text: str) -> Label:
    return Label(text, "ui_strong")
