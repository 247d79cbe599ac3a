"""What a drag of GGUF files over the page shows, and which files it takes."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.widgets.painting import draw_box


class DragFrame(QWidget):
    """The frame that says "here" while files are over the page."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self) -> None:
        """Lie over everything else on the page."""
        self.raise_()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The frame; what lies below stays readable."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect().adjusted(8, 8, -8, -8), 10, None, colour("accent"), 2)
        painter.end()


def gguf_paths(data: QMimeData) -> list[str]:
    """The GGUF files among what is dragged."""
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.lower().endswith(".gguf")]
