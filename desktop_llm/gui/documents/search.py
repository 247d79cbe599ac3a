"""The passages found by a search in all documents, shown in place of the cards: file, page, and highlighted text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop_llm.gui.look import formats, icons, theme
from desktop_llm.gui.look.widgets import Action, EmptyState, Label, Spinner
from desktop_llm.gui.look.widgets.painting import draw_box
from desktop_llm.message import Citation
from desktop_llm.words import plural, tr

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_PASSAGE = Qt.ItemDataRole.UserRole
_ROW_HEIGHT, _TEXT_LINES = 86, 2
_EXCERPT = 600


class SearchView(QWidget):
    """Waits for the results, then lists passages. Signals: `passage_activated` when one is opened; `left` when the
    keyboard goes back to the field; `clear_requested` when the button shown after an empty search is pressed."""

    passage_activated = Signal(Citation)
    left = Signal()
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_search_view")
        self._query = ""
        self._summary = Label("", "small", "text_secondary", object_name="documents_search_summary")
        self._stack = QStackedWidget(self)
        self._results = ResultsView(self._stack)
        self._results.passage_activated.connect(self.passage_activated)
        self._results.left.connect(self.left)
        self._nothing: EmptyState | None = None
        self._stack.addWidget(QWidget())
        self._stack.addWidget(self._results)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._status_row())
        column.addWidget(self._stack, 1)
        self._slow = QTimer(self, singleShot=True, interval=theme.current().length("motion", "spinner_delay_ms"))
        self._slow.timeout.connect(self._on_slow)

    def begin(self, query: str) -> None:
        """Wait for the results of a query; the older results stay until then."""
        self._query = query
        self._slow.start()

    def show_results(self, passages: Sequence[Citation], scope: str) -> None:
        """Show the results; `scope` says in a sentence what was searched."""
        self.stop_waiting()
        if not passages:
            self._show_nothing(scope)
            return
        self._summary.setText(f"{plural('%n passage', '%n passages', len(passages))}. {scope}")
        self._results.set_results(self._query, passages)
        self._stack.setCurrentWidget(self._results)

    def stop_waiting(self) -> None:
        """Stop waiting: no results will come."""
        self._slow.stop()
        self._spinner.hide()

    def focus_first(self) -> None:
        """Move the keyboard focus to the list, if there is one."""
        if self._stack.currentWidget() is self._results:
            self._results.focus_first()

    def _status_row(self) -> QHBoxLayout:
        self._spinner = Spinner()
        self._spinner.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._spinner)
        row.addWidget(self._summary, 1)
        return row

    def _on_slow(self) -> None:
        self._spinner.show()
        self._summary.setText(tr("Searching"))

    def _show_nothing(self, scope: str) -> None:
        if self._nothing is not None:
            self._stack.removeWidget(self._nothing)
            self._nothing.deleteLater()
        title = tr("Nothing found for “{query}”", query=formats.plain(self._query)[:80])
        clear = Action("clear", tr("Clear search"), "x")
        self._nothing = EmptyState("search", title, scope, (clear,), object_name="documents_search_nothing")
        self._nothing.action_triggered.connect(self.clear_requested)
        self._stack.addWidget(self._nothing)
        self._stack.setCurrentWidget(self._nothing)
        self._summary.setText("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go back to the field on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)


class ResultsView(QListView):
    """The rows; Enter or a click on one sends `passage_activated(passage)`, Esc sends `left`."""

    passage_activated = Signal(Citation)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_results")
        self.setAccessibleName(tr("Found passages"))
        self._rows = _ResultsModel(self)
        self._delegate = _ResultDelegate(self)
        self.setModel(self._rows)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self._on_activated)
        theme.notifier().changed.connect(self.viewport().update)

    def set_results(self, query: str, passages: Sequence[Citation]) -> None:
        """Show these passages, with the words of the query highlighted."""
        self._delegate.set_query(query)
        self._rows.set_passages(passages)
        self.scrollToTop()

    def focus_first(self) -> None:
        """Go to the first row, as the down key in the search field does."""
        self.setFocus(Qt.FocusReason.TabFocusReason)
        self.setCurrentIndex(self._rows.index(0))

    def _on_activated(self, index: QModelIndex) -> None:
        self.passage_activated.emit(index.data(_PASSAGE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the passage on Enter; go back to the field on Esc, or on Up in the first row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._on_activated(self.currentIndex())
            return
        upwards = event.key() == Qt.Key.Key_Up and self.currentIndex().row() <= 0
        if upwards or event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)


class _ResultsModel(QAbstractListModel):
    """Passages as rows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._passages: list[Citation] = []

    def set_passages(self, passages: Sequence[Citation]) -> None:
        """Replace the passages."""
        self.beginResetModel()
        self._passages = list(passages)
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One row for each passage."""
        return 0 if parent.isValid() else len(self._passages)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text of a row for a screen reader, or the passage itself."""
        passage = self._passages[index.row()]
        if role == _PASSAGE:
            return passage
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{formats.file_name(passage.document)}, {place_of(passage)}: {excerpt(passage.text)}"
        return None


class _ResultDelegate(QStyledItemDelegate):
    """Paints a row: icon, file, place, and two lines of text."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._query = ""

    def set_query(self, query: str) -> None:
        """Highlight these words."""
        self._query = query

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """The same height for all rows."""
        return QSize(200, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint the card, its first line and the text."""
        passage: Citation = index.data(_PASSAGE)
        colours, box = theme.current(), option.rect.adjusted(0, 0, -1, -8)
        state = option.state
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        border = colours.colour("focus_ring" if focused else "border")
        draw_box(painter, box, 8, colours.colour("hover" if hovered else "surface"), border, 2 if focused else 1)
        inside = box.adjusted(12, 8, -12, -8)
        _paint_first_line(painter, passage, QRect(inside.x(), inside.y(), inside.width(), 20))
        _paint_text(painter, excerpt(passage.text), self._query, inside.adjusted(22, 22, 0, 0))
        painter.restore()


def place_of(passage: Citation) -> str:
    """ "page 4", or the place in a format without pages."""
    if passage.page is not None:
        return tr("page {number}", number=formats.number(passage.page))
    return formats.plain(passage.place)


def excerpt(text: str) -> str:
    """The start of a passage on one line."""
    return formats.plain(text[:_EXCERPT])


def found_spans(text: str, query: str) -> list[tuple[int, int]]:
    """(start, length) of each place in a text where a word begins with a word of the query, in any case."""
    terms = [term for term in re.findall(r"\w+", query) if len(term) > 1]
    if not terms:
        return []
    pattern = r"\b(?:" + "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True)) + ")"
    return [(found.start(), found.end() - found.start()) for found in re.finditer(pattern, text, re.IGNORECASE)]


def _paint_first_line(painter: QPainter, passage: Citation, line: QRect) -> None:
    colours = theme.current()
    icons.paint_icon(painter, "filetext", "text_secondary", QRect(line.x(), line.y(), 16, line.height()))
    place = place_of(passage)
    painter.setFont(colours.font("small"))
    painter.setPen(colours.colour("text_secondary"))
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, place)
    free = line.adjusted(22, 0, -painter.fontMetrics().horizontalAdvance(place) - 12, 0)
    painter.setFont(colours.font("ui_strong"))
    painter.setPen(colours.colour("text_primary"))
    name = painter.fontMetrics().elidedText(
        formats.file_name(passage.document), Qt.TextElideMode.ElideMiddle, free.width()
    )
    painter.drawText(free, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)


def _paint_text(painter: QPainter, text: str, query: str, box: QRect) -> None:
    colours = theme.current()
    font = colours.font("ui")
    layout = QTextLayout(text, font)
    layout.setFormats(_lit_formats(text, query))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    metrics, line_height = QFontMetrics(font), colours.line_height("ui")
    for number in range(_TEXT_LINES):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        line.setPosition(QPointF(0, number * line_height + (line_height - metrics.height()) / 2))
    layout.endLayout()
    painter.setPen(colours.colour("text_secondary"))
    layout.draw(painter, QPointF(box.topLeft()), [], QRectF(box))


def _lit_formats(text: str, query: str) -> list[QTextLayout.FormatRange]:
    lit = QTextCharFormat()
    lit.setBackground(theme.current().colour("lit_bg"))
    lit.setForeground(theme.current().colour("lit_text"))
    ranges = []
    for start, length in found_spans(text, query):
        span = QTextLayout.FormatRange()
        span.start = len(text[:start].encode("utf-16-le")) // 2
        span.length = len(text[start : start + length].encode("utf-16-le")) // 2
        span.format = lit
        ranges.append(span)
    return ranges
