"""How far reading a collection has come, inside its card. Updated in place, ten times a second if need be."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets import ElidedLabel, Label, ProgressBar
from desktop_llm.knowledge.client import Collection, IndexProgress
from desktop_llm.words import tr


class ReadingProgress(QWidget):
    """ "412 of 1,260 documents", time left, the bar, the file in hand and the speed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = ElidedLabel("", "heading", object_name="collection_progress_count")
        self._left = Label("", "ui", "text_secondary", object_name="collection_progress_left")
        self._bar = ProgressBar(object_name="collection_progress_bar", accessible_name=self.tr("Documents read so far"))
        self._file = ElidedLabel(
            "", "small", "text_secondary", mode=Qt.TextElideMode.ElideMiddle, object_name="collection_progress_file"
        )
        self._speed = Label("", "small", "text_secondary", object_name="collection_progress_speed")
        self._note = Label("", "small", "text_secondary", wrap=True, object_name="collection_progress_note")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(_pair(self._count, self._left))
        column.addWidget(self._bar)
        column.addLayout(_pair(self._file, self._speed))
        column.addWidget(self._note)

    def show_progress(self, progress: IndexProgress) -> None:
        """Where a run stands now."""
        self._count.set_text(
            self.tr("{done} of {total}").format(done=words.number(progress.done), total=words.documents(progress.total))
        )
        self._bar.show()
        self._file.show()
        self._speed.show()
        self._bar.set_fraction(progress.done / progress.total if progress.total else 0.0)
        self._file.set_text(words.file_name(progress.current) if progress.current else "")
        self._left.setText(_time_left(progress))
        running = not progress.paused and progress.chunks_per_s > 0
        speed = self.tr("{count} passages/s").format(count=words.number(progress.chunks_per_s))
        self._speed.setText(speed if running else "")
        self._note.setText(_note(progress.done - progress.failed, progress.paused))

    def show_waiting(self, collection: Collection, reason: str = "") -> None:
        """A run of which nothing is known but its collection: just begun, or cut off, perhaps for a `reason`."""
        paused = collection.state == "paused"
        self._count.set_text(self.tr("Reading is paused") if paused else self.tr("Looking through the files"))
        self._bar.setVisible(not paused)
        self._bar.set_fraction(0.0)
        for label in (self._left, self._speed):
            label.setText("")
        self._file.set_text("")
        self._file.setVisible(not paused)
        self._speed.setVisible(not paused)
        self._note.setText(" ".join(filter(None, (reason, _note(collection.documents, paused)))))


def _time_left(progress: IndexProgress) -> str:
    if progress.paused or progress.seconds_left is None:
        return ""
    return tr("about {time} left").format(time=words.duration(progress.seconds_left))


def _note(read: int, paused: bool) -> str:
    if read < 1:
        return ""
    if paused:
        return tr("What has been read is kept and in use.")
    return tr("You can ask already: what has been read is used.")


def _pair(left: QWidget, right: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addWidget(left, 1)
    row.addWidget(right)
    return row
