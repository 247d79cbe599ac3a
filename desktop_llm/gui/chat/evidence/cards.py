"""Passages as cards, one below the other: number, document, page and quote. The card of the page in view is marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.message import Citation
from desktop_llm.words import tr

_LINES, _HEAD = 3, 20
_PADDING, _PADDING_ABOVE = 13, 7
_LONGEST_QUOTE = 900
_SPACING = 8


class PassageCards(QScrollArea):
    """The cards of some quotes; Up and Down move between them. Signal: `chosen` with the quote of a card that is
    pressed."""

    chosen = Signal(Citation)

    def __init__(self, object_name: str, accessible_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, object_name, accessible_name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._cards: list[PassageCard] = []
        self._shown: tuple[tuple[Citation, ...], bool] = ((), False)
        inner = QWidget()
        inner.setProperty("page", True)
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(_SPACING)
        self._column.addStretch(1)
        self.setWidget(inner)

    def set_quotes(self, quotes: Sequence[Citation], *, checked: bool = False) -> None:
        """Show these quotes; with `checked`, they are quotes of an answer, and those that were not found say so."""
        if (tuple(quotes), checked) == self._shown:
            return
        self._shown = (tuple(quotes), checked)
        for card in self._cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [self._add_card(quote, quote.verified or not checked) for quote in quotes]
        self.updateGeometry()

    def is_empty(self) -> bool:
        """Whether there is no card."""
        return not self._cards

    def set_active(self, quote: Citation | None) -> None:
        """Mark the card of this quote and scroll it into view."""
        for card in self._cards:
            card.setChecked(card.quote == quote)
            if card.isChecked():
                self.ensureWidgetVisible(card, 0, _SPACING)

    def sizeHint(self) -> QSize:
        """The height of all cards; a layout may give less."""
        return QSize(300, self._column.totalHeightForWidth(self.viewport().width()))

    def minimumSizeHint(self) -> QSize:
        """The height of one card."""
        return QSize(200, min(self.sizeHint().height(), tallest_card()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Measure the cards again: lines break elsewhere at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _add_card(self, quote: Citation, found: bool) -> PassageCard:
        card = PassageCard(quote, found)
        card.picked.connect(self.chosen)
        self._column.insertWidget(self._column.count() - 1, card)
        return card

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the focus from card to card on Up and Down."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        focused = [index for index, card in enumerate(self._cards) if card.hasFocus()]
        if step is None or not focused:
            event.ignore()
            return
        card = self._cards[min(max(focused[0] + step, 0), len(self._cards) - 1)]
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self.ensureWidgetVisible(card, 0, _SPACING)


class PassageCard(QAbstractButton):
    """One quote; `found` is False if a check did not find it. The card is checked while its quote is shown."""

    picked = Signal(Citation)

    def __init__(self, quote: Citation, found: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.quote = quote
        self._found = found
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._place = place_of(quote)
        self._quote_text = f"“{formats.plain(quote.text[:_LONGEST_QUOTE])}”"
        self._name = named(quote)
        if found:
            name = tr("Citation {number}, {document}", number=quote.number, document=self._name)
        else:
            name = tr("Citation {number}, not checked, {document}", number=quote.number, document=self._name)
        set_names(self, "evidence_card", f"{name}, {self._place}" if self._place else name)
        set_tip(self, formats.plain("\n".join((quote.document, *quote.also_in))))
        self.clicked.connect(self._on_clicked)
        repaint_on_theme(self)

    def _on_clicked(self) -> None:
        self.picked.emit(self.quote)

    def hasHeightForWidth(self) -> bool:
        """The quote takes one to three lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of the first line, the quote and the padding."""
        lines = _line_count(self._quote_text, width - 2 * _PADDING)
        return tallest_card() - (_LINES - lines) * _line_height()

    def sizeHint(self) -> QSize:
        """The size at a usual width."""
        return QSize(240, self.heightForWidth(self.width()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame, the first line and the quote."""
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
        badge = paint_badge(painter, box.x(), middle, self.quote.number, active=self.isChecked(), checked=self._found)
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
        """Choose on Enter, as on Space; the list handles the arrow keys."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def nextCheckState(self) -> None:
        """Do nothing: the panel, not a click, decides which card is checked."""


def tallest_card() -> int:
    """The height of a card whose quote fills all its lines."""
    return 2 * _PADDING_ABOVE + _HEAD + 4 + _LINES * _line_height()


def named(quote: Citation) -> str:
    """The name of the document, and of others that hold the same text."""
    name = formats.file_name(quote.document)
    if not quote.also_in:
        return name
    return tr("{file}, also in {others}", file=name, others=", ".join(map(formats.file_name, quote.also_in)))


def place_of(quote: Citation) -> str:
    """ "page 4", or the heading or line in a format without pages; "" if the place is unknown."""
    if quote.page is not None:
        return tr("page {number}", number=formats.number(quote.page))
    return formats.plain(quote.place)


def _paint_quote(painter: QPainter, text: str, box: QRect) -> None:
    """Paint the lines as they break; the last one is shortened if there is more text."""
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
    """The first lines of a text, at most `lines`."""
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


HEIGHT = 18


def paint_badge(painter: QPainter, left: int, middle: int, number: int, *, active: bool, checked: bool) -> int:
    """Paint the number at `left`, centred on the height `middle`; returns its width. Dashed if it was not found."""
    colour = theme.current().colour
    font = theme.current().font("tiny")
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    text = str(number)
    width = max(20, painter.fontMetrics().horizontalAdvance(text) + 10)
    box = QRect(left, middle - HEIGHT // 2, width, HEIGHT)
    if checked:
        fill, border = ("cite_active_bg", "lit_border") if active else ("cite_bg", "cite_border")
        draw_box(painter, box, 4, colour(fill), colour(border), 2 if active else 1)
        painter.setPen(colour("cite_text"))
    else:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("border_control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box.adjusted(0, 0, -1, -1).toRectF().translated(0.5, 0.5), 4, 4)
        painter.setPen(colour("text_secondary"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    return width
