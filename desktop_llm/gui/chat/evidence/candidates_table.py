"""The candidates of a search as a table: a row each, with rank above score for every way of searching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.literal import tip_text
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.knowledge.client import SearchTrace, TracedCandidate
from desktop_llm.words import tr

NARROW = 560
"""Below this width the ways of searching share one column."""
_NO_LENGTH = 440  # and below this one the tokens have no room

_CANDIDATE, _MEANING, _WORDS, _WORDING, _ALL_WAYS, _LENGTH, _RESULT = range(7)
_WAYS = {_MEANING: "meaning", _WORDS: "words", _WORDING: "wording"}
_WIDTHS = {_MEANING: 76, _WORDS: 76, _WORDING: 76, _ALL_WAYS: 126, _LENGTH: 66, _RESULT: 104}
_COLOURS = {"used": "success_text", "cut": "warning_text"}

Index = QModelIndex | QPersistentModelIndex
Row = tuple[int, TracedCandidate, str]
"""The place of a candidate in the trace, from 1; the candidate; the beginning of its text."""


class CandidatesTable(QTableView):
    """Signal: `opened` with the candidate whose page is wanted, by Enter or a double click."""

    opened = Signal(TracedCandidate)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "xray_table", tr("Candidates"))
        self.rows = _Rows(self)
        self.setModel(self.rows)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.verticalHeader().hide()
        titles = self.horizontalHeader()
        titles.setHighlightSections(False)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        titles.setSectionResizeMode(_CANDIDATE, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            titles.resizeSection(column, width)
        self.doubleClicked.connect(self._on_chosen)
        self._fit()

    def show_rows(self, rows: Sequence[Row], trace: SearchTrace, *, with_budget: bool) -> None:
        """Show some candidates; `with_budget` also a line where the budget ended, below those that were used."""
        self.clearSpans()
        self.rows.set_rows(rows, trace, with_budget=with_budget)
        if (at := self.rows.budget_row) is not None:
            self.setSpan(at, 0, 1, self.rows.columnCount())
        self._fit()

    def _fit(self) -> None:
        narrow = self.viewport().width() < NARROW
        for column in _WAYS:
            self.setColumnHidden(column, narrow)
        self.setColumnHidden(_ALL_WAYS, not narrow)
        self.setColumnHidden(_LENGTH, self.viewport().width() < _NO_LENGTH)
        line = max(theme.current().line_height("small"), self.fontMetrics().height())
        self.verticalHeader().setDefaultSectionSize((3 if narrow else 2) * line + 8)
        if (at := self.rows.budget_row) is not None:
            self.setRowHeight(at, line + 10)

    def _on_chosen(self, index: QModelIndex) -> None:
        if (candidate := self.rows.candidate(index.row())) is not None:
            self.opened.emit(candidate)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the page on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_chosen(self.currentIndex())
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Join the columns of the ways if they have no room."""
        super().resizeEvent(event)
        self._fit()


_NO_PARENT = QModelIndex()


class _Rows(QAbstractTableModel):
    """The candidates, and among them the line about the budget."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[Row | None] = []
        self._trace: SearchTrace | None = None
        self._titles = (
            tr("Candidate"),
            tr("Meaning"),
            tr("Words"),
            tr("Wording"),
            tr("Found by"),
            tr("Tokens"),
            tr("Result"),
        )

    @property
    def budget_row(self) -> int | None:
        """The row of the line about the budget."""
        return self._rows.index(None) if None in self._rows else None

    def set_rows(self, rows: Sequence[Row], trace: SearchTrace, *, with_budget: bool) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._rows, self._trace = list(rows), trace
        used = trace.counts()["used"]
        if with_budget and used:
            self._rows.insert(used, None)
        self.endResetModel()

    def candidate(self, row: int) -> TracedCandidate | None:
        """The candidate in a row."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found[1] if found else None

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One for each candidate, and maybe the line."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        """Seven, of which some are hidden."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The words of a cell, their colour and place, and the reason as a tooltip."""
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._budget_line() if row is None else _words(row, index.column())
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(index.column())
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text("" if row is None else self._reason(row[1]))
            case Qt.ItemDataRole.ForegroundRole:
                return theme.current().colour(_colour(row, index.column()))
        return None

    def _budget_line(self) -> str:
        assert self._trace is not None
        used, budget, needed = self._trace.used_tokens, self._trace.budget, self._trace.next_tokens
        said = tr("Token budget for passages: {used:,} of {budget:,} used.", used=used, budget=budget)
        return f"{said} {tr('The next one needs {tokens:,}.', tokens=needed)}" if needed else said

    def _reason(self, each: TracedCandidate) -> str:
        trace = self._trace
        if each.result != "weak" or trace is None:
            return formats.plain(each.document)
        if not trace.is_related:
            return tr(
                "Nothing found has to do with the question: the best passage fits it at {best:.2f}, and {least:.2f} is "
                "needed.",
                best=trace.relevance,
                least=trace.threshold,
            )
        return tr(
            "Its score is {score:.2f}; below {least:.2f} it is too weak.", score=each.score, least=trace.least_score
        )


def _words(row: Row, column: int) -> str:
    at, each, text = row
    if column in _WAYS:
        return _standing(each, _WAYS[column])
    match column:
        case 0:
            place = tr("page {number}", number=each.page) if each.page is not None else formats.plain(each.place)
            head = "  ".join(filter(None, (f"{at}.", formats.file_name(each.document), place)))
            return f"{head}\n{formats.plain(text) if text else tr('Its text is not stored any more.')}"
        case 4:
            names = (tr("Meaning"), tr("Words"), tr("Wording"))
            ways = zip(names, _WAYS.values(), strict=True)
            return "\n".join(f"{name} {_standing(each, way, ', ')}" for name, way in ways)
        case 5:
            return formats.number(each.tokens)
    said = {"used": tr("Used"), "cut": tr("Cut by budget"), "weak": tr("Too weak")}
    return tr("Same as {row}", row=each.same_as) if each.result == "same" else said[each.result]


def _standing(each: TracedCandidate, way: str, between: str = "\n") -> str:
    if way not in each.standings:
        return tr("not run")
    found = each.standings[way]
    return tr("no hit") if found is None else f"{found.rank}{between}{found.score:.3f}"


def _colour(row: Row | None, column: int) -> str:
    if row is None:
        return "text_secondary"
    if column == _RESULT:
        return _COLOURS.get(row[1].result, "text_secondary")
    return "text_primary" if row[1].result == "used" else "text_secondary"


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (*_WAYS, _LENGTH) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
