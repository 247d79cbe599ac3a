"""The window's process at its start."""

from __future__ import annotations

import gc
import subprocess
import sys

from desktop_llm.gui.app import hold_garbage, keep_what_is_built


def test_a_window_whose_closing_hangs_ends_all_the_same() -> None:
    code = (
        "import threading, desktop_llm.gui.app as app; app.END_S = 0.5;"
        "app.App.close = lambda self: threading.Event().wait();"
        "app.run_window(on_ready=lambda wiring: app.QTimer.singleShot(0, app.QApplication.quit))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 1


def test_no_garbage_is_looked_for_until_the_window_has_settled() -> None:
    try:
        hold_garbage()
        assert not gc.isenabled()
        keep_what_is_built()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()
