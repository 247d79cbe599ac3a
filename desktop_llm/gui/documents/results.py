"""Passages found in all documents, in place of the cards: file, page and the text with the found words lit."""

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
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets.painting import draw_box
from desktop_llm.knowledge.client import Passage
from desktop_llm.words import tr

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_PASSAGE = Qt.ItemDataRole.UserRole
_ROW_HEIGHT, _TEXT_LINES = 86, 2
_EXCERPT = 600


class ResultsView(QListView):
    """The rows; Enter or a click on one sends `passage_activated(passage)`, Esc sends `left`."""

    passage_activated = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents_results")
        self.setAccessibleName(self.tr("Found passages"))
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

    def set_results(self, query: str, passages: Sequence[Passage]) -> None:
        """Show these passages, with the words of the query lit."""
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
        """Enter opens the passage, Esc or Up from the first row goes back to the field."""
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
        self._passages: list[Passage] = []

    def set_passages(self, passages: Sequence[Passage]) -> None:
        """Show these instead."""
        self.beginResetModel()
        self._passages = list(passages)
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """One row a passage."""
        return 0 if parent.isValid() else len(self._passages)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The words of a row for a screen reader, and the passage itself."""
        passage = self._passages[index.row()]
        if role == _PASSAGE:
            return passage
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{words.file_name(passage.document)}, {place_of(passage)}: {excerpt(passage.text)}"
        return None


class _ResultDelegate(QStyledItemDelegate):
    """Paints a row: icon, file, place, and two lines of text."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._query = ""

    def set_query(self, query: str) -> None:
        """Light these words."""
        self._query = query

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """All rows are equally high."""
        return QSize(200, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Card, first line, text."""
        passage: Passage = index.data(_PASSAGE)
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


def place_of(passage: Passage) -> str:
    """ "page 4", or what the format has instead of pages."""
    if passage.page is not None:
        return tr("page {number}").format(number=words.number(passage.page))
    return words.plain(passage.place)


def excerpt(text: str) -> str:
    """The start of a passage on one line."""
    return words.plain(text[:_EXCERPT])


def found_spans(text: str, query: str) -> list[tuple[int, int]]:
    """(start, length) of the words of the query in a text, whatever their case, from the start of a word."""
    terms = [term for term in re.findall(r"\w+", query) if len(term) > 1]
    if not terms:
        return []
    pattern = r"\b(?:" + "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True)) + ")"
    return [(found.start(), found.end() - found.start()) for found in re.finditer(pattern, text, re.IGNORECASE)]


def _paint_first_line(painter: QPainter, passage: Passage, line: QRect) -> None:
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
        words.file_name(passage.document), Qt.TextElideMode.ElideMiddle, free.width()
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
