"""What a child wrote last, while it may still be writing."""

from __future__ import annotations

import signal
import threading

from desktop_llm.errors import LESS_MEMORY
from desktop_llm.workers.deaths import LastWords, Part


def test_last_words_are_looked_through_while_more_of_them_come() -> None:
    heard, enough = LastWords(), threading.Event()

    def write() -> None:
        while not enough.is_set():
            heard.hear("error: still writing")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        assert not any(heard.tell_of_memory() for _ in range(5_000))
    finally:
        enough.set()
        writing.join()


def test_a_kill_by_the_kernel_for_want_of_memory_is_called_that_and_one_by_a_person_is_not() -> None:
    model = Part("The model", "Your words are kept.", "A shorter context helps.", action=LESS_MEMORY)
    starved = model.died(-signal.SIGKILL, LastWords(), memory_full=True)
    assert starved.title == "The model stopped because the memory ran out."
    assert starved.action == LESS_MEMORY
    killed = model.died(-signal.SIGKILL, LastWords())
    assert (killed.action, "memory ran out" in killed.message) == ("", False)
    assert "SIGKILL" in killed.details
    assert "SIGKILL" not in killed.message
    assert model.died(-signal.SIGSEGV, LastWords(), memory_full=True).action == ""


def test_a_card_that_ran_out_of_memory_is_named() -> None:
    heard = LastWords()
    heard.hear("ggml_vulkan: Device memory allocation failed: ErrorOutOfDeviceMemory")
    assert Part("The model").died(-6, heard).title == "The model stopped because the graphics card ran out of memory."
