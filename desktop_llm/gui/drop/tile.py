"""One place to drop on: dashed, filled while something is held over it, a button once the files have been let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets.painting import repaint_on_theme, set_names
from desktop_llm.words import tr

_PADDING, _ICON = 16, 20
_ICONS = {"collection": "library", "chat": "chat", "new": "plus", "models": "cube"}


@dataclass(frozen=True, slots=True)
class DropZone:
    """Where files go: a collection by name, the chat in view, a new collection (`name` is a proposal, perhaps empty),
    or the models on this computer."""

    kind: Literal["collection", "chat", "new", "models"]
    name: str = ""


class ZoneTile(QAbstractButton):
    """Shows a `DropZone`. `chosen(zone)` when it is clicked or entered."""

    chosen = Signal(object)

    def __init__(self, zone: DropZone, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.zone = zone
        self._title, self._words = title_of(zone), text
        self._held = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_names(self, f"drop_zone_{zone.kind}", f"{self._title}. {text}")
        self.clicked.connect(self._on_clicked)
        repaint_on_theme(self)

    @property
    def title(self) -> str:
        """The name on the tile."""
        return self._title

    @property
    def held(self) -> bool:
        """Whether files are held over it."""
        return self._held

    def set_held(self, held: bool) -> None:
        """Files are held over it now, or no longer."""
        if held != self._held:
            self._held = held
            self.update()

    def _on_clicked(self) -> None:
        self.chosen.emit(self.zone)

    def sizeHint(self) -> QSize:
        """Icon, name and two lines."""
        colours = theme.current()
        height = 2 * _PADDING + _ICON + 8 + colours.line_height("heading") + 2 + 2 * colours.line_height("ui")
        return QSize(180, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Frame, icon, name, words."""
        painter, colours = QPainter(self), theme.current()
        self._paint_frame(painter)
        lit = self._is_lit()
        inside = self.rect().adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        ink = "accent_text" if lit else "text_secondary"
        icon = QRect(inside.x(), inside.y(), _ICON, _ICON)
        icons.paint_icon(painter, _ICONS[self.zone.kind], ink, icon, _ICON)
        title = QRect(inside.x(), inside.y() + _ICON + 8, inside.width(), colours.line_height("heading"))
        painter.setFont(colours.font("heading"))
        painter.setPen(colours.colour("text_primary"))
        name = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.setFont(colours.font("ui"))
        painter.setPen(colours.colour("text_secondary"))
        below = QRect(inside.x(), title.bottom() + 3, inside.width(), inside.bottom() - title.bottom() - 2)
        painter.drawText(below, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self._words)
        painter.end()

    def _is_lit(self) -> bool:
        return self._held or self.hasFocus() or self.isDown()

    def _paint_frame(self, painter: QPainter) -> None:
        colour = theme.current().colour
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_lit():
            painter.setBrush(colour("accent_soft"))
            painter.setPen(QPen(colour("accent"), 2))
        else:
            painter.setBrush(colour("hover") if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("border_control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses; arrows belong to the sheet."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()


def title_of(zone: DropZone) -> str:
    """The name of a zone on screen."""
    if zone.kind == "collection":
        return words.plain(zone.name)
    return {
        "chat": tr("This chat"),
        "new": tr("New collection…"),
        "models": tr("Add to models"),
    }[zone.kind]
