"""One collection on the Documents page: what it holds, how far reading is, what went wrong, what can be done.

A card is made once per name and updated in place. It speaks for itself without naming its collection: the page adds
the name.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.documents import words
from desktop_llm.gui.documents.facts import FactsRow
from desktop_llm.gui.documents.failures import FailureList, FailureSummary
from desktop_llm.gui.documents.picture import Picture
from desktop_llm.gui.documents.progress import ReadingProgress
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Label, Pill
from desktop_llm.gui.widgets.labels import PillKind
from desktop_llm.gui.widgets.painting import RING_MARGIN, set_names
from desktop_llm.knowledge.client import Collection, IndexProgress


class CollectionCard(QFrame):
    """Shows a `Collection` and, while it is read, its `IndexProgress`.

    `action_requested(action)` is one of: ask, add_files, add_folder, files, pause, resume, stop, retry_all, rename,
    rebuild, check, remove. `failure_action_requested(action, path)` comes from a failed file's row.
    """

    action_requested = Signal(str)
    failure_action_requested = Signal(str, object)

    def __init__(self, collection: Collection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setObjectName("collection_card")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._collection = collection
        self._progress: IndexProgress | None = None
        self._reason = ""
        self._build()
        self._refresh()

    @property
    def collection(self) -> Collection:
        """What is shown."""
        return self._collection

    @property
    def reading(self) -> bool:
        """Whether a run is going on or paused here."""
        return self._progress is not None or self._collection.state in ("reading", "paused")

    def set_collection(self, collection: Collection) -> None:
        """Show newer facts; progress is dropped when reading ended, or was cut off while it went on."""
        going_on = self._progress is not None and not self._progress.paused
        cut_off = collection.state == "paused" and going_on
        if collection.state not in ("reading", "paused") or cut_off:
            self._progress = None
        elif collection == self._collection:
            return
        self._collection = collection
        self._refresh()

    def set_progress(self, progress: IndexProgress) -> None:
        """Show where reading stands; cheap enough for ten times a second."""
        before, self._progress = self._progress, progress
        self._reading.show_progress(progress)
        if before is None or before.paused != progress.paused or before.failed != progress.failed:
            self._refresh()

    def set_reason(self, reason: str) -> None:
        """Why reading stopped by itself, told while it waits to go on; "" where it did not."""
        if reason != self._reason:
            self._reason = reason
            self._refresh()

    def progress_text(self) -> str:
        """ "412 of 1,260" while it is being read, else nothing."""
        if self._progress is None:
            return ""
        done, total = words.number(self._progress.done), words.number(self._progress.total)
        return self.tr("{done} of {total}").format(done=done, total=total)

    def focus_files(self) -> None:
        """Put the keyboard on the button that opens the files, as after coming back from them."""
        self._files.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self) -> None:
        self._facts = FactsRow()
        self._formats = ElidedLabel("", "small", "text_secondary", object_name="collection_formats")
        self._reading = ReadingProgress()
        self._problem = FailureSummary()
        self._failures = FailureList()
        self._failures.action_requested.connect(self.failure_action_requested)
        self._empty = Label("", "ui", "text_secondary", wrap=True, object_name="collection_empty")
        self._empty.setText(self.tr("No documents yet. Add files, or drop them anywhere in this window."))
        body = QVBoxLayout()
        body.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body.setSpacing(8)
        body.addLayout(self._header())
        for part in (self._facts, self._formats, self._reading, self._problem, self._failures, self._empty):
            body.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(13, 12, 13, 10)
        column.setSpacing(8)
        column.addLayout(body)
        column.addStretch(1)
        column.addWidget(self._actions())

    def _header(self) -> QHBoxLayout:
        self._name = ElidedLabel("", "heading", object_name="collection_name")
        self._pill = Pill("", object_name="collection_state")
        self._more = IconButton("more", self.tr("More"), object_name="collection_more")
        self._more.setMenu(self._menu())
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Picture("folder"))
        row.addWidget(self._name, 1)
        row.addWidget(self._pill)
        row.addWidget(self._more)
        row.setContentsMargins(0, 0, 0, 0)
        return row

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        set_names(menu, "collection_menu", self.tr("More about this collection"))
        self._add(menu, "files", self.tr("Show files"))
        self._add(menu, "add_folder", self.tr("Add a folder…"))
        menu.addSeparator()
        self._add(menu, "rename", self.tr("Rename…"), "F2")
        self._check_action = self._add(menu, "check", self.tr("Check index"))
        self._rebuild_action = self._add(menu, "rebuild", self.tr("Rebuild index"))
        menu.addSeparator()
        self._add(menu, "remove", self.tr("Remove collection…"))
        return menu

    def _add(self, menu: QMenu, name: str, text: str, key: str = "") -> QAction:
        action = menu.addAction(f"{text}\t{key}" if key else text)
        action.setObjectName(f"collection_menu_{name}")
        action.setData(name)
        action.triggered.connect(self._on_action)
        return action

    def _actions(self) -> QWidget:
        self._ask = self._button("ask", self.tr("Ask"), "chat")
        self._pause = self._button("pause", self.tr("Pause"), "pause")
        self._resume = self._button("resume", self.tr("Resume"), "play")
        self._stop = self._button("stop", self.tr("Stop"), "stop", quiet=True)
        self._retry = self._button("retry_all", self.tr("Try all again"), "retry")
        self._add_files = self._button("add_files", self.tr("Add files"), "plus", quiet=True)
        self._files = self._button("files", self.tr("Files"), "filetext", quiet=True)
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in (self._ask, self._pause, self._resume, self._stop, self._retry, self._add_files):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._files)
        bar.setMinimumHeight(self._files.sizeHint().height())
        return bar

    def _button(self, name: str, text: str, icon: str, *, quiet: bool = False) -> Button:
        button = Button(text, icon, kind="quiet" if quiet else "default", object_name=f"collection_{name}")
        button.setProperty("action", name)
        button.clicked.connect(self._on_button)
        return button

    def _on_button(self) -> None:
        self.action_requested.emit(self.sender().property("action"))

    def _on_action(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.action_requested.emit(action.data())

    def _refresh(self) -> None:
        shown = self._shown_parts()
        parts = (self._facts, self._formats, self._reading, self._problem, self._failures, self._empty)
        for part in parts:
            part.setVisible(part in shown)
        self._fill()
        self._show_actions()
        self._name_parts()

    def _shown_parts(self) -> tuple[QWidget, ...]:
        if self.reading:
            return (self._reading,)
        if self._collection.failed:
            return (self._problem, self._failures)
        return (self._facts, self._formats) if self._collection.documents else (self._empty,)

    def _fill(self) -> None:
        collection = self._collection
        self._name.set_text(words.plain(collection.name))
        self._pill.set_state(*self._state())
        self._facts.set_facts(collection)
        self._formats.set_text(", ".join(f"{name} {words.number(count)}" for name, count in collection.formats))
        self._problem.set_counts(len(collection.failed), collection.documents)
        self._failures.set_failed(collection.failed)
        if self.reading and self._progress is None:
            self._reading.show_waiting(collection, self._reason)

    def _state(self) -> tuple[str, PillKind, str]:
        if self.reading:
            paused = self._progress.paused if self._progress else self._collection.state == "paused"
            return (self.tr("Paused"), "neutral", "pause") if paused else (self.tr("Reading"), "accent", "eye")
        if self._collection.failed or self._collection.state == "attention":
            return self.tr("Needs attention"), "warning", "warn"
        if not self._collection.documents:
            return self.tr("Empty"), "neutral", ""
        return self.tr("Ready"), "success", "check"

    def _show_actions(self) -> None:
        paused = self._progress.paused if self._progress else self._collection.state == "paused"
        useful = self._collection.documents > 0 or bool(self._progress and self._progress.chunks)
        self._ask.setVisible(useful and not self.reading)
        self._pause.setVisible(self.reading and not paused)
        self._resume.setVisible(self.reading and paused)
        self._stop.setVisible(self.reading)
        self._retry.setVisible(bool(self._collection.failed) and not self.reading)
        self._add_files.setVisible(not self.reading)
        for action in (self._check_action, self._rebuild_action):
            action.setEnabled(not self.reading)
        self._files.set_content(*self._files_words())

    def _files_words(self) -> tuple[str, str]:
        failed = self._progress.failed if self._progress else len(self._collection.failed)
        if not self.reading or not failed:
            return self.tr("Files"), "filetext"
        return (self.tr("1 problem") if failed == 1 else self.tr("{count} problems").format(count=failed)), "warn"

    def _name_parts(self) -> None:
        """Say the collection with every button, so that a screen reader's list of buttons makes sense."""
        name = words.plain(self._collection.name)
        set_names(self, "collection_card", f"{name}, {self._pill.text()}")
        self._more.setAccessibleName(self.tr("More about {name}").format(name=name))
        for button in self.findChildren(Button):
            if button.property("action"):
                button.setAccessibleName(f"{button.text()}, {name}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 renames, wherever in the card the focus is."""
        if event.key() == Qt.Key.Key_F2:
            self.action_requested.emit("rename")
            return
        super().keyPressEvent(event)
