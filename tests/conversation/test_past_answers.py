"""A stored answer taken up again: its tokens, what else they might have been, and another way on."""

from __future__ import annotations

from desktop_llm import tokens
from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.continuing import continuation
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import Turn
from desktop_llm.conversation.working_out import work_out
from desktop_llm.message import Text, ToolCall, ToolResult
from desktop_llm.steps import result_of
from desktop_llm.tokens import Choice, Rounds, Token, have_choices
from tests.conversation.conftest import FrontEnd

ANSWER = "The notice goes by registered post."


def texts(rounds: Rounds) -> list[str]:
    return ["".join(token.text for token in each) for each in rounds]


def worked_out(front_end: FrontEnd, chat: OpenChat) -> tuple[StoredMessage, Rounds]:
    """The last answer of the chat, with what else its tokens might have been."""
    store, chosen = front_end.store, front_end.chosen
    assert chat.id
    *before, answer = store.messages(chat.id)
    conversation, known = store.conversation(chat.id), store.tokens(answer.id)
    steps = work_out(front_end.engines, front_end.library, chosen, conversation, before, answer, known)
    return answer, result_of(steps)


def go_on(front_end: FrontEnd, chat: OpenChat, answer: StoredMessage, *where: object) -> Turn:
    other = continuation(answer, *where)  # type: ignore[arg-type]
    front_end.desk.ask_again(Question(chat, None, answer.parent_id, False, continues=other))
    return front_end.finish(front_end.started[-1])


def test_the_tokens_of_every_answer_are_kept_and_their_choices_if_wanted(front_end: FrontEnd) -> None:
    turn = front_end.ask(f"say: {ANSWER}")
    kept = front_end.store.tokens(turn.state.message_id)
    assert len(kept[0]) == 6
    assert not have_choices(kept)
    turn = front_end.finish(front_end.turn(f"say: {ANSWER}", with_choices=True))
    kept = front_end.store.tokens(turn.state.message_id)
    assert texts(kept) == [ANSWER]
    assert kept[0][4].likeliest[1].text == " other"


def test_an_answer_goes_on_with_another_word_as_a_new_branch(front_end: FrontEnd) -> None:
    chat = OpenChat()
    front_end.ask(f"say: {ANSWER}", chat)
    answer, rounds = worked_out(front_end, chat)
    assert texts(rounds) == [ANSWER]
    turn = go_on(front_end, chat, answer, rounds, 3, rounds[0][3].likeliest[0])
    other = front_end.store.message(turn.state.message_id)
    assert other.text == "The notice goes other registered post."
    assert (other.branch, other.branches, other.continued) == (2, 2, {"word": "other", "instead": "by"})
    assert front_end.store.message(answer.id).text == ANSWER
    known = front_end.store.tokens(other.id)
    assert texts(known) == [other.text]
    assert have_choices((known[0][:3],)), "what was known of the words before is kept"


def test_an_answer_goes_on_with_own_words(front_end: FrontEnd) -> None:
    chat = OpenChat()
    front_end.ask(f"say: {ANSWER}", chat)
    answer, rounds = worked_out(front_end, chat)
    turn = go_on(front_end, chat, answer, rounds, 4, "unregistered")
    assert turn.state.text == "The notice goes by unregistered post."
    (known,) = front_end.store.tokens(turn.state.message_id)
    assert (known[4].text, known[4].probability) == (" unregistered", None)


def test_of_an_answer_with_tools_the_steps_before_stay_and_none_runs_again(front_end: FrontEnd) -> None:
    front_end.store.create()
    (conversation,) = front_end.store.conversations()
    front_end.store.update(conversation.id, tools={"on": True})
    chat = OpenChat(conversation.id)
    front_end.ask('call: calculator {"expression": "2 + 2"}', chat)
    answer, rounds = worked_out(front_end, chat)
    assert [type(part) for part in answer.parts] == [Text, ToolCall, ToolResult, Text]
    assert texts(rounds) == ["Let me see.", answer.text.rpartition("\n")[2]]
    place = len(rounds[0])
    turn = go_on(front_end, chat, answer, rounds, place, "Five")
    assert turn.state.parts[:3] == answer.parts[:3]
    assert turn.state.text.startswith("Let me see.\n\nFive")
    assert texts(front_end.store.tokens(turn.state.message_id))[1].startswith("Five")


def test_an_answer_of_an_earlier_version_is_worked_out_from_its_text(front_end: FrontEnd) -> None:
    chat = OpenChat()
    turn = front_end.ask(f"say: {ANSWER}", chat)
    front_end.store.save_tokens(turn.state.message_id, ())
    _, rounds = worked_out(front_end, chat)
    assert texts(rounds) == [ANSWER]
    assert have_choices(rounds)


def test_tokens_come_back_from_the_store_as_they_were_and_damage_leaves_none() -> None:
    rounds = ((Token(7), Token(8, "a", None), Token(9, " é", 0.5, (Choice(9, " é", 0.5), Choice(1, "", 0.25)))), ())
    assert tokens.from_bytes(tokens.to_bytes(rounds)) == rounds
    assert tokens.from_bytes(b"damage") == tokens.from_bytes(tokens.to_bytes(rounds)[:-9]) == ()
