"""How soon a change in a large folder is answered from, and how long the window's thread is busy at a stretch.

    python -m tests.benchmarks.living_folder [--files N] [--home DIR]

The folder is added in the window, as by a drop. Then one file is changed, one deleted and one renamed, and a search
asks until it knows. Prints the seconds that took, those of a walk that finds nothing, and the window's largest gap
between two beats of 5 ms. Most of the files share their texts, so that reading them takes minutes and not hours.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from desktop_llm.knowledge.client import Knowledge
from desktop_llm.paths import folders
from tests.benchmarks.responsiveness import LIMIT_MS, Heart
from tests.end2end.person import Person, until

TEXTS = 200
A_FOLDER = 40


def main() -> int:
    """Run it; 1 if a change took more than 5 s, or the window's thread was busy for more than 50 ms."""
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--home", type=Path)
    given = options.parse_args()
    QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DESKTOP_LLM_HOME"] = str(given.home or Path(scratch) / "home")
        papers = Path(scratch) / "papers"
        write_notes(papers, given.files)
        person = Person(folders())
        person.open()
        try:
            return measure(person, papers)
        finally:
            person.close()


def write_notes(folder: Path, count: int) -> None:
    """`count` small files, 40 in each folder."""
    for number in range(count):
        place = folder / f"{number // A_FOLDER}"
        if number % A_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"note {number}.txt").write_text(
            f"Note {number % TEXTS}: the ferry to island {number % TEXTS} is late."
        )


def measure(person: Person, papers: Path) -> int:
    """Read the folder, change it, and measure."""
    person.wiring.show_page("documents")
    heart, knowledge, collections = Heart(), person.wiring.resources.knowledge, person.wiring.collections
    started = time.monotonic()
    collections.add("Notes", [str(papers)])
    until(lambda: not collections.is_reading("Notes"), 3_000)
    print(f"read in {time.monotonic() - started:.1f} s")
    worst = told("reading", heart)
    person.wait(8)  # the look at the beginning
    started = time.monotonic()
    report = knowledge.changes("Notes")
    print(f"a walk that finds {report.changed} changes: {time.monotonic() - started:.2f} s")
    heart.take()
    person.wait(3)
    worst = max(worst, told("watching", heart))
    slowest = 0.0
    for number, word in enumerate(("walrus", "quince", "trombone")):
        (papers / "3" / "note 121.txt").write_text(f"The {word} {number} has come to the harbour.")
        (papers / "4" / f"note {160 + number}.txt").unlink()
        (papers / "5" / f"note {200 + number}.txt").rename(papers / "5" / f"moved {number}.txt")
        started = time.monotonic()
        with ThreadPoolExecutor(1) as asking:
            until(asking.submit(found, knowledge, word).done, 60)
        slowest = max(slowest, time.monotonic() - started)
        person.wait(6)
    print(f"a changed file is answered from after {slowest:.1f} s at most")
    worst = max(worst, told("changing", heart))
    return 0 if worst <= LIMIT_MS and slowest <= 5 else 1


def found(knowledge: Knowledge, word: str) -> None:
    """Ask until a passage with this word is found."""
    while word not in knowledge.search(["Notes"], word, 1)[0].text:
        time.sleep(0.05)


def told(part: str, heart: Heart) -> float:
    """Print and return the largest gap."""
    late, busy = heart.take()
    over = sum(each > LIMIT_MS for each in late)
    print(f"{part:10} late: max {late[-1]:6.1f} ms, over 50 ms: {over}, processor: max {busy[-1]:5.1f} ms")
    return late[-1]


if __name__ == "__main__":
    sys.exit(main())
