"""A picture of a message, as large as the window allows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import file_name, plain
from desktop_llm.gui.look.pictures import fitted
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr

_EDGE, _CAPTION = 24, 40
_SHADE = QColor(0, 0, 0, 200)
_INK = QColor(255, 255, 255)


class PictureViewer(QWidget):
    """Covers the window with one picture of a message. Esc or a click closes it, the arrows show the next one.

    Signal: `picture_wanted` with the path of a picture that is to be read; `set_picture` takes it.
    """

    picture_wanted = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        set_names(self, "picture_viewer", tr("Picture"))
        self._window = window
        self._paths: tuple[str, ...] = ()
        self._at = 0
        self._image = QImage()
        self._focus_before: QWidget | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        window.installEventFilter(self)
        self.hide()

    def show_pictures(self, paths: tuple[str, ...], at: int) -> None:
        """Show one of these pictures."""
        self._paths = paths
        self._focus_before = self._window.focusWidget()
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        self._go_to(at)

    def set_picture(self, path: str, image: QImage) -> None:
        """Show the picture that was read; null if it is gone."""
        if self.isVisible() and path == self._path():
            self._image = image
            self.update()

    def _path(self) -> str:
        return self._paths[self._at] if self._paths else ""

    def _go_to(self, at: int) -> None:
        self._at, self._image = at % len(self._paths), QImage()
        self.setAccessibleName(self._caption())
        self.update()
        self.picture_wanted.emit(self._path())

    def _caption(self) -> str:
        name = plain(file_name(self._path()))
        if len(self._paths) == 1:
            return name
        return tr("{name}, {number} of {count}", name=name, number=self._at + 1, count=len(self._paths))

    def _close(self) -> None:
        self.hide()
        if self._focus_before is not None:
            self._focus_before.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc, Enter and Space; show the next or the previous one on the arrows."""
        key = event.key()
        if key in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._close()
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
            self._go_to(self._at + 1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up):
            self._go_to(self._at - 1)
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, _forward: bool) -> bool:
        """Keep the focus while the picture covers the window."""
        return True

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        """Close."""
        self._close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window whatever its size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the shade, the picture and its name."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), _SHADE)
        room = self.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE - _CAPTION)
        if not self._image.isNull():
            size = fitted(self._image.size(), QSize(room.width(), room.height()))
            place = QRect(0, 0, size.width(), size.height())
            place.moveCenter(room.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
        painter.setPen(_INK)
        painter.setFont(theme.current().font("ui"))
        below = QRect(room.x(), room.bottom() + 8, room.width(), _CAPTION)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._caption())
        painter.end()
