"""One collection as a card: its figures, the progress of reading, the problems and the actions.

A card is made once for each name and updated in place. The Documents and Activity pages show the same cards.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import Button, ElidedLabel, IconButton, Label, Picture, Pill
from desktop_llm.gui.look.widgets.labels import PillKind
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, set_names
from desktop_llm.gui.work.collection_parts import (
    CollectionProgress,
    FactsRow,
    FolderNotes,
    UnreadFiles,
    UnreadSummary,
    progress_words,
)
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import Collection
from desktop_llm.words import plural, tr


class CollectionCard(QFrame):
    """Shows a `Collection` and, while it is being read, its `Reading`.

    Signal: `acted` with ask, add_files, add_folder, files, settings, watch, unwatch, pause, resume, stop, retry_all,
    rename, rebuild, check or remove for the collection; password, remove_files, show or retry for one of its files;
    choose_folder, look_again, keep_gone, take_out_gone or watch_details for one of its folders.
    """

    acted = Signal(CardAction)

    def __init__(self, collection: Collection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setObjectName("collection_card")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._collection = collection
        self._job: Reading | None = None
        self._build()
        self._refresh()

    @property
    def collection(self) -> Collection:
        """The collection that is shown."""
        return self._collection

    @property
    def is_read(self) -> bool:
        """Whether there is a reading, running, paused or stopped."""
        return self._job is not None or self._collection.state in ("reading", "paused")

    @property
    def paused(self) -> bool:
        """Whether the reading is paused until the person resumes it."""
        if self._job is None:
            return self._collection.state == "paused"
        return self._job.state in ("paused", "failed")

    def show_collection(self, collection: Collection, job: Reading | None) -> None:
        """Show the current facts and the progress of the reading; cheap enough for ten times a second."""
        before = (self._collection, self._job and (self._job.state, self._job.error, self._job.progress.failed))
        self._collection, self._job = collection, job
        if job is not None and job.progress.total and job.state != "failed":
            self._reading.show_progress(job)
        if before != (collection, job and (job.state, job.error, job.progress.failed)):
            self._refresh()

    def progress_text(self) -> str:
        """ "412 of 1,260" while it is being read, otherwise ""."""
        return progress_words(self._job) if self._job is not None and self._job.progress.total else ""

    def focus_files(self) -> None:
        """Move the keyboard focus to the button that opens the files."""
        self._files.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self) -> None:
        self._where = ElidedLabel(
            "", "small", "text_secondary", mode=Qt.TextElideMode.ElideMiddle, object_name="collection_where"
        )
        self._facts = FactsRow()
        self._formats = ElidedLabel("", "small", "text_secondary", object_name="collection_formats")
        self._reading = CollectionProgress()
        self._notes = FolderNotes()
        self._notes.acted.connect(self.acted)
        self._problem = UnreadSummary()
        self._failures = UnreadFiles()
        self._failures.acted.connect(self.acted)
        self._empty = Label("", "ui", "text_secondary", wrap=True, object_name="collection_empty")
        self._empty.setText(tr("No documents yet. Add files, or drop them anywhere in this window."))
        body = QVBoxLayout()
        body.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body.setSpacing(8)
        body.addLayout(self._header())
        self._parts = (
            self._where,
            self._facts,
            self._formats,
            self._reading,
            self._notes,
            self._problem,
            self._failures,
            self._empty,
        )
        for part in self._parts:
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
        self._watching = Pill("", object_name="collection_watching")
        self._more = IconButton("more", tr("More"), object_name="collection_more")
        self._more.setMenu(self._menu())
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Picture("folder"))
        row.addWidget(self._name, 1)
        row.addWidget(self._pill)
        row.addWidget(self._watching)
        row.addWidget(self._more)
        row.setContentsMargins(0, 0, 0, 0)
        return row

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        set_names(menu, "collection_menu", tr("More about this collection"))
        self._add(menu, "files", tr("Show files"))
        self._add(menu, "add_files", tr("Add files…"))
        self._add(menu, "add_folder", tr("Add a folder…"))
        self._look_action = self._add(menu, "look_again", tr("Look for changes now"))
        menu.addSeparator()
        self._add(menu, "rename", tr("Rename…"), "F2")
        self._add(menu, "search_models", tr("Find across languages…"))
        self._check_action = self._add(menu, "check", tr("Check index"))
        self._rebuild_action = self._add(menu, "rebuild", tr("Rebuild index"))
        menu.addSeparator()
        self._add(menu, "remove", tr("Remove collection…"))
        return menu

    def _add(self, menu: QMenu, name: str, text: str, key: str = "") -> QAction:
        action = menu.addAction(f"{text}\t{key}" if key else text)
        action.setObjectName(f"collection_menu_{name}")
        action.setData(name)
        action.triggered.connect(self._on_action)
        return action

    def _actions(self) -> QWidget:
        self._ask = self._button("ask", tr("Ask"), "chat")
        self._pause = self._button("pause", tr("Pause"), "pause")
        self._resume = self._button("resume", tr("Resume"), "play")
        self._stop = self._button("stop", tr("Stop"), "stop", quiet=True)
        self._watch = self._button("watch", tr("Watch"), "eye", quiet=True)
        self._unwatch = self._button("unwatch", tr("Pause watching"), "pause", quiet=True)
        self._retry = self._button("retry_all", tr("Try all again"), "retry", quiet=True)
        self._add_files = self._button("add_files", tr("Add files"), "plus", quiet=True)
        self._files = self._button("files", tr("Files"), "filetext", quiet=True)
        self._settings = IconButton("sliders", tr("Settings"), object_name="collection_settings_button")
        self._settings.setProperty("action", "settings")
        self._settings.clicked.connect(self._on_button)
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        left = (self._ask, self._pause, self._resume, self._stop, self._watch, self._unwatch, self._add_files)
        for button in left:
            row.addWidget(button)
        row.addStretch(1)
        for right in (self._retry, self._files, self._settings):
            row.addWidget(right)
        bar.setMinimumHeight(self._files.sizeHint().height())
        return bar

    def _button(self, name: str, text: str, icon: str, *, quiet: bool = False) -> Button:
        button = Button(text, icon, kind="quiet" if quiet else "default", object_name=f"collection_{name}")
        button.setProperty("action", name)
        button.clicked.connect(self._on_button)
        return button

    def _on_button(self) -> None:
        self._act(self.sender().property("action"))

    def _on_action(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self._act(action.data())

    def _act(self, name: str) -> None:
        self.acted.emit(CardAction(name, self._collection.name))

    def _refresh(self) -> None:
        self._fill()
        shown = self._shown_parts()
        for part in self._parts:
            part.setVisible(part in shown)
        self._show_actions()
        self._name_parts()

    def _shown_parts(self) -> tuple[QWidget, ...]:
        collection = self._collection
        parts: list[QWidget] = [self._where] if collection.folders else []
        if collection.documents:
            parts.append(self._facts)
        if self.is_read:
            parts.append(self._reading)
        elif collection.documents and not collection.failed:
            parts.append(self._formats)
        if any(folder.problem or folder.note for folder in collection.folders):
            parts.append(self._notes)
        if collection.failed:
            parts += (self._problem, self._failures)
        if not (collection.documents or collection.failed or self.is_read):
            parts.append(self._empty)
        return tuple(parts)

    def _fill(self) -> None:
        collection = self._collection
        self._name.set_text(formats.plain(collection.name))
        self._pill.set_state(*self._state())
        self._show_watching()
        self._where.set_text(self._where_words())
        self._facts.set_facts(collection)
        pages = [plural("one page", "%n pages", collection.pages)] if collection.pages else []
        kinds = (f"{name} {formats.number(count)}" for name, count in collection.formats)
        self._formats.set_text(", ".join((*pages, *kinds)))
        self._notes.set_folders(collection)
        self._problem.set_counts(collection)
        self._failures.set_files(collection)
        job = self._job
        if job is None or job.state == "failed" or not job.progress.total:
            reason = job.error.message if job is not None and job.error is not None else ""
            self._reading.show_waiting(collection.documents, paused=self.paused, reason=reason)

    def _state(self) -> tuple[str, PillKind, str]:
        if self.is_read:
            return (tr("Paused"), "neutral", "pause") if self.paused else (tr("Reading"), "accent", "filetext")
        if any(folder.missing for folder in self._collection.folders):
            return tr("Folder is missing"), "warning", "warn"
        if self._collection.failed or self._collection.state == "attention":
            return tr("Needs attention"), "warning", "warn"
        if not self._collection.documents:
            return tr("Empty"), "neutral", ""
        return tr("Ready"), "success", "check"

    def _show_watching(self) -> None:
        """Say whether the folders are watched; while all is well, that is the only pill."""
        folders = self._collection.folders
        if any(folder.watched for folder in folders):
            self._watching.set_state(tr("Watching"), "success", "eye")
        else:
            self._watching.set_state(tr("Not watched"), "neutral", "pause")
        is_shown = any(not folder.missing for folder in folders)
        self._watching.setVisible(is_shown)
        self._pill.setVisible(self.is_read or self._collection.state != "ready" or not is_shown)

    def _where_words(self) -> str:
        """ "~/Work/archive", "~/Work/archive and 2 more folders"."""
        folders = self._collection.folders
        if not folders:
            return ""
        first, more = formats.home_path(folders[0].path), len(folders) - 1
        if not more:
            return first
        return plural("{folder} and one more folder", "{folder} and %n more folders", more, folder=first)

    def _show_actions(self) -> None:
        is_read, paused = self.is_read, self.paused
        self._ask.setVisible(self._collection.documents > 0)
        self._pause.setVisible(is_read and not paused)
        self._resume.setVisible(is_read and paused)
        self._stop.setVisible(is_read)
        folders = self._collection.folders
        watched = any(folder.watched for folder in folders)
        self._watch.setVisible(bool(folders) and not is_read and not watched)
        self._unwatch.setVisible(bool(folders) and not is_read and watched)
        self._retry.setVisible(len(self._collection.failed) > 1 and not is_read)
        self._add_files.setVisible(not is_read and not folders)
        self._look_action.setVisible(bool(folders))
        self._look_action.setEnabled(not is_read)
        for action in (self._check_action, self._rebuild_action):
            action.setEnabled(not is_read)
        self._files.set_content(*self._files_words())

    def _files_words(self) -> tuple[str, str]:
        failed = self._job.progress.failed if self._job else len(self._collection.failed)
        if not self.is_read or not failed:
            return tr("Files"), "filetext"
        return plural("%n problem", "%n problems", failed), "warn"

    def _name_parts(self) -> None:
        """Name the collection in every button, so that a screen reader's list of buttons makes sense."""
        name = formats.plain(self._collection.name)
        pills = (each.text() for each in (self._pill, self._watching) if each.isVisibleTo(self))
        set_names(self, "collection_card", ", ".join((name, *pills)))
        self._settings.setAccessibleName(tr("Settings of {name}", name=name))
        self._more.setAccessibleName(tr("More about {name}", name=name))
        for button in self.findChildren(Button):
            if button.property("action"):
                button.setAccessibleName(f"{button.text()}, {name}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Rename on F2, wherever in the card the focus is."""
        if event.key() == Qt.Key.Key_F2:
            self._act("rename")
            return
        super().keyPressEvent(event)
