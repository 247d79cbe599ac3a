"""The Chats page: list, transcript with composer, and the right panel; how they share the width.

Wide windows show all side by side; below 1120 the right panel lies over the chat; at 900 and below the list does too
(look.md's grid). Widths are the person's and are remembered by the splitter.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.chat_list import ChatList
from desktop_llm.gui.composer import Composer
from desktop_llm.gui.transcript import Transcript
from desktop_llm.gui.widgets import UndoBar


class ChatsPage(QWidget):
    """Owns the panes of a chat. Signal: `panel_shown` when the right panel appears or goes."""

    panel_shown = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chats_page")
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.list = ChatList()
        self.transcript = Transcript()
        self.composer = Composer()
        self.panel: QWidget | None = None
        self._list_over = False
        self._panel_over = False
        self._notices = QVBoxLayout()
        self.chat = self._chat_column()
        self.undo = UndoBar(self.chat)
        self.splitter.setObjectName("chats_splitter")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(self.chat)
        self.splitter.setStretchFactor(1, 1)
        self._limit_list()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.splitter)

    def set_panel(self, panel: QWidget) -> None:
        """Take the right panel in; it is hidden until `show_panel`."""
        self.panel = panel
        length = theme.current().length
        panel.setMinimumWidth(length("column", "evidence_min"))
        panel.setMaximumWidth(length("column", "evidence_max"))
        panel.hide()
        self.splitter.addWidget(panel)
        self.splitter.setStretchFactor(2, 0)
        self._place_panel()

    def set_notice(self, notice: QWidget | None) -> None:
        """Say something about this chat above the composer, in place of what was said there; None for nothing."""
        while (item := self._notices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        if notice is not None:
            self._notices.addWidget(notice)

    def show_panel(self, shown: bool) -> None:
        """Show or fold the right panel."""
        if self.panel is None or shown == self.panel.isVisible():
            return
        self.panel.setVisible(shown)
        if shown and self._panel_over:
            self._lay_over(self.panel, right=True)
        elif shown and self.splitter.sizes()[-1] < theme.current().length("column", "evidence_min"):
            self._widen_panel()
        self.panel_shown.emit(shown)

    def set_width_class(self, window_width: int) -> None:
        """Fold what does not fit into a window of this width."""
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
        """Fold the list away or bring it back; in a narrow window it slides over the chat."""
        self.list.setVisible(not self.list.isVisible())
        if self.list.isVisible() and self._list_over:
            self._lay_over(self.list, right=False)

    def close_overlays(self) -> bool:
        """Take away what lies over the chat; False if nothing did."""
        closed = False
        if self._list_over and self.list.isVisible():
            self.list.hide()
            closed = True
        if self.panel is not None and self.panel.isVisible():
            self.show_panel(False)
            closed = True
        return closed

    def sizes(self) -> list[int]:
        """Widths of the panes side by side, to be remembered."""
        return self.splitter.sizes()

    def restore_sizes(self, sizes: list[int]) -> None:
        """Bring remembered widths back."""
        if len(sizes) == self.splitter.count() and all(isinstance(size, int) for size in sizes):
            self.splitter.setSizes(sizes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what lies over the chat at its edge."""
        super().resizeEvent(event)
        if self._list_over and self.list.isVisible():
            self._lay_over(self.list, right=False)
        if self._panel_over and self.panel is not None and self.panel.isVisible():
            self._lay_over(self.panel, right=True)

    def _chat_column(self) -> QWidget:
        column = QWidget()
        column.setObjectName("chat_column")
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.transcript, 1)
        rows.addLayout(self._notices)
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

    def _widen_panel(self) -> None:
        width = theme.current().length("column", "evidence")
        sizes = self.splitter.sizes()
        sizes[-1] = width
        sizes[-2] = max(self.width() - sum(sizes[:-2]) - width, 1)
        self.splitter.setSizes(sizes)

    def _lay_over(self, pane: QWidget, *, right: bool) -> None:
        length = theme.current().length
        width = min(length("column", "evidence" if right else "list"), self.width())
        pane.setGeometry(QRect(self.width() - width if right else 0, 0, width, self.height()))
        pane.raise_()
