"""If the system or Ctrl+C ends the app, it ends as if its window had been closed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from desktop_llm.chats.store import ChatStore
from desktop_llm.paths import folders

CODE = """
import sys
from desktop_llm.gui.app import run_window
sys.exit(run_window(on_ready=lambda _: print("ready", flush=True)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_window_and_leaves_nothing_to_mend(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == b"ready\n"
        app.send_signal(number)
        _, errors = app.communicate(timeout=30)
    assert app.returncode == 0, errors.decode()
    assert b"Traceback" not in errors
    with ChatStore(folders().chats_db) as store:
        assert store.recover() == 0
    assert "geometry" in (folders().settings).read_text()
