"""What a search in all documents found, or that it found nothing, in place of the cards."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.documents.results import ResultsView
from desktop_llm.gui.widgets import Action, EmptyState, Label, Spinner
from desktop_llm.knowledge.client import Passage


class SearchView(QWidget):
    """Waits for an answer, then lists passages. `passage_activated(passage)`; `left` when the keyboard goes back to
    the field; `clear_requested` from the button where nothing was found."""

    passage_activated = Signal(object)
    left = Signal()
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_search_view")
        self._query = ""
        self._summary = Label("", "small", "text_secondary", object_name="documents_search_summary")
        self._stack = QStackedWidget(self)
        self._results = ResultsView(self._stack)
        self._results.passage_activated.connect(self.passage_activated)
        self._results.left.connect(self.left)
        self._nothing: EmptyState | None = None
        self._stack.addWidget(QWidget())
        self._stack.addWidget(self._results)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._status_row())
        column.addWidget(self._stack, 1)
        self._slow = QTimer(self, singleShot=True, interval=theme.current().length("motion", "spinner_delay_ms"))
        self._slow.timeout.connect(self._on_slow)

    @property
    def query(self) -> str:
        """What was searched for last."""
        return self._query

    def begin(self, query: str) -> None:
        """A search is on its way; older results stay until it answers."""
        self._query = query
        self._slow.start()

    def show_results(self, passages: Sequence[Passage], scope: str) -> None:
        """The answer; `scope` says in a sentence what was searched."""
        self.stop_waiting()
        if not passages:
            self._show_nothing(scope)
            return
        one = len(passages) == 1
        count = self.tr("1 passage") if one else self.tr("{count} passages").format(count=len(passages))
        self._summary.setText(f"{count}. {scope}")
        self._results.set_results(self._query, passages)
        self._stack.setCurrentWidget(self._results)

    def stop_waiting(self) -> None:
        """No answer will come."""
        self._slow.stop()
        self._spinner.hide()

    def focus_first(self) -> None:
        """Move the keyboard into the list, if there is one."""
        if self._stack.currentWidget() is self._results:
            self._results.focus_first()

    def _status_row(self) -> QHBoxLayout:
        self._spinner = Spinner()
        self._spinner.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._spinner)
        row.addWidget(self._summary, 1)
        return row

    def _on_slow(self) -> None:
        self._spinner.show()
        self._summary.setText(self.tr("Searching"))

    def _show_nothing(self, scope: str) -> None:
        if self._nothing is not None:
            self._stack.removeWidget(self._nothing)
            self._nothing.deleteLater()
        title = self.tr("Nothing found for “{query}”").format(query=words.plain(self._query)[:80])
        clear = Action("clear", self.tr("Clear search"), "x")
        self._nothing = EmptyState("search", title, scope, (clear,), object_name="documents_search_nothing")
        self._nothing.action_triggered.connect(self._on_nothing_action)
        self._stack.addWidget(self._nothing)
        self._stack.setCurrentWidget(self._nothing)
        self._summary.setText("")

    def _on_nothing_action(self, _name: str) -> None:
        self.clear_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back to the field."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)
