"""From process start to the first paint of the window with 500 stored chats, against a bare QMainWindow.

The first paint shows the window's frame; `listed_s` is when its panes are there with the chats listed, `ready_s` when
everything behind them works. Python may keep compiled modules, as it does on a person's machine.

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
import os
from desktop_llm.gui.app import run_window
def painted():
    print("painted", flush=True)
    look()
def look():
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QListView
    (window,) = [widget for widget in QApplication.topLevelWidgets() if widget.objectName() == "main_window"]
    chats = window.findChild(QListView, "chat_list")
    if chats is None or not chats.model().rowCount():
        QTimer.singleShot(2, look)
    else:
        chats.window().repaint()
        print("listed", flush=True)
def ready():
    print("ready", flush=True)
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
        os.environ["DESKTOP_LLM_HOME"] = f"{home}/data"
        os.environ["PYTHONPYCACHEPREFIX"] = f"{home}/compiled"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        fill(given.chats)
        times: dict[str, list[float]] = {"bare painted": [], "painted": [], "listed": [], "ready": []}
        for turn in range(given.runs + 1):
            for prefix, code in (("bare ", BARE), ("", OURS)):
                for word, seconds in lines_of(code).items():
                    if turn:  # the first one warms the disk cache
                        times[prefix + word].append(seconds)
    medians = {f"{name.replace(' ', '_')}_s": round(statistics.median(values), 4) for name, values in times.items()}
    ratio = medians["painted_s"] / medians["bare_painted_s"]
    print(json.dumps({**medians, "ratio": round(ratio, 3), "runs": given.runs}))


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


def lines_of(code: str) -> dict[str, float]:
    """Seconds from starting the process to each word that it prints."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    words = {line.decode().strip(): time.perf_counter() - started for line in process.stdout}
    process.communicate()
    assert "painted" in words, "the window did not paint"
    return words


if __name__ == "__main__":
    main()
