"""The main window: an empty frame at first, filled with rail, header and pages after its first paint.

It lays out its parts and remembers its place. Header and rail take time to import, so they wait for the first paint.
"""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.literal import window_title

if TYPE_CHECKING:
    from desktop_llm.gui.look.widgets import Banner
    from desktop_llm.gui.work.settings_keeper import SettingsKeeper

# The grid of the first frame. It equals assets/tokens.json, which has not been read by then.
SMALLEST, DEFAULT = (640, 480), (1280, 800)
RAIL, LIST, HEADER, NARROW = 72, 240, 48, 900


class MainWindow(QMainWindow):
    """Signals: `first_painted` once; `width_changed` with the window's width in pixels; `closing`."""

    first_painted = Signal()
    width_changed = Signal(int)
    closing = Signal()

    def __init__(self, settings: SettingsKeeper) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("Desktop LLM")
        self._settings = settings
        self._painted = self._filled = False
        self.setMinimumSize(*SMALLEST)
        self.resize(*DEFAULT)
        if isinstance(geometry := settings.current.window.get("geometry"), str):
            with contextlib.suppress(ValueError):  # not base64: the settings are damaged
                self.restoreGeometry(QByteArray(base64.b64decode(geometry)))

    def build(self) -> None:
        """Make the rail, the header and an empty stack of pages; `fill` shows them."""
        from desktop_llm.gui.frame.header import Header
        from desktop_llm.gui.frame.rail import Rail

        # Each gets its parent at once; given later, the style sheet would be applied to all of it again.
        self._frame = frame = QWidget(self)
        self.pages, self.banners = QStackedWidget(frame), QVBoxLayout()
        self.rail, self.header = Rail(frame), Header(frame)

    def fill(self, first_page: QWidget) -> None:
        """Show the rail, the header and a page."""
        self.add_page(first_page)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.header)
        right.addLayout(self.banners)
        right.addWidget(self.pages, 1)
        columns = QHBoxLayout(self._frame)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(self.rail)
        columns.addLayout(right, 1)
        self.setCentralWidget(self._frame)
        self._filled = True
        self._fold()

    def add_page(self, page: QWidget) -> None:
        """Add a page to the stack."""
        self.pages.addWidget(page)

    def show_page(self, page: QWidget, name: str, title: str) -> None:
        """Bring a page to the front. The welcome page has no item in the rail."""
        self.pages.setCurrentWidget(page)
        self.rail.set_page("chats" if name == "welcome" else name)
        self.header.set_page(name, title)

    def show_banner(self, banner: Banner) -> None:
        """Show a banner above every page."""
        self.banners.addWidget(banner)

    def set_chat_title(self, title: str) -> None:
        """Name the open chat in the window's title."""
        self.setWindowTitle(f"{window_title(plain(title))} – Desktop LLM" if title else "Desktop LLM")

    def raise_to_front(self) -> None:
        """Bring the window to the front, because the app was started again."""
        self.setWindowState(self.windowState() & ~self.windowState().WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def _fold(self) -> None:
        from desktop_llm.gui.frame.header import width_class

        width = self.width()
        self.rail.set_compact(width <= NARROW)
        self.header.set_width_class(width_class(width))
        self.width_changed.emit(width)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint an empty frame in the final colours until the window is filled."""
        if self._filled:
            super().paintEvent(event)
        else:
            self._paint_frame()
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def _paint_frame(self) -> None:
        """Fill the areas of the frame; `fillRect` would first load Qt's whole namespace, which takes 20 ms."""
        width, height = self.width(), self.height()
        areas = {"surface": (0, 0, width, height), "bg_window": (0, 0, width, HEADER)}
        if width > NARROW:
            areas["bg_sidebar"] = (RAIL, 0, LIST, height)
        areas["bg_rail"] = (0, 0, RAIL, height)
        painter, colours, dot = QPainter(self), theme.frame_colours(self._settings.current.theme), QPixmap(1, 1)
        for name, area in areas.items():
            dot.fill(QColor(colours[name]))
            painter.drawPixmap(*area, dot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the parts to fit the width of the window."""
        super().resizeEvent(event)
        if self._filled:
            self._fold()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place of everything."""
        self._settings.remember(geometry=base64.b64encode(self.saveGeometry().data()).decode("ascii"))
        self.closing.emit()
        super().closeEvent(event)
