"""The pictures in the bubble of a question: one stands beside the text, several or one alone above it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from desktop_llm.gui.look import icons
from desktop_llm.gui.look.formats import file_name, plain
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.pictures import fitted, paint_picture
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

BESIDE, ALONE = QSize(152, 96), QSize(320, 240)
_GAP = 8


class PictureButton(QAbstractButton):
    """One picture; pressing it shows it large."""

    def __init__(self, path: str, within: QSize, parent: QWidget) -> None:
        super().__init__(parent)
        self.path, self._within = path, within
        self._image = QImage()
        self._gone = False
        name = plain(file_name(path))
        set_names(self, "message_picture", tr("Picture {name}", name=name))
        set_tip(self, name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the transcript gives it the focus
        repaint_on_theme(self)

    def set_image(self, image: QImage) -> None:
        """Show the picture; a null image if it is gone."""
        self._image, self._gone = image, image.isNull()
        self.update()

    def shown_size(self) -> QSize:
        """The size of the frame, which does not depend on whether the picture has been read."""
        return self._within

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture, or an icon in its place."""
        painter = QPainter(self)
        inside = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        paint_picture(painter, self._image, inside, 8)
        if self._image.isNull():
            icon = "alert" if self._gone else "image"
            icons.paint_icon(painter, icon, "text_secondary", inside, 20)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 8)
        painter.end()


class PictureStrip(QWidget):
    """The pictures of one message in a row that breaks at a width."""

    def __init__(self, paths: Sequence[str], parent: QWidget, *, beside: bool) -> None:
        super().__init__(parent)
        self.paths = tuple(paths)
        within = ALONE if len(paths) == 1 and not beside else BESIDE
        self.buttons = [PictureButton(path, within, self) for path in paths]
        set_names(self, "message_pictures", "")

    def fit(self, width: int) -> QSize:
        """Put the pictures in rows of at most this width; returns the size that they take."""
        x = y = widest = row = 0
        for button in self.buttons:
            size = fitted(button.shown_size(), QSize(max(40, width), ALONE.height()))
            if x and x + size.width() > width:
                x, y = 0, y + row + _GAP
            row = size.height()
            corner = QPoint(x, y)
            button.setGeometry(QRect(corner, size).adjusted(0, 0, 2 * RING_MARGIN, 2 * RING_MARGIN))
            widest = max(widest, x + size.width())
            x += size.width() + _GAP
        return QSize(widest, y + row)
