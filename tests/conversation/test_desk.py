"""Several chats at once: what starts, what waits, what is taken back."""

from __future__ import annotations

import pytest

from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import ChosenModel
from desktop_llm.engine.client import InLine, LoadSettings
from desktop_llm.errors import Busy, NotFound
from tests.conversation.conftest import FrontEnd


def texts(front_end: FrontEnd) -> list[str | None]:
    """The questions whose turns were started."""
    return [turn.question.text for turn in front_end.started]


def test_two_chats_are_answered_at_once_and_each_is_stopped_by_itself(front_end: FrontEnd) -> None:
    harbour, hills = OpenChat(), OpenChat()
    first, second = front_end.turn("Tell me a story.", harbour), front_end.turn("say: soon", hills)
    runs = first.run(), second.run()
    for run in runs:
        next(run)
    assert front_end.desk.turns == (first, second)
    front_end.desk.stop(harbour)
    for run in runs:
        for _ in run:
            pass
    assert first.state.saved is not None
    assert first.state.saved.finish_reason == "cancelled"
    assert second.state.text == "soon"


def test_a_question_waits_for_the_answer_in_its_chat_and_takes_along_what_is_added(front_end: FrontEnd) -> None:
    chat = OpenChat()
    first = front_end.turn("say: one", chat)
    front_end.desk.ask(Question(chat, "say: two"))
    front_end.desk.ask(Question(chat, "and three"))
    assert texts(front_end) == ["say: one"]
    waiting = front_end.desk.waiting_in(chat)
    assert waiting is not None
    assert waiting.text == "say: two\n\nand three"
    front_end.finish(first)
    assert texts(front_end) == ["say: one", "say: two\n\nand three"]
    assert front_end.desk.waiting_in(chat) is None


def test_an_edit_and_a_message_that_wait_in_one_chat_stay_two_questions(front_end: FrontEnd) -> None:
    chat = OpenChat()
    first = front_end.turn("say: one", chat)
    front_end.desk.ask(Question(chat, "say: two"))
    front_end.desk.ask(Question(chat, "say: one better", None, at_end=False))
    front_end.finish(first)
    front_end.finish(front_end.started[-1])
    front_end.finish(front_end.started[-1])
    assert texts(front_end) == ["say: one", "say: two", "say: one better"]
    assert [message.text for message in front_end.store.messages(chat.id or "")] == ["say: one better", "one better"]


def test_an_answer_stopped_before_it_began_does_not_wait_for_another_chat(front_end: FrontEnd) -> None:
    first, second = front_end.turn("Tell me a story.", OpenChat()), front_end.turn("say: soon", OpenChat())
    writing, run = first.run(), second.run()
    while not first.state.text:
        next(writing)
    next(run)
    second.stop()
    for _ in run:
        pass
    assert second.state.saved is not None
    assert second.state.saved.finish_reason == "cancelled"
    assert second.state.saved.usage["prompt_tokens"] == 0, "the model was asked"
    writing.close()


def test_a_question_waits_until_the_files_of_its_chat_are_read(front_end: FrontEnd) -> None:
    chat = OpenChat()
    front_end.reading.add(chat)
    front_end.desk.ask(Question(chat, "say: one"))
    front_end.desk.ask(Question(OpenChat(), "say: another chat"))
    assert texts(front_end) == ["say: another chat"]
    front_end.reading.clear()
    front_end.desk.start_waiting()
    assert texts(front_end)[-1] == "say: one"


def test_other_load_settings_wait_in_line_until_the_answers_of_the_model_have_ended(front_end: FrontEnd) -> None:
    first = front_end.turn("Tell me a story.")
    writing = first.run()
    while not first.state.text:
        next(writing)
    front_end.chosen = ChosenModel(front_end.chosen.model, LoadSettings(context_length=256))
    second = front_end.turn("say: two")
    for event in second.run():
        if isinstance(event, InLine):
            assert second.state.progress == InLine(1, for_memory=True)
            first.stop()
            for _ in writing:
                pass
    assert (first.state.text[:4], second.state.text) == ("Once", "two")


def test_an_answer_that_waits_in_line_can_be_stopped(front_end: FrontEnd) -> None:
    first = front_end.turn("Tell me a story.")
    writing = first.run()
    while not first.state.text:
        next(writing)
    front_end.chosen = ChosenModel(front_end.chosen.model, LoadSettings(context_length=256))
    second = front_end.turn("say: two")
    for event in second.run():
        if isinstance(event, InLine):
            second.stop()
    assert second.state.saved is not None
    assert second.state.saved.finish_reason == "cancelled"
    third = front_end.turn("say: three")
    run = third.run()
    while not isinstance(next(run), InLine):
        pass
    run.close()  # the app closes
    assert front_end.store.message(third.state.message_id).status == "interrupted"
    writing.close()


def test_a_waiting_question_can_be_taken_back(front_end: FrontEnd) -> None:
    chat = OpenChat()
    first = front_end.turn("say: one", chat)
    front_end.desk.ask(Question(chat, "say: two"))
    taken = front_end.desk.take_back(chat)
    assert taken is not None
    assert taken.text == "say: two"
    front_end.finish(first)
    assert texts(front_end) == ["say: one"]


def test_answering_once_more_does_not_wait(front_end: FrontEnd) -> None:
    chat = OpenChat()
    front_end.turn("say: one", chat)
    with pytest.raises(Busy):
        front_end.desk.ask_again(Question(chat, None))


def test_without_a_model_the_question_goes_back(front_end: FrontEnd) -> None:
    def no_model(_: OpenChat) -> ChosenModel:
        raise NotFound("No model is chosen.")

    front_end.desk._chosen = no_model
    front_end.desk.ask(Question(OpenChat(), "say: one"))
    ((question, error),) = front_end.refusals
    assert question.text == "say: one"
    assert error.title == "No model is chosen."
    assert front_end.started == []


@pytest.mark.parametrize("edits", ["", "the edited message"])
def test_a_question_that_waits_outlives_a_kill_as_a_draft(front_end: FrontEnd, edits: str) -> None:
    chat = OpenChat()
    first = front_end.turn("say: one", chat)
    run = first.run()
    next(run)
    place = edits or chat.id or ""
    front_end.store.save_draft(place, "typed since")
    front_end.desk.ask(Question(chat, "say: two", at_end=not edits, edits=edits))
    front_end.desk.ask(Question(chat, "and three", at_end=not edits, edits=edits))
    front_end.store.recover()  # as the next start after a kill does
    assert front_end.store.draft(place) == "say: two\n\nand three\n\ntyped since"
    front_end.store.recover()
    assert front_end.store.draft(place) == "say: two\n\nand three\n\ntyped since"


def test_nothing_waits_in_the_store_once_it_is_asked_or_taken_back(front_end: FrontEnd) -> None:
    chat, other = OpenChat(), OpenChat()
    first = front_end.turn("say: one", chat)
    for question in (Question(chat, "say: two"), Question(chat, "say: a", at_end=False, edits="x")):
        front_end.desk.ask(question)
    front_end.desk.ask(Question(chat, "say: b", at_end=False, edits="x"))
    front_end.finish(first)
    while len(front_end.started) < 4 or front_end.desk.turns:
        front_end.finish(front_end.started[-1])
    again = front_end.turn("say: soon", chat)
    front_end.desk.ask(Question(chat, "never mind"))
    assert front_end.desk.take_back(chat) is not None
    front_end.finish(again)
    front_end.reading.add(other)
    front_end.desk.ask(Question(other, "say: never"))
    front_end.desk.take_all_back()
    front_end.store.recover()
    assert [front_end.store.draft(place) for place in ("", "x", chat.id or "")] == ["", "", ""]


def test_a_question_whose_storing_fails_leaves_nothing_behind(
    front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = OpenChat()
    store = front_end.store

    def refuse(*_: object, **__: object) -> None:
        raise NotFound("The disk is full.")

    turn = front_end.turn("say: one", chat)
    with monkeypatch.context() as full:
        full.setattr(store, "save_draft", refuse)  # the last step before the answer is stored
        with pytest.raises(NotFound):
            list(turn.run())
    assert chat.id is None
    assert store.conversations() == []
