"""From process start to the first paint of the window with 500 stored chats, against a bare QMainWindow.

The first paint shows the window's frame; at `listed_s` its panes are there and the chats are listed, at `ready_s`
everything behind them works. Python may keep compiled modules, as it does on a person's machine.

Memory is the proportional set of the window's own process, without its workers, once it has been at rest for a while.
It may be at most 2.5 times that of the bare window.

    python tests/benchmarks/startup.py [--runs 10] [--chats 500]

Both programs run in turn, so that the machine's noise affects both. Needs a display; under Xvfb: xvfb-run -a python …
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
if sys.argv[1:]:
    QTimer.singleShot(int(sys.argv[1]), lambda: print("rest", flush=True))
    painted = lambda: None
app.exec()
"""
OURS = """
import os, sys
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
def ready(_):
    print("ready", flush=True)
    if not sys.argv[1:]:
        os._exit(0)
    from PySide6.QtCore import QTimer
    QTimer.singleShot(int(sys.argv[1]), lambda: print("rest", flush=True))
run_window(on_first_paint=painted, on_ready=ready)
"""


MOST_MEMORY = 2.5
REST_MS = 12_000  # by then the pages are built and everything is measured


def main() -> int:
    """Print the medians and both ratios; 1 if the window takes more memory than it may."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--chats", type=int, default=500)
    options.add_argument("--memory-runs", type=int, default=2)
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
        memory = [(memory_mb(BARE), memory_mb(OURS)) for _ in range(given.memory_runs)]
    medians = {f"{name.replace(' ', '_')}_s": round(statistics.median(values), 4) for name, values in times.items()}
    ratio = medians["painted_s"] / medians["bare_painted_s"]
    bare_mb, ours_mb = (round(statistics.median(each), 1) for each in zip(*memory, strict=True))
    found = {"bare_memory_mb": bare_mb, "memory_mb": ours_mb, "memory_ratio": round(ours_mb / bare_mb, 2)}
    print(json.dumps({**medians, "ratio": round(ratio, 3), "runs": given.runs, **found}))
    return 0 if ours_mb <= MOST_MEMORY * bare_mb else 1


def fill(chats: int) -> None:
    """Store this many conversations of four messages."""
    from desktop_llm.chats.store import ChatStore
    from desktop_llm.message import Text
    from desktop_llm.paths import folders

    store = ChatStore(folders().chats_db)
    words = [Text("Some words. " * 20)]
    for number in range(chats):
        conversation = store.create(title=f"Conversation {number} about something")
        parent = None
        for turn in range(4):
            parent = store.add(conversation.id, parent, ("user", "assistant")[turn % 2], words).id
    store.close()


def memory_mb(code: str) -> float:
    """The proportional set of the process in MB, once it is at rest."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(REST_MS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any(line.strip() == "rest" for line in process.stdout), "the window did not come to rest"
        sums = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        process.kill()
    (size_kb,) = (int(line.split()[1]) for line in sums.splitlines() if line.startswith("Pss:"))
    return size_kb / 1000


def lines_of(code: str) -> dict[str, float]:
    """The seconds from the start of the process to each word that it prints."""
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
    sys.exit(main())
