"""A worker's whole life, seen from its parent, with a real child on the real wire."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop_llm.errors import ContextOverflow, UserError, WorkerDied
from desktop_llm.workers.deaths import outcome
from desktop_llm.workers.process import Worker, WorkerBug

ECHO = [sys.executable, str(Path(__file__).with_name("echo_worker.py"))]


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker([], name="The echo", command=ECHO)
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
    worker = Worker([], name="The echo", command=ECHO)
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
    last = {}
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
    with pytest.raises(WorkerDied, match=name) as caught:
        worker.call("die", {"signal": name, "last_words": "GGML_ASSERT(n > 0) failed"})
    assert "Everything written so far is kept" in caught.value.message
    assert "GGML_ASSERT" in caught.value.details
    with pytest.raises(WorkerDied):
        worker.call("echo", {"text": "too late"})


def test_a_death_by_memory_says_so(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="the memory ran out"):
        worker.call("die", {"signal": "SIGABRT", "last_words": "ggml: failed to allocate buffer of size 9"})


def test_every_waiting_request_learns_of_the_death(worker: Worker) -> None:
    _, first = worker.start("forever")
    _, second = worker.start("forever")
    os.kill(worker.pid, signal.SIGKILL)
    for steps in (first, second):
        with pytest.raises(WorkerDied):
            next(steps)


def test_a_child_that_hangs_is_ended_and_told(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="did not answer any more"):
        worker.call("hang", stall_s=0.5)
    assert not worker.alive


def test_what_a_library_prints_does_not_break_the_wire(worker: Worker) -> None:
    assert worker.call("junk").data == {"fine": True}


def test_a_child_ends_when_its_parent_lets_go(worker: Worker) -> None:
    worker.call("echo", {"text": "hi"})
    worker.close()
    assert not worker.alive


def test_a_child_that_prints_junk_instead_of_frames_counts_as_dead() -> None:
    worker = Worker([], name="The echo", command=[sys.executable, "-c", "print('hello ' * 99)"])
    with pytest.raises(WorkerDied):
        worker.call("echo", {"text": "hi"})
    worker.close()


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="could not be started"):
        Worker([], name="The echo", command=["/nonexistent/program"])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel filter is Linux's")
def test_a_confined_child_gets_no_internet_socket(worker: Worker) -> None:
    assert worker.call("connect").data == {"enforced": True, "refused": True}


def test_an_end_is_described_in_words() -> None:
    assert outcome(-9).endswith("most often the memory was full")
    assert outcome(3) == "it gave up with status 3"
