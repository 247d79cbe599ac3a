"""A turn from the question to the stored answer, with nothing but its events."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from desktop_llm.conversation import storing
from desktop_llm.conversation.events import Failed, NotSaved, QuestionStored, Saved, TurnState, fold
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.engine.client import Finished, Loading, PromptProgress, Rethought, TextDelta
from desktop_llm.errors import ContextOverflow
from desktop_llm.message import Text, Thinking
from desktop_llm.paths import folders
from tests.conversation.conftest import CONTEXT_LENGTH, FrontEnd


def test_a_turn_stores_the_question_then_answers_and_saves_the_answer(front_end: FrontEnd) -> None:
    turn = front_end.turn("say: The sea is wide.")
    events = list(turn.run())
    assert isinstance(events[0], QuestionStored)
    assert [type(event) for event in events[-2:]] == [Finished, Saved]
    assert {Loading, PromptProgress, TextDelta} <= {type(event) for event in events}
    (chat,) = front_end.store.conversations()
    question, answer = front_end.store.messages(chat.id)
    assert (question.text, answer.text, answer.status) == ("say: The sea is wide.", "The sea is wide.", "complete")
    assert answer.usage["completion_tokens"] == 4
    assert answer.model_id == front_end.chosen.model.id


def test_the_events_add_up_to_what_the_turn_knows(front_end: FrontEnd) -> None:
    turn, state = front_end.turn("say: one two three"), TurnState()
    for event in turn.run():
        state = fold(state, event)
    assert state == turn.state
    assert (state.text, state.status, state.progress) == ("one two three", "complete", None)


def test_text_that_turns_out_to_be_thinking_is_stored_as_thinking(front_end: FrontEnd) -> None:
    turn, state = front_end.turn("say: It is Paris </think> The capital is Paris."), TurnState()
    for event in turn.run():
        state = fold(state, event)
        if isinstance(event, Rethought):
            assert (state.thinking, state.text) == ("It is Paris", "")
    (chat,) = front_end.store.conversations()
    answer = front_end.store.messages(chat.id)[-1]
    assert answer.parts == state.parts == (Thinking("It is Paris"), Text("The capital is Paris."))


def test_the_question_is_stored_before_the_model_is_asked(front_end: FrontEnd) -> None:
    run = front_end.turn("say: anything").run()
    assert isinstance(next(run), QuestionStored)
    (chat,) = front_end.store.conversations()
    assert [message.status for message in front_end.store.messages(chat.id)] == ["complete", "streaming"]
    run.close()


def test_the_answer_is_in_the_store_while_it_streams(front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "SAVE_EVERY_S", 0.0)
    turn = front_end.turn("Tell me a story.")
    for number, event in enumerate(event for event in turn.run() if isinstance(event, TextDelta)):
        stored = front_end.store.message(turn.state.message_id)
        assert turn.state.text.startswith(stored.text)
        assert turn.state.text.endswith(event.text)
        assert len(stored.text) >= number, "it is at most a piece behind"
        if number == 20:
            break


def test_a_turn_that_is_closed_keeps_what_came_as_interrupted(front_end: FrontEnd) -> None:
    turn = front_end.turn("Tell me a story.")
    run = turn.run()
    while len(turn.state.text) < 40:
        next(run)
    run.close()
    stored = front_end.store.message(turn.state.message_id)
    assert (stored.status, stored.text) == ("interrupted", turn.state.text)
    assert "closed while this was being written" in stored.error


def test_a_turn_whose_engine_is_stopped_because_the_app_closes_is_interrupted(front_end: FrontEnd) -> None:
    turn = front_end.turn("Tell me a story.")
    run = turn.run()
    for event in run:
        if len(turn.state.text) > 20:
            front_end.engines.stop()
        if isinstance(event, Finished):
            break
    run.close()
    assert front_end.store.message(turn.state.message_id).status == "interrupted"


def test_stop_keeps_what_was_written_and_the_chat_goes_on(front_end: FrontEnd) -> None:
    chat = OpenChat()
    turn = front_end.turn("Tell me a story.", chat)
    for _ in turn.run():
        if len(turn.state.text) > 20:
            front_end.desk.stop(chat)
    front_end.desk.ended(turn)
    stored = front_end.store.message(turn.state.message_id)
    assert (stored.status, stored.finish_reason) == ("complete", "cancelled")
    assert stored.text == turn.state.text
    assert front_end.ask("say: Here I am.", chat).state.text == "Here I am."


def test_stop_before_the_model_is_loaded_ends_the_turn(front_end: FrontEnd) -> None:
    turn = front_end.turn("Tell me a story.")
    for event in turn.run():
        if isinstance(event, QuestionStored):
            turn.stop()
    assert (turn.state.text, turn.state.status) == ("", "complete")
    assert turn.state.saved is not None
    assert turn.state.saved.finish_reason == "cancelled"


def test_a_worker_that_dies_costs_one_sentence(front_end: FrontEnd) -> None:
    turn = front_end.ask("die: SIGKILL")
    assert turn.state.status == "interrupted"
    stored = front_end.store.message(turn.state.message_id)
    assert stored.text
    assert "stopped unexpectedly" in stored.error
    assert front_end.ask("say: alive", turn.question.chat).state.text == "alive"


def test_a_full_disk_keeps_the_answer_in_the_state_until_it_can_be_saved(front_end: FrontEnd) -> None:
    turn = front_end.turn("say: one two three four five")
    events = []
    for event in turn.run():
        front_end.write.full = True
        events.append(event)
    assert isinstance(events[-1], NotSaved)
    assert turn.state.text == "one two three four five"
    front_end.write.full = False
    assert isinstance(turn.save(), Saved)
    assert front_end.store.message(turn.state.message_id).text == "one two three four five"


def test_a_disk_that_refuses_for_a_while_leaves_no_gap(front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "SAVE_EVERY_S", 0.0)
    turn = front_end.turn("Tell me a story.")
    run = turn.run()
    pieces = 0
    for event in run:
        pieces += isinstance(event, TextDelta)
        front_end.write.full = 5 < pieces < 12
        if pieces == 20:
            break
    stored = front_end.store.message(turn.state.message_id)
    assert turn.state.text.startswith(stored.text)
    assert len(stored.text) > len(turn.state.text) - 12
    run.close()


def test_a_question_that_cannot_be_stored_raises_and_nothing_is_sent(front_end: FrontEnd) -> None:
    turn = front_end.turn("say: hello")
    front_end.write.full = True
    with pytest.raises(Exception, match="The disk is full"):
        next(turn.run())
    assert front_end.engines.loaded == ()


def test_a_question_too_long_for_the_loaded_model_is_refused_before_it_is_stored(front_end: FrontEnd) -> None:
    chat = OpenChat()
    front_end.ask("say: hello", chat)
    turn = front_end.turn("word " * 1000, chat)
    with pytest.raises(ContextOverflow) as refused:
        next(turn.run())
    assert refused.value.needed_tokens > 1000
    assert refused.value.available_tokens < CONTEXT_LENGTH
    assert len(front_end.store.messages(chat.id or "")) == 2


def test_a_question_too_long_for_a_model_not_yet_loaded_is_told_in_its_answer(front_end: FrontEnd) -> None:
    turn = front_end.ask("word " * 1000)
    assert isinstance(turn.state.failed, Failed)
    assert isinstance(turn.state.failed.error, ContextOverflow)
    assert front_end.store.message(turn.state.message_id).status == "error"


def test_answering_once_more_makes_a_branch_and_an_edit_keeps_the_draft(front_end: FrontEnd) -> None:
    chat = OpenChat()
    first = front_end.ask("say: one", chat)
    assert first.state.saved is not None
    again = front_end.finish(front_end.turn(None, chat, below=first.state.saved.parent_id, at_end=False))
    assert again.state.saved is not None
    assert (again.state.saved.branch, again.state.saved.branches) == (2, 2)
    front_end.store.save_draft(chat.id or "", "half a thought")
    front_end.finish(front_end.turn("say: two", chat, below=None, at_end=False))
    assert front_end.store.draft(chat.id or "") == "half a thought"
    assert [message.text for message in front_end.store.messages(chat.id or "")] == ["say: two", "two"]


def test_an_answer_goes_on_if_the_use_of_its_model_cannot_be_noted(front_end: FrontEnd) -> None:
    front_end.ask("say: one")
    with contextlib.closing(sqlite3.connect(folders().facts_db)) as facts:
        facts.execute("DROP TABLE used")
    assert front_end.ask("say: Here I am.").state.text == "Here I am."
