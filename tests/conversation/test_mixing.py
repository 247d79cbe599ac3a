"""The adapters of a chat: the engine gets those that are on, answers keep them, and a missing one stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.models.library.adapters import take_in
from tests.conversation.conftest import FrontEnd
from tests.models.adapter_files import adapter

WEIGHT = "blk.0.attn_q.weight"
CHEERFUL = ChatAdapter("cheerful", "Cheerful", 0.7)
FORMAL = ChatAdapter("formal", "Cheerful", -0.25)


@pytest.fixture
def chat(front_end: FrontEnd, tmp_path: Path) -> OpenChat:
    """A chat with both adapters, which are here and fit its model."""
    shape = front_end.library.weights(front_end.library.starter())[WEIGHT]
    for id in (CHEERFUL.id, FORMAL.id):
        take_in(front_end.library, adapter(tmp_path / f"{id}.gguf", {WEIGHT: shape}, rank=1))
    return OpenChat(front_end.store.create(adapters=(CHEERFUL, FORMAL)).id)


def test_the_engine_gets_the_mix_and_the_answer_keeps_it(front_end: FrontEnd, chat: OpenChat) -> None:
    turn = front_end.ask("mix: ?", chat)
    assert turn.state.text == "cheerful=0.7 formal=-0.25"
    assert front_end.store.messages(chat.id or "")[-1].adapters == (CHEERFUL, FORMAL)


def test_an_adapter_that_is_off_or_counts_nothing_is_left_out(front_end: FrontEnd, chat: OpenChat) -> None:
    off = (ChatAdapter("cheerful", "Cheerful", 0.7, on=False), ChatAdapter("formal", "Formal", 0))
    front_end.store.update(chat.id or "", adapters=off)
    front_end.ask("mix: ?", chat)
    answer = front_end.store.messages(chat.id or "")[-1]
    assert (answer.text, answer.adapters) == ("", ())


def test_without_one_that_is_gone_the_chat_goes_on_and_the_answer_says_so(front_end: FrontEnd, chat: OpenChat) -> None:
    front_end.library.remove("cheerful")
    turn = front_end.ask("mix: ?", chat)
    assert turn.state.text == "formal=-0.25"
    missing, used = front_end.store.messages(chat.id or "")[-1].adapters
    assert (missing.id, missing.problem) == ("cheerful", "Cheerful was removed.")
    assert used == FORMAL


def test_one_for_another_model_is_left_out_with_its_reason(front_end: FrontEnd, chat: OpenChat, tmp_path: Path) -> None:
    path = adapter(tmp_path / "sql.gguf", {WEIGHT: (16, 16)}, entries={"general.base_model.0.name": "Gemma 3 4B"})
    take_in(front_end.library, path)
    told, used = mixed(front_end.library, front_end.library.starter(), [ChatAdapter("sql", "SQL", 1.0)])
    assert [one.problem for one in told] == ["Cheerful was made for Gemma 3 4B, not for this model."]
    assert used == []
