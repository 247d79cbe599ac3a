"""A block of code in an answer: its language, a Copy button, colours, and sideways scrolling."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPainterPath, QPen, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.parts import DocumentPart, Selection, discard
from desktop_llm.gui.look import highlight
from desktop_llm.gui.look.markdown import CodeBlock
from desktop_llm.gui.look.rich_text import CUT, DocumentWriter, Typography, new_document
from desktop_llm.gui.look.widgets import Button
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box
from desktop_llm.words import plural, tr

_FOLD_FROM = 40
_COPIED_MS = 1500
_COLOURED_WHILE_GROWING = 6000
"""Streamed code of up to this many characters is coloured at every repaint; longer code once it is finished."""
_HEADER, _PADDING, _FOOT = 30, 9, 30
_LONGEST_LINE, _LONGEST_SLICE = 1000, 6000
"""Characters: a longer line is cut, and a slice of lines ends after that many."""


class CopyButton(Button):
    """Puts a text on the clipboard and says "Copied" for a moment."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(tr("Copy"), "copy", kind="quiet", object_name="code_copy", height=24, parent=parent)
        self.setAccessibleName(tr("Copy code"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._copied_text = text
        self._timer = QTimer(self, singleShot=True, interval=_COPIED_MS)
        self._timer.timeout.connect(self._rest)
        self.clicked.connect(self._copy)

    def set_copied_text(self, text: str) -> None:
        """Set the text to copy."""
        self._copied_text = text

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._copied_text)
        self.set_content(tr("Copied"), "check")
        self._timer.start()

    def _rest(self) -> None:
        self.set_content(tr("Copy"), "copy")
        self.setAccessibleName(tr("Copy code"))


class CodeBox:
    """What the slices of one block of code share: its text, whether it is folded and wrapped, and the scrolling.

    A slice has up to 40 lines. A line that is too long for the screen of anybody is cut into several.
    """

    def __init__(self, block: CodeBlock, *, growing: bool = False) -> None:
        self.block, self.growing = block, growing
        self.wrapped = False
        self.offset = self.widest = 0.0
        self._starts = [0]  # the offset of each slice in the text, as far as known
        self.folded = not growing and self.piece(0)[1] < len(block.text)

    def set_block(self, block: CodeBlock) -> None:
        """Show more of the same block, as it streams in."""
        self.block = block

    def piece(self, number: int) -> tuple[int, int]:
        """The start and end of a slice in the text, the line feed at its end left out; slices are asked for in order.
        A slice that is not the last one stays as it is when the text grows."""
        text, start = self.block.text, self._starts[number]
        end, lines = start, 0
        while lines < _FOLD_FROM and end <= len(text) and end - start < _LONGEST_SLICE:
            line_end = text.find("\n", end, end + _LONGEST_LINE + 1)
            if line_end < 0:
                end = min(end + _LONGEST_LINE, len(text))
                if end == len(text):
                    break
                lines += 1
            else:
                end, lines = line_end + 1, lines + 1
        if end < len(text) or (lines == _FOLD_FROM and text.endswith("\n")):
            if number + 1 == len(self._starts):
                self._starts.append(end)
            return start, end - 1 if text[end - 1] == "\n" else end
        return start, len(text)

    def has_more(self, number: int) -> bool:
        """Whether there is a slice after this one."""
        self.piece(number)
        return number + 1 < len(self._starts)

    def cuts_line(self, number: int) -> bool:
        """Whether a slice begins inside a line."""
        start = self._starts[number]
        return start > 0 and self.block.text[start - 1] != "\n"

    def spans(self, number: int) -> list[tuple[int, int, str]]:
        """The colours of a slice: (start in it, length, colour).

        The lexer begins a slice earlier, because a string or comment may begin there, and never sees what comes after.
        """
        start, end = self.piece(number)
        text = self.block.text
        if self.growing and len(text) > _COLOURED_WHILE_GROWING:
            return []
        before = max(self._starts[number - 1], end - highlight.LONGEST_TEXT) if number else 0
        found = highlight.spans(text[before:end], self.block.language)
        skipped = start - before
        return [
            (max(at - skipped, 0), length - max(skipped - at, 0), colour)
            for at, length, colour in found
            if at + length > skipped
        ]


class CodePart(DocumentPart):
    """A slice of a code block; the first has the header, the last the foot. More than 40 lines are folded."""

    def __init__(self, type_: Typography, box: CodeBox, parent: QWidget, number: int = 0) -> None:
        super().__init__(type_, new_document(type_, "code"))
        self.box, self.number = box, number
        self.parent = parent
        self._button: CopyButton | None = None
        self._shown = ""
        if number:
            self.gap, self.joint = 0, "" if box.cuts_line(number) else "\n"
        self.fill()

    @property
    def block(self) -> CodeBlock:
        """The whole block of code."""
        return self.box.block

    def grow(self, block: CodeBlock) -> None:
        """Show more of the same block, as it streams in; the button and the sideways scroll stay."""
        self.box.set_block(block)
        if self._button is not None:
            self._button.set_copied_text(block.text)

    def fill(self) -> None:
        """Write this slice's lines."""
        start, end = self.box.piece(self.number)
        shown = self.block.text[start:end]
        self._shown = shown
        self.document.clear()
        format_ = self.type.text_format("code", "code_text")
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        DocumentWriter(cursor, self.type).begin(self.type.block_format("code"), format_)
        cuts = self._insert(cursor, shown, format_)
        self._paint_colours(cursor, shown, cuts)
        cursor.endEditBlock()
        self.cost = 500 + 6 * len(shown)

    def _insert(self, cursor: QTextCursor, shown: str, format_: QTextCharFormat) -> list[int]:
        """Insert the lines; returns the offsets at which long lines were cut."""
        if len(shown) <= _LONGEST_LINE:
            cursor.insertText(shown, format_)
            return []
        cuts, at = [], 0
        for number, line in enumerate(shown.split("\n")):
            if number:
                cursor.insertBlock()
            for start in range(0, max(1, len(line)), _LONGEST_LINE):
                if start:
                    cuts.append(at + start)
                    cursor.insertBlock()
                    cursor.block().setUserState(CUT)
                cursor.insertText(line[start : start + _LONGEST_LINE], format_)
            at += len(line) + 1
        return cuts

    def _paint_colours(self, cursor: QTextCursor, shown: str, cuts: list[int]) -> None:
        wide = _wide_characters(shown)
        for start, length, colour in self.box.spans(self.number):
            end = start + length
            cursor.setPosition(start + bisect_left(wide, start) + bisect_right(cuts, start))
            cursor.setPosition(end + bisect_left(wide, end) + bisect_left(cuts, end), QTextCursor.MoveMode.KeepAnchor)
            format_ = QTextCharFormat()
            format_.setForeground(self.type.colour(colour))
            if colour == "syn_comment":
                format_.setFontItalic(True)
            cursor.mergeCharFormat(format_)

    def shows(self) -> bool:
        """Whether it shows what the block has at its place now."""
        start, end = self.box.piece(self.number)
        return self._shown == self.block.text[start:end]

    def toggle_wrap(self) -> None:
        """Wrap long lines, or scroll sideways again; all slices need a new layout then."""
        self.box.wrapped = not self.box.wrapped
        self.box.offset = self.box.widest = 0

    @property
    def wrapped(self) -> bool:
        """Whether long lines are wrapped."""
        return self.box.wrapped

    def folds(self) -> bool:
        """Whether the block is long enough to be folded; the fold line is below its last slice."""
        return not self.box.growing and self.is_last() and (self.number > 0 or self.box.has_more(0))

    def is_last(self) -> bool:
        """Whether this is the last slice that is shown."""
        return self.box.folded or not self.box.has_more(self.number)

    def origin(self) -> QPointF:
        """The position below the header, moved by the sideways scroll."""
        return QPointF(12 - self.box.offset, self._header() + self._above())

    def _header(self) -> int:
        return self.type.px(_HEADER) if self.number == 0 else 0

    def _above(self) -> int:
        return _PADDING if self.number == 0 else 0

    def layout(self, width: float) -> None:
        """Set the height to that of all shown lines; it depends on the width only if lines wrap."""
        super().layout(width)
        option = self.document.defaultTextOption()
        mode = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if self.wrapped else QTextOption.WrapMode.NoWrap
        option.setWrapMode(mode)
        self.document.setDefaultTextOption(option)
        self.document.setTextWidth(width - 24 if self.wrapped else -1)
        if not self.wrapped:
            self.box.widest = max(self.box.widest, self.document.idealWidth())
        body = self.document.size().height() + self._above()
        if self.is_last():
            body += _PADDING + (4 if self.overflow() else 0) + (_FOOT if self.folds() else 0)
        self.height = self._header() + body
        self.scroll(0)

    def overflow(self) -> float:
        """The pixels of code beyond the right edge."""
        return max(0.0, self.box.widest + 24 - self.width) if not self.wrapped else 0.0

    def scroll(self, pixels: float) -> bool:
        """Scroll the whole block sideways; returns False at the end."""
        wanted = min(max(0.0, self.box.offset + pixels), self.overflow())
        moved = wanted != self.box.offset
        self.box.offset = wanted
        return moved

    def fold_rect(self) -> QRectF:
        """The rectangle of the line "Show all 120 lines", empty if it is not here."""
        return QRectF(0, self.height - _FOOT, self.width, _FOOT) if self.folds() else QRectF()

    def fold_words(self) -> str:
        """The words of the fold line."""
        if not self.box.folded:
            return tr("Show fewer lines")
        count = self.block.text.count("\n") + 1
        return plural("Show %n line", "Show all %n lines", count) if count > _FOLD_FROM else tr("Show the whole code")

    def widget(self) -> CopyButton | None:
        """The Copy button in the header, made when the block is first placed."""
        if self._button is None and self.number == 0:
            self._button = CopyButton(self.block.text, self.parent)
        return self._button

    def has_widget(self) -> bool:
        """Whether the button has been made."""
        return self._button is not None

    def widget_rect(self) -> QRect:
        """The place of the button, at the right end of the header."""
        size = self._button.sizeHint() if self._button is not None else QSize()
        y = (self._header() - size.height()) // 2
        return QRect(round(self.width) - size.width() - 4 + RING_MARGIN, y, size.width(), size.height())

    def release(self) -> None:
        """Delete the button, if there is one."""
        if self._button is not None:
            discard(self._button)
            self._button = None

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint this slice's part of the box: header, code, fold line and scroll thumb."""
        part = QRectF(0, 0, self.width, self.height)
        whole = self.number == 0 and self.is_last()
        box = part.adjusted(0, -20 if self.number else 0, 0, 0 if self.is_last() else 20)
        painter.save()
        if not whole:
            painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
        draw_box(painter, box.toRect(), 8, self.type.colour("code_bg"))
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(box, 8, 8)
        painter.setClipPath(clip, Qt.ClipOperation.IntersectClip)
        if self.number == 0:
            painter.fillRect(QRectF(0, 0, self.width, self._header()), self.type.colour("code_header_bg"))
        self._paint_words(painter)
        inside = QRectF(1, self._header(), self.width - 2, self.height - self._header())
        painter.setClipRect(inside, Qt.ClipOperation.IntersectClip)
        self.paint_document(painter, selection)
        painter.restore()
        if self.is_last():
            self._paint_thumb(painter)
        draw_box(painter, box.toRect(), 8, None, self.type.colour("border_subtle"))
        painter.restore()

    def _paint_words(self, painter: QPainter) -> None:
        if self.number == 0:
            painter.setFont(self.type.font("small"))
            painter.setPen(self.type.colour("text_secondary"))
            name = highlight.language_name(self.block.language)
            painter.drawText(QRectF(12, 0, self.width - 120, self._header()), Qt.AlignmentFlag.AlignVCenter, name)
        if self.folds():
            painter.setFont(self.type.font("small_strong"))
            painter.setPen(self.type.colour("accent_text"))
            painter.drawText(self.fold_rect().adjusted(12, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.fold_words())

    def _paint_thumb(self, painter: QPainter) -> None:
        if not self.overflow():
            return
        room = self.width - 24
        whole = self.width + self.overflow()
        y = self.height - 6 - (_FOOT if self.folds() else 0)
        x = 12 + room * self.box.offset / whole
        painter.setPen(QPen(self.type.colour("border"), 3))
        painter.drawLine(QPointF(x, y), QPointF(x + room * self.width / whole, y))


def _wide_characters(text: str) -> list[int]:
    """The positions of the characters that take two positions in a document (emoji and the like)."""
    if text.isascii():
        return []
    return [index for index, character in enumerate(text) if character > "\uffff"]
