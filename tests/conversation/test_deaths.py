"""Eight deaths and a stop of the engine in the middle of answers; benchmarks/deaths.py does 250 in the window."""

from __future__ import annotations

import os
import signal

import pytest

from desktop_llm.engine.client import TextDelta
from desktop_llm.workers import pulse
from tests.conversation.conftest import FrontEnd

SIGNALS = [signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS] * 2 + [signal.SIGSTOP]
STORY = "say: " + "once upon a time " * 20


def test_deaths_and_a_stop_keep_the_text_and_the_next_question_is_answered(
    front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "HANG_S", 2.0)
    monkeypatch.setattr(pulse, "_LOOK_S", 1.0)
    monkeypatch.setattr(pulse, "_QUIET_S", 0.5)
    for index, number in enumerate(SIGNALS):
        turn, said = front_end.turn(STORY), ""
        for event in turn.run():
            before, said = said, said + (event.text if isinstance(event, TextDelta) else "")
            if len(before) <= 10 + 20 * index < len(said):
                os.kill(front_end.worker_pid, number)
        front_end.desk.ended(turn)
        stored = front_end.store.message(turn.state.message_id)
        assert (stored.status, stored.text) == ("interrupted", said), number.name
        assert turn.state.failed is not None
        assert ("stopped responding" in turn.state.failed.error.title) == (number == signal.SIGSTOP)
    answer = front_end.ask("say: back again")
    assert (answer.state.status, answer.state.text) == ("complete", "back again")
