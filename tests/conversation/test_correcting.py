"""An answer that a passage contradicts: corrected with that passage in front of the model, or accepted with a note."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.events import TurnState, fold
from desktop_llm.conversation.storing import Correction, accept_sentence
from desktop_llm.conversation.turn import answer
from desktop_llm.engine.client import ChatMessage, Engine, Event, Finished, LoadSettings, Sampling, Timings, Usage
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Check, Citation, Text
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.conversation.conftest import FAKE_WORKER
from tests.knowledge.conftest import read_all

QUOTE = "Dogs need the written consent of the landlord."


def test_a_correction_puts_the_passage_first_and_says_what_was_wrong(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deposit.md").write_text("The deposit is 2,400 euros and covers damage by dogs.")
    read: list[ChatMessage] = []

    def generate(messages: Sequence[ChatMessage], **_: object) -> Iterator[Event]:
        read.extend(messages)
        yield Finished("stop", Usage(), Timings(), 0)

    passage = Citation(7, "/elsewhere/rules.md", None, 0, len(QUOTE), QUOTE, 0.4, True)
    correction = Correction("Dogs need no consent.", QUOTE, passage)
    with (
        contextlib.closing(Knowledge(folders(home))) as knowledge,
        contextlib.closing(Engine(folders(home), command=[sys.executable, str(FAKE_WORKER)])) as engine,
    ):
        read_all(knowledge.index("House", [tmp_path / "deposit.md"]))
        result_of(engine.load(Library(folders(home)).starter().path, LoadSettings(context_length=2_048)))
        monkeypatch.setattr(engine, "generate", generate)
        state = TurnState()
        question = [ChatMessage.of("user", "How much is the deposit, and may I keep dogs?")]
        for event in answer(engine, question, Sampling(), knowledge, ["House"], corrects=correction):
            state = fold(state, event)
    assert [(each.number, Path(each.document).name) for each in state.sources] == [(1, "rules.md"), (2, "deposit.md")]
    assert f"[1] rules.md\n{QUOTE}" in read[-1].text
    assert "An earlier answer said: “Dogs need no consent.” That is wrong" in read[-1].text


def test_an_accepted_sentence_stays_with_a_note(store: ChatStore) -> None:
    quote = Citation(1, "/rules.md", None, 0, len(QUOTE), QUOTE, 0.4, True)
    checks = [Check(0, 8, "not_found"), Check(9, 30, "contradicts", (quote,), "negation")]
    chat = store.create().id
    message = store.add(chat, None, "assistant", [Text("Hello. Dogs need no consent.")])
    store.set_checks(message.id, checks)
    accepted = accept_sentence(store, message.id, 9)
    assert [check.accepted for check in accepted.checks] == [False, True]
    assert accepted.checks[1].quotes == (quote,)
    assert not accepted.checks[1].needs_a_look
