"""The parts of a collection's card: its contents, the progress of reading, notes on its folders, and the files that
could not be read.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.layouts import CardAction, empty_layout
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Picture, ProgressBar
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme
from desktop_llm.jobs.embedding import EMBEDDING
from desktop_llm.jobs.reading import Reading
from desktop_llm.knowledge.client import Collection, FailedDocument, Folder
from desktop_llm.words import plural, tr

SHOWN_ROWS = 4
_TICK_MS = 20_000

# By the cause of a DocumentError; after any other cause, trying again may help.
_REMEDIES = {
    "password": "password",
    "missing": "remove_files",
    **dict.fromkeys(("damaged", "empty", "no_text", "too_large", "format", "protected", "partly"), "show"),
}


def action_for(cause: str) -> str:
    """The action that helps against a cause: "password", "remove_files" (the file has gone), "show" or "retry"."""
    return _REMEDIES.get(cause, "retry")


class FactsRow(QWidget):
    """Files, passages with words, size and the last change, as figures above their labels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_facts")
        self._changed_at: float | None = None
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tell_time)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        self._figures = [(Label("", "heading"), Label("", "small", "text_secondary")) for _ in range(4)]
        for number, word in self._figures:
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(number)
            column.addWidget(word)
            row.addLayout(column)
        row.addStretch(1)

    def set_facts(self, collection: Collection) -> None:
        """Show the figures of a collection."""
        self._changed_at = collection.changed_at
        passages = plural("passage", "passages", collection.chunks)
        if collection.words:
            passages = tr("{passages}, {count} words", passages=passages, count=formats.number(collection.words))
        shown = (
            (formats.number(collection.documents), plural("file", "files", collection.documents)),
            (formats.number(collection.chunks), passages),
            (formats.size(collection.size_bytes), tr("on disk")),
            (formats.ago(collection.changed_at), tr("last change")),
        )
        for (number, word), (figure, said) in zip(self._figures, shown, strict=True):
            number.setText(figure)
            word.setText(said)

    def _tell_time(self) -> None:
        self._figures[3][0].setText(formats.ago(self._changed_at))

    def showEvent(self, event: QShowEvent) -> None:
        """Let the minutes go on while it is in view."""
        self._tell_time()
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the minutes."""
        self._timer.stop()
        super().hideEvent(event)


class CollectionProgress(QWidget):
    """ "412 of 1,260 documents", time left, the bar, the file in hand and the speed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = ElidedLabel("", "heading", object_name="collection_progress_count")
        self._left = Label("", "ui", "text_secondary", object_name="collection_progress_left")
        self._bar = ProgressBar(object_name="collection_progress_bar", accessible_name=tr("Documents read so far"))
        self._file = ElidedLabel(
            "", "small", "text_secondary", mode=Qt.TextElideMode.ElideMiddle, object_name="collection_progress_file"
        )
        self._speed = Label("", "small", "text_secondary", object_name="collection_progress_speed")
        self._note = Label("", "small", "text_secondary", wrap=True, object_name="collection_progress_note")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(6)
        column.addLayout(_pair(self._count, self._left))
        column.addWidget(self._bar)
        column.addLayout(_pair(self._file, self._speed))
        column.addWidget(self._note)

    def show_progress(self, reading: Reading) -> None:
        """Show the progress of a reading."""
        progress, running = reading.progress, reading.state == "running"
        self._show_details(shown=True)
        embeds = progress.stage == EMBEDDING
        total = formats.passages(progress.total) if embeds else formats.documents(progress.total)
        self._count.set_text(progress_words(reading, total))
        self._bar.set_fraction(progress.fraction)
        self._file.set_text(formats.file_name(progress.current) if progress.current else "")
        left = progress.seconds_left if running else None
        self._left.setText("" if left is None else tr("about {time} left", time=formats.duration(left)))
        speed = tr("{count} passages/s", count=formats.number(progress.speed))
        self._speed.setText(speed if running and progress.speed else "")
        note = tr("The model before answers until all passages are embedded.")
        self._note.setText(note if embeds else _note(progress.done - progress.failed, paused=not running))

    def show_waiting(self, read: int, *, paused: bool, reason: str = "") -> None:
        """Show a reading without figures: it has just begun, or was interrupted, perhaps for a known `reason`.

        `read` is the number of documents read before.
        """
        self._show_details(shown=not paused)
        self._count.set_text(tr("Reading is paused") if paused else tr("Looking through the files"))
        self._bar.set_fraction(0.0)
        self._file.set_text("")
        for label in (self._left, self._speed):
            label.setText("")
        self._note.setText(" ".join(filter(None, (reason, _note(read, paused=paused)))))

    def _show_details(self, *, shown: bool) -> None:
        for part in (self._bar, self._file, self._speed):
            part.setVisible(shown)


def progress_words(reading: Reading, total: str = "") -> str:
    """ "412 of 1,260"; `total` may also name what is counted."""
    progress = reading.progress
    return tr("{done} of {total}", done=formats.number(progress.done), total=total or formats.number(progress.total))


def _note(read: int, *, paused: bool) -> str:
    if read < 1:
        return ""
    if paused:
        return tr("The text read so far is kept and in use.")
    return tr("You can already ask about the documents read so far.")


def _pair(left: QWidget, right: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addWidget(left, 1)
    row.addWidget(right)
    return row


class FolderNotes(QWidget):
    """What is to be said about the folders of a collection, each with what can be done about it.

    Signal: `acted` with choose_folder, look_again, keep_gone, take_out_gone or watch_details, and the folder's path.
    """

    acted = Signal(CardAction)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_folder_notes")
        self._shown: tuple[Folder, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)

    def set_folders(self, collection: Collection) -> None:
        """Show a note for each folder that needs one."""
        shown = tuple(folder for folder in collection.folders if folder.problem or folder.note)
        if shown == self._shown:
            return
        self._shown = shown
        empty_layout(self._column)
        for folder in shown:
            self._column.addWidget(self._note(collection.name, folder))

    def _note(self, name: str, folder: Folder) -> QWidget:
        note = QWidget()
        row = QVBoxLayout(note)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        top = QHBoxLayout()
        top.setSpacing(8)
        icon, colour = ("warn", "warning_text") if folder.problem else ("info", "text_secondary")
        top.addWidget(Picture(icon, 16, colour), 0, Qt.AlignmentFlag.AlignTop)
        words = formats.plain(folder.problem or folder.note).replace(folder.path, formats.home_path(folder.path))
        top.addWidget(Label(words, "ui", wrap=True, object_name="collection_folder_note"), 1)
        row.addLayout(top)
        links = QHBoxLayout()
        links.setContentsMargins(24 - RING_MARGIN, 0, 0, 0)
        links.setSpacing(4)
        for action in _note_actions(folder):
            link = ActionLink(CardAction(action, name, (folder.path,)))
            link.acted.connect(self.acted)
            links.addWidget(link)
        links.addStretch(1)
        row.addLayout(links)
        return note


def _note_actions(folder: Folder) -> tuple[str, ...]:
    if folder.missing:
        return "choose_folder", "look_again"
    return ("keep_gone", "take_out_gone") if folder.gone else ("watch_details",)


class UnreadSummary(QWidget):
    """Says how many files could not be read, or only in part, and that the others are in use."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._failed = Label("", "ui_strong", wrap=True, object_name="collection_problem")
        self._rest = Label("", "ui", "text_secondary", wrap=True, object_name="collection_problem_rest")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._failed)
        column.addWidget(self._rest)

    def set_counts(self, collection: Collection) -> None:
        """Count the files of this collection."""
        failed = len(collection.failed)
        in_use = sum(each.in_use for each in collection.failed)
        ready = collection.documents - in_use
        count, total = formats.number(failed), formats.number(failed + ready)
        self._failed.setText(
            tr("{count} of {total} files could not be read in full.", count=count, total=total)
            if in_use
            else tr("{count} of {total} files could not be read.", count=count, total=total)
        )
        self._rest.setText(plural("The other one is ready and in use.", "The other %n are ready and in use.", ready))
        self._rest.setVisible(ready > 0)


class UnreadFiles(QWidget):
    """At most four rows in a frame: file, reason, action; then "Show all". Signal: `acted` when one is pressed."""

    acted = Signal(CardAction)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_failures")
        self._shown: tuple[tuple[FailedDocument, ...], int] = ((), 0)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 1, 4, 1)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 2)
        self._grid.setColumnStretch(1, 3)
        repaint_on_theme(self)

    def set_files(self, collection: Collection) -> None:
        """Show the first four files of a collection that could not be read."""
        shown = (collection.failed[:SHOWN_ROWS], len(collection.failed))
        if shown == self._shown:
            return
        self._shown = shown
        for cell in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        for row, document in enumerate(shown[0]):
            name = ElidedLabel(formats.file_name(document.document), "small", mode=Qt.TextElideMode.ElideMiddle)
            reason = ElidedLabel(formats.plain(document.reason), "small", "text_secondary")
            link = ActionLink(CardAction(action_for(document.cause), collection.name, (document.document,)))
            link.acted.connect(self.acted)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(reason, row, 1)
            self._grid.addWidget(link, row, 2, Qt.AlignmentFlag.AlignRight)
        if len(collection.failed) > SHOWN_ROWS:
            every = ActionLink(CardAction("files", collection.name), tr("Show all {count}", count=self._shown[1]))
            every.setObjectName("collection_failures_all")
            every.acted.connect(self.acted)
            self._grid.addWidget(every, SHOWN_ROWS, 0, 1, 3, Qt.AlignmentFlag.AlignRight)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame and the lines between the rows."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 6, None, colour("border"))
        painter.setPen(colour("border_subtle"))
        for row in range(1, self._grid.rowCount()):
            if self._grid.itemAtPosition(row, 2) is None:
                continue
            top = self._grid.cellRect(row, 0).top()
            painter.drawLine(1, top, self.width() - 2, top)
        painter.end()


def _link(action: str) -> tuple[str, str]:
    """The words and the icon of an action that is shown as a link."""
    return {
        "password": (tr("Give password"), "key"),
        "remove_files": (tr("Remove"), "x"),
        "show": (tr("Show file"), "folder"),
        "retry": (tr("Try again"), "retry"),
        "choose_folder": (tr("Choose folder"), "folder"),
        "look_again": (tr("Look again"), "retry"),
        "keep_gone": (tr("Keep"), "check"),
        "take_out_gone": (tr("Take out"), "x"),
        "watch_details": (tr("Details"), "info"),
    }.get(action, ("", ""))


class ActionLink(Button):
    """The action that helps against one failure, shown as a link. Signal: `acted` when it is pressed."""

    acted = Signal(CardAction)

    def __init__(self, action: CardAction, text: str = "") -> None:
        words, icon = _link(action.name)
        text = text or words
        about = formats.file_name(action.paths[0]) if action.paths else formats.plain(action.subject)
        super().__init__(text, icon, kind="quiet", height=22, accessible_name=f"{text}, {about}")
        self._action = action
        self.setObjectName("collection_failure_action")
        self.setFont(theme.current().font("small_strong"))
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.acted.emit(self._action)

    def _inks(self) -> tuple[str, str]:
        return "accent_text", "accent_text"
