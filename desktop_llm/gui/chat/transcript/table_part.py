"""A table in an answer: ruled rows, a header, numbers at the right. If it is too wide, it scrolls sideways."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableFormat,
)

from desktop_llm.gui.chat.transcript.parts import CitationPills, DocumentPart, Selection
from desktop_llm.gui.look import markdown
from desktop_llm.gui.look.markdown import Run, Table
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document, selected_text
from desktop_llm.gui.look.widgets.painting import draw_box

_NUMBER = re.compile(r"^[\s(]*[-−–+±≈~]?\s*[€$£¥]?\s*\d[\d.,\s ']*\s*(?:%|‰|€|£|\$|[kKMG]?B|ms|s|°C)?[\s)]*$")
PADDING_X, PADDING_Y = 12, 4.5
WIDEST_CELL = 320
THUMB = 8
_SQUEEZE = 1.3
_MOST_CELLS, _LONGEST = 160, 4000


class TablePart(DocumentPart):
    """One `QTextTable`; its rules and frame are painted around it. For a table that `is_small`."""

    def __init__(self, type_: Typography, table: Table, pills: CitationPills | None) -> None:
        super().__init__(type_, new_document(type_, "table", pills))
        self.offset = 0.0
        self._pills = pills
        self._still_open = 0  # how many rows at the end may still change
        self._set(table)

    def _set(self, table: Table) -> None:
        self.table = table
        self._columns = max((len(row) for row in table.rows), default=0)
        self._natural = [self._natural_width(column) for column in range(self._columns)]
        self._text_table = self._fill()
        self.cost = 1000 + 70 * len(table.rows) * self._columns

    def add(self, rows: tuple[tuple[tuple[Run, ...], ...], ...], still_open: int = 0) -> None:
        """Add rows in the place of those that were still open; the last `still_open` of them are open again."""
        if not rows and not self._still_open:
            return
        kept = self.table.rows[: len(self.table.rows) - self._still_open]
        self._still_open = still_open
        self.anchors = []
        self.document = new_document(self.type, "table", self._pills)
        self._set(replace(self.table, rows=kept + rows))
        if self.width:
            self.layout(self.width)

    def _fill(self) -> QTextTable:
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()  # otherwise every cell lays the document out again
        text_table = cursor.insertTable(len(self.table.rows), self._columns, self._format([]))
        right = {column for column in range(self._columns) if self._is_numeric(column)}
        for row_number, row in enumerate(self.table.rows):
            for column, cell in enumerate(row):
                self._write_cell(text_table, row_number, column, cell, right)
        cursor.endEditBlock()
        return text_table

    def _write_cell(
        self, text_table: QTextTable, row: int, column: int, cell: tuple[Run, ...], right: set[int]
    ) -> None:
        cursor = text_table.cellAt(row, column).firstCursorPosition()
        format_ = self.type.block_format("table")
        format_.setLeftMargin(PADDING_X - PADDING_Y)  # beyond the cell's own padding
        format_.setRightMargin(PADDING_X - PADDING_Y)
        format_.setAlignment(self._alignment(column, right))
        cursor.setBlockFormat(format_)
        writer = DocumentWriter(cursor, self.type, "table")
        writer.runs(cell, "table", bold=row == 0)
        self.anchors.extend(writer.anchors)

    def _alignment(self, column: int, right: set[int]) -> Qt.AlignmentFlag:
        wanted = self.table.alignments[column] if column < len(self.table.alignments) else ""
        if wanted == "right" or (not wanted and column in right):
            return Qt.AlignmentFlag.AlignRight
        return Qt.AlignmentFlag.AlignHCenter if wanted == "center" else Qt.AlignmentFlag.AlignLeft

    def _is_numeric(self, column: int) -> bool:
        cells = [markdown.plain([markdown.Paragraph(_without_pills(row[column]))]) for row in self._body(column)]
        filled = [cell for cell in cells if cell.strip()]
        return bool(filled) and all(is_number(cell) for cell in filled)

    def _body(self, column: int) -> list[tuple[tuple[Run, ...], ...]]:
        return [row for row in self.table.rows[1:] if column < len(row)]

    def _natural_width(self, column: int) -> float:
        metrics = QFontMetricsF(self.type.font("table"))
        widest = 0.0
        for row in self.table.rows:
            if column < len(row):
                pills = sum(28 for run in row[column] if run.citation)
                words = markdown.runs_text(_without_pills(row[column]))
                widest = max(widest, metrics.horizontalAdvance(words) * 1.04 + pills)
        return min(widest + 2, self.type.px(WIDEST_CELL)) + 2 * PADDING_X

    def _format(self, widths: list[float]) -> QTextTableFormat:
        format_ = QTextTableFormat()
        format_.setBorder(0)
        format_.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
        format_.setCellSpacing(0)
        format_.setCellPadding(PADDING_Y)
        format_.setLeftMargin(0)
        format_.setMargin(0)
        lengths = [QTextLength(QTextLength.Type.FixedLength, width) for width in widths]
        format_.setColumnWidthConstraints(lengths)
        return format_

    def origin(self) -> QPointF:
        """The position of the table, moved by the sideways scroll."""
        return QPointF(-self.offset, 0)

    def layout(self, width: float) -> None:
        """Make columns as wide as their text; stretch the table over the message's width or let it scroll sideways."""
        super().layout(width)
        wide = self._table_width()
        stretch = wide / (sum(self._natural) or 1.0)
        widths = [part * stretch for part in self._natural]
        self._text_table.setFormat(self._format(widths))
        self.document.setTextWidth(wide)
        self.height = self.document.size().height() + (THUMB if self.overflow() else 0)
        self.scroll(0)

    def _row_top(self, row: int) -> float:
        tops = []
        layout = self.document.documentLayout()
        for column in range(self._columns):
            block = self._text_table.cellAt(row, column).firstCursorPosition().block()
            tops.append(layout.blockBoundingRect(block).top())
        return min(tops, default=0.0) - PADDING_Y

    def lines(self) -> list[str]:
        """The text, one line for each row."""
        return self.text().split("\n")

    def text(self, selection: Selection = None) -> str:
        """The cells separated by tabs, one row a line; for a selection, the cells that it touches."""
        start, end = selection or (0, self.length())
        rows = [self._row_text(row, start, end) for row in range(self._text_table.rows())]
        return "\n".join(row for row in rows if row is not None)

    def _row_text(self, row: int, start: int, end: int) -> str | None:
        """The cells of a row that the selection touches, None if there are none."""
        cells = []
        for column in range(self._columns):
            cell = self._text_table.cellAt(row, column)
            first, last = max(start, cell.firstPosition()), min(end, cell.lastPosition())
            if first <= last:
                cells.append(selected_text(self.document, first, last))
        return "\t".join(cells) if cells else None

    def overflow(self) -> float:
        """The pixels of the table beyond the right edge."""
        return max(0.0, self._table_width() - self.width)

    def _table_width(self) -> float:
        """The width of the table. If the text needs only a little more than the message's width, some cells wrap
        instead."""
        natural = sum(self._natural)
        return natural if natural > self.width * _SQUEEZE else self.width

    def scroll(self, pixels: float) -> bool:
        """Scroll sideways; returns False at the end."""
        wanted = min(max(0.0, self.offset + pixels), self.overflow())
        moved = wanted != self.offset
        self.offset = wanted
        return moved

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the header's fill, the rules between rows, the text and the frame."""
        box = QRectF(0, 0, self.width, self.height)
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(box, 8, 8)
        painter.setClipPath(clip)
        rows = self._text_table.rows()
        header = self._row_top(1) if rows > 1 else self.height
        painter.fillRect(QRectF(0, 0, self.width, header), self.type.colour("surface_sunken"))
        for row in range(1, rows):
            colour = self.type.colour("border" if row == 1 else "border_subtle")
            painter.fillRect(QRectF(0, round(self._row_top(row)), self.width, 1), colour)
        self.paint_document(painter, selection)
        painter.restore()
        draw_box(painter, box.toRect(), 8, None, self.type.colour("border"))
        if self.overflow():
            paint_thumb(painter, self)

    def as_csv(self) -> Iterator[str]:
        """The table as CSV, for a spreadsheet, in pieces to be joined."""
        return table_as_csv(self.table.rows)

    def as_markdown(self) -> Iterator[str]:
        """The table as Markdown, in pieces to be joined."""
        return table_as_markdown(self.table.alignments, self.table.rows)


class _Scrolled(Protocol):
    width: float
    height: float
    offset: float
    type: Typography

    def overflow(self) -> float: ...


def paint_thumb(painter: QPainter, part: _Scrolled) -> None:
    """Paint a scroll thumb below a part that is wider than the message."""
    room, whole = part.width - 24, part.width + part.overflow()
    x = 12 + room * part.offset / whole
    painter.setPen(QPen(part.type.colour("border_control"), 3))
    y = part.height - 4
    painter.drawLine(QPointF(x, y), QPointF(x + max(8.0, room * part.width / whole), y))


def is_number(words: str) -> bool:
    """Whether the text of a cell is a number, with its unit or currency."""
    return len(words) < 60 and _NUMBER.match(words) is not None


def is_small(table: Table) -> bool:
    """Whether a table is small enough for a `QTextTable`: about 20 ms to fill and lay out."""
    cells = len(table.rows) * max((len(row) for row in table.rows), default=0)
    return cells <= _MOST_CELLS and sum(len(run.text) for row in table.rows for cell in row for run in cell) <= _LONGEST


def table_as_csv(rows: Sequence[Sequence[Sequence[Run]]]) -> Iterator[str]:
    """Rows as CSV, for a spreadsheet, one piece a row."""
    for row in rows:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([markdown.runs_text(cell) for cell in row])
        yield out.getvalue()


def table_as_markdown(alignments: Sequence[str], rows: Sequence[Sequence[Sequence[Run]]]) -> Iterator[str]:
    """Rows as a table in Markdown, one piece a line."""
    marks = {"right": "---:", "center": ":---:", "left": ":---"}
    for number, row in enumerate(rows):
        yield "| " + " | ".join(markdown.runs_text(cell).replace("|", "\\|") for cell in row) + " |\n"
        if number == 0:
            yield "| " + " | ".join(marks.get(alignment, "---") for alignment in alignments) + " |\n"


def _without_pills(cell: tuple[Run, ...]) -> tuple[Run, ...]:
    return tuple(run for run in cell if not run.citation)
