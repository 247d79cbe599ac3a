"""The Models page: the lists at the left, the open model in the middle, downloads at the right.

It lays out and folds the columns; the widgets inside are public, so that each controller feeds its own.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.tab_order import focus_neighbour
from desktop_llm.gui.look.widgets import Action, Banner, Button, EmptyState, UndoBar
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, repaint_on_theme
from desktop_llm.gui.models.downloads.panel import DownloadsBar, DownloadsPanel
from desktop_llm.gui.models.find.recommendation import RecommendationView
from desktop_llm.gui.models.find.repository import RepositoryView
from desktop_llm.gui.models.here.view import LocalView
from desktop_llm.gui.models.sidebar import DISCOVER, LOCAL, Sidebar
from desktop_llm.words import tr

NoticeKind = Literal["danger", "success"]

# Widths of the page without the rail: from the first up, all three columns fit; up to the second, one shows at a time.
_THREE_COLUMNS, _ONE_COLUMN = 1048, 852


class ModelsPage(QWidget):
    """Signals: `activity_requested` to see the downloads if the page has no room for them; `shown` when the page comes
    to the front."""

    activity_requested = Signal()
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_page")
        self.setAccessibleName(tr("Models"))
        self._columns = 0
        self._detail_open = False
        self._folded = False
        self._notice: Banner | None = None
        # Each part gets its final parent at once: for a later one, Qt would apply its style sheet to all of it again.
        self._middle = QWidget(self)
        self._stack = stack = QStackedWidget(self._middle)
        self.sidebar, self.downloads, self.bar = Sidebar(self), DownloadsPanel(self), DownloadsBar(self)
        self.repository = RepositoryView(stack)
        self.recommendation, self.local = RecommendationView(stack), LocalView(stack)
        self._lay_out()
        self.undo = UndoBar(self._middle, object_name="models_undo")
        self.downloads_undo = UndoBar(self, object_name="downloads_undo")
        self._connect()
        self._fold()

    def show_repository(self) -> None:
        """Bring the repository to the front of the middle."""
        self._show(self.repository)

    def show_recommendation(self) -> None:
        """Bring the recommended model to the front of the middle."""
        self._show(self.recommendation)

    def show_local(self) -> None:
        """Bring the model on this computer to the front of the middle."""
        self._show(self.local)

    def show_discover(self) -> None:
        """Bring the list of Discover to the front."""
        self.sidebar.show_segment(DISCOVER)

    def show_here(self) -> None:
        """Bring the list of models on this computer to the front."""
        self.sidebar.show_segment(LOCAL)

    def close_local(self) -> None:
        """Show nothing instead of a model that is no longer on this computer."""
        self._views[LOCAL] = self._nothing
        if self.sidebar.segment() == LOCAL:
            self._bring(self._nothing)
            self._detail_open = False
            self._fold()

    def show_downloads(self) -> None:
        """Unfold the downloads if there is room; otherwise the line at the bottom shows their progress."""
        self._folded = False
        self._place_downloads(open_=self._columns != 1)

    def set_notice(self, title: str, text: str, kind: NoticeKind = "danger") -> None:
        """Show a notice until it is dismissed or the next one comes."""
        self._remove_notice()
        banner = Banner(
            title,
            text,
            (Action("dismiss", tr("Dismiss"), kind="quiet"),),
            kind="danger" if kind == "danger" else "info",
            icon="" if kind == "danger" else "check",
            object_name="models_notice",
        )
        banner.action_triggered.connect(self._remove_notice)
        self._notice = banner
        self._notices.setContentsMargins(20, 12, 20, 0)
        self._notices.addWidget(banner)

    def _lay_out(self) -> None:
        length = theme.current().length
        self.sidebar.setFixedWidth(length("column", "results"))
        self.downloads.setFixedWidth(length("column", "downloads"))
        self._nothing = EmptyState(
            "cube",
            tr("Choose a model"),
            tr("A model is one file. It is downloaded once and then works without internet."),
            object_name="models_nothing_open",
        )
        for view in (self._nothing, self.repository, self.recommendation, self.local):
            view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self._stack.addWidget(view)
        self._views: dict[int, QWidget] = {DISCOVER: self._nothing, LOCAL: self._nothing}
        self._middle.setObjectName("models_middle")
        middle = QVBoxLayout(self._middle)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        self._notices = QVBoxLayout()
        middle.addWidget(self._back_row())
        middle.addLayout(self._notices)
        middle.addWidget(self._stack, 1)
        self._row = QHBoxLayout()
        self._row.setSpacing(0)
        self._row.addWidget(self.sidebar)
        self._row.addWidget(self._middle, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._row, 1)
        outer.addWidget(self.bar)

    def _back_row(self) -> QWidget:
        self._back = QWidget()
        button = Button(tr("All models"), "left", kind="quiet", height=28, object_name="models_back")
        button.clicked.connect(self._on_back)
        row = QHBoxLayout(self._back)
        row.setContentsMargins(12 - RING_MARGIN, 6, 12, 0)
        row.addWidget(button)
        row.addStretch(1)
        return self._back

    def _connect(self) -> None:
        self.bar.opened.connect(self._on_bar)
        self.downloads.closed.connect(self._on_downloads_closed)
        self.sidebar.segment_changed.connect(self._on_segment)
        repaint_on_theme(self)

    def _show(self, view: QWidget) -> None:
        self._views[LOCAL if view is self.local else DISCOVER] = view
        self._bring(view)
        self._detail_open = True
        self._fold()

    def _bring(self, view: QWidget) -> None:
        """Show a view in the middle and move the focus to it; Qt would focus the first button there."""
        focused = self.window().focusWidget()
        inside = focused is not None and self._stack.isAncestorOf(focused)
        self._stack.setCurrentWidget(view)
        if inside:
            view.setFocus()

    def _fold(self) -> None:
        """Show as many columns as fit."""
        width = self.width()
        columns = 3 if width >= _THREE_COLUMNS else 1 if width <= _ONE_COLUMN else 2
        one = columns == 1
        focused = self.window().focusWidget()
        if one and self._detail_open and focused is not None and self.sidebar.isAncestorOf(focused):
            self._views[self.sidebar.segment()].setFocus()  # otherwise Qt passes it on to some button
        self.sidebar.setVisible(not one or not self._detail_open)
        self._middle.setVisible(not one or self._detail_open)
        self._back.setVisible(one)
        length = theme.current().length("column", "results")
        self.sidebar.setMinimumWidth(320 if one else length)
        self.sidebar.setMaximumWidth(16_777_215 if one else length)
        if columns != self._columns:
            self._columns = columns
            self._place_downloads(open_=columns == 3 and not self._folded)

    def _place_downloads(self, *, open_: bool) -> None:
        """Put the downloads beside the middle if there is room, otherwise over it."""
        beside = self._columns == 3
        if (beside and self.downloads.parent() is not self) or (self._row.indexOf(self.downloads) < 0 and beside):
            self._row.addWidget(self.downloads)
        elif not beside:
            self._row.removeWidget(self.downloads)
            self.downloads.setParent(self)
        self.downloads.setVisible(open_)
        self.bar.setVisible(not (beside and open_))
        if open_ and not beside:
            self._lay_over()

    def _lay_over(self) -> None:
        width = min(self.downloads.width(), self.width())
        left = 0 if self.isRightToLeft() else self.width() - width
        self.downloads.setGeometry(left, 0, width, self.height())
        self.downloads.raise_()

    def _remove_notice(self) -> None:
        if self._notice is not None:
            self._notices.removeWidget(self._notice)
            self._notice.setParent(None)
            self._notice.deleteLater()
            self._notice = None
            self._notices.setContentsMargins(0, 0, 0, 0)

    def _on_back(self) -> None:
        self._detail_open = False
        self._fold()
        (self.sidebar.local if self.sidebar.segment() == LOCAL else self.sidebar.discover).focus_list()

    def _on_bar(self) -> None:
        if self._columns == 1:
            self.activity_requested.emit()
        else:
            self.show_downloads()

    def _on_downloads_closed(self) -> None:
        self._folded = self._columns == 3
        self._place_downloads(open_=False)

    def _on_segment(self, segment: int) -> None:
        """Show the list of the segment and its own middle."""
        self._bring(self._views[segment])
        self._detail_open = False
        self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold to fit the width; keep downloads that lie over the page at its edge."""
        super().resizeEvent(event)
        self._fold()
        if self._columns != 3 and self.downloads.isVisible():
            self._lay_over()

    def showEvent(self, event: QShowEvent) -> None:
        """Focus the search field, so that typing searches at once."""
        super().showEvent(event)
        if self.sidebar.isVisible():
            self.sidebar.search.setFocus()
        self.shown.emit()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab follow the layout of the page, because sizes and cards come and go."""
        return focus_neighbour(self, forward=forward) or super().focusNextPrevChild(forward)

    def event(self, event: QEvent) -> bool:
        """Take Esc for whatever lies over the page, before the window's shortcuts get it."""
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if event.type() == QEvent.Type.ShortcutOverride and is_escape and self._can_step_back():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close downloads that lie over the page on Esc, or go back to the hidden list."""
        if event.key() != Qt.Key.Key_Escape or not self._can_step_back():
            super().keyPressEvent(event)
        elif self._columns != 3 and self.downloads.isVisible():
            self._on_downloads_closed()
        else:
            self._on_back()

    def _can_step_back(self) -> bool:
        over = self._columns != 3 and self.downloads.isVisible()
        return over or (self._columns == 1 and self._detail_open)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background of the middle."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("surface"))
        painter.end()
