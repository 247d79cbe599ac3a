"""The form that an answer must have: free text, a JSON Schema or a grammar, checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop_llm.engine import grammar, json_schema
from desktop_llm.engine.forms import Form, FormError
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets import Button, Label, Segments
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import plural, tr

_CHECK_AFTER_MS = 300
_LINES = 5
_MAX_FILE_BYTES = 200_000
_FREE, _SCHEMA, _GRAMMAR = range(3)


class AnswerForm(QWidget):
    """Signal: `changed` with the grammar and the JSON Schema to use, of which at most one is not "".

    While a text can't be used, the last one that could stays in use.
    """

    changed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._typed = {_SCHEMA: "", _GRAMMAR: ""}
        self._used = (_FREE, "")
        self._line = 0
        self._kinds = Segments(
            (tr("Free text"), tr("JSON Schema"), tr("Grammar (GBNF)")),
            object_name="answer_form",
            accessible_name=tr("Answer must match"),
        )
        self._text = QPlainTextEdit()
        self._text.setTabChangesFocus(True)
        self._state = Label("", "small", "success_text", wrap=True, object_name="answer_form_state")
        self._show_line = Button(tr("Show line"), kind="quiet", object_name="answer_form_line", height=24)
        self._open = Button(tr("Open file…"), kind="quiet", object_name="answer_form_open", height=24)
        self._pause = QTimer(self, singleShot=True, interval=_CHECK_AFTER_MS)
        self._lay_out()
        self._kinds.currentChanged.connect(self._on_kind)
        self._text.textChanged.connect(self._on_typed)
        self._pause.timeout.connect(self._check)
        self._show_line.clicked.connect(self._on_show_line)
        self._open.clicked.connect(self._on_open)

    def show_form(self, used_grammar: str, used_schema: str) -> None:
        """Show what is in use, unless the person is writing just this."""
        used = (_GRAMMAR, used_grammar) if used_grammar else (_SCHEMA, used_schema) if used_schema else (_FREE, "")
        if used == self._used:
            return
        self._used = used
        kind, text = used
        self._typed = {_SCHEMA: "", _GRAMMAR: "", **({kind: text} if kind else {})}
        self._pause.stop()
        self._kinds.blockSignals(True)
        self._kinds.setCurrentIndex(kind)
        self._kinds.blockSignals(False)
        self._show_kind()

    def fits(self, wanted: Sequence[str]) -> bool:
        """Whether this is found by these words."""
        words = f"{tr('Answer must match')} json schema grammar gbnf structured output".casefold()
        return all(word in words for word in wanted)

    def is_bound(self) -> bool:
        """Whether the answer must match something."""
        return self._used[0] != _FREE

    def finish(self) -> None:
        """Take what was typed a moment ago."""
        if self._pause.isActive():
            self._pause.stop()
            self._check()

    def _lay_out(self) -> None:
        self._text.setFont(theme.current().font("code"))
        set_names(self._text, "answer_form_text", tr("Form of the answer"))
        self._text.setFixedHeight(self._text.fontMetrics().lineSpacing() * _LINES + 22)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        below = QHBoxLayout()
        below.setSpacing(2)
        below.addWidget(self._state, 1)
        below.addWidget(self._show_line)
        below.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(tr("Answer must match"), "ui_strong"))
        column.addWidget(self._kinds)
        column.addWidget(self._text)
        column.addLayout(below)
        self._show_kind()

    def _show_kind(self) -> None:
        kind = self._kinds.currentIndex()
        self._text.blockSignals(True)
        self._text.setPlainText(self._typed.get(kind, ""))
        self._text.blockSignals(False)
        example = {
            _SCHEMA: '{"properties": {"months": {"type": "integer"}}}',
            _GRAMMAR: 'root ::= "yes" | "no"',
        }
        self._text.setPlaceholderText(example.get(kind, ""))
        for widget in (self._text, self._state, self._open):
            widget.setVisible(kind != _FREE)
        self._show_state("", "success_text")
        if kind != _FREE and self._text.toPlainText().strip():
            self._look()

    def _on_kind(self, kind: int) -> None:
        self._show_kind()
        if kind == _FREE:
            self._use(_FREE, "")
        elif self._text.toPlainText().strip():
            self._check()
        else:
            self._text.setFocus()

    def _on_typed(self) -> None:
        self._typed[self._kinds.currentIndex()] = self._text.toPlainText()
        self._pause.start()

    def _check(self) -> None:
        if self._kinds.currentIndex() == _FREE:
            return
        if not self._text.toPlainText().strip():
            self._show_state("", "success_text")
            self._use(_FREE, "")
        elif self._look():
            self._use(self._kinds.currentIndex(), self._text.toPlainText())

    def _look(self) -> bool:
        """Say whether the text can be used; returns it."""
        kind = self._kinds.currentIndex()
        check: Callable[[str], Form] = json_schema.check if kind == _SCHEMA else grammar.check
        try:
            form = check(self._text.toPlainText())
        except FormError as error:
            still = ""
            if self._used[0] == kind and self._used[1] != self._text.toPlainText():
                last = tr("The last valid schema is still used.") if kind == _SCHEMA else ""
                still = last or tr("The last valid grammar is still used.")
            problem = error.sentence
            if error.line:
                problem = tr("Line {line}: {problem}", line=error.line, problem=error.sentence)
            self._show_state(f"{problem} {still}".strip(), "danger_text", error.line)
            return False
        if kind == _SCHEMA:
            words = plural("Valid, %n field.", "Valid, %n fields.", form.count) if form.count else tr("Valid.")
        else:
            words = plural("Valid, %n rule.", "Valid, %n rules.", form.count)
        self._show_state(tr("{valid} Answers can't break it.", valid=words), "success_text")
        return True

    def _show_state(self, text: str, colour: str, line: int = 0) -> None:
        self._line = line
        self._state.setText(text)
        self._state.set_colour(colour)
        self._show_line.setVisible(bool(line))
        wrong = colour == "danger_text"
        if bool(self._text.property("invalid")) != wrong:
            self._text.setProperty("invalid", wrong)
            self._text.style().polish(self._text)

    def _use(self, kind: int, text: str) -> None:
        if (kind, text) != self._used:
            self._used = (kind, text)
            self.changed.emit(text if kind == _GRAMMAR else "", text if kind == _SCHEMA else "")

    def _on_show_line(self) -> None:
        block = self._text.document().findBlockByLineNumber(self._line - 1)
        cursor = QTextCursor(block)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        self._text.setTextCursor(cursor)
        self._text.setFocus()

    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self.window(), tr("Open a JSON Schema or a grammar"))
        if not name:
            return
        try:
            with Path(name).open("rb") as file:
                text = file.read(_MAX_FILE_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError):
            self._show_state(tr("This file is no text that can be read. Nothing was changed."), "danger_text")
            return
        self._text.setPlainText(text)
