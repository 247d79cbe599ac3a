"""The left side of "On this computer": adding a file, and every model that is on the disk."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import number
from desktop_llm.gui.models.rows import Entry, EntryList
from desktop_llm.gui.widgets import Action, Button, EmptyState, Label, Spinner
from desktop_llm.gui.widgets.painting import RING_MARGIN


class LocalPanel(QWidget):
    """Signals: `opened` with the id of a model that is to be shown; `add_requested`; `discover_requested`;
    `restore_requested` for what was removed last; `hidden_requested` for what was hidden."""

    opened = Signal(str)
    add_requested = Signal()
    discover_requested = Signal()
    restore_requested = Signal()
    hidden_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_local")
        self._empty: EmptyState | None = None
        self._add = Button(self.tr("Add a GGUF file…"), "plus", object_name="models_add")
        self._busy_spinner, self._busy = Spinner(14), Label("", "small", "text_secondary", object_name="models_busy")
        self._summary = Label("", "small", "text_secondary", wrap=True, object_name="models_summary")
        self._list = EntryList("models_local_list", self.tr("Models on this computer"))
        self._restore = Button("", "undo", kind="quiet", height=28, object_name="models_restore")
        self._hidden = Button("", "eye", kind="quiet", height=28, object_name="models_show_hidden")
        hint = self.tr("A model is one GGUF file. Drop it here to add it.")
        self._hint = Label(hint, "small", "text_secondary", wrap=True, object_name="models_hint")
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._list.opened.connect(self.opened)
        self._list.moved.connect(self.opened)
        self._add.clicked.connect(self._on_add)
        self._restore.clicked.connect(self._on_restore)
        self.set_busy("")
        self._hidden.clicked.connect(self._on_hidden)
        self.set_removed("")
        self.set_hidden(0)

    def set_entries(self, entries: Sequence[Entry], summary: str, query: str) -> None:
        """Show these models; with none, say that nothing matches, or what to do first."""
        self._list.set_entries(entries)
        self._summary.setText(summary)
        self._summary.setVisible(bool(entries))
        self._show_empty(None if entries else self._empty_state(query))

    def set_busy(self, words: str) -> None:
        """Say what is going on ("Adding …"); empty when it is over."""
        self._busy.setText(words)
        self._busy.setVisible(bool(words))
        self._busy_spinner.setVisible(bool(words))
        self._add.setEnabled(not words)
        self._add.setToolTip(words)

    def set_removed(self, name: str) -> None:
        """Offer to bring this model back; empty: none was removed."""
        self._restore.set_content(self.tr("Bring {name} back").format(name=name))
        self._restore.setVisible(bool(name))

    def set_hidden(self, count: int) -> None:
        """Offer to list models of other apps again that were taken off the list."""
        words = self.tr("Show 1 hidden model") if count == 1 else self.tr("Show {count} hidden models")
        self._hidden.set_content(words.format(count=number(count)))
        self._hidden.setVisible(bool(count))

    def select(self, key: str) -> None:
        """Mark the row that is open in the middle."""
        self._list.select(key)

    def focus_list(self) -> None:
        """Put the keyboard on the rows."""
        self._list.focus_first()

    def _lay_out(self) -> None:
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        button = QHBoxLayout()
        button.setContentsMargins(12 - RING_MARGIN, 0, 12 - RING_MARGIN, 0)
        button.addWidget(self._add, 1)
        busy = QHBoxLayout()
        busy.setContentsMargins(20, 0, 20, 0)
        busy.setSpacing(8)
        busy.addWidget(self._busy_spinner)
        busy.addWidget(self._busy, 1)
        words = QHBoxLayout()
        words.setContentsMargins(20, 4, 20, 0)
        words.addWidget(self._summary)
        listed = QVBoxLayout()
        listed.setContentsMargins(8, 0, 0, 0)
        listed.addWidget(self._list)
        restore = QHBoxLayout()
        restore.setContentsMargins(12 - RING_MARGIN, 0, 12, 0)
        restore.addWidget(self._restore)
        restore.addStretch(1)
        hidden = QHBoxLayout()
        hidden.setContentsMargins(12 - RING_MARGIN, 0, 12, 0)
        hidden.addWidget(self._hidden)
        hidden.addStretch(1)
        hint = QHBoxLayout()
        hint.setContentsMargins(20, 0, 20, 12)
        hint.addWidget(self._hint)
        for layout in (button, busy, words):
            self._column.addLayout(layout)
        self._column.addLayout(listed, 1)
        self._column.addLayout(hidden)
        self._column.addLayout(restore)
        self._column.addLayout(hint)

    def _empty_state(self, query: str) -> EmptyState:
        if query:
            text = self.tr("No model on this computer matches “{query}”.").format(query=query)
            return EmptyState("search", self.tr("Nothing found"), text, object_name="models_empty")
        text = self.tr("A model is one file. It is downloaded once and then works without internet.")
        find = Action("discover", self.tr("Find a model"), "search", "primary")
        return EmptyState("cube", self.tr("No models yet"), text, (find,), object_name="models_empty")

    def _show_empty(self, state: EmptyState | None) -> None:
        if self._empty is not None:
            self._column.removeWidget(self._empty)
            self._empty.setParent(None)
            self._empty.deleteLater()
        self._empty = state
        self._list.setVisible(state is None)
        if state is not None:
            state.action_triggered.connect(self._on_discover)
            self._column.insertWidget(self._column.count() - 3, state, 1)

    def _on_add(self) -> None:
        self.add_requested.emit()

    def _on_hidden(self) -> None:
        self.hidden_requested.emit()

    def _on_restore(self) -> None:
        self.restore_requested.emit()

    def _on_discover(self, _name: str) -> None:
        self.discover_requested.emit()
