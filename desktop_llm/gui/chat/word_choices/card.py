"""The card of a word: how sure the model was, what else might have come, and another way on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.gui.chat.transcript.word_marks import level_of, level_words
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.popup import SHADOW, paint_sheet
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Picture, Pill, Tag
from desktop_llm.gui.look.widgets.buttons import press_on_enter
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.tokens import Choice, Token
from desktop_llm.words import tr

_WIDTH, _ROWS, _ROW_HEIGHT, _BAR = 440, 5, 32, 80
_PADDING, _NUMBER, _WORD, _SHARE = 16, 18, 84, 38
_BELOW_WORD = 4


@dataclass(frozen=True, slots=True)
class WordView:
    """The word `number` of `count` of an answer, and the number that a new answer would have among `answers`."""

    token: Token
    number: int
    count: int
    answers: int


def shown(text: str) -> str:
    """A token for people: what can't be seen has a name."""
    if not text:
        return tr("end of the answer")
    if not text.strip():
        return tr("new line") if "\n" in text else tr("space")
    return text.strip()


def percent(probability: float) -> str:
    """ "61 %", or "< 1 %"."""
    return tr("< 1 %") if 0 < probability < 0.005 else tr("{percent} %", percent=round(100 * probability))


class WordCard(QWidget):
    """Shown at a word, inside the window; it takes the focus only if the keyboard opened it.

    Signals: `choice_requested` and `words_requested` to go on from there with a choice or with own words;
    `step_requested` with -1 or 1 for the word before or after; `closed` when it was closed from within; `entered` and
    `left` by the mouse.
    """

    choice_requested = Signal(Choice)
    words_requested = Signal(str)
    step_requested = Signal(int)
    closed = Signal()
    entered = Signal()
    left = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.installEventFilter(self)
        set_names(self, "word_card", tr("Word choices"))
        repaint_on_theme(self)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._choices: tuple[Choice, ...] = ()
        self._chosen = -1
        self._word = ElidedLabel("", "ui_strong", object_name="word_card_word")
        self._level = Pill("", "neutral", object_name="word_card_level")
        self._facts = Label("", "small", "text_secondary", object_name="word_card_facts")
        set_tip(self._facts, tr("As the model has it, before temperature and the other samplers."))
        self._rows = [ChoiceRow(number, self) for number in range(1, _ROWS + 1)]
        self._others = Label(tr("all other words together"), "small", "text_secondary")
        self._others_share = Label("", "small", "text_secondary", object_name="word_card_others")
        self.other = QLineEdit(self)
        set_names(self.other, "word_card_other", tr("Another word, to go on from"))
        self.other.setPlaceholderText(tr("Or type another word"))
        self._foot = Label("", "small", "text_secondary", object_name="word_card_foot")
        self._build()
        self.other.returnPressed.connect(self._on_own_words)
        for number, row in enumerate(self._rows):
            row.clicked.connect(functools.partial(self._choose, number))
            row.go_on.clicked.connect(functools.partial(self._choose, number))
        self.hide()

    def _build(self) -> None:
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(SHADOW, SHADOW + 10, SHADOW, SHADOW + 10)
        column.setSpacing(0)
        head, others, field, foot = (QHBoxLayout() for _ in range(4))
        for row in (head, others, field, foot):
            row.setContentsMargins(_PADDING, 0, _PADDING, 0)
            row.setSpacing(10)
        head.addWidget(self._word, 1)
        head.addWidget(self._level)
        head.addWidget(self._facts)
        self._others.setFixedWidth(_WORD + _BAR + 8)
        self._others_share.setFixedWidth(_SHARE)
        self._others_share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        others.setSpacing(0)
        others.addSpacing(_NUMBER + 10)
        others.addWidget(self._others)
        others.addWidget(self._others_share)
        others.addStretch(1)
        foot.setSpacing(6)
        field.addWidget(self.other)
        foot.addWidget(Picture("branch", 14, "text_secondary"))
        foot.addWidget(self._foot, 1)
        for key in (tr("Alt"), "↓"):
            foot.addWidget(Tag(key))
        column.addLayout(head)
        column.addSpacing(6)
        for each in self._rows:
            column.addWidget(each)
        column.addSpacing(4)
        column.addLayout(others)
        column.addSpacing(6)
        column.addLayout(field)
        column.addSpacing(10)
        column.addLayout(foot)

    def set_word(self, word: WordView) -> None:
        """Show another word."""
        token = word.token
        self._choices = shown_choices(token, _ROWS)
        self._chosen = next((n for n, choice in enumerate(self._choices) if choice.id == token.id), -1)
        name, share = f"“{shown(token.text)}”", token.probability or 0.0
        level = level_words(level_of(share))
        facts = tr(
            "{percent} likely, token {number} of {count}", percent=percent(share), number=word.number, count=word.count
        )
        self._word.set_text(name)
        self._level.set_state(level, "neutral")
        self._facts.setText(facts)
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(self._choices))
            if number < len(self._choices):
                row.set_choice(self._choices[number], chosen=number == self._chosen)
        self._others_share.setText(percent(max(0.0, 1 - sum(choice.probability for choice in self._choices))))
        self.other.clear()
        self._foot.setText(
            tr("This answer stays. The new one becomes answer {number} of {number}.", number=word.answers + 1)
        )
        self.setAccessibleDescription(f"{name}, {level}, {facts}")

    def show_at(self, word: QRect, *, take_focus: bool) -> None:
        """Show it 4 px below a word (on the screen), or above if there is no room."""
        window = self.window()
        size = self.sizeHint()
        corner = window.mapFromGlobal(word.bottomLeft())
        top = corner.y() + _BELOW_WORD - SHADOW
        if top + size.height() - SHADOW > window.height():
            above = corner.y() - word.height() - _BELOW_WORD - size.height() + SHADOW
            top = max(-SHADOW, above)
        left = min(max(corner.x() - SHADOW - _PADDING, -SHADOW), window.width() - size.width() + SHADOW)
        self.setGeometry(QRect(QPoint(left, top), size))
        self.show()
        self.raise_()
        if take_focus:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            first = next((row for row in self._rows if row.isVisible() and row.isEnabled()), self)
            first.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_card(self) -> None:
        """Hide it, and say so."""
        self.hide()
        self.closed.emit()

    def has_focus_within(self) -> bool:
        """Whether the keyboard is in the card."""
        focused = self.window().focusWidget()
        return focused is not None and (focused is self or self.isAncestorOf(focused)) and self.isVisible()

    def _choose(self, number: int) -> None:
        if number != self._chosen and number < len(self._choices):
            self.choice_requested.emit(self._choices[number])

    def _on_own_words(self) -> None:
        if words := self.other.text().strip():
            self.words_requested.emit(words)

    def sizeHint(self) -> QSize:
        """As wide as it is designed, and as high as its rows need."""
        return QSize(_WIDTH + 2 * SHADOW, self._column.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Take the card's own keys before any shortcut of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_own(event):
            event.accept()
            return True
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close if the window gets another size: its words move."""
        if event.type() == QEvent.Type.Resize and watched is self.window() and self.isVisible():
            self.close_card()
        return super().eventFilter(watched, event)

    def _is_own(self, event: QKeyEvent) -> bool:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return event.key() == Qt.Key.Key_Escape or (alt and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes, Alt+Left and Alt+Right go to the word before or after, 1 to 5 go on from there."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step_requested.emit(-1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.text() and event.text() in "12345":
            self._choose(int(event.text()) - 1)
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Tell that the mouse is in the card."""
        self.entered.emit()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that the mouse is out of the card."""
        self.left.emit()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep a click on the card from what lies below."""
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the sheet."""
        paint_sheet(self)


def shown_choices(token: Token, most: int) -> tuple[Choice, ...]:
    """The likeliest choices at a place, with the chosen one among them in the last row if it is none of these."""
    likeliest: Sequence[Choice] = token.likeliest[:most]
    if any(choice.id == token.id for choice in likeliest):
        return tuple(likeliest)
    return (*likeliest[: most - 1], Choice(token.id, token.text, token.probability or 0.0))


class ChoiceRow(QAbstractButton):
    """A word that might have come: its number, the word, how likely it was, and a button to go on from there."""

    def __init__(self, number: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._number, self._choice, self._is_chosen = number, Choice(0, "", 0.0), False
        set_names(self, f"word_card_row_{number}", tr("Continue from here"))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(_ROW_HEIGHT)
        self.go_on = Button(
            tr("Continue from here"), "branch", height=24, object_name="word_card_continue", parent=self
        )
        self.go_on.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.go_on.setFont(theme.current().font("small"))
        self.go_on.hide()
        repaint_on_theme(self)

    def set_choice(self, choice: Choice, *, chosen: bool) -> None:
        """Show this word; the one that was `chosen` can't be gone on from."""
        self._choice, self._is_chosen = choice, chosen
        self.setEnabled(not chosen)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if chosen else Qt.FocusPolicy.TabFocus)
        word, share = shown(choice.text), percent(choice.probability)
        self.setAccessibleName(
            tr("{word}, {percent}, chosen", word=word, percent=share)
            if chosen
            else tr("Continue from here with {word}, {percent}", word=word, percent=share)
        )
        self._show_button()
        self.update()

    def _show_button(self) -> None:
        lit = not self._is_chosen and (self.underMouse() or self.hasFocus())
        self.go_on.setVisible(lit)
        size = self.go_on.sizeHint()
        self.go_on.setGeometry(
            QRect(QPoint(self.width() - size.width() - 13, (self.height() - size.height()) // 2), size)
        )

    def sizeHint(self) -> QSize:
        """As wide as the card."""
        return QSize(_WIDTH, _ROW_HEIGHT)

    def event(self, event: QEvent) -> bool:
        """Show the button while the mouse or the focus is here."""
        kinds = (QEvent.Type.HoverEnter, QEvent.Type.HoverLeave, QEvent.Type.Resize, QEvent.Type.Show)
        done = super().event(event)
        if event.type() in kinds:
            self._show_button()
        return done

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the button."""
        super().focusInEvent(event)
        self._show_button()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the button."""
        super().focusOutEvent(event)
        self._show_button()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter, as on Space."""
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()  # for the card
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        elif not press_on_enter(self, event):
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the number, the word, the bar and the share."""
        painter, colour, font = QPainter(self), theme.current().colour, theme.current().font
        rect = self.rect()
        if not self._is_chosen and (self.underMouse() or self.hasFocus()):
            draw_box(painter, rect.adjusted(8, 1, -8, -1), 6, colour("hover"))
        if self.hasFocus():
            draw_box(painter, rect.adjusted(8, 1, -8, -1), 6, None, colour("focus_ring"), 2)
        box = QRect(_PADDING, (rect.height() - _NUMBER) // 2, _NUMBER, _NUMBER)
        draw_box(painter, box, 4, None, colour("border"))
        painter.setFont(font("tiny"))
        painter.setPen(colour("text_secondary"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self._number))
        words = font("ui")
        if self._is_chosen:
            words.setWeight(QFont.Weight.DemiBold)
        painter.setFont(words)
        painter.setPen(colour("text_primary"))
        x = box.right() + 10
        text = painter.fontMetrics().elidedText(shown(self._choice.text), Qt.TextElideMode.ElideRight, _WORD - 6)
        painter.drawText(QRect(x, 0, _WORD, rect.height()), Qt.AlignmentFlag.AlignVCenter, text)
        bar = QRect(x + _WORD, (rect.height() - 6) // 2, _BAR, 6)
        draw_box(painter, bar, 3, colour("meter_track"))
        filled = QRect(bar.topLeft(), QSize(max(3, round(_BAR * min(1.0, self._choice.probability))), 6))
        draw_box(painter, filled, 3, colour("accent" if self._is_chosen else "text_secondary"))
        painter.setFont(font("ui"))
        painter.setPen(colour("text_primary"))
        share = QRect(bar.right() + 8, 0, _SHARE, rect.height())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(share, flags, percent(self._choice.probability))
        if self._is_chosen:
            end = rect.adjusted(0, 0, -_PADDING, 0)
            painter.setFont(font("small"))
            painter.setPen(colour("text_secondary"))
            painter.drawText(end, flags, tr("chosen"))
            width = painter.fontMetrics().horizontalAdvance(tr("chosen"))
            icons.paint_icon(
                painter, "check", "text_secondary", QRect(end.right() - width - 22, 0, 16, rect.height()), 14
            )
        painter.end()
