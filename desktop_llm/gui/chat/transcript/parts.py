"""The parts of a message, stacked one below the other: text, thoughts, notes and rules.

A part knows its width and height and paints itself at (0, 0). Parts with text own one `QTextDocument`; selections and
hits are positions in it. Questions, code, tables and widgets have modules of their own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPalette,
    QPen,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.gui.chat.transcript.word_marks import WordMarks
from desktop_llm.gui.look import icons, markdown
from desktop_llm.gui.look.formats import file_name, plain
from desktop_llm.gui.look.rich_text import (
    NUMBER,
    Anchor,
    DocumentWriter,
    Typography,
    broken_lines,
    find_letters,
    new_document,
    range_rects,
    selected_text,
)
from desktop_llm.message import Check, Citation
from desktop_llm.words import tr


def describe(citation: Citation, check: Check | None = None) -> str:
    """ "Citation 3, contradicts the passage, Lease_2024_signed.pdf, page 4"."""
    document = file_name(citation.document)
    state = _state_words(citation, check)
    if state:
        name = tr("Citation {number}, {state}, {document}", number=citation.number, state=state, document=document)
    else:
        name = tr("Citation {number}, {document}", number=citation.number, document=document)
    if citation.page is not None:
        return tr("{citation}, page {page}", citation=name, page=citation.page)
    return f"{name}, {plain(citation.place)}" if citation.place else name


def _state_words(citation: Citation, check: Check | None) -> str:
    """What a screen reader says of the verdict; "" for a quote that was found word for word, or never compared."""
    if check is None:
        return ""
    if check.accepted:
        return tr("right, you said")
    words: dict[str, str] = {
        "small_differences": tr("small differences"),
        "contradicts": tr("contradicts the passage"),
        "not_checked": tr("not checked"),
    }
    return words.get(check.verdict, "")


def tip(citation: Citation, checked: CheckedSentence | None = None) -> str:
    """The tooltip of a citation: its place, the quote, and what differs."""
    quote = plain(citation.text)
    lines = [describe(citation, checked.check if checked is not None else None)]
    if quote:
        lines.append(f"“{quote if len(quote) <= 200 else quote[:199] + '…'}”")
    if checked is not None and checked.check.verdict == "small_differences" and checked.difference_words:
        lines.append(tr("Differs: {differences}", differences=checked.difference_words))
    return "\n".join(lines)


_MOST_MARKS = 60
_SIGNS = {"small_differences": "approx", "contradicts": "warn"}
_SIGN_WIDTH = 13
_WAVE = 2.5  # pixels from a crest of a wavy line to the trough behind it


Places = Sequence[tuple[QTextDocument, int]]
"""Where marks stand: the document and the position in it."""


class CitationPills(QPyTextObject):
    """Measures and paints the citation marks of one message.

    `active` are the marks whose quote is open, and `hovered` the one under the mouse; the other marks of the same
    passage have quotes of their own. `verdicts` holds what came of the check of each mark's sentence, by its place.
    """

    def __init__(self, type_: Typography, citations: Sequence[Citation], sources: Sequence[Citation] = ()) -> None:
        super().__init__()
        self._type = type_
        self.by_number: dict[int, Citation] = {source.number: source for source in sources}
        self.by_number.update({citation.number: citation for citation in reversed(citations)})
        self._unverified = {citation.number for citation in citations if not citation.verified}
        self.active: Places = ()
        self.hovered: Places = ()
        self.verdicts: dict[tuple[QTextDocument, int], str] = {}
        self._looks: dict[tuple[str, bool, bool], tuple[QPen, QColor, QColor, float]] = {}
        self._sizes: dict[tuple[int, str], QSizeF] = {}
        self._font = type_.font("tiny")
        self._font.setWeight(QFont.Weight.DemiBold)

    def intrinsicSize(self, document: QTextDocument, position: int, format_: QTextFormat) -> QSizeF:
        """The size of a mark: at least 20 × 18 px, room for its sign, and a gap to the word before it."""
        number, verdict = format_.intProperty(NUMBER), self.verdicts.get((document, position), "")
        key = (number, verdict)
        if key not in self._sizes:
            words = QFontMetricsF(self._font).horizontalAdvance(str(number))
            sign = self._type.px(_SIGN_WIDTH) if verdict in _SIGNS else 0
            self._sizes[key] = QSizeF(max(self._type.px(20), words + 12) + 6 + sign, self._type.px(18))
        return self._sizes[key]

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, format_: QTextFormat
    ) -> None:
        """Paint a mark: yellow, stronger when active, amber if it contradicts, dashed when the quote was not found."""
        number = format_.intProperty(NUMBER)
        place = (document, position)
        active = place in self.active
        verdict = self.verdicts.get(place) or ("not_checked" if number in self._unverified else "")
        pen, brush, ink, inset = self._look(verdict, active, active or place in self.hovered)
        box = QRectF(rect).adjusted(4.5 + inset, 0.5 + inset, -1.5 - inset, -0.5 - inset)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.setBrush(brush)
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(self._font)
        painter.setPen(ink)
        sign = self._type.px(_SIGN_WIDTH) if verdict in _SIGNS and place in self.verdicts else 0
        painter.drawText(box.adjusted(0, 0, -sign, 0), Qt.AlignmentFlag.AlignCenter, str(number))
        if sign:
            beside = QRectF(box.right() - sign - 3, box.top(), sign, box.height()).toRect()
            colour = "warning_text" if verdict == "contradicts" else "cite_text"
            icons.paint_icon(painter, _SIGNS[verdict], colour, beside, 11)
        painter.restore()

    def _look(self, verdict: str, active: bool, lit: bool) -> tuple[QPen, QColor, QColor, float]:
        """The border, fill and text colour of a mark, and how far it is drawn in."""
        key = (verdict, active, lit)
        if key not in self._looks:
            colour = self._type.colour
            border = QPen(colour("lit_border"), 2) if active else QPen(colour("cite_border"), 1)
            fill = colour("cite_active_bg" if lit else "cite_bg")
            ink = "cite_text"
            if verdict == "contradicts":
                border, fill = QPen(colour("warning_fill"), 2 if active else 1), colour("warning_bg")
                ink = "warning_text"
            elif verdict in ("not_checked", "accepted"):
                border, fill = QPen(colour("border_control"), 1, Qt.PenStyle.DashLine), colour("surface")
                ink = "text_secondary"
            self._looks[key] = (border, fill, colour(ink), active * 0.5)
        return self._looks[key]


Selection = tuple[int, int] | None
"""Positions [start, end) in a part's document."""


class Part:
    """One part of a message, with a height in its column."""

    gap = 10
    """Pixels between this part and the one above it."""

    tip = ""
    """What a tooltip over the part says."""

    joint: str | None = None
    """What stands between the text of this part and that of the part above it if both belong to one block."""

    cost = 500
    """About how long building the part and laying it out takes, in microseconds."""

    def __init__(self, type_: Typography) -> None:
        self.type = type_
        self.width = 0.0
        self.height = 0.0

    def layout(self, width: float) -> None:
        """Lay out for this width and set the height."""
        self.width = width

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint at (0, 0)."""

    def widget(self) -> QWidget | None:
        """The widget of this part, if it has one; the transcript places it."""
        return None

    def has_widget(self) -> bool:
        """Whether the widget has been made."""
        return False

    def widget_rect(self) -> QRect:
        """The place of the widget in the part's coordinates."""
        return QRect(0, 0, round(self.width), round(self.height))

    def release(self) -> None:
        """Delete the widget, because the message is far from view or gone."""


def discard(widget: QWidget) -> None:
    """Hide a widget now and delete it once none of its code is running."""
    widget.hide()
    widget.deleteLater()


class WordsPart(Part):
    """A part with text that can be selected; a position is a number from 0 to `length`."""

    def __init__(self, type_: Typography) -> None:
        super().__init__(type_)
        self.anchors: list[Anchor] = []
        self.unsupported: list[tuple[int, int]] = []

    @abstractmethod
    def length(self) -> int:
        """The last position."""

    @abstractmethod
    def text(self, selection: Selection = None) -> str:
        """The text, or the selected part of it."""

    @abstractmethod
    def lines(self) -> list[str]:
        """The text in lines as they are broken on screen."""

    @abstractmethod
    def position_at(self, point: QPointF) -> int:
        """The position nearest to a point of the part."""

    @abstractmethod
    def word_at(self, point: QPointF) -> tuple[int, int]:
        """The start and end of the word at a point of the part."""

    @abstractmethod
    def contains_words(self, point: QPointF) -> bool:
        """Whether text can be selected at a point."""

    @abstractmethod
    def anchor_at(self, point: QPointF) -> Anchor | None:
        """The link or citation at a point of the part."""

    @abstractmethod
    def anchor_rects(self, anchor: Anchor) -> list[QRectF]:
        """The rectangles of a link or citation in the part."""

    @abstractmethod
    def mark_unsupported(self, sentences: Sequence[str]) -> None:
        """Underline the sentences (given by `sentence_letters`) that occur in this part."""


class DocumentPart(WordsPart):
    """A part with its text in a document."""

    def __init__(self, type_: Typography, document: QTextDocument) -> None:
        super().__init__(type_)
        self.document = document
        self.marks: WordMarks | None = None
        self.contradicted: list[tuple[int, int]] = []
        self._lines: tuple[float, int, list[str]] | None = None

    def origin(self) -> QPointF:
        """The position of the document in the part."""
        return QPointF(0, 0)

    def mark_unsupported(self, sentences: Sequence[str]) -> None:
        """Underline the sentences (given by `sentence_letters`) that occur in this part."""
        self.unsupported = find_letters(self.document, sentences)

    def mark_contradicted(self, sentences: Sequence[str]) -> None:
        """Draw a wavy line under the sentences (given by `sentence_letters`) that occur in this part."""
        self.contradicted = find_letters(self.document, sentences)

    def length(self) -> int:
        """The last position of the document."""
        return self.document.characterCount() - 1

    def text(self, selection: Selection = None) -> str:
        """The text, or the selected part of it."""
        start, end = selection or (0, self.length())
        return selected_text(self.document, start, end)

    def lines(self) -> list[str]:
        """The text in lines as they are broken on screen."""
        width, revision = self.document.textWidth(), self.document.revision()
        if self._lines is None or self._lines[:2] != (width, revision):
            self._lines = (width, revision, broken_lines(self.document))
        return self._lines[2]

    def position_at(self, point: QPointF) -> int:
        """The position in the document nearest to a point of the part."""
        hit = self.document.documentLayout().hitTest(point - self.origin(), Qt.HitTestAccuracy.FuzzyHit)
        return max(0, hit)

    def anchor_at(self, point: QPointF) -> Anchor | None:
        """The link or citation at a point of the part."""
        inside, near = point - self.origin(), self.position_at(point)
        for anchor in self.anchors:
            if anchor.start <= near <= anchor.end and any(
                rect.contains(inside) for rect in range_rects(self.document, anchor.start, anchor.end)
            ):
                return anchor
        return None

    def word_at(self, point: QPointF) -> tuple[int, int]:
        """The start and end of the word at a point of the part."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(self.position_at(point), self.length()))
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return cursor.selectionStart(), cursor.selectionEnd()

    def contains_words(self, point: QPointF) -> bool:
        """Whether text can be selected at a point."""
        inside = point - self.origin()
        return QRectF(QPointF(0, 0), self.document.size()).contains(inside)

    def anchor_rects(self, anchor: Anchor) -> list[QRectF]:
        """The rectangles of a link or citation in the part."""
        rects = range_rects(self.document, anchor.start, anchor.end)
        return [rect.translated(self.origin()) for rect in rects]

    def paint_document(self, painter: QPainter, selection: Selection) -> None:
        """Paint the text, the selection, and the dotted lines under unsupported sentences."""
        painter.save()
        painter.translate(self.origin())
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, self.type.colour("text_primary"))
        if painter.hasClipping():
            context.clip = painter.clipBoundingRect()
        if selection is not None:
            context.selections = [self._selection(selection)]
        if self.marks is not None:
            self.marks.paint_below(painter, self.type)
        self.document.documentLayout().draw(painter, context)
        for start, end in self.unsupported:
            self._underline(painter, start, end)
        for start, end in self.contradicted:
            self._wave(painter, start, end)
        if self.marks is not None:
            self.marks.paint_above(painter, self.type)
        painter.restore()

    def _selection(self, selection: tuple[int, int]) -> QAbstractTextDocumentLayout.Selection:
        result = QAbstractTextDocumentLayout.Selection()
        cursor = QTextCursor(self.document)
        cursor.setPosition(min(selection[0], self.length()))
        cursor.setPosition(min(selection[1], self.length()), QTextCursor.MoveMode.KeepAnchor)
        format_ = QTextCharFormat()
        format_.setBackground(self.type.colour("text_selection"))
        result.cursor = cursor
        result.format = format_
        return result

    def _underline(self, painter: QPainter, start: int, end: int) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(self.type.colour("warning_fill"), 2, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.RoundCap)
        pen.setDashPattern([0.01, 2])
        painter.setPen(pen)
        for rect in range_rects(self.document, start, end):
            painter.drawLine(QPointF(rect.left() + 1, rect.bottom() - 1.5), QPointF(rect.right(), rect.bottom() - 1.5))

    def _wave(self, painter: QPainter, start: int, end: int) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.type.colour("warning_fill"), 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for rect in range_rects(self.document, start, end):
            steps = int((rect.right() - rect.left()) / _WAVE)
            line = [
                QPointF(rect.left() + step * _WAVE, rect.bottom() - (2.6 if step % 2 else 0.4))
                for step in range(steps + 1)
            ]
            painter.drawPolyline(line)


class TextPart(DocumentPart):
    """A paragraph, heading, list or quote of an answer, or a slice of a long one; `joint` is set for a slice that
    continues the part above."""

    def __init__(
        self, type_: Typography, block: markdown.Block, pills: CitationPills | None, joint: str | None = None
    ) -> None:
        super().__init__(type_, new_document(type_, "reading", pills))
        self._bar = isinstance(block, markdown.Quote)
        self.gap = 16 if isinstance(block, markdown.Heading) else 10
        if joint is not None:
            self.gap, self.joint = 4 if isinstance(block, markdown.ListBlock) else 0, joint
        writer = DocumentWriter(
            QTextCursor(self.document), type_, colour="text_secondary" if self._bar else "text_primary"
        )
        writer.plain_marks = markdown.count_citations([block]) > _MOST_MARKS
        writer.write(block.blocks if isinstance(block, markdown.Quote) else [block])
        self.anchors = writer.anchors
        self.cost = cost_of(self.document) + 30 * len(self.anchors)

    def origin(self) -> QPointF:
        """The position of the text; a quote is to the right of its bar."""
        return QPointF(self.type.px(16) if self._bar else 0, 0)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width - self.origin().x())
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the text, and the bar of a quote."""
        if self._bar:
            painter.fillRect(QRectF(0, 0, 3, self.height), self.type.colour("border"))
        self.paint_document(painter, selection)


class ThoughtPart(DocumentPart):
    """A piece of the thoughts of a model, unfolded: smaller, greyer, with a line at the left."""

    def __init__(self, type_: Typography, block: markdown.Block, joint: str | None, *, first: bool) -> None:
        super().__init__(type_, new_document(type_, "table"))
        self.joint = joint
        inside = 4 if isinstance(block, markdown.ListBlock) else 0
        self._top = 2 if first else inside if joint is not None else 10
        if not first:
            self.gap = -2  # the room below the piece above
        DocumentWriter(QTextCursor(self.document), type_, "table", "text_secondary").write([block])
        self.cost = cost_of(self.document)

    def origin(self) -> QPointF:
        """The position of the text, to the right of the line."""
        return QPointF(self.type.px(34), self._top)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width - self.origin().x())
        self.height = self.document.size().height() + self._top + 2

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the text and the line."""
        painter.fillRect(QRectF(16, 0, 2, self.height), self.type.colour("border"))
        self.paint_document(painter, selection)


class NotePart(DocumentPart):
    """A tool's call or result, or a file in an answer, as small plain text; a slice of it if it is long."""

    def __init__(self, type_: Typography, words: str, joint: str | None = None) -> None:
        super().__init__(type_, new_document(type_, "table"))
        if joint is not None:
            self.gap, self.joint = 0, joint
        writer = DocumentWriter(QTextCursor(self.document), type_, "table", "text_secondary")
        writer.write([markdown.Paragraph((markdown.Run(words),))])
        self.cost = cost_of(self.document)

    def layout(self, width: float) -> None:
        """Break the lines."""
        super().layout(width)
        self.document.setTextWidth(width)
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the text."""
        self.paint_document(painter, selection)


def cost_of(document: QTextDocument) -> int:
    """About how long writing a document and breaking its lines takes, in microseconds."""
    return 300 + 2 * document.characterCount() + 25 * document.blockCount()


class RulePart(Part):
    """A line across the column."""

    def layout(self, width: float) -> None:
        """Set the height of a hairline with room around it."""
        super().layout(width)
        self.height = 9

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the hairline."""
        painter.fillRect(QRectF(0, 4, self.width, 1), self.type.colour("border"))
