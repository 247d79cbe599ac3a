"""An exchange that is stored afterwards, as `chat --save` does, maybe through another process."""

from __future__ import annotations

import json

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.events import Failed, TurnState
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Exchange, save_exchange
from desktop_llm.engine.client import Finished, Timings, Usage
from desktop_llm.errors import UserError
from desktop_llm.message import Citation, Text, Thinking

SOURCE = Citation(1, "/lease.pdf", 3, 0, 13, "Three months.", 0.9, verified=True, place="page 3")
MESSAGES = (("system", "Be short."), ("user", "Hello"), ("assistant", "Hi"), ("user", "How long?"))


def test_an_exchange_is_the_same_after_the_owners_channel(store: ChatStore) -> None:
    answer = TurnState(
        parts=(Thinking("Hm."), Text("Three months [1].")),
        sources=(SOURCE,),
        citations=(SOURCE,),
        unsupported=((0, 5),),
        adapters=(ChatAdapter("cheerful", "Cheerful", 0.7),),
        finished=Finished("stop", Usage(10, 4, 2), Timings(1.0, 0.2, 50.0, 9.0), 7),
    )
    exchange = Exchange(MESSAGES, answer, "smollm2", "SmolLM2", ("House",))
    sent = json.loads(json.dumps(exchange.to_json()))
    assert Exchange.from_json(sent) == exchange
    chat = save_exchange(store, Exchange.from_json(sent))
    assert (chat.title, chat.system_prompt, chat.collections) == ("Hello", "Be short.", ("House",))
    stored = store.messages(chat.id)
    assert [message.role for message in stored] == ["user", "assistant", "user", "assistant"]
    assert (stored[-1].text, stored[-1].thinking, stored[-1].seed) == ("Three months [1].", "Hm.", 7)
    assert stored[-1].sources == stored[-1].citations == (SOURCE,)
    assert stored[-1].timings["ttft_s"] == 0.2
    assert stored[-1].adapters == chat.adapters == answer.adapters


def test_an_answer_that_broke_off_is_saved_as_interrupted_with_its_reason(store: ChatStore) -> None:
    answer = TurnState(parts=(Text("Three"),), failed=Failed(UserError("The model died.", "Try again."), True))
    sent = json.loads(json.dumps(Exchange(MESSAGES, answer, "m", "M").to_json()))
    chat = save_exchange(store, Exchange.from_json(sent))
    last = store.messages(chat.id)[-1]
    assert (last.status, last.text) == ("interrupted", "Three")
    assert (last.error, last.error_text) == ("The model died.", "Try again.")


def test_a_new_chat_takes_its_draft_along_when_it_is_stored(store: ChatStore) -> None:
    store.save_draft("", "half a thought")
    chat = OpenChat(collections=("House",), draft="half a thought")
    id = chat.stored(store)
    assert chat.stored(store) == id
    assert (store.draft(id), store.draft("")) == ("half a thought", "")
    assert store.conversation(id).collections == ("House",)
    assert chat.same(OpenChat(id))
    assert not OpenChat().same(OpenChat())


def test_a_new_chat_leaves_the_draft_of_another_new_chat_alone(store: ChatStore) -> None:
    store.save_draft("", "of the other one")
    chat = OpenChat(draft="mine")
    assert store.draft(chat.stored(store)) == ""
    assert store.draft("") == "of the other one"
