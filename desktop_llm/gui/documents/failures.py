"""The files of a collection that could not be read: the reason of each and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets import Button, ElidedLabel, Label
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme
from desktop_llm.knowledge.client import FailedDocument
from desktop_llm.words import tr

SHOWN_ROWS = 4

# By the cause of a DocumentError; whatever else went wrong may go right next time.
_REMEDIES = {
    "password": "password",
    "missing": "remove",
    **dict.fromkeys(("damaged", "empty", "no_text", "too_large", "format", "protected"), "show"),
}


def action_for(cause: str) -> str:
    """What helps against a cause: "password", "remove" (the file has gone), "show" or "retry"."""
    return _REMEDIES.get(cause, "retry")


def action_words(action: str) -> str:
    """The words on the button of an action."""
    return {
        "password": tr("Give password"),
        "remove": tr("Remove"),
        "show": tr("Show file"),
        "retry": tr("Try again"),
    }[action]


class FailureSummary(QWidget):
    """How many files could not be read, and that the others are in use."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._failed = Label("", "ui_strong", wrap=True, object_name="collection_problem")
        self._rest = Label("", "ui", "text_secondary", wrap=True, object_name="collection_problem_rest")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._failed)
        column.addWidget(self._rest)

    def set_counts(self, failed: int, ready: int) -> None:
        """Say it for this many files."""
        total = words.number(failed + ready)
        sentence = self.tr("{count} of {total} files could not be read.")
        self._failed.setText(sentence.format(count=words.number(failed), total=total))
        one = self.tr("The other one is ready and in use.")
        more = self.tr("The other {count} are ready and in use.").format(count=words.number(ready))
        self._rest.setText(one if ready == 1 else more)
        self._rest.setVisible(ready > 0)


class FailureList(QWidget):
    """At most four rows in a frame: file, reason, action. `action_requested(action, path)` names what was pressed."""

    action_requested = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_failures")
        self._failed: tuple[FailedDocument, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 1, 4, 1)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 4)
        self._grid.setColumnStretch(1, 5)
        repaint_on_theme(self)

    def set_failed(self, failed: Sequence[FailedDocument]) -> None:
        """Show the first four of these."""
        shown = tuple(failed[:SHOWN_ROWS])
        if shown == self._failed:
            return
        self._failed = shown
        for cell in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        for row, document in enumerate(shown):
            self._add_row(row, document)

    def _add_row(self, row: int, document: FailedDocument) -> None:
        name = ElidedLabel(words.file_name(document.document), "small", mode=Qt.TextElideMode.ElideMiddle)
        reason = ElidedLabel(words.plain(document.reason), "small", "text_secondary")
        button = _ActionLink(action_for(document.cause), document.document)
        button.chosen.connect(self.action_requested)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(reason, row, 1)
        self._grid.addWidget(button, row, 2, Qt.AlignmentFlag.AlignRight)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The frame and the lines between the rows."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 6, None, colour("border"))
        painter.setPen(colour("border_subtle"))
        for row in range(1, len(self._failed)):
            top = self._grid.cellRect(row, 0).top()
            painter.drawLine(1, top, self.width() - 2, top)
        painter.end()


class _ActionLink(Button):
    """An action written like a link; `chosen(action, path)` says for which file."""

    chosen = Signal(str, object)

    def __init__(self, action: str, path: str) -> None:
        text = action_words(action)
        super().__init__(text, kind="quiet", height=22, accessible_name=f"{text}, {words.file_name(path)}")
        self._action, self._path = action, path
        self.setObjectName("collection_failure_action")
        self.setFont(theme.current().font("small_strong"))
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._action, self._path)

    def _inks(self) -> tuple[str, str]:
        return "accent_text", "accent_text"
