"""A single icon that follows the theme."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui import icons
from desktop_llm.gui.widgets.painting import repaint_on_theme


class Picture(QWidget):
    """An icon beside words; it says nothing that they don't say."""

    def __init__(self, icon: str, side: int = 18, colour: str = "text_primary", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._side, self._colour = icon, side, colour
        self.setFixedSize(side, side)
        repaint_on_theme(self)

    def set_icon(self, icon: str, colour: str) -> None:
        """Become another icon."""
        self._icon, self._colour = icon, colour
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The icon."""
        painter = QPainter(self)
        icons.paint_icon(painter, self._icon, self._colour, self.rect(), self._side)
        painter.end()
