"""Turns about every file: offered first, paused, stopped, and gone on with after whatever happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.conversation.coverage import Coverage
from desktop_llm.conversation.events import Covering, Offer
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import Turn
from tests.conversation.conftest import FrontEnd
from tests.knowledge.conftest import read_all

QUESTION = "List every town that has a site"
TOWNS = ("Aarhus", "Bari", "Chur", "Dornbirn", "Evora", "Faro", "Graz")


@pytest.fixture
def chat(front_end: FrontEnd, tmp_path: Path) -> OpenChat:
    """A chat with seven files, each of which names a town."""
    for town in TOWNS:
        (tmp_path / f"{town}.md").write_text(f"The {town} site makes lamps.\n\nNote: {town}\n")
    read_all(front_end.knowledge.index("Sites", [tmp_path / f"{town}.md" for town in TOWNS]))
    chat = OpenChat(collections=("Sites",))
    chat.stored(front_end.store)
    return chat


def coverage_of(turn: Turn) -> Coverage:
    assert turn.state.coverage is not None
    return turn.state.coverage


def test_every_file_is_offered_and_read_only_once_it_is_chosen(front_end: FrontEnd, chat: OpenChat) -> None:
    turn = front_end.turn(QUESTION, chat)
    offers = 0
    for event in turn.run():
        if isinstance(event, Offer):
            offers += 1
            assert event.files == 7
            if offers == 2:
                turn.choose("every_file")
    assert offers == 2
    assert (coverage_of(turn).done, coverage_of(turn).total, coverage_of(turn).state) == (7, 7, "done")
    stored = front_end.store.message(turn.state.message_id)
    assert stored.text.startswith("**7 results** in 7 files.")
    assert Coverage.from_json(stored.coverage) == coverage_of(turn)
    assert len(stored.citations) == 7


def test_best_passages_are_used_if_they_are_chosen_and_say_how_far_they_look(
    front_end: FrontEnd, chat: OpenChat
) -> None:
    turn = front_end.turn(QUESTION, chat)
    for event in turn.run():
        if isinstance(event, Offer):
            turn.choose("passages")
    assert (coverage_of(turn).way, coverage_of(turn).total) == ("passages", 7)
    assert coverage_of(turn).asks_for_all


@pytest.mark.parametrize("question", ["What makes lamps?", "How do I list every town?"])
def test_other_questions_are_answered_at_once(front_end: FrontEnd, chat: OpenChat, question: str) -> None:
    assert not any(isinstance(event, Offer) for event in front_end.turn(question, chat).run())


def test_a_stop_at_the_offer_ends_the_turn(front_end: FrontEnd, chat: OpenChat) -> None:
    turn = front_end.turn(QUESTION, chat)
    for event in turn.run():
        if isinstance(event, Offer):
            turn.stop()
    assert turn.state.finished is not None
    assert (turn.state.text, turn.state.finished.finish_reason) == ("", "cancelled")


@pytest.mark.parametrize("ending", ["pause", "stop", "close"])
def test_reading_goes_on_where_it_was_ended(front_end: FrontEnd, chat: OpenChat, ending: str) -> None:
    turn = front_end.turn(QUESTION, chat, way="every_file")
    run = turn.run()
    for event in run:
        if isinstance(event, Covering) and event.coverage.done == 3:
            if ending == "close":
                run.close()
                break
            getattr(turn, ending)()
    front_end.desk.ended(turn)
    stored = front_end.store.message(turn.state.message_id)
    ended = Coverage.from_json(stored.coverage)
    assert ended is not None
    assert ended.done == 3
    if ending != "close":
        assert ended.state == {"pause": "paused", "stop": "stopped"}[ending]
    assert "Aarhus" in stored.text
    front_end.desk.ask_again(Question(chat, None, stored.parent_id, False, goes_on=stored.id))
    again = front_end.finish(front_end.started[-1])
    assert again.state.message_id == stored.id
    assert (coverage_of(again).done, coverage_of(again).state) == (7, "done")
    whole = front_end.store.message(stored.id)
    assert whole.text.startswith("**7 results** in 7 files.")
    assert (whole.status, len(front_end.store.messages(chat.id or ""))) == ("complete", 2)
