"""Finds processes and threads that a test leaves running."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def nothing_left_running() -> Iterator[None]:
    """Fail if a child process or a thread that was started inside has not ended."""
    me = psutil.Process()
    children, threads = set(me.children(recursive=True)), set(threading.enumerate())
    yield
    left = [child for child in me.children(recursive=True) if child not in children]
    _, alive = psutil.wait_procs(left, timeout=5)
    running = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in running:
        thread.join(5)
    stuck = [thread.name for thread in running if thread.is_alive() and not thread.name.startswith("Dummy")]
    for child in alive:
        child.kill()
    assert not alive, f"children left running: {alive}"
    assert not stuck, f"threads left running: {stuck}"
