"""How long the window's thread is busy at a stretch while documents are read and an answer is written.

    python tests/benchmarks/responsiveness.py [--files N] [--tokens N] [--home DIR]

A timer of 5 ms beats in the window's thread; a key would wait for the gap between two beats, less those 5 ms. Prints
the largest gap, the 99th percentile, and the number of gaps over 50 ms, for each part of the run; beside them the most
processor time that the thread itself took between two beats, since on a busy machine it also waits its turn.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from desktop_llm.paths import folders
from tests.end2end.person import Person, until

BEAT_MS = 5
LIMIT_MS = 50.0
TOPICS = ("harbour", "orchard", "railway", "library", "glacier", "market", "lighthouse", "workshop")


class Heart(QObject):
    """Beats every 5 ms and keeps how late each beat was."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._last, self._last_busy = time.perf_counter(), time.thread_time()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def take(self) -> tuple[list[float], list[float]]:
        """How late and how busy it was since the last call, each sorted by size."""
        noted = sorted(self.late_ms), sorted(self.busy_ms)
        self.late_ms, self.busy_ms = [], []
        return noted

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self.busy_ms.append((busy - self._last_busy) * 1000)
        self._last, self._last_busy = now, busy


def main() -> int:
    """Run all parts; 1 if the window's thread was ever busy for more than 50 ms."""
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=80)
    options.add_argument("--tokens", type=int, default=250)
    options.add_argument("--home", type=Path)
    given = options.parse_args()
    QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DESKTOP_LLM_HOME"] = str(given.home or Path(scratch) / "home")
        papers = Path(scratch) / "papers"
        write_papers(papers, given.files)
        person = Person(folders())
        person.open()
        try:
            return measure(person, papers, given.tokens)
        finally:
            person.close()


def measure(person: Person, papers: Path, tokens: int) -> int:
    """Measure the window idle, answering, reading, and doing both at once."""
    person.new_chat({"max_tokens": tokens, "temperature": 0.0})
    person.ask("Say hello.")
    heart = Heart()
    long = "Write a long story about the sea, with headings, lists and a table."
    parts: list[tuple[str, Callable[[], object]]] = [
        ("idle", lambda: person.wait(2)),
        ("answering", lambda: person.ask(long)),
        ("reading", lambda: read(person, "First", papers)),
        ("reading and answering", lambda: both(person, papers, long)),
    ]
    worst = 0.0
    for name, part in parts:
        heart.take()
        part()
        late, busy = heart.take()
        over = sum(each > LIMIT_MS for each in late)
        worst = max(worst, late[-1])
        share = late[int(len(late) * 0.99)]
        print(
            f"{name:24} {len(late):6} beats  late: max {late[-1]:6.1f} ms  p99 {share:5.1f} ms  over 50 ms: {over}"
            f"  processor: max {busy[-1]:5.1f} ms"
        )
    return 0 if worst <= LIMIT_MS else 1


def read(person: Person, name: str, papers: Path) -> None:
    """Read the folder with the Documents page in view."""
    person.wiring.show_page("documents")
    person.wiring.collections.add(name, [str(papers)])
    until(lambda: not person.wiring.collections.is_reading(name), 300)
    person.wiring.show_page("chats")


def both(person: Person, papers: Path, text: str) -> None:
    """Read the folder again under another name, while an answer is written."""
    person.wiring.collections.add("Second", [str(papers)])
    person.ask(text)
    until(lambda: not person.wiring.collections.is_reading("Second"), 300)


def write_papers(folder: Path, count: int) -> None:
    """Write notes of about two pages each."""
    folder.mkdir(parents=True)
    for number in range(count):
        topic = TOPICS[number % len(TOPICS)]
        lines = (f"Note {number}, line {line}: the {topic} was visited and described again." for line in range(80))
        (folder / f"{topic} {number}.txt").write_text("\n\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
