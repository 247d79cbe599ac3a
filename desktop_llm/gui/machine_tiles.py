"""What this computer has, as four tiles of the first run: graphics card, processor, memory, disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import number, plain, size
from desktop_llm.gui.header_parts import StillIcon
from desktop_llm.gui.widgets import ElidedLabel
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.hardware import Hardware
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Machine

_NARROW = 640


@dataclass(frozen=True, slots=True)
class Tile:
    """Icon, name, and one line about it."""

    icon: str
    title: str
    line: str


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What was found out about this computer; `cards` are graphics cards as the system tells them, usable or not."""

    machine: Machine
    hardware: Hardware
    cards: tuple[str, ...]
    disk_free_bytes: int


def tiles(facts: MachineFacts) -> tuple[Tile, ...]:
    """The four tiles."""
    machine, hardware = facts.machine, facts.hardware
    cores = tr("1 core") if hardware.cores == 1 else tr("{count} cores").format(count=number(hardware.cores))
    return (
        _gpu_tile(facts),
        Tile("cpu", cpu_name(hardware.cpu), cores),
        Tile(
            "ram",
            tr("{size} memory").format(size=size(machine.ram_bytes)),
            tr("{size} free").format(size=size(machine.ram_free_bytes)),
        ),
        Tile("disk", tr("This disk"), tr("{size} free").format(size=size(facts.disk_free_bytes))),
    )


def gpu_advice(facts: MachineFacts) -> str:
    """Why a graphics card that is there is not used, and the one thing to do; empty where nothing is wrong."""
    if facts.machine.gpus or not facts.cards:
        return ""
    return tr(
        "{card} is not used. No GPU module that works with it was found, so models run on the processor. "
        "Install its newest driver and start the app again; the README says how to add a GPU module."
    ).format(card=plain(facts.cards[0]))


def cpu_name(name: str) -> str:
    """ "AMD Ryzen 7 5700X" out of "AMD Ryzen 7 5700X 8-Core Processor @ 3.4GHz"."""
    words = re.sub(r"\((R|TM|C)\)|@.*$|\bCPU\b|\b\d+-Core\b|\bProcessor\b", " ", plain(name), flags=re.IGNORECASE)
    return " ".join(words.split()) or tr("Processor")


def _gpu_tile(facts: MachineFacts) -> Tile:
    if facts.machine.gpus:
        gpu = facts.machine.gpus[0]
        line = tr("{total}, {free} free").format(total=size(gpu.total_bytes), free=size(gpu.free_bytes))
        return Tile("gpu", plain(gpu.name).removeprefix("NVIDIA "), line)
    if facts.cards:
        return Tile("gpu", plain(facts.cards[0]), tr("Not used by this app"))
    return Tile("gpu", tr("No graphics card"), tr("The processor is used"))


class MachineTiles(QWidget):
    """The tiles side by side in one box; two by two where the window is narrow."""

    def __init__(self) -> None:
        super().__init__()
        set_names(self, "first_run_machine", self.tr("This computer"))
        self._cells: list[QWidget] = []
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(0)
        self.setMinimumHeight(62)
        repaint_on_theme(self)

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show these."""
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.setParent(None)
            cell.deleteLater()
        self._cells = [_cell(tile) for tile in tiles]
        self.setAccessibleDescription(", ".join(f"{tile.title}: {tile.line}" for tile in tiles))
        self._columns = 0
        self.reflow(self.width())

    def reflow(self, width: int) -> None:
        """Put the tiles into as many columns as `width` has room for."""
        columns = 4 if width >= _NARROW else 2
        if columns == self._columns:
            return
        self._columns = columns
        for place, cell in enumerate(self._cells):
            self._grid.addWidget(cell, place // columns, place % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The box, and hairlines between the tiles."""
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
    row.addWidget(StillIcon(tile.icon))
    row.addLayout(words, 1)
    return cell
