"""A table in an answer: ruled rows, a header, numbers at the right; wider than the column it scrolls sideways."""

from __future__ import annotations

import csv
import io
import re

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

from desktop_llm.gui import markdown
from desktop_llm.gui.markdown import Run, Table
from desktop_llm.gui.transcript.documents import DocumentWriter, new_document, selected_text
from desktop_llm.gui.transcript.parts import DocumentPart, Selection
from desktop_llm.gui.transcript.pills import CitationPills
from desktop_llm.gui.transcript.typography import Typography
from desktop_llm.gui.widgets.painting import draw_box

_NUMBER = re.compile(r"^[\s(]*[-−–+±≈~]?\s*[€$£¥]?\s*\d[\d.,\s ']*\s*(?:%|‰|€|£|\$|[kKMG]?B|ms|s|°C)?[\s)]*$")
_PADDING_X, _PADDING_Y = 12, 4.5
_WIDEST_CELL = 320
_THUMB = 8
_SQUEEZE = 1.3


class TablePart(DocumentPart):
    """One `QTextTable`; its rules and frame are painted around it."""

    def __init__(self, type_: Typography, table: Table, pills: CitationPills | None) -> None:
        super().__init__(type_, new_document(type_, "table", pills))
        self.table = table
        self.offset = 0.0
        self._columns = max((len(row) for row in table.rows), default=0)
        self._natural = [self._natural_width(column) for column in range(self._columns)]
        self._text_table = self._fill()

    def _fill(self) -> QTextTable:
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()  # else every cell lays the document out again
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
        format_.setLeftMargin(_PADDING_X - _PADDING_Y)  # beyond the cell's own padding
        format_.setRightMargin(_PADDING_X - _PADDING_Y)
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
        return bool(filled) and all(_NUMBER.match(cell) for cell in filled)

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
        return min(widest + 2, self.type.px(_WIDEST_CELL)) + 2 * _PADDING_X

    def _format(self, widths: list[float]) -> QTextTableFormat:
        format_ = QTextTableFormat()
        format_.setBorder(0)
        format_.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
        format_.setCellSpacing(0)
        format_.setCellPadding(_PADDING_Y)
        format_.setLeftMargin(0)
        format_.setMargin(0)
        lengths = [QTextLength(QTextLength.Type.FixedLength, width) for width in widths]
        format_.setColumnWidthConstraints(lengths)
        return format_

    def origin(self) -> QPointF:
        """Moved by the sideways scroll."""
        return QPointF(-self.offset, 0)

    def layout(self, width: float) -> None:
        """Columns as wide as their words, stretched over the column or scrolled sideways."""
        super().layout(width)
        wide = self._table_width()
        stretch = wide / (sum(self._natural) or 1.0)
        widths = [part * stretch for part in self._natural]
        self._text_table.setFormat(self._format(widths))
        self.document.setTextWidth(wide)
        self.height = self.document.size().height() + (_THUMB if self.overflow() else 0)
        self.scroll(0)

    def _row_top(self, row: int) -> float:
        tops = []
        layout = self.document.documentLayout()
        for column in range(self._columns):
            block = self._text_table.cellAt(row, column).firstCursorPosition().block()
            tops.append(layout.blockBoundingRect(block).top())
        return min(tops, default=0.0) - _PADDING_Y

    def text(self, selection: Selection = None) -> str:
        """Cells by tabs, rows by lines; of a selection, those it touches."""
        start, end = selection or (0, self.length())
        rows = [self._row_text(row, start, end) for row in range(self._text_table.rows())]
        return "\n".join(row for row in rows if row is not None)

    def _row_text(self, row: int, start: int, end: int) -> str | None:
        """The touched cells of a row, None where there is none."""
        cells = []
        for column in range(self._columns):
            cell = self._text_table.cellAt(row, column)
            first, last = max(start, cell.firstPosition()), min(end, cell.lastPosition())
            if first <= last:
                cells.append(selected_text(self.document, first, last))
        return "\t".join(cells) if cells else None

    def overflow(self) -> float:
        """Pixels of the table that lie beyond the right edge."""
        return max(0.0, self._table_width() - self.width)

    def _table_width(self) -> float:
        """The column's width, if the words need at most a little more: then some cells wrap."""
        natural = sum(self._natural)
        return natural if natural > self.width * _SQUEEZE else self.width

    def scroll(self, pixels: float) -> bool:
        """Scroll sideways; False where there is nothing more that way."""
        wanted = min(max(0.0, self.offset + pixels), self.overflow())
        moved = wanted != self.offset
        self.offset = wanted
        return moved

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Header fill, rules between rows, words, frame."""
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
            self._paint_thumb(painter)

    def _paint_thumb(self, painter: QPainter) -> None:
        room, whole = self.width - 24, self.width + self.overflow()
        x = 12 + room * self.offset / whole
        painter.setPen(QPen(self.type.colour("border_control"), 3))
        y = self.height - 4
        painter.drawLine(QPointF(x, y), QPointF(x + room * self.width / whole, y))

    def as_csv(self) -> str:
        """The table for a spreadsheet."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([markdown.runs_text(c) for c in row] for row in self.table.rows)
        return out.getvalue()

    def as_markdown(self) -> str:
        """The table as Markdown."""
        rows = [[markdown.runs_text(cell).replace("|", "\\|") for cell in row] for row in self.table.rows]
        marks = {"right": "---:", "center": ":---:", "left": ":---"}
        rule = [marks.get(alignment, "---") for alignment in self.table.alignments]
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]]) + "\n"


def _without_pills(cell: tuple[Run, ...]) -> tuple[Run, ...]:
    return tuple(run for run in cell if not run.citation)
