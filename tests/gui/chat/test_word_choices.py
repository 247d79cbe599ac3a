"""The words of an answer: their marks, the card of a word, and going on from there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.gui.chat.transcript.view_model import WordChoices
from desktop_llm.gui.chat.word_choices.card import WordCard, WordView, shown_choices
from desktop_llm.message import Citation, Text, Thinking, ToolCall, ToolResult
from desktop_llm.tokens import Choice, Token
from tests.gui.samples import nameless

SENTENCE = "Mail is **not** enough [1], see [the form](https://example.com/the/form). Send it by registered post."
REST = "1. Write `the letter`\n2. Post it\n\n```py\nsend()\n```\n"
WRITTEN = f"<think>\nIs mail enough? Not here.\n</think>\n\n{SENTENCE}\n\n{REST}"
LEASE = Citation(1, "/documents/Lease.pdf", 4, 0, 3, "Not", 0.9, verified=True)


def tokens_of(text: str) -> tuple[Token, ...]:
    """Tokens of a text; the model was sure of all of them but of "registered"."""
    found = []
    for number, piece in enumerate(re.findall(r"\s*\w+|\s*[^\w\s]|\s+", text)):
        share = 0.4 if piece == " registered" else 0.97
        choices = (Choice(number, piece, share), Choice(900, " ordinary", 0.3), Choice(901, "\n", 0.01))
        found.append(Token(number, piece, share, tuple(sorted(choices, key=lambda each: -each.probability))))
    return tuple(found)


def an_answer(text: str = WRITTEN) -> MessageView:
    body = text.rpartition("</think>\n\n")[2]
    parts = (
        Thinking("Is mail enough? Not here."),
        ToolCall("1", "calculator", '{"expression": "1 + 1"}'),
        ToolResult("1", "2"),
        Text(body),
    )
    return MessageView("a", "assistant", parts, citations=(LEASE,), choices=WordChoices(tokens_of(text)))


@pytest.fixture
def transcript(qtbot: QtBot) -> Iterator[Transcript]:
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(700, 600)
    widget.show()
    widget.set_messages([MessageView("q", "user", (Text("How?"),)), an_answer()])
    qtbot.waitUntil(lambda: bool(widget.words.words("a")))
    yield widget
    widget.words.clear()


def words(transcript: Transcript) -> list[str]:
    tokens = tokens_of(WRITTEN)
    return [tokens[number].text.strip() for number in transcript.words.words("a")]


def test_the_words_are_found_beside_thinking_tools_citations_links_lists_and_code(transcript: Transcript) -> None:
    found = " ".join(words(transcript))
    assert found.startswith("Mail is not enough , see the form . Send it by registered post . Write the letter")
    assert found.endswith("Post it send ( )")


def test_below_the_answer_it_says_how_sure_the_model_was(transcript: Transcript) -> None:
    assert "tokens certain, 1 open." in transcript.message_text("a")


def test_the_mouse_resting_on_a_word_asks_for_its_card(qtbot: QtBot, transcript: Transcript) -> None:
    number = next(token.id for token in tokens_of(WRITTEN) if token.text == " registered")
    rect = transcript.words.go_to("a", number)
    transcript.words.clear()
    with qtbot.waitSignal(transcript.words.pointed) as pointed:
        QTest.mouseMove(transcript.viewport(), transcript.viewport().mapFromGlobal(rect.center()))
    assert pointed.args == ["a", number]


def test_the_word_stays_lit_when_its_message_is_laid_out_anew(qtbot: QtBot, transcript: Transcript) -> None:
    number = transcript.words.words("a")[3]
    transcript.words.go_to("a", number)
    transcript.set_reading_scale(1.25)
    qtbot.waitUntil(lambda: transcript.words.words("a") != [] and not transcript._coming)
    (lit,) = {marks.lit for _index, _part, marks in transcript.layout_at(1)._marks()}
    assert lit == number


def test_alt_down_opens_the_first_word_that_the_model_was_unsure_of(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.setFocus()
    with qtbot.waitSignal(transcript.words.opened) as opened:
        qtbot.keyClick(transcript, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert tokens_of(WRITTEN)[opened.args[1]].text == " registered"


def test_alt_down_asks_for_the_words_of_an_answer_that_does_not_show_them(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.set_messages([MessageView("b", "assistant", (Text("Yes."),))])
    with qtbot.waitSignal(transcript.words.wanted) as wanted:
        qtbot.keyClick(transcript, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert wanted.args == ["b"]


@pytest.fixture
def card(qtbot: QtBot) -> Iterator[WordCard]:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 600)
    window.show()
    card = WordCard(window)
    token = next(token for token in tokens_of(WRITTEN) if token.text == " registered")
    card.set_word(WordView(token, 11, 23, 2))
    yield card
    window.close()


def test_the_card_says_what_else_might_have_come(card: WordCard) -> None:
    card.show_at(card.window().geometry(), take_focus=False)
    names = [row.accessibleName() for row in card._rows if row.isVisible()]
    assert names == [
        "registered, 40 %, chosen",
        "Continue from here with ordinary, 30 %",
        "Continue from here with new line, 1 %",
    ]
    assert card.accessibleDescription() == "“registered”, Open, 40 % likely, token 11 of 23"
    assert not nameless(card)


def test_a_digit_goes_on_with_that_word_and_never_with_the_chosen_one(qtbot: QtBot, card: WordCard) -> None:
    card.show_at(card.window().geometry(), take_focus=True)
    with qtbot.assertNotEmitted(card.choice_requested):
        qtbot.keyClick(card, Qt.Key.Key_1)
    with qtbot.waitSignal(card.choice_requested) as asked:
        qtbot.keyClick(card, Qt.Key.Key_2)
    assert asked.args == [Choice(900, " ordinary", 0.3)]
    with qtbot.waitSignal(card.step_requested) as step:
        qtbot.keyClick(card._rows[1], Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert step.args == [1]
    with qtbot.waitSignal(card.closed):
        qtbot.keyClick(card._rows[1], Qt.Key.Key_Escape)
    assert not card.isVisible()


def test_the_card_goes_when_the_window_gets_another_size(qtbot: QtBot, card: WordCard) -> None:
    card.show_at(card.window().geometry(), take_focus=False)
    with qtbot.waitSignal(card.closed):
        card.window().resize(640, 480)


def test_own_words_are_typed(qtbot: QtBot, card: WordCard) -> None:
    card.show_at(card.window().geometry(), take_focus=True)
    qtbot.keyClicks(card.other, "2 carrier pigeons")
    with qtbot.waitSignal(card.words_requested) as asked:
        qtbot.keyClick(card.other, Qt.Key.Key_Return)
    assert asked.args == ["2 carrier pigeons"]


def test_the_card_lies_below_the_word_or_above_it_if_there_is_no_room(card: WordCard) -> None:
    window = card.window()
    for y, below in ((50, True), (560, False)):
        card.show_at(QRect(window.mapToGlobal(QPoint(200, y)), QSize(60, 20)), take_focus=False)
        assert (card.y() > y) == below
        assert window.rect().adjusted(-12, -12, 12, 12).contains(card.geometry())


def test_the_chosen_word_is_shown_although_it_was_not_among_the_likeliest() -> None:
    likeliest = tuple(Choice(number, f" {number}", 0.1) for number in range(5))
    shown = shown_choices(Token(77, " rare", 0.001, likeliest), 5)
    assert [choice.id for choice in shown] == [0, 1, 2, 3, 77]
