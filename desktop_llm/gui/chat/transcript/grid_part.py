"""A table that is too large for a `QTextTable`: nothing of it is laid out before it is seen.

A `QTextTable` takes about 100 µs a cell to fill, lay out and paint. Here a row's height comes from the text of its
cells, and only the cells in view are painted. A cell shows at most 400 characters; copying takes all of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QTextCharFormat, QTextLayout, QTextOption

from desktop_llm.gui.chat.transcript.parts import Selection, WordsPart
from desktop_llm.gui.chat.transcript.table_part import (
    PADDING_X,
    PADDING_Y,
    THUMB,
    WIDEST_CELL,
    is_number,
    paint_thumb,
    table_as_csv,
    table_as_markdown,
)
from desktop_llm.gui.look import markdown
from desktop_llm.gui.look.markdown import Run, Table
from desktop_llm.gui.look.rich_text import Anchor, Typography
from desktop_llm.gui.look.widgets.painting import draw_box

Cell = tuple[Run, ...]
_MOST_SHOWN = 400
_MOST_ANCHORS = 2000
"""Links and citations that can be opened; further ones in the same table are only text."""


class GridPart(WordsPart):
    """The rows of a large table. Cells are numbered row by row; cell n has the positions 2n (before) and 2n + 1."""

    def __init__(self, type_: Typography, table: Table) -> None:
        super().__init__(type_)
        self._alignments = table.alignments
        self._columns = max((len(row) for row in table.rows), default=1)
        self._rows: list[tuple[Cell, ...]] = []
        self.still_open = 0  # how many rows at the end may still change
        self._natural = [0.0] * self._columns
        self._longest = [0] * self._columns
        self._numeric = [True] * self._columns
        self._heights: list[float] = []
        self._tops: list[float] = [0.0]
        self._lefts: list[float] = [0.0]
        self._cells: list[int] = []  # the cell of each anchor
        self._marks: list[tuple[int, int]] = []  # and its place in the cell's text
        self.offset = 0.0
        self._metrics = QFontMetricsF(type_.font("table"))
        self._line = type_.line("table")
        self.add(table.rows)

    def add(self, rows: Sequence[tuple[Cell, ...]], still_open: int = 0) -> None:
        """Add rows in the place of those that were still open; the last `still_open` of them are open again."""
        if not rows and not self.still_open:
            return
        for _ in range(self.still_open):
            self._forget_last()
        self.still_open = still_open
        for row in rows:
            self._measure(row)
            self._rows.append(row)
        self.cost = 1000 + 30 * self._columns * len(rows)
        self._tops = [0.0, *accumulate(self._heights)]
        if self.width:
            self.layout(self.width)

    def _forget_last(self) -> None:
        self._rows.pop()
        self._heights.pop()
        first = len(self._rows) * self._columns
        while self._cells and self._cells[-1] >= first:
            self._cells.pop()
            self._marks.pop()
            self.anchors.pop()

    def _measure(self, row: tuple[Cell, ...]) -> None:
        """Widen the columns for a row, and set its height."""
        lines, widest = 1, self.type.px(WIDEST_CELL)
        for column, cell in enumerate(row[: self._columns]):
            text = _shown(cell)
            size = len(text)
            if size > 0.6 * self._longest[column]:
                wide = self._metrics.horizontalAdvance(text) * 1.04 + 2
                self._natural[column] = max(self._natural[column], min(wide, widest) + 2 * PADDING_X)
                self._longest[column] = max(self._longest[column], size)
            if size * self._metrics.averageCharWidth() > widest * 0.6:
                lines = max(lines, self._broken(cell, widest, not self._rows).lineCount())
            if self._rows and self._numeric[column] and text.strip() and not is_number(text):
                self._numeric[column] = False
            self._remember_anchors(cell, len(self._rows) * self._columns + column)
        self._heights.append(lines * self._line + 2 * PADDING_Y)

    def _remember_anchors(self, cell: Cell, number: int) -> None:
        at = 0
        for run in cell:
            text = _run_text(run, at > 0)
            if (run.href or run.citation) and len(self.anchors) < _MOST_ANCHORS and at < _MOST_SHOWN:
                self.anchors.append(Anchor(2 * number, 2 * number + 1, run.href, run.citation))
                self._cells.append(number)
                self._marks.append((at, at + len(text)))
            at += len(text)

    def layout(self, width: float) -> None:
        """Stretch the columns over the message's width, or let them scroll sideways."""
        super().layout(width)
        natural = sum(self._natural) or 1.0
        stretch = max(1.0, width / natural)
        self._lefts = [0.0, *accumulate(part * stretch for part in self._natural)]
        self.height = self._tops[-1] + (THUMB if self.overflow() else 0)
        self.scroll(0)

    def overflow(self) -> float:
        """The pixels of the table beyond the right edge."""
        return max(0.0, round(self._lefts[-1] - self.width, 3))

    def scroll(self, pixels: float) -> bool:
        """Scroll sideways; returns False at the end."""
        wanted = min(max(0.0, self.offset + pixels), self.overflow())
        moved = wanted != self.offset
        self.offset = wanted
        return moved

    # --- cells --------------------------------------------------------------------------------------------------

    def _cell(self, number: int) -> Cell:
        row = self._rows[number // self._columns]
        column = number % self._columns
        return row[column] if column < len(row) else ()

    def _box(self, number: int) -> QRectF:
        row, column = divmod(number, self._columns)
        left, top = self._lefts[column], self._tops[row]
        return QRectF(left - self.offset, top, self._lefts[column + 1] - left, self._heights[row])

    def _cell_at(self, point: QPointF) -> int:
        row = min(max(0, bisect_right(self._tops, point.y()) - 1), len(self._rows) - 1)
        column = min(max(0, bisect_right(self._lefts, point.x() + self.offset) - 1), self._columns - 1)
        return row * self._columns + column

    def _broken(self, cell: Cell, width: float, is_header: bool) -> QTextLayout:
        """The text of a cell, broken into lines for a width."""
        layout = QTextLayout(_shown(cell), self.type.font("table"))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.setFormats(self._formats(cell, is_header))
        layout.beginLayout()
        y = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, y + (self._line - line.height()) / 2))
            y += self._line
        layout.endLayout()
        return layout

    def _formats(self, cell: Cell, is_header: bool) -> list[QTextLayout.FormatRange]:
        found, at = [], 0
        for run in cell:
            text = _run_text(run, at > 0)
            range_ = QTextLayout.FormatRange()
            range_.start, range_.length = at, _units(text)
            at += range_.length
            format_ = QTextCharFormat()
            format_.setForeground(self.type.colour("accent_text" if run.href or run.citation else "text_primary"))
            if run.bold or is_header:
                format_.setFontWeight(QFont.Weight.DemiBold)
            format_.setFontItalic(run.italic)
            format_.setFontStrikeOut(run.strike)
            format_.setFontUnderline(bool(run.href))
            if run.code:
                format_.setFont(self.type.font("code_inline"))
                format_.setBackground(self.type.colour("neutral_bg"))
            range_.format = format_
            found.append(range_)
        return found

    # --- text ---------------------------------------------------------------------------------------------------

    def length(self) -> int:
        """Two positions a cell."""
        return 2 * len(self._rows) * self._columns

    def text(self, selection: Selection = None) -> str:
        """The cells separated by tabs, one row a line; for a selection, the cells that it touches."""
        start, end = selection or (0, self.length())
        first, last = start // 2, min(end, self.length() - 1) // 2
        lines = []
        for row in range(first // self._columns, last // self._columns + 1):
            begin = max(first, row * self._columns)
            stop = min(last + 1, (row + 1) * self._columns)
            lines.append("\t".join(markdown.runs_text(self._cell(number)) for number in range(begin, stop)))
        return "\n".join(lines)

    def lines(self) -> list[str]:
        """The text, one line for each row."""
        return self.text().split("\n")

    def position_at(self, point: QPointF) -> int:
        """Before or after the cell at a point."""
        number = self._cell_at(point)
        return 2 * number + (point.x() > self._box(number).center().x())

    def word_at(self, point: QPointF) -> tuple[int, int]:
        """The cell at a point."""
        number = self._cell_at(point)
        return 2 * number, 2 * number + 1

    def contains_words(self, point: QPointF) -> bool:
        """Whether the point is inside the table."""
        return QRectF(0, 0, self.width, self._tops[-1]).contains(point)

    def anchor_at(self, point: QPointF) -> Anchor | None:
        """The link or citation at a point of the part."""
        if not self.anchors:
            return None
        number = self._cell_at(point)
        for index in range(bisect_right(self._cells, number - 1), bisect_right(self._cells, number)):
            if any(rect.contains(point) for rect in self._rects(index)):
                return self.anchors[index]
        return None

    def anchor_rects(self, anchor: Anchor) -> list[QRectF]:
        """The rectangles of a link or citation in the part."""
        return self._rects(next(index for index, each in enumerate(self.anchors) if each is anchor))

    def _rects(self, index: int) -> list[QRectF]:
        number, (start, end) = self._cells[index], self._marks[index]
        box = self._box(number)
        layout = self._broken(self._cell(number), box.width() - 2 * PADDING_X, number < self._columns)
        found = []
        for line in (layout.lineAt(row) for row in range(layout.lineCount())):
            first, last = max(start, line.textStart()), min(end, line.textStart() + line.textLength())
            if first < last:
                left, right = (line.cursorToX(place)[0] for place in (first, last))  # type: ignore[index]
                rect = QRectF(left, line.y(), right - left, line.height())
                found.append(rect.translated(box.x() + PADDING_X, box.y() + PADDING_Y))
        return found

    def mark_unsupported(self, sentences: Sequence[str]) -> None:
        """Mark nothing: a cell is no sentence."""

    # --- painting -----------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the rows and columns in view, and the frame."""
        box = QRectF(0, 0, self.width, self.height)
        seen = painter.clipBoundingRect() & box if painter.hasClipping() else box
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(box, 8, 8)
        painter.setClipPath(clip)
        if seen.top() < self._tops[1]:
            painter.fillRect(QRectF(0, 0, self.width, self._tops[1]), self.type.colour("surface_sunken"))
        first, last = (self._cell_at(point) for point in (seen.topLeft(), seen.bottomRight()))
        for row in range(first // self._columns, last // self._columns + 1):
            if row:
                colour = self.type.colour("border" if row == 1 else "border_subtle")
                painter.fillRect(QRectF(0, round(self._tops[row]), self.width, 1), colour)
            for column in range(first % self._columns, last % self._columns + 1):
                self._paint_cell(painter, row * self._columns + column, selection)
        painter.restore()
        draw_box(painter, box.toRect(), 8, None, self.type.colour("border"))
        if self.overflow():
            paint_thumb(painter, self)

    def _paint_cell(self, painter: QPainter, number: int, selection: Selection) -> None:
        box, cell = self._box(number), self._cell(number)
        if selection is not None and selection[0] < 2 * number + 1 and 2 * number < selection[1]:
            painter.fillRect(box, self.type.colour("text_selection"))
        layout = self._broken(cell, box.width() - 2 * PADDING_X, number < self._columns)
        corner = box.topLeft() + QPointF(PADDING_X, PADDING_Y)
        free = box.width() - 2 * PADDING_X - layout.boundingRect().width()
        corner.setX(corner.x() + max(0.0, free) * self._push(number % self._columns))
        layout.draw(painter, corner)

    def _push(self, column: int) -> float:
        """How far a column's text is pushed to the right: 0 at the left, 1 at the right."""
        wanted = self._alignments[column] if column < len(self._alignments) else ""
        numeric = not wanted and self._numeric[column] and len(self._rows) > 1
        return {"right": 1.0, "center": 0.5}.get(wanted, 1.0 if numeric else 0.0)

    # --- copying ------------------------------------------------------------------------------------------------

    def as_csv(self) -> Iterator[str]:
        """The table as CSV, for a spreadsheet, in pieces to be joined."""
        return table_as_csv(self._rows)

    def as_markdown(self) -> Iterator[str]:
        """The table as Markdown, in pieces to be joined."""
        return table_as_markdown(self._alignments, self._rows)


def _run_text(run: Run, inside: bool) -> str:
    if not run.citation:
        return run.text
    return f"\u00a0[{run.citation}]" if inside else f"[{run.citation}]"


def _shown(cell: Cell) -> str:
    """The text of a cell as it is painted."""
    text, at = "", 0
    for run in cell:
        text += _run_text(run, at > 0)
        at = len(text)
        if at > _MOST_SHOWN:
            return text[:_MOST_SHOWN] + "…"
    return text.replace("\n", "\u2028")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
