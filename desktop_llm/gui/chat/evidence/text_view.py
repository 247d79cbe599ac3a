"""The stored text of a page with the quoted passage highlighted, for formats without page pictures.

A page (a table, a log) may hold megabytes, so only the text around the passage is laid out.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.words import tr

SURROUNDINGS = 20_000
"""Characters shown before and after the passage."""


class TextView(QPlainTextEdit):
    """Read-only text that can be selected and copied; the passage is highlighted and in the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_text")
        self.setAccessibleName(tr("Text of the page"))
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setUndoRedoEnabled(False)
        self.setCenterOnScroll(True)
        self._lit = (0, 0)
        self.document().setDocumentMargin(12)
        theme.notifier().changed.connect(self._light)

    def show_text(self, text: str, start: int, end: int) -> None:
        """Show a page's text; the passage is `[start:end]` in code points, empty if there is none."""
        start, end = sorted((min(max(start, 0), len(text)), min(max(end, 0), len(text))))
        first = _line_start(text, start - SURROUNDINGS)
        last = _line_end(text, end + SURROUNDINGS)
        self.clear()
        self.setFont(theme.current().font("ui"))
        cursor = QTextCursor(self.document())
        # In three pieces: Qt counts in UTF-16 units and treats line ends its own way, so it is asked for the positions.
        cursor.insertText(("…\n" if first else "") + _shown(text[first:start]))
        lit_from = cursor.position()
        cursor.insertText(_shown(text[start:end]))
        self._lit = (lit_from, cursor.position())
        cursor.insertText(_shown(text[end:last]) + ("\n…" if last < len(text) else ""))
        self._light()
        self._scroll_to_lit()

    def lit_text(self) -> str:
        """The highlighted text as shown."""
        return self._lit_cursor().selectedText().replace("\u2029", "\n")

    def _lit_cursor(self) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._lit[0])
        cursor.setPosition(self._lit[1], QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _light(self) -> None:
        lit = QTextEdit.ExtraSelection()
        colours, style = theme.current(), QTextCharFormat()
        style.setBackground(colours.colour("lit_bg"))
        style.setForeground(colours.colour("lit_text"))
        lit.format = style
        lit.cursor = self._lit_cursor()
        self.setExtraSelections([lit] if self._lit[0] < self._lit[1] else [])

    def _scroll_to_lit(self) -> None:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._lit[0])
        self.setTextCursor(cursor)
        if self._lit[0] < self._lit[1]:
            self.centerCursor()
        else:
            self.verticalScrollBar().setValue(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the passage in the middle."""
        super().resizeEvent(event)
        self._scroll_to_lit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave Left and Right to the panel, which turns the page."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape):
            event.ignore()
            return
        super().keyPressEvent(event)


def _line_start(text: str, position: int) -> int:
    """The start of the line at `position`, so that no short line is cut."""
    if position <= 0:
        return 0
    found = text.rfind("\n", max(0, position - 500), position)
    return position if found < 0 else found + 1


def _line_end(text: str, position: int) -> int:
    if position >= len(text):
        return len(text)
    found = text.find("\n", position, position + 500)
    return position if found < 0 else found


def _shown(text: str) -> str:
    """The text without lone surrogates and zero bytes, which Qt can't take."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
