"""The card under an answer: what the documents say about its sentences, folded to one line or a row for each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.chat.transcript.checked import CheckedSentence, summary
from desktop_llm.gui.chat.transcript.parts import describe
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import file_name
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.message import Citation
from desktop_llm.words import plural, tr

_MOST_ROWS = 12
_HEAD, _ROW = 32, 31
_PADDING, _BADGE, _VERDICT = 12, 48, 188


class ChecksCard(QWidget):
    """Signals: `folded` when it was folded or unfolded; `quote_chosen` with the quote of a row; `action_triggered`
    with "correct:START" or "look:START", where START is the place of the sentence in the answer.
    """

    folded = Signal()
    quote_chosen = Signal(Citation)
    action_triggered = Signal(str)

    def __init__(self, checked: Sequence[CheckedSentence], parent: QWidget) -> None:
        super().__init__(parent)
        self._checked = tuple(checked)
        self._rows: list[QWidget] = []
        set_names(self, "answer_checks", tr("Checked against the documents"))
        self.is_open = False
        self.head = _Head(self._checked, self)
        self.head.clicked.connect(self._on_head)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.head)
        if any(each.check.verdict == "contradicts" and not each.check.accepted for each in self._checked):
            self._unfold()
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """The head, and the rows while it is open."""
        return QSize(400, _HEAD + _ROW * len(self._rows) + 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame and a line between the rows."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 8, colour("surface"), colour("border"), 1)
        painter.setPen(colour("border_subtle"))
        for number in range(len(self._rows)):
            y = _HEAD + _ROW * number
            painter.drawLine(1, y, self.width() - 2, y)
        painter.end()

    def _on_head(self) -> None:
        if self.is_open:
            for row in self._rows:
                self._column.removeWidget(row)
                row.hide()
                row.deleteLater()
            self._rows, self.is_open = [], False
            self.head.set_open(is_open=False)
        else:
            self._unfold()
        self.folded.emit()

    def _unfold(self) -> None:
        self.is_open = True
        self.head.set_open(is_open=True)
        for each in self._checked[:_MOST_ROWS]:
            row = CheckRow(each, self)
            row.chosen.connect(self.quote_chosen)
            row.action_triggered.connect(self.action_triggered)
            self._add(row)
        if (more := len(self._checked) - _MOST_ROWS) > 0:
            words = plural("One more sentence, marked in the text", "%n more sentences, marked in the text", more)
            rest = Label(words, "small", "text_secondary", object_name="answer_checks_more")
            rest.setContentsMargins(_PADDING, 0, _PADDING, 0)
            rest.setFixedHeight(_ROW)
            self._add(rest)

    def _add(self, row: QWidget) -> None:
        self._rows.append(row)
        self._column.addWidget(row)
        row.show()


class _Head(QAbstractButton):
    """The first line: folds and unfolds the card."""

    def __init__(self, checked: Sequence[CheckedSentence], parent: QWidget) -> None:
        super().__init__(parent)
        self._icon, self._colour = _sign(checked)
        self._summary = summary(checked)
        self._count = plural("%n sentence", "%n sentences", len(checked))
        self._is_open = False
        set_names(self, "answer_checks_head", tr("Checked against the documents: {summary}", summary=self._summary))
        self.setFixedHeight(_HEAD)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the transcript moves the focus inside a message
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_open(self, *, is_open: bool) -> None:
        """Point the chevron down (open) or to the side."""
        self._is_open = is_open
        self.setAccessibleDescription(tr("unfolded") if is_open else tr("folded"))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the chevron, the sign and the words; the number of sentences if there is room."""
        painter, tokens = QPainter(self), theme.current()
        if self.underMouse() or self._is_open:
            fill = tokens.colour("hover" if self.underMouse() else "surface_sunken")
            draw_box(painter, self.rect().adjusted(1, 1, -1, 0), 7, fill)
        closed = "left" if self.isRightToLeft() else "right"
        x = _PADDING - 2
        for name, colour in (("down" if self._is_open else closed, "text_secondary"), (self._icon, self._colour)):
            icons.paint_icon(painter, name, colour, self._mirrored(QRect(x, 0, 16, _HEAD)), 14)
            x += 22
        painter.setFont(tokens.font("small"))
        painter.setPen(tokens.colour(self._colour))
        metrics = painter.fontMetrics()
        room = self.width() - x - _PADDING
        words = metrics.elidedText(self._summary, Qt.TextElideMode.ElideRight, room)
        side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self._mirrored(QRect(x, 0, room, _HEAD)), side, words)
        if metrics.horizontalAdvance(words) + metrics.horizontalAdvance(self._count) + 24 < room:
            painter.setPen(tokens.colour("text_secondary"))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self._mirrored(QRect(x, 0, room, _HEAD)), side, self._count)
        painter.end()

    def _mirrored(self, rect: QRect) -> QRect:
        return QRect(self.width() - rect.right() - 1, 0, rect.width(), rect.height()) if self.isRightToLeft() else rect


def _sign(checked: Sequence[CheckedSentence]) -> tuple[str, str]:
    """The icon and the colour of the folded line: green only if everything was found."""
    checks = [each.check for each in checked]
    if any(check.verdict == "contradicts" and not check.accepted for check in checks):
        return "warn", "warning_text"
    if all(check.is_found or check.accepted for check in checks):
        return "check", "success_text"
    return "info", "text_secondary" if any(check.is_found for check in checks) else "warning_text"


class CheckRow(QAbstractButton):
    """One sentence: its mark, the verdict, the place or what differs, and what can be done. A click opens its quote."""

    chosen = Signal(Citation)
    action_triggered = Signal(str)

    def __init__(self, checked: CheckedSentence, parent: QWidget) -> None:
        super().__init__(parent)
        self._checked = checked
        self._icon, self._words, self._colour = checked.look
        quote, verdict = checked.quote, checked.check.verdict
        self._place = _place(checked)
        name = describe(quote, checked.check) if quote is not None else self._words
        set_names(self, "answer_check", f"{name}: {checked.text}")
        set_tip(self, checked.text)
        self.setFixedHeight(_ROW)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(self._on_clicked)
        self._link: Button | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 4, 0)
        row.addStretch(1)
        if verdict in ("contradicts", "not_found") and not checked.check.accepted:
            words = tr("Correct it") if verdict == "contradicts" else tr("Look for one")
            self._link = Button(words, kind="quiet", height=24, object_name="answer_check_action", parent=self)
            self._link.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._link.clicked.connect(self._on_link)
            row.addWidget(self._link)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the mark, the verdict and the place."""
        painter, tokens = QPainter(self), theme.current()
        if self.underMouse() and self._checked.quote is not None:
            painter.fillRect(self.rect().adjusted(1, 1, -1, -1), tokens.colour("hover"))
        painter.setFont(tokens.font("small"))
        metrics = QFontMetrics(tokens.font("small"))
        quote = self._checked.quote
        if quote is not None:
            opposed = self._checked.check.verdict == "contradicts"
            box = QRect(_PADDING, (_ROW - 18) // 2, _BADGE - _PADDING - 10, 18)
            fill, border = ("warning_bg", "warning_fill") if opposed else ("cite_bg", "cite_border")
            draw_box(painter, box, 4, tokens.colour(fill), tokens.colour(border), 1)
            painter.setPen(tokens.colour("warning_text" if opposed else "cite_text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(quote.number))
        icons.paint_icon(painter, self._icon, self._colour, QRect(_BADGE, 0, 16, _ROW), 14)
        painter.setPen(tokens.colour(self._colour))
        words = QRect(_BADGE + 22, 0, _VERDICT - 30, _ROW)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self._words)
        painter.setPen(tokens.colour("text_secondary"))
        left = _BADGE + _VERDICT
        right = self._link.x() - 8 if self._link is not None else self.width() - _PADDING
        place = metrics.elidedText(self._place, Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(QRect(left, 0, max(0, right - left), _ROW), Qt.AlignmentFlag.AlignVCenter, place)
        painter.end()

    def _on_clicked(self) -> None:
        if self._checked.quote is not None:
            self.chosen.emit(self._checked.quote)

    def _on_link(self) -> None:
        action = "correct" if self._checked.check.verdict == "contradicts" else "look"
        self.action_triggered.emit(f"{action}:{self._checked.check.start}")


def _place(checked: CheckedSentence) -> str:
    """Where the quote stands or what differs; for a sentence that nothing says, its beginning."""
    quote = checked.quote
    if quote is None:
        return f"“{checked.text}”"
    if checked.check.verdict == "small_differences" and checked.difference_words:
        return checked.difference_words
    name = file_name(quote.document)
    return tr("{document}, page {page}", document=name, page=quote.page) if quote.page is not None else name
