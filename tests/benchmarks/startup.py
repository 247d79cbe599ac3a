"""From process start to the first paint of the window with 500 stored chats, against a bare QMainWindow.

The first paint shows the window's frame; `ready_s` is when its panes are filled, the chats listed and typing works.

    python tests/benchmarks/startup.py [--runs 10] [--chats 500]

Both programs run in turn, so the machine's noise hits both. Needs a display; under Xvfb: xvfb-run -a python …
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
from PySide6.QtCore import QTimer
def painted():
    print("painted", flush=True)
    QApplication.quit()
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, painted)
app = QApplication(sys.argv)
window = Window()
window.resize(1280, 800)
window.show()
app.exec()
"""
OURS = """
import sys
from desktop_llm.gui.app import run_window
def painted():
    print("painted", flush=True)
def ready():
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication
    from PySide6.QtWidgets import QListView
    (window,) = [widget for widget in QApplication.topLevelWidgets() if widget.objectName() == "main_window"]
    if not window.findChild(QListView, "chat_list").model().rowCount():
        QTimer.singleShot(5, ready)
        return
    print("ready", flush=True)
    import os
    os._exit(0)
run_window(on_first_paint=painted, on_ready=ready)
"""


def main() -> None:
    """Print both medians and their ratio."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--chats", type=int, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKTOP_LLM_HOME"] = home
        fill(given.chats)
        times: dict[str, list[float]] = {"bare": [], "bare_end": [], "window": [], "ready": []}
        for turn in range(given.runs + 1):
            for name, code in (("bare", BARE), ("window", OURS)):
                painted, ready = until_painted(code)
                if turn:  # the first one warms the disk cache
                    times[name].append(painted)
                    times["ready" if name == "window" else "bare_end"].append(ready)
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {**{f"{name}_s": round(value, 4) for name, value in medians.items()}}
    print(json.dumps({**result, "ratio": round(medians["window"] / medians["bare"], 3), "runs": given.runs}))


def fill(chats: int) -> None:
    """Store that many conversations of four messages."""
    from desktop_llm.chats.store import ChatStore
    from desktop_llm.paths import folders

    store = ChatStore(folders().chats_db)
    for number in range(chats):
        conversation = store.create(title=f"Conversation {number} about something")
        parent = None
        for turn in range(4):
            parent = store.add(conversation.id, parent, ("user", "assistant")[turn % 2], "Some words. " * 20).id
    store.close()


def until_painted(code: str) -> tuple[float, float]:
    """Seconds from starting the process to its first paint, and to its next line or its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    painted = time.perf_counter() - started
    process.stdout.readline()
    ready = time.perf_counter() - started
    process.communicate()
    assert b"painted" in line, "the window did not paint"
    return painted, ready


if __name__ == "__main__":
    main()
