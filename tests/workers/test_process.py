"""A worker's whole life, seen from its parent, with a real child on the real wire."""

from __future__ import annotations

import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from desktop_llm.errors import ContextOverflow, UserError, WorkerDied
from desktop_llm.steps import result_of
from desktop_llm.workers import process, pulse
from desktop_llm.workers.deaths import Part, outcome
from desktop_llm.workers.process import Worker, WorkerBug
from desktop_llm.workers.protocol import Message

ECHO = [sys.executable, str(Path(__file__).with_name("echo_worker.py"))]


@pytest.fixture
def worker() -> Iterator[Worker]:
    part = Part("The echo", "Every word is kept. Shout to start it again.", "Whisper.")
    worker = Worker([], part, command=ECHO)
    yield worker
    worker.close()


def test_a_request_yields_its_progress_and_returns_its_answer(worker: Worker) -> None:
    steps = worker.request("echo", {"text": "Grüße"}, b"\x00\x01")
    assert next(steps).data == {"half": "Gr"}
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert (end.value.value.data, end.value.value.body) == ({"text": "Grüße"}, b"\x01\x00")


def test_a_child_is_not_told_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abc123")
    monkeypatch.setenv("https_proxy", "http://name:hf_abc123@proxy")
    worker = Worker([], Part("The echo"), command=ECHO)
    try:
        assert worker.call("echo", {"text": "there"}).data["text"] == "there"
        assert [name for name, value in psutil.Process(worker.pid).environ().items() if "hf_abc123" in value] == []
    finally:
        worker.close()


def test_file_names_that_are_not_text_pass_the_wire(worker: Worker) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    assert worker.call("echo", {"text": name}).data["text"] == name


def test_a_short_request_is_answered_while_a_long_one_runs(worker: Worker) -> None:
    number, steps = worker.start("forever")
    assert worker.call("echo", {"text": "now"}).data["text"] == "now"
    worker.cancel(number)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.data == {"cancelled": True}


def test_closing_a_request_cancels_it_and_the_worker_goes_on(worker: Worker) -> None:
    steps = worker.request("count", {"to": 10**9})
    next(steps)
    steps.close()
    assert worker.call("count", {"to": 3}).data == {"stopped": False}


def test_a_handler_may_answer_its_cancellation(worker: Worker) -> None:
    number, steps = worker.start("count", {"to": 10**9})
    next(steps)
    worker.cancel(number)
    last: dict[str, object] = {}
    while not last:
        try:
            next(steps)
        except StopIteration as end:
            last = end.value.data
    assert last == {"stopped": True}


def test_a_cancelled_handler_may_say_what_it_still_has(worker: Worker) -> None:
    number, steps = worker.start("last_words")
    next(steps)
    worker.cancel(number)
    assert [message.data["word"] for message in steps] == ["one", "two"]


def test_a_dropped_request_ends_at_once_even_if_the_child_hangs(worker: Worker) -> None:
    number, steps = worker.start("hang")
    next(steps)
    worker.drop(number)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.data == {"cancelled": True}
    assert worker.alive


def test_a_user_error_crosses_the_wire_with_its_class_and_text(worker: Worker) -> None:
    with pytest.raises(UserError, match="Change the bulb"):
        worker.call("refuse")
    with pytest.raises(ContextOverflow) as caught:
        worker.call("refuse", {"overflow": True})
    assert (caught.value.needed_tokens, caught.value.available_tokens) == (9000, 4096)


def test_a_bug_in_a_handler_is_told_and_the_worker_lives_on(worker: Worker) -> None:
    with pytest.raises(WorkerBug, match="ZeroDivisionError"):
        worker.call("bug")
    assert worker.call("echo", {"text": "still here"}).data["text"] == "still here"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_death_is_told_in_words_with_its_signal(worker: Worker, name: str) -> None:
    with pytest.raises(WorkerDied, match="stopped unexpectedly") as caught:
        worker.call("die", {"signal": name, "last_words": "GGML_ASSERT(n > 0) failed"})
    assert caught.value.text == "Every word is kept. Shout to start it again."
    assert name in caught.value.details
    assert "GGML_ASSERT" in caught.value.details
    assert "SIG" not in caught.value.title
    with pytest.raises(WorkerDied):
        worker.call("echo", {"text": "too late"})


def test_a_death_by_memory_says_so(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match=r"the memory ran out\. Every word is kept\. .* Whisper\."):
        worker.call("die", {"signal": "SIGABRT", "last_words": "ggml: failed to allocate buffer of size 9"})


def test_every_waiting_request_learns_of_the_death(worker: Worker) -> None:
    _, first = worker.start("forever")
    _, second = worker.start("forever")
    os.kill(worker.pid, signal.SIGKILL)
    for steps in (first, second):
        with pytest.raises(WorkerDied):
            next(steps)


def test_a_child_that_hangs_is_ended_and_told(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="stopped responding"):
        worker.call("hang", stall_s=0.5)
    assert not worker.alive


class Waiting(queue.SimpleQueue[Message | None]):
    """A request that waits for ever; each time somebody looks for its answer, `meanwhile` happens first."""

    def __init__(self, meanwhile: Callable[[int], object]) -> None:
        super().__init__()
        self.looks = 0
        self._meanwhile = meanwhile

    def get(self, block: bool = True, timeout: float | None = None) -> Message | None:
        self.looks += 1
        self._meanwhile(self.looks)
        raise queue.Empty


def test_a_child_that_answers_one_request_does_not_count_as_hung_for_another(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is the number of looks, so that a busy machine changes nothing: each takes a tick of half a second."""
    waiting = Waiting(lambda looks: looks < 50 and worker.call("echo", {"text": "I work"}))
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: waiting.looks * process._TICK_S))
    with pytest.raises(WorkerDied, match="stopped responding"):
        worker._next(waiting, stall_s=2.0)
    assert waiting.looks == 49 + 4


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count a child as hung after two seconds instead of eight."""
    monkeypatch.setattr(pulse, "HANG_S", 2.0)
    monkeypatch.setattr(pulse, "_LOOK_S", 1.0)
    monkeypatch.setattr(pulse, "_QUIET_S", 0.5)


@pytest.mark.usefixtures("hasty")
def test_a_stopped_child_is_ended_and_told_whoever_asked(worker: Worker) -> None:
    _, first = worker.start("forever")
    _, second = worker.start("hang", {}, bytes(1 << 20))  # more than the pipe holds
    next(second)
    os.kill(worker.pid, signal.SIGSTOP)
    _, third = worker.start("echo", {"text": "there?"}, bytes(1 << 20))
    worker.cancel(1)
    for steps in (first, second, third):
        with pytest.raises(WorkerDied, match="stopped responding"):
            result_of(steps)


@pytest.mark.usefixtures("hasty")
def test_a_child_that_is_stopped_while_idle_is_gone_before_the_next_request(worker: Worker) -> None:
    worker.call("echo", {"text": "there"})
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(WorkerDied, match="stopped responding"):
        worker.call("echo", {"text": "there?"})
    assert not worker.alive


@pytest.mark.usefixtures("hasty")
def test_a_child_whose_step_waits_for_what_never_comes_is_ended(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="stopped responding"):
        worker.call("hang")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", ["hold", "compute"])
def test_a_long_step_that_computes_is_no_hang(worker: Worker, kind: str) -> None:
    assert worker.call(kind).kind == "done"


def test_what_a_library_prints_does_not_break_the_wire(worker: Worker) -> None:
    assert worker.call("junk").data == {"fine": True}


def test_a_child_ends_when_its_parent_lets_go(worker: Worker) -> None:
    worker.call("echo", {"text": "hi"})
    worker.close()
    assert not worker.alive


def test_a_child_that_prints_junk_instead_of_frames_counts_as_dead() -> None:
    worker = Worker([], Part("The echo"), command=[sys.executable, "-c", "print('hello ' * 99)"])
    with pytest.raises(WorkerDied):
        worker.call("echo", {"text": "hi"})
    worker.close()


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="could not be started"):
        Worker([], Part("The echo"), command=["/nonexistent/program"])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel filter is Linux's")
def test_a_confined_child_gets_no_internet_socket(worker: Worker) -> None:
    assert worker.call("connect").data == {"enforced": True, "refused": True}


def test_an_end_is_described_in_words() -> None:
    assert outcome(-9).endswith("because the memory was full")
    assert outcome(3) == "it found an error in itself"
