"""The Chats page: the list, the transcript with the composer, and the right panel; how they share the width.

Wide windows show all side by side; below 1120 px the right panel lies over the chat; at 900 px and below the list does
too. The person sets the widths, and they are remembered.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from desktop_llm.gui.chat.chat_list import ChatList
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.every_file_strip import EveryFileStrip
from desktop_llm.gui.chat.transcript import Transcript
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets import UndoBar

WIDEST = 16_384  # pixels that a pane may have; Qt's own limit for windows is higher


class ChatsPage(QWidget):
    """Holds the panes of a chat.

    Signals: `panel_shown` when the right panel appears or disappears; `list_widened` with the width that the person
    gave the list.
    """

    panel_shown = Signal(bool)
    list_widened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chats_page")
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.list = ChatList()
        self.transcript = Transcript()
        self.composer = Composer()
        self.every_file = EveryFileStrip()
        self.panel: QWidget | None = None
        self._list_over = False
        self._panel_over = self._wide = False
        self._notices = QVBoxLayout()
        self.chat = self._chat_column()
        self.undo = UndoBar(self.chat)
        self.splitter.setObjectName("chats_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(self.chat)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.splitterMoved.connect(self._on_panes_moved)
        self._limit_list()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.splitter)

    def set_panel(self, panel: QWidget) -> None:
        """Put the right panel in its place; it stays hidden until `show_panel`."""
        self.panel = panel
        length = theme.current().length
        panel.setMinimumWidth(length("column", "evidence_min"))
        panel.setMaximumWidth(length("column", "evidence_max"))
        panel.hide()
        self.splitter.addWidget(panel)
        self.splitter.setStretchFactor(2, 0)
        self._place_panel()

    def set_notice(self, notice: QWidget | None) -> None:
        """Show a notice about this chat above the composer, in place of the one before; None removes it."""
        while (item := self._notices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        if notice is not None:
            self._notices.addWidget(notice)

    def show_panel(self, shown: bool) -> None:
        """Show or hide the right panel."""
        if self.panel is None or shown == self.panel.isVisible():
            return
        self.panel.setVisible(shown)
        if shown and self._panel_over:
            self._lay_over(self.panel, right=True)
        elif shown and self.splitter.sizes()[-1] < theme.current().length("column", "evidence_min"):
            self._widen_panel()
        self.panel_shown.emit(shown)

    def toggle_wide_panel(self) -> bool:
        """Widen the right panel as far as it goes and fold the list, or bring both back; whether it is wide now."""
        length, self._wide = theme.current().length, not self._wide
        if self._wide:
            self.show_panel(True)
        if self.panel is not None and self._panel_over:
            self._lay_over(self.panel, right=True)
        if not self._list_over:
            self.list.setVisible(not self._wide)
        if not self._panel_over:
            self._widen_panel(length("column", "evidence_max" if self._wide else "evidence"))
        return self._wide

    def toggle_panel(self) -> None:
        """Show the right panel if it is hidden, hide it if it is shown."""
        self.show_panel(self.panel is not None and not self.panel.isVisible())

    def set_width_class(self, window_width: int) -> None:
        """Hide the panes that don't fit into a window of this width."""
        length = theme.current().length
        list_over = window_width <= length("column", "break_list_hidden")
        panel_over = window_width < length("column", "break_evidence_overlay")
        if list_over != self._list_over:
            self._list_over = list_over
            self._place_list()
        if panel_over != self._panel_over:
            self._panel_over = panel_over
            self._place_panel()

    def toggle_list(self) -> None:
        """Hide the list or bring it back; in a narrow window it slides over the chat."""
        self.list.setVisible(not self.list.isVisible())
        if self.list.isVisible() and self._list_over:
            self._lay_over(self.list, right=False)

    def close_overlays(self) -> bool:
        """Hide the panes that lie over the chat; returns False if none did."""
        closed = False
        if self._list_over and self.list.isVisible():
            self.list.hide()
            closed = True
        if self.panel is not None and self.panel.isVisible():
            self.show_panel(False)
            closed = True
        return closed

    def sizes(self) -> list[int]:
        """The widths of the panes side by side, to be remembered."""
        return self.splitter.sizes()

    def restore_sizes(self, sizes: object) -> None:
        """Restore remembered widths; ignore them if they are not in the form that `sizes` returns."""
        if not isinstance(sizes, list) or len(sizes) != self.splitter.count():
            return
        if all(type(each) is int and 0 <= each <= WIDEST for each in sizes):
            self.splitter.setSizes(sizes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the panes that lie over the chat at its edge."""
        super().resizeEvent(event)
        if self._list_over and self.list.isVisible():
            self._lay_over(self.list, right=False)
        if self._panel_over and self.panel is not None and self.panel.isVisible():
            self._lay_over(self.panel, right=True)

    def _on_panes_moved(self) -> None:
        if self.list.isVisible() and not self._list_over:
            self.list_widened.emit(self.list.width())

    def _chat_column(self) -> QWidget:
        column = QWidget()
        column.setObjectName("chat_column")
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.transcript, 1)
        rows.addLayout(self._notices)
        rows.addWidget(self.every_file)
        rows.addWidget(self.composer)
        column.setMinimumWidth(theme.current().length("column", "reading_min"))
        return column

    def _limit_list(self) -> None:
        length = theme.current().length
        self.list.setMinimumWidth(length("column", "list_min"))
        self.list.setMaximumWidth(length("column", "list_max"))
        self.splitter.setSizes([length("column", "list"), 10_000])

    def _place_list(self) -> None:
        if self._list_over:
            self.list.setParent(self)
            self.list.hide()
        else:
            self.splitter.insertWidget(0, self.list)
            self.splitter.setStretchFactor(0, 0)
            self.splitter.setStretchFactor(1, 1)
            self.list.show()
            self._limit_list()

    def _place_panel(self) -> None:
        if self.panel is None:
            return
        shown = self.panel.isVisible()
        if self._panel_over:
            self.panel.setParent(self)
            self.panel.setVisible(shown)
            if shown:
                self._lay_over(self.panel, right=True)
        elif self.panel.parent() is not self.splitter:
            self.splitter.addWidget(self.panel)
            self.panel.setVisible(shown)
            if shown:
                self._widen_panel()

    def _widen_panel(self, width: int = 0) -> None:
        width = width or theme.current().length("column", "evidence")
        sizes = self.splitter.sizes()
        sizes[-1] = width
        sizes[-2] = max(self.width() - sum(sizes[:-2]) - width, 1)
        self.splitter.setSizes(sizes)

    def _lay_over(self, pane: QWidget, *, right: bool) -> None:
        length = theme.current().length
        column = "list" if not right else "evidence_max" if self._wide else "evidence"
        width = min(length("column", column), self.width())
        pane.setGeometry(QRect(self.width() - width if right else 0, 0, width, self.height()))
        pane.raise_()
