"""The left side of "On this computer": a button to add a file, and all models on the disk."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import Action, Button, EmptyState, Label, Spinner
from desktop_llm.gui.look.widgets.painting import RING_MARGIN
from desktop_llm.gui.models.rows import TwoLineList, TwoLineRow
from desktop_llm.words import plural, tr


class LocalPanel(QWidget):
    """Signals: `opened` with the key of a row; `add_requested`; `discover_requested`; `restore_requested` for the model
    removed last; `hidden_requested` for hidden models."""

    opened = Signal(str)
    add_requested = Signal()
    discover_requested = Signal()
    restore_requested = Signal()
    hidden_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_local")
        self._empty: EmptyState | None = None
        self._add = Button(tr("Add a GGUF file…"), "plus", object_name="models_add")
        self._busy_spinner, self._busy = Spinner(14), Label("", "small", "text_secondary", object_name="models_busy")
        self._summary = Label("", "small", "text_secondary", wrap=True, object_name="models_summary")
        self._list = TwoLineList("models_local_list", tr("Models on this computer"))
        self._restore = Button("", "undo", kind="quiet", height=28, object_name="models_restore")
        self._hidden = Button("", "eye", kind="quiet", height=28, object_name="models_show_hidden")
        hint = tr("A model is one GGUF file. Drop it here to add it.")
        self._hint = Label(hint, "small", "text_secondary", wrap=True, object_name="models_hint")
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._list.opened.connect(self.opened)
        self._list.moved.connect(self.opened)
        self._add.clicked.connect(self.add_requested)
        self._restore.clicked.connect(self.restore_requested)
        self.set_busy("")
        self._hidden.clicked.connect(self.hidden_requested)
        self.set_removed("")
        self.set_hidden(0)

    def set_entries(self, entries: Sequence[TwoLineRow], summary: str, query: str) -> None:
        """Show these models; if there are none, say that nothing matches, or how to get a first one."""
        self._list.set_entries(entries)
        self._summary.setText(summary)
        self._summary.setVisible(bool(entries))
        self._show_empty(None if entries else self._empty_state(query))

    def set_busy(self, words: str) -> None:
        """Say what is going on ("Adding …"), "" when it is done."""
        self._busy.setText(words)
        self._busy.setVisible(bool(words))
        self._busy_spinner.setVisible(bool(words))
        self._add.setEnabled(not words)
        set_tip(self._add, words)

    def set_removed(self, name: str) -> None:
        """Offer to restore this model; "" if none was removed."""
        self._restore.set_content(tr("Restore {name}", name=name))
        self._restore.setVisible(bool(name))

    def set_hidden(self, count: int) -> None:
        """Offer to show the models of other apps that the person hid."""
        self._hidden.set_content(plural("Show %n hidden model", "Show %n hidden models", count))
        self._hidden.setVisible(bool(count))

    def select(self, key: str) -> None:
        """Mark the row that is open in the middle."""
        self._list.select(key)

    def focus_list(self) -> None:
        """Move the keyboard focus to the rows."""
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
            text = tr("No model on this computer matches “{query}”.", query=query)
            return EmptyState("search", tr("Nothing found"), text, object_name="models_empty")
        text = tr("A model is one file. It is downloaded once and then works without internet.")
        find = Action("discover", tr("Find a model"), "search", "primary")
        return EmptyState("cube", tr("No models yet"), text, (find,), object_name="models_empty")

    def _show_empty(self, state: EmptyState | None) -> None:
        if self._empty is not None:
            self._column.removeWidget(self._empty)
            self._empty.setParent(None)
            self._empty.deleteLater()
        self._empty = state
        self._list.setVisible(state is None)
        if state is not None:
            state.action_triggered.connect(self.discover_requested)
            self._column.insertWidget(self._column.count() - 3, state, 1)
