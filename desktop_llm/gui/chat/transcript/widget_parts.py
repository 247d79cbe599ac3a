"""Parts that are widgets or lines of status: banners, reading progress, checked quotes, the foot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.chat.transcript.checks_card import ChecksCard
from desktop_llm.gui.chat.transcript.parts import CitationPills, DocumentPart, Part, Selection, discard
from desktop_llm.gui.chat.transcript.view_model import MessageView, ReadingProgress, WaitingInLine, WordChoices
from desktop_llm.gui.look import icons
from desktop_llm.gui.look.formats import file_name
from desktop_llm.gui.look.markdown import Run
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document
from desktop_llm.gui.look.widgets import Banner, Label, ProgressBar, Spinner
from desktop_llm.words import plural, tr

FOOT_HEIGHT = 28
_LONGEST_WORDS = 2000
"""Characters of the text below an error's or a notice's title."""


class WidgetPart(Part):
    """A part that is one widget, as wide as the column or as its size hint."""

    def __init__(self, type_: Typography, widget: QWidget, *, whole_width: bool = True, outset: int = 0) -> None:
        super().__init__(type_)
        self._widget, self._whole, self._outset = widget, whole_width, outset

    def layout(self, width: float) -> None:
        """Set the height that the widget needs at this width."""
        super().layout(width)
        height = self._widget.heightForWidth(int(width)) if self._widget.hasHeightForWidth() else -1
        self.height = max(height, self._widget.sizeHint().height()) - 2 * self._outset

    def widget(self) -> QWidget:
        """The widget."""
        return self._widget

    def has_widget(self) -> bool:
        """Always True: the widget is made before the part."""
        return True

    def widget_rect(self) -> QRect:
        """The whole part, and the margin for the focus ring around it."""
        width = round(self.width) if self._whole else min(self._widget.sizeHint().width(), round(self.width) + 6)
        grow = self._outset
        return QRect(-grow, -grow, width + (2 * grow if self._whole else 0), round(self.height) + 2 * grow)

    def release(self) -> None:
        """Delete the widget."""
        discard(self._widget)


def choices_part(type_: Typography, choices: WordChoices, parent: QWidget) -> WidgetPart:
    """Why the word choices of an answer are not shown, and what can be done."""
    banner = Banner(choices.title, choices.text, choices.actions, object_name="word_choices_notice", parent=parent)
    return WidgetPart(type_, banner)


def checks_part(type_: Typography, view: MessageView, parent: QWidget) -> WidgetPart:
    """What the documents say about each sentence of an answer."""
    return WidgetPart(type_, ChecksCard(view.checked, parent))


def banner_part(type_: Typography, view: MessageView, parent: QWidget) -> WidgetPart:
    """The error or, without one, the notice of a message, with its actions."""
    if view.error:
        banner = Banner(
            view.error,
            view.error_text[:_LONGEST_WORDS],
            view.actions,
            kind="danger",
            object_name="message_error",
            parent=parent,
        )
    else:
        banner = Banner(
            view.notice,
            view.notice_text[:_LONGEST_WORDS],
            view.actions,
            kind="warning" if view.status == "interrupted" else "info",
            object_name="nothing_found" if any(each.name == "closest" for each in view.actions) else "message_notice",
            parent=parent,
        )
    return WidgetPart(type_, banner)


class ReadingRow(QWidget):
    """The row before the first word: the place in line, then what is being read and how long that will take."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("reading_progress")
        self._title, self._detail = Label("", "ui"), Label("", "small", "text_secondary")
        self._bar = ProgressBar(object_name="reading_progress_bar", accessible_name=tr("Reading"))
        self._bar.setMaximumWidth(340)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(Spinner(16))
        head.addWidget(self._title, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._bar)
        column.addWidget(self._detail)

    def show_progress(self, progress: ReadingProgress | WaitingInLine) -> None:
        """Show these numbers, or the place in line."""
        self._title.setText(progress.title())
        self._detail.setText(progress.detail())
        self._bar.setVisible(progress.fraction is not None)
        self._bar.set_fraction(progress.fraction or 0.0)
        self.setAccessibleName(f"{progress.title()}, {progress.detail()}")

    def sizeHint(self) -> QSize:
        """Room for three lines."""
        return QSize(340, super().sizeHint().height())


Fact = tuple[str, str, str]
"""An icon, words and their colour."""


class FactsPart(Part):
    """Facts about an answer: "2 quotes found word for word", "1 sentence not found in your documents"."""

    def __init__(self, type_: Typography, facts: Sequence[Fact]) -> None:
        super().__init__(type_)
        self.facts = facts

    def layout(self, width: float) -> None:
        """Put the facts on one line, or on one line each if they don't fit."""
        super().layout(width)
        self.height = 20.0 * (1 if self._fits() else len(self.facts))

    def _advance(self, words: str) -> int:
        return QFontMetrics(self.type.font("small")).horizontalAdvance(words) + 20

    def _fits(self) -> bool:
        return sum(self._advance(words) + 16 for _icon, words, _colour in self.facts) <= self.width + 16

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the icon and the words of each fact."""
        x, y, in_row = 0, 0, self._fits()
        painter.setFont(self.type.font("small"))
        for icon, words, colour in self.facts:
            icons.paint_icon(painter, icon, colour, QRect(x, y, 14, 20), 14)
            painter.setPen(self.type.colour(colour))
            line = QRectF(x + 20, y, self.width, 20)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
            x, y = (x + self._advance(words) + 16, y) if in_row else (x, y + 20)

    def text(self) -> str:
        """The facts as sentences."""
        return " ".join(f"{words}." for _icon, words, _colour in self.facts)


def citation_facts(view: MessageView) -> list[Fact]:
    """How the quotes of an answer and its sentences relate to the documents."""
    return [*_quote_facts(view), *_sentence_facts(view)]


def _quote_facts(view: MessageView) -> list[Fact]:
    quotes = set(view.citations)
    found = sum(quote.verified for quote in quotes)
    missing = len(quotes) - found
    facts: list[Fact] = []
    if view.by_file:
        if found:
            facts.append(("check", plural("%n place confirmed", "%n places confirmed", found), "success_text"))
        return facts
    if found:
        words = plural("%n quote found word for word", "%n quotes found word for word", found)
        facts.append(("check", words, "success_text"))
    if missing:
        words = plural("%n quote not found: treat with care", "%n quotes not found: treat with care", missing)
        facts.append(("warn", words, "warning_text"))
    return facts


def _sentence_facts(view: MessageView) -> list[Fact]:
    count = len(view.unsupported)
    if not count:
        return []
    if view.by_file:
        return [("info", plural("%n result not confirmed", "%n results not confirmed", count), "warning_text")]
    words = plural("%n sentence not found in your documents", "%n sentences not found in your documents", count)
    return [("info", words, "warning_text")]


class SourcesPart(DocumentPart):
    """The passages given to the model, before the answer cites any of them."""

    def __init__(self, type_: Typography, view: MessageView, pills: CitationPills) -> None:
        super().__init__(type_, new_document(type_, "small", pills))
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        writer = DocumentWriter(cursor, type_, "small", "text_secondary")
        block = type_.block_format("small")
        block.setLineHeight(type_.px(22), 2)
        writer.begin(block, type_.text_format("small", "text_secondary"))
        for source in view.sources:
            place = tr(", page {page}", page=source.page) if source.page is not None else ""
            name = _shortened(file_name(source.document))
            writer.runs(
                (Run(f"{name}{place}".replace(" ", "\u00a0")), Run("", citation=source.number), Run("  ")), "small"
            )
        cursor.endEditBlock()
        self.anchors = writer.anchors

    def layout(self, width: float) -> None:
        """Lay out; lines break between passages."""
        super().layout(width)
        self.document.setTextWidth(width)
        self.height = self.document.size().height()

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the pills and the names."""
        self.paint_document(painter, selection)


def _shortened(name: str, most: int = 40) -> str:
    """A file name, shortened in the middle if it is longer than `most`."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - most // 2 :]}"


class FootPart(Part):
    """Room for the buttons of a message, with the figures of an answer at the right."""

    gap = 6

    def __init__(self, type_: Typography, view: MessageView) -> None:
        super().__init__(type_)
        self._words = view.foot
        self.tip = view.foot_tip

    def layout(self, width: float) -> None:
        """Set the height of one row."""
        super().layout(width)
        self.height = max(FOOT_HEIGHT, QFontMetrics(self.type.font("figures")).height() + 8)

    def paint(self, painter: QPainter, selection: Selection) -> None:
        """Paint the figures, if there is room for all of them beside the buttons."""
        if self.words_fit():
            painter.setFont(self.type.font("figures"))
            painter.setPen(self.type.colour("text_secondary"))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(0, 0, self.width, self.height), flags, self._words)

    def words_fit(self) -> bool:
        """Whether there is room for the figures; if not, only the tooltip shows them."""
        return QFontMetrics(self.type.font("figures")).horizontalAdvance(self._words) < self.width - 200
