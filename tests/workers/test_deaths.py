"""What a child wrote last, while it may still be writing."""

from __future__ import annotations

import threading

from desktop_llm.workers.deaths import LastWords


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
