"""The main window: a frame that is on the screen at once, and what fills it right after its first paint.

It lays out, restores and folds; what happens on a click is in the controllers, which `wiring.py` connects. Everything
that takes time to import is imported after the first paint.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRect, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from desktop_llm.gui.ending import QuitOnSignal
    from desktop_llm.gui.settings_keeper import SettingsKeeper
    from desktop_llm.gui.tasks import Tasks
    from desktop_llm.gui.widgets import Banner
    from desktop_llm.gui.wiring import Wiring
    from desktop_llm.instance import Owner
    from desktop_llm.paths import Folders

# The grid of the first frame, as in assets/tokens.json, which is not read yet when it is painted.
SMALLEST, DEFAULT = (640, 480), (1280, 800)
RAIL, LIST, HEADER, NARROW = 72, 240, 48, 900
WIRE_AFTER_MS = 20  # time for the chats to be listed and painted
NEXT_TURN_MS = 1  # with 0 Qt goes on in the same turn, before it looks for keys


class MainWindow(QMainWindow):
    """Signals: `first_painted` once, after which the chats are built and listed, then everything else, then `ready`."""

    first_painted = Signal()
    ready = Signal()

    def __init__(
        self,
        home: Folders,
        settings: SettingsKeeper,
        tasks: Tasks,
        owner: Owner | None = None,
        notice: str | None = None,
    ) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("Desktop LLM")
        self.home, self.settings, self.tasks = home, settings, tasks
        self._owner = owner
        self._notice = notice
        self._painted = self.built = False
        self.wiring: Wiring | None = None
        self._ending: QuitOnSignal | None = None
        self.setMinimumSize(*SMALLEST)
        self.resize(*DEFAULT)
        if isinstance(geometry := settings.current.window.get("geometry"), str):
            self.restoreGeometry(QByteArray(base64.b64decode(geometry)))

    def add_page(self, page: QWidget) -> None:
        """Take in a page."""
        self.pages.addWidget(page)

    def show_page(self, page: QWidget, name: str, title: str) -> None:
        """Bring a page to the front; the welcome page has no rail item of its own."""
        self.pages.setCurrentWidget(page)
        self.rail.set_page("chats" if name == "welcome" else name)
        self.header.set_page(name, title)

    def show_banner(self, banner: Banner) -> None:
        """Say something above every page."""
        self.banners.addWidget(banner)

    def set_chat_title(self, title: str) -> None:
        """Name the open chat in the window's title."""
        self.setWindowTitle(f"{title} – Desktop LLM" if title else "Desktop LLM")

    def raise_to_front(self) -> None:
        """A second start wants this window."""
        self.setWindowState(self.windowState() & ~self.windowState().WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def shut_down(self) -> None:
        """End what runs; the window is closed already."""
        if self._ending is not None:
            self._ending.close()
        if self.wiring is not None:
            self.wiring.close()
            return
        if self.built:
            self.store.close()
        self.tasks.close()

    def build(self, _: None = None) -> None:
        """Fill the frame with what a person looks at first: rail, header and the chats. The rest follows."""
        from desktop_llm.gui.app import apply_theme
        from desktop_llm.gui.header import Header
        from desktop_llm.gui.rail import Rail

        apply_theme(self.settings.current)
        # Made where they stand: with every later parent the style sheet would go through all of it again.
        self._frame = frame = QWidget(self)
        self.pages, self.banners = QStackedWidget(frame), QVBoxLayout()
        self.rail, self.header = Rail(frame), Header(frame)
        QTimer.singleShot(NEXT_TURN_MS, self._build_chats)

    def _build_chats(self) -> None:
        from desktop_llm.gui.chats_page import ChatsPage
        from desktop_llm.gui.conversations_controller import ConversationsController
        from desktop_llm.gui.store_lane import StoreLane

        self.chats = ChatsPage(self.pages)
        self.pages.addWidget(self.chats)
        self._lay_out()
        if isinstance(panes := self.settings.current.window.get("panes"), list):
            self.chats.restore_sizes(panes)
        self.chats.splitter.splitterMoved.connect(self._on_panes_moved)
        self.built = True
        self._fold()
        self.store = StoreLane(self.tasks, self.home.chats_db)
        self.conversations = ConversationsController(self.store, self.settings, self.chats.list, self.chats.undo, self)
        self.conversations.show_early()
        self.chats.composer.focus_text()
        QTimer.singleShot(WIRE_AFTER_MS, self._import_wiring)

    def _import_wiring(self) -> None:
        self.tasks.call(_import_what_is_wired, self._build_panes)

    def _build_panes(self, _: None) -> None:
        """What stands behind and beside the chats, in a turn of its own."""
        from desktop_llm.gui.documents.page import DocumentsPage
        from desktop_llm.gui.evidence.panel import EvidencePanel

        self.documents_page, self.evidence_panel = DocumentsPage(self.pages), EvidencePanel(self.chats)
        self.add_page(self.documents_page)
        self.chats.set_panel(self.evidence_panel)
        QTimer.singleShot(NEXT_TURN_MS, self._wire)

    def _wire(self) -> None:
        """Bring everything to life."""
        from desktop_llm.gui.ending import QuitOnSignal
        from desktop_llm.gui.wiring import Wiring

        self._ending = QuitOnSignal(self)
        self.wiring = Wiring(self, self._owner)
        if self._notice:
            self.wiring.notices.say(self.tr("The settings were set back."), self._notice)
        self.ready.emit()

    def _lay_out(self) -> None:
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

    def _fold(self) -> None:
        from desktop_llm.gui.header import width_class

        width = self.width()
        self.rail.set_compact(width <= NARROW)
        self.header.set_width_class(width_class(width))
        self.chats.set_width_class(width)

    def _on_first_painted(self) -> None:
        self.first_painted.emit()
        self.tasks.call(_import_what_is_built, self.build)

    def _on_panes_moved(self) -> None:
        # The model button stands at the list's edge.
        if self.chats.list.isVisible() and self.chats.list.parent() is self.chats.splitter:
            self.header.set_slot_width(self.chats.list.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Before it is built: the empty frame, in the colours of what follows."""
        if not self.built:
            self._paint_frame()
        else:
            super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._on_first_painted)

    def _paint_frame(self) -> None:
        from desktop_llm.gui.app import frame_colours

        colours = frame_colours(self.settings.current)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colours["surface"]))
        painter.fillRect(QRect(0, 0, self.width(), HEADER), QColor(colours["bg_window"]))
        if self.width() > NARROW:
            painter.fillRect(QRect(RAIL, 0, LIST, self.height()), QColor(colours["bg_sidebar"]))
        painter.fillRect(QRect(0, 0, RAIL, self.height()), QColor(colours["bg_rail"]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold panes by the width of the window."""
        super().resizeEvent(event)
        if self.built:
            self._fold()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where everything stood."""
        geometry = base64.b64encode(self.saveGeometry().data()).decode("ascii")
        panes = {"panes": self.chats.sizes()} if self.built else {}
        self.settings.remember(geometry=geometry, **panes)
        super().closeEvent(event)


def _import_what_is_built() -> None:
    """In a task, so that the frame can be moved and closed meanwhile."""
    import desktop_llm.gui.chats_page
    import desktop_llm.gui.conversations_controller
    import desktop_llm.gui.header
    import desktop_llm.gui.rail
    import desktop_llm.gui.store_lane
    import desktop_llm.gui.style  # noqa: F401


def _import_what_is_wired() -> None:
    """In a task: it takes longest of all, and the composer can be typed into meanwhile."""
    import desktop_llm.gui.documents.page
    import desktop_llm.gui.ending
    import desktop_llm.gui.evidence.panel
    import desktop_llm.gui.wiring  # noqa: F401
