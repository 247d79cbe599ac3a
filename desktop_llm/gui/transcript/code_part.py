"""A block of code in an answer: its language, a Copy button, colours, and sideways scrolling."""

from __future__ import annotations

from bisect import bisect_left

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPainterPath, QPen, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QWidget

from desktop_llm.gui import highlight
from desktop_llm.gui.markdown import CodeBlock
from desktop_llm.gui.transcript.documents import DocumentWriter, new_document
from desktop_llm.gui.transcript.parts import DocumentPart, Selection, discard
from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.widgets import Button
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box

_FOLD_FROM = 40
_COPIED_MS = 1500
_COLOURED_WHILE_GROWING = 6000
"""Characters up to which streamed code is coloured anew with every repaint; longer code once it is finished."""
_HEADER, _PADDING, _FOOT = 30, 9, 30


class CopyButton(Button):
    """Puts a text on the clipboard and says "Copied" for a moment."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(self.tr("Copy"), "copy", kind="quiet", object_name="code_copy", height=24, parent=parent)
        self.setAccessibleName(self.tr("Copy code"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._copied_text = text
        self._timer = QTimer(self, singleShot=True, interval=_COPIED_MS)
        self._timer.timeout.connect(self._rest)
        self.clicked.connect(self._copy)

    def set_copied_text(self, text: str) -> None:
        """Copy this from now on."""
        self._copied_text = text

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._copied_text)
        self.set_content(self.tr("Copied"), "check")
        self._timer.start()

    def _rest(self) -> None:
        self.set_content(self.tr("Copy"), "copy")
        self.setAccessibleName(self.tr("Copy code"))


class CodePart(DocumentPart):
    """Code is never wrapped unless asked; more than 40 lines are folded."""

    def __init__(self, type_: Typography, block: CodeBlock, parent: QWidget, *, growing: bool = False) -> None:
        super().__init__(type_, new_document(type_, "code"))
        self.block = block
        self._lines = block.text.split("\n")
        self.folded = len(self._lines) > _FOLD_FROM and not growing
        self.wrapped = False
        self._growing = growing
        self.offset = 0.0
        self._parent = parent
        self._button: CopyButton | None = None
        self._fill()

    def grow(self, block: CodeBlock) -> None:
        """Show more of the same block, as it streams in; the button and the sideways scroll stay."""
        self.block = block
        self._lines = block.text.split("\n")
        if self._button is not None:
            self._button.set_copied_text(block.text)
        self._fill()

    def _fill(self) -> None:
        shown = "\n".join(self._lines[:_FOLD_FROM] if self.folded else self._lines)
        self.document.clear()
        format_ = self.type.text_format("code", "code_text")
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        DocumentWriter(cursor, self.type).begin(self.type.block_format("code"), format_)
        cursor.insertText(shown, format_)
        self._paint_colours(cursor, shown)
        cursor.endEditBlock()

    def _paint_colours(self, cursor: QTextCursor, shown: str) -> None:
        if self._growing and len(shown) > _COLOURED_WHILE_GROWING:
            return
        wide = _wide_characters(shown)
        for start, length, colour in highlight.spans(shown, self.block.language):
            end = start + length
            cursor.setPosition(start + bisect_left(wide, start))
            cursor.setPosition(end + bisect_left(wide, end), QTextCursor.MoveMode.KeepAnchor)
            format_ = QTextCharFormat()
            format_.setForeground(self.type.colour(colour))
            if colour == "syn_comment":
                format_.setFontItalic(True)
            cursor.mergeCharFormat(format_)

    def toggle_fold(self) -> None:
        """Show all lines, or the first 40 again."""
        self.folded = not self.folded
        self._fill()
        self.layout(self.width)

    def toggle_wrap(self) -> None:
        """Break long lines, or scroll sideways again."""
        self.wrapped = not self.wrapped
        self.offset = 0
        self.layout(self.width)

    def _folds(self) -> bool:
        return len(self._lines) > _FOLD_FROM

    def origin(self) -> QPointF:
        """Below the header, moved by the sideways scroll."""
        return QPointF(12 - self.offset, self._header() + _PADDING)

    def _header(self) -> int:
        return self.type.px(_HEADER)

    def layout(self, width: float) -> None:
        """The height of all shown lines; only wrapping makes it depend on the width."""
        super().layout(width)
        option = self.document.defaultTextOption()
        mode = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if self.wrapped else QTextOption.WrapMode.NoWrap
        option.setWrapMode(mode)
        self.document.setDefaultTextOption(option)
        self.document.setTextWidth(width - 24 if self.wrapped else -1)
        body = self.document.size().height() + 2 * _PADDING + (4 if self.overflow() else 0)
        self.height = self._header() + body + (_FOOT if self._folds() else 0)
        self.scroll(0)

    def overflow(self) -> float:
        """Pixels of code that lie beyond the right edge."""
        return max(0.0, self.document.idealWidth() + 24 - self.width) if not self.wrapped else 0.0

    def scroll(self, pixels: float) -> bool:
        """Scroll sideways; False where there is nothing more that way."""
        wanted = min(max(0.0, self.offset + pixels), self.overflow())
        moved = wanted != self.offset
        self.offset = wanted
        return moved

    def fold_rect(self) -> QRectF:
        """The line "Show all 120 lines", empty where nothing is folded away."""
        return QRectF(0, self.height - _FOOT, self.width, _FOOT) if self._folds() else QRectF()

    def fold_words(self) -> str:
        """What the fold line says."""
        return f"Show all {len(self._lines)} lines" if self.folded else "Show fewer lines"

    def widget(self) -> CopyButton:
        """The Copy button, made when the block is first placed."""
        if self._button is None:
            self._button = CopyButton(self.block.text, self._parent)
        return self._button

    def has_widget(self) -> bool:
        """Whether the block was placed already."""
        return self._button is not None

    def widget_rect(self) -> QRect:
        """At the right end of the header."""
        size = self.widget().sizeHint()
        y = (self._header() - size.height()) // 2
        return QRect(round(self.width) - size.width() - 4 + RING_MARGIN, y, size.width(), size.height())

    def release(self) -> None:
        """Let the button go if there is one."""
        if self._button is not None:
            discard(self._button)
            self._button = None

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Box, header, code, fold line, scroll thumb."""
        box = QRectF(0, 0, self.width, self.height)
        draw_box(painter, box.toRect(), 8, self.type.colour("code_bg"))
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(box, 8, 8)
        painter.setClipPath(clip)
        painter.fillRect(QRectF(0, 0, self.width, self._header()), self.type.colour("code_header_bg"))
        self._paint_words(painter)
        inside = QRectF(1, self._header(), self.width - 2, self.height - self._header())
        painter.setClipRect(inside)
        self.paint_document(painter, selection)
        painter.restore()
        self._paint_thumb(painter)
        draw_box(painter, box.toRect(), 8, None, self.type.colour("border_subtle"))

    def _paint_words(self, painter: QPainter) -> None:
        painter.setFont(self.type.font("small"))
        painter.setPen(self.type.colour("text_secondary"))
        name = highlight.language_name(self.block.language)
        painter.drawText(QRectF(12, 0, self.width - 120, self._header()), Qt.AlignmentFlag.AlignVCenter, name)
        if self._folds():
            painter.setFont(self.type.font("small_strong"))
            painter.setPen(self.type.colour("accent_text"))
            painter.drawText(self.fold_rect().adjusted(12, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.fold_words())

    def _paint_thumb(self, painter: QPainter) -> None:
        if not self.overflow():
            return
        room = self.width - 24
        whole = self.width + self.overflow()
        y = self.height - 6 - (_FOOT if self._folds() else 0)
        x = 12 + room * self.offset / whole
        painter.setPen(QPen(self.type.colour("border"), 3))
        painter.drawLine(QPointF(x, y), QPointF(x + room * self.width / whole, y))


def _wide_characters(text: str) -> list[int]:
    """Where the characters stand that take two positions in a document (emoji and the like)."""
    return [index for index, character in enumerate(text) if ord(character) > 0xFFFF]
