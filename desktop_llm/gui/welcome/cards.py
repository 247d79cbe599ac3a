"""The cards of the Welcome page: four tiles about this computer, and one card for each recommended model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import plain, size
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.model_words import fit_mark, fit_tip, speed
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Picture, Pill
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme, set_names
from desktop_llm.hardware import Hardware
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.words import plural, tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Machine


_NARROW = 640


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile with an icon, a name and one line of detail."""

    icon: str
    title: str
    line: str


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Facts about this computer; `cards` are the graphics cards that the system lists, usable or not."""

    machine: Machine
    hardware: Hardware
    cards: tuple[str, ...]
    disk_free_bytes: int


def tiles(facts: MachineFacts) -> tuple[Tile, ...]:
    """The four tiles."""
    machine, hardware = facts.machine, facts.hardware
    cores = plural("%n core", "%n cores", hardware.cores)
    return (
        _gpu_tile(facts),
        Tile("cpu", cpu_name(hardware.cpu), cores),
        Tile(
            "ram",
            tr("{size} memory", size=size(machine.ram_bytes)),
            tr("{size} free", size=size(machine.ram_free_bytes)),
        ),
        Tile("disk", tr("This disk"), tr("{size} free", size=size(facts.disk_free_bytes))),
    )


def unused_card(facts: MachineFacts) -> str:
    """The name of a graphics card that can't be used; "" if there is none or one is in use."""
    return "" if facts.machine.gpus or not facts.cards else plain(facts.cards[0])


def cpu_name(name: str) -> str:
    """The short name of a processor: "AMD Ryzen 7 5700X" for "AMD Ryzen 7 5700X 8-Core Processor @ 3.4GHz"."""
    words = re.sub(r"\((R|TM|C)\)|@.*$|\bCPU\b|\b\d+-Core\b|\bProcessor\b", " ", plain(name), flags=re.IGNORECASE)
    return " ".join(words.split()) or tr("Processor")


def _gpu_tile(facts: MachineFacts) -> Tile:
    if facts.machine.gpus:
        gpu = facts.machine.gpus[0]
        line = tr("{total}, {free} free", total=size(gpu.total_bytes), free=size(gpu.free_bytes))
        return Tile("gpu", plain(gpu.name).removeprefix("NVIDIA "), line)
    if facts.cards:
        return Tile("gpu", plain(facts.cards[0]), tr("Not used by this app"))
    return Tile("gpu", tr("No graphics card"), tr("The processor is used"))


class MachineTiles(QWidget):
    """The tiles side by side in one box, or two by two in a narrow window."""

    def __init__(self) -> None:
        super().__init__()
        set_names(self, "first_run_machine", tr("This computer"))
        self._cells: list[QWidget] = []
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(0)
        self.setMinimumHeight(62)
        repaint_on_theme(self)

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show these tiles."""
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.setParent(None)
            cell.deleteLater()
        self._cells = [_cell(tile) for tile in tiles]
        self.setAccessibleDescription(", ".join(f"{tile.title}: {tile.line}" for tile in tiles))
        self._columns = 0
        self.reflow(self.width())

    def reflow(self, width: int) -> None:
        """Put the tiles into as many columns as fit into `width`."""
        columns = 4 if width >= _NARROW else 2
        if columns == self._columns:
            return
        self._columns = columns
        for place, cell in enumerate(self._cells):
            self._grid.addWidget(cell, place // columns, place % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box, and hairlines between the tiles."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 10, colour("surface"), colour("border"))
        for place, cell in enumerate(self._cells):
            if place % self._columns:
                painter.fillRect(QRect(cell.x(), cell.y(), 1, cell.height()), colour("border_subtle"))
            if place >= self._columns:
                painter.fillRect(QRect(cell.x(), cell.y(), cell.width(), 1), colour("border_subtle"))
        painter.end()


def _cell(tile: Tile) -> QWidget:
    cell = QWidget()
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(ElidedLabel(tile.title, "ui_strong"))
    words.addWidget(ElidedLabel(tile.line, "small", "text_secondary"))
    row = QHBoxLayout(cell)
    row.setContentsMargins(18, 11, 12, 11)
    row.setSpacing(14)
    row.addWidget(Picture(tile.icon, 16, "text_secondary"))
    row.addLayout(words, 1)
    return cell


class RecommendedCard(QFrame):
    """Signals: `download_requested` with the Recommendation; `use_requested` with the model's id once it is on this
    computer; `downloads_requested` while it is being downloaded.
    """

    download_requested = Signal(Recommendation)
    use_requested = Signal(str)
    downloads_requested = Signal()

    def __init__(self, recommendation: Recommendation, *, number: int, free_memory: str) -> None:
        super().__init__()
        self.recommendation = recommendation
        self._model_id, self._asked = "", False
        self._free_memory = free_memory
        self.setProperty("card", True)
        set_names(self, f"recommended_{number}", plain(recommendation.name))
        kind = "primary" if number == 1 else "default"
        self.button = Button("", "download", kind=kind, object_name=f"recommended_{number}_get")  # type: ignore[arg-type]
        self.button.clicked.connect(self._on_clicked)
        self._lay_out(number)
        self._show_button()

    def set_installed(self, model_id: str) -> None:
        """Set the model's id if it is already on this computer, otherwise ""."""
        self._model_id = model_id
        self._show_button()

    def _lay_out(self, number: int) -> None:
        given, forecast = self.recommendation, self.recommendation.forecast
        column = QVBoxLayout()
        column.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)  # the button's box is as wide as the text
        column.setSpacing(6)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(13, 14, 13, 13)
        outer.setSpacing(12)
        outer.addLayout(column, 1)
        outer.addWidget(self.button)
        head = QHBoxLayout()
        head.addWidget(Label(plain(given.title), "small_strong", "accent_text" if number == 1 else "text_secondary"), 1)
        mark = fit_mark(forecast.fit)
        pill = Pill(mark.text, mark.kind, mark.icon)
        set_tip(pill, fit_tip(forecast))
        head.addWidget(pill)
        column.addLayout(head)
        column.addWidget(Label(plain(given.name), "reading_h2", wrap=True))
        column.addWidget(Label(plain(given.text), "ui", "text_secondary", wrap=True))
        column.addStretch(1)
        column.addSpacing(8)
        column.addLayout(self._facts())

    def _facts(self) -> QGridLayout:
        forecast = self.recommendation.forecast
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        memory = size(forecast.gpu_bytes or forecast.memory_bytes)
        rows = [
            (tr("Download"), size(self.recommendation.size_bytes)),
            (tr("Memory"), tr("{size} of {free}", size=memory, free=self._free_memory)),
        ]
        if forecast.tokens_per_s is not None:
            rows.append((tr("Speed here"), speed(forecast.tokens_per_s, measured=forecast.measured)))
        for place, (words, value) in enumerate(rows):
            grid.addWidget(Label(words, "small", "text_secondary"), place, 0)
            label = Label(value, "small")
            label.setObjectName(f"{self.objectName()}_fact_{place}")
            grid.addWidget(label, place, 1)
            grid.setAlignment(label, Qt.AlignmentFlag.AlignTrailing)
        return grid

    def _show_button(self) -> None:
        if self._model_id:
            words, icon = tr("Use it"), "chat"
        elif self._asked:
            words, icon = tr("Show the download"), "activity"
        else:
            words, icon = tr("Download"), "download"
        self.button.set_content(words, icon)
        self.button.setAccessibleName(f"{words}, {plain(self.recommendation.name)}")

    def _on_clicked(self) -> None:
        if self._model_id:
            self.use_requested.emit(self._model_id)
        elif self._asked:
            self.downloads_requested.emit()
        else:
            self._asked = True
            self._show_button()
            self.download_requested.emit(self.recommendation)
