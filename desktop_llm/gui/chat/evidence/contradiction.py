"""The card of a sentence that a passage contradicts: both texts, the differing words in bold, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.chat.evidence.cards import place_of
from desktop_llm.gui.chat.transcript.checked import CheckedSentence, compared_words
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import file_name, plain
from desktop_llm.gui.look.widgets import Button, IconButton, Label, Picture
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

_LONGEST = 700  # characters of a text that is shown
Span = tuple[int, int]


class ContradictionCard(QWidget):
    """Signals: `correct_requested`, `accepted` and `ask_again_requested`, all about the sentence shown."""

    correct_requested = Signal()
    accepted = Signal()
    ask_again_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "evidence_contradiction", tr("A passage says otherwise"))
        self._checked: CheckedSentence | None = None
        self._title = Label("", "ui_strong", wrap=True, object_name="contradiction_title")
        self._said = ComparedText("contradiction_said", lit=False)
        self._where = Label("", "small", "text_secondary", wrap=True, object_name="contradiction_where")
        self._there = ComparedText("contradiction_there", lit=True)
        self.correct = Button(
            tr("Correct the answer"), "pencil", kind="primary", object_name="contradiction_correct", height=26
        )
        self.accept = Button(tr("It is right"), "check", object_name="contradiction_accept", height=26)
        self._more = IconButton("more", tr("More"), tr("More"), object_name="contradiction_more", side=24)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Picture("warn", 16, "warning_text"), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._title, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self.correct, self.accept, self._more):
            buttons.addWidget(button)
        buttons.addStretch(1)
        note = Label(
            tr("Compared word by word on this computer. It can be wrong: read both texts."),
            "small",
            "text_secondary",
            wrap=True,
            object_name="contradiction_note",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(3)
        column.addLayout(head)
        column.addWidget(Label(tr("The answer says"), "small", "text_secondary"))
        for widget in (self._said, self._where, self._there):
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addWidget(note)
        self.correct.clicked.connect(self.correct_requested)
        self.accept.clicked.connect(self.accepted)
        self._more.clicked.connect(self._on_more)
        self.hide()
        repaint_on_theme(self)

    @property
    def checked(self) -> CheckedSentence | None:
        """The sentence shown."""
        return self._checked

    def show_checked(self, checked: CheckedSentence | None) -> None:
        """Show a sentence beside the passage that contradicts it; None hides the card."""
        self._checked = checked
        quote = checked.quote if checked is not None else None
        self.setVisible(quote is not None)
        if checked is None or quote is None:
            return
        is_opposite = checked.check.reason == "negation"
        self._title.setText(tr("The passage says the opposite:") if is_opposite else tr("The passage says otherwise:"))
        where = ", ".join(filter(None, (file_name(quote.document), place_of(quote))))
        self._where.setText(tr("{place} says", place=where))
        said, there = checked.text[:_LONGEST], plain(quote.text)[:_LONGEST]
        in_sentence, in_quote = differing(said, there)
        self._said.show_text(said, in_sentence)
        self._there.show_text(there, in_quote)
        self.accept.setVisible(not checked.check.accepted)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the amber card."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 10, colour("warning_bg"), colour("warning_border"), 1)
        painter.end()

    def _on_more(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("contradiction_menu")
        menu.addAction(tr("Ask again")).triggered.connect(self.ask_again_requested)
        menu.addAction(tr("Copy both")).triggered.connect(self._on_copy)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _on_copy(self) -> None:
        if self._checked is not None and (quote := self._checked.quote) is not None:
            where = ", ".join(filter(None, (file_name(quote.document), place_of(quote))))
            QApplication.clipboard().setText(f"{self._checked.text}\n\n{quote.text}\n({where})")


def differing(sentence: str, quote: str) -> tuple[list[Span], list[Span]]:
    """The spans of the words in which two texts differ, in each of them."""
    mine, _, blocks = compared_words(sentence, quote)
    theirs, _, _ = compared_words(quote, "")
    here, there = list[Span](), list[Span]()
    for kind, one, two, three, four in blocks:
        if kind != "equal":
            here += [(mine[one][0], mine[two - 1][1])] if one < two else []
            there += [(theirs[three][0], theirs[four - 1][1])] if three < four else []
    return here, there


class ComparedText(QWidget):
    """A text with some of its words in bold; on the yellow of found text if `lit`."""

    def __init__(self, object_name: str, *, lit: bool) -> None:
        super().__init__()
        self.setObjectName(object_name)
        self._document = QTextDocument(self)
        self._document.setDocumentMargin(0)
        self._lit = lit
        self._text, self._bold = "", list[Span]()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.notifier().changed.connect(self._write)

    def show_text(self, text: str, bold: list[Span]) -> None:
        """Show this text."""
        self._text, self._bold = text, bold
        self.setAccessibleName(text)
        self._write()
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """The text breaks into lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of its lines."""
        self._document.setTextWidth(max(width, 40))
        return int(self._document.size().height() + 1)

    def sizeHint(self) -> QSize:
        """The size at its present width."""
        return QSize(240, self.heightForWidth(max(self.width(), 200)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text."""
        painter = QPainter(self)
        self._document.setTextWidth(self.width())
        self._document.drawContents(painter)
        painter.end()

    def _write(self) -> None:
        tokens = theme.current()
        self._document.setDefaultFont(tokens.font("ui"))
        self._document.setPlainText(self._text)
        cursor = QTextCursor(self._document)
        cursor.select(QTextCursor.SelectionType.Document)
        usual = QTextCharFormat()
        usual.setForeground(tokens.colour("cite_text" if self._lit else "text_primary"))
        if self._lit:
            usual.setBackground(tokens.colour("cite_active_bg"))
        cursor.setCharFormat(usual)
        strong = QTextCharFormat()
        strong.setFontWeight(QFont.Weight.Bold)
        for start, end in self._bold:
            cursor.setPosition(_in_qt(self._text, start))
            cursor.setPosition(_in_qt(self._text, end), QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(strong)
        self.update()


def _in_qt(text: str, position: int) -> int:
    """A position in code points as Qt counts it, in UTF-16."""
    return len(text[:position].encode("utf-16-le", "surrogatepass")) // 2
