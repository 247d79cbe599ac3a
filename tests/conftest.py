"""What every test gets: folders of its own, no network but loopback, and nothing left running behind it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_LOOPBACK = ("127.", "::1", "localhost")


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not host.startswith(_LOOPBACK):
            raise RuntimeError(f"a test tried to reach {host}")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's own folders for this test alone."""
    root = tmp_path / "home"
    monkeypatch.setenv("DESKTOP_LLM_HOME", str(root))
    return root


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a child process or a thread behind."""
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
