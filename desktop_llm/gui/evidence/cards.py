"""Passages as cards below each other: number, document, page and quote; one of them is the one shown."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.evidence.badge import paint_badge
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.knowledge.client import Citation, Passage
from desktop_llm.words import tr

Quote = Citation | Passage
_LINES, _HEAD = 3, 20
_PADDING, _PADDING_ABOVE = 13, 7
_LONGEST_QUOTE = 900
_SPACING = 8


class PassageCards(QScrollArea):
    """The cards of some quotes; `chosen(quote)` when one is clicked or entered. Up and Down go between them."""

    chosen = Signal(object)

    def __init__(self, object_name: str, accessible_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, object_name, accessible_name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._cards: list[PassageCard] = []
        self._shown: tuple[Quote, ...] = ()
        inner = QWidget()
        inner.setProperty("page", True)
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(_SPACING)
        self._column.addStretch(1)
        self.setWidget(inner)

    def set_quotes(self, quotes: Sequence[Quote]) -> None:
        """Show these."""
        if tuple(quotes) == self._shown:
            return
        self._shown = tuple(quotes)
        for card in self._cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [self._add_card(quote) for quote in quotes]
        self.updateGeometry()

    def is_empty(self) -> bool:
        """Whether there is no card."""
        return not self._cards

    def set_active(self, quote: Quote | None) -> None:
        """Mark the one that is shown and scroll it into view."""
        for card in self._cards:
            card.setChecked(card.quote == quote)
            if card.isChecked():
                self.ensureWidgetVisible(card, 0, _SPACING)

    def sizeHint(self) -> QSize:
        """All cards, for a layout that gives less where there is less."""
        return QSize(300, self._column.totalHeightForWidth(self.viewport().width()))

    def minimumSizeHint(self) -> QSize:
        """One card can be seen."""
        return QSize(200, min(self.sizeHint().height(), tallest_card()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other lines break at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _add_card(self, quote: Quote) -> PassageCard:
        card = PassageCard(quote)
        card.picked.connect(self.chosen)
        self._column.insertWidget(self._column.count() - 1, card)
        return card

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down move the focus from card to card."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        focused = [index for index, card in enumerate(self._cards) if card.hasFocus()]
        if step is None or not focused:
            event.ignore()
            return
        card = self._cards[min(max(focused[0] + step, 0), len(self._cards) - 1)]
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self.ensureWidgetVisible(card, 0, _SPACING)


class PassageCard(QAbstractButton):
    """One quote. Checked while it is the one shown."""

    picked = Signal(object)

    def __init__(self, quote: Quote, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.quote = quote
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._place = place_of(quote)
        self._quote_text = f"“{words.plain(quote.text[:_LONGEST_QUOTE])}”"
        self._name = words.file_name(quote.document)
        label = (
            self.tr("Citation {number}, {document}")
            if self._verified
            else self.tr("Citation {number}, not checked, {document}")
        )
        name = label.format(number=quote.number, document=self._name)
        set_names(self, "evidence_card", f"{name}, {self._place}" if self._place else name)
        self.setToolTip(f"<p>{escape(words.plain(quote.document))}</p>")
        self.clicked.connect(self._on_clicked)
        repaint_on_theme(self)

    @property
    def _verified(self) -> bool:
        return self.quote.verified if isinstance(self.quote, Citation) else True

    def _on_clicked(self) -> None:
        self.picked.emit(self.quote)

    def hasHeightForWidth(self) -> bool:
        """One to three lines of quote."""
        return True

    def heightForWidth(self, width: int) -> int:
        """First line, quote and padding."""
        lines = _line_count(self._quote_text, width - 2 * _PADDING)
        return tallest_card() - (_LINES - lines) * _line_height()

    def sizeHint(self) -> QSize:
        """As high as at a usual width."""
        return QSize(240, self.heightForWidth(self.width()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Frame, first line, quote."""
        painter, colour = QPainter(self), theme.current().colour
        active, focused = self.isChecked(), self.hasFocus()
        border = "focus_ring" if focused else "lit_border" if active else "border"
        fill = "hover" if self.underMouse() and not active else "surface"
        draw_box(painter, self.rect(), 10, colour(fill), colour(border), 2 if focused else 1)
        inside = self.rect().adjusted(_PADDING, _PADDING_ABOVE, -_PADDING, -_PADDING_ABOVE)
        self._paint_head(painter, inside)
        _paint_quote(painter, self._quote_text, inside.adjusted(0, _HEAD + 4, 0, 0))
        painter.end()

    def _paint_head(self, painter: QPainter, box: QRect) -> None:
        colour, middle = theme.current().colour, box.y() + _HEAD // 2
        badge = paint_badge(
            painter, box.x(), middle, self.quote.number, active=self.isChecked(), checked=self._verified
        )
        line = QRect(box.x() + badge + 8, box.y(), box.width() - badge - 8, _HEAD)
        painter.setFont(theme.current().font("small"))
        painter.setPen(colour("text_secondary"))
        place = painter.fontMetrics().elidedText(self._place, Qt.TextElideMode.ElideRight, line.width() // 2)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, place)
        free = line.width() - painter.fontMetrics().horizontalAdvance(place) - 12
        painter.setFont(theme.current().font("ui"))
        painter.setPen(colour("text_primary"))
        name = painter.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, free)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses as Space does; the list moves between cards."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def nextCheckState(self) -> None:
        """A click doesn't check a card by itself: the panel says which one is shown."""


def tallest_card() -> int:
    """The height of a card whose quote fills all its lines."""
    return 2 * _PADDING_ABOVE + _HEAD + 4 + _LINES * _line_height()


def place_of(quote: Quote) -> str:
    """ "page 4", or what the format has instead, as far as it is known."""
    if quote.page is not None:
        return tr("page {number}").format(number=words.number(quote.page))
    return words.plain(quote.place) if isinstance(quote, Passage) else ""


def _paint_quote(painter: QPainter, text: str, box: QRect) -> None:
    """All lines but the last as they break, the last one cut short where there is more."""
    colours, step = theme.current(), _line_height()
    font = colours.font("ui")
    painter.setFont(font)
    painter.setPen(colours.colour("text_primary"))
    layout = _broken(text, font, box.width(), _LINES - 1)
    above = (step - painter.fontMetrics().height()) / 2
    for number in range(layout.lineCount()):
        layout.lineAt(number).setPosition(QPointF(0, number * step + above))
    layout.draw(painter, QPointF(box.topLeft()), [], QRectF(box))
    last = layout.lineAt(layout.lineCount() - 1)
    rest = text.encode("utf-16-le")[2 * (last.textStart() + last.textLength()) :].decode("utf-16-le")
    if rest:
        room = box.width() - painter.fontMetrics().horizontalAdvance("”")
        shown = painter.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, room)
        row = QRect(box.x(), box.y() + (_LINES - 1) * step, box.width(), step)
        ending = "" if shown == rest else "”"
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown + ending)


def _broken(text: str, font: QFont, width: int, lines: int) -> QTextLayout:
    """At most so many first lines of a text."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    for _ in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
    layout.endLayout()
    return layout


def _line_count(text: str, width: int) -> int:
    return max(1, _broken(text, theme.current().font("ui"), max(width, 40), _LINES).lineCount())


def _line_height() -> int:
    return max(theme.current().line_height("ui") - 2, QFontMetrics(theme.current().font("ui")).height())
