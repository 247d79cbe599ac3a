"""How long the window's thread is busy at a stretch while pages and menus open for the first time and a search runs.

    python -m tests.benchmarks.pages [--models N] [--rounds N]

A real window uses a hub on this computer. Each step is one a person takes; a key would have waited for the largest
gap between two beats of a timer of 5 ms. Each round has its own window and home. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_llm.gui.app import hold_garbage, keep_what_is_built
from desktop_llm.paths import folders
from tests.benchmarks.responsiveness import LIMIT_MS, Heart
from tests.end2end.person import LEFT, Person, until
from tests.hub import LocalHub
from tests.models import gguf_files
from tests.sample_hub import fill

MANY = 20  # results, of the sample hub's 23
SETTLE_S = 1.5  # after a step: the work it started is part of it


def main() -> int:
    """Run the rounds; 1 if the thread was ever busy for more than 50 ms."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=100, help="on this computer, besides the starter")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    QApplication(sys.argv[:1])
    late: dict[str, list[float]] = defaultdict(list)
    busy: dict[str, list[float]] = defaultdict(list)
    for _ in range(given.rounds):
        for name, (late_ms, busy_ms) in visit(given.models).items():
            late[name].append(late_ms)
            busy[name].append(busy_ms)
    for name in late:
        middle, worst = statistics.median(late[name]), max(late[name])
        print(
            f"{name:28} late: usual {middle:6.1f} ms, worst {worst:6.1f} ms  processor: worst {max(busy[name]):6.1f} ms"
        )
    return 0 if max(map(max, late.values())) <= LIMIT_MS else 1


def visit(models: int) -> dict[str, tuple[float, float]]:
    """One window's life: the latest beat of each step, and the most processor time between two."""
    with tempfile.TemporaryDirectory() as scratch, hub_url() as url:
        os.environ["DESKTOP_LLM_HOME"], os.environ["HF_ENDPOINT"] = scratch, url
        home = folders()
        for number in range(models):
            gguf_files.model(home.models / f"Model-{number:03}-1B-Q4_K_M.gguf")
        person = Person(home)
        heart = Heart()
        noted = {}
        hold_garbage()
        try:
            for name, step in steps(person):
                heart.take()
                step()
                QTest.qWait(round(SETTLE_S * 1000))
                late, busy = heart.take()
                noted[name] = late[-1], busy[-1]
                if not gc.isenabled():
                    keep_what_is_built()  # as `run_window` does when the window has settled
            return noted
        finally:
            person.close()
            gc.unfreeze()


@contextmanager
def hub_url() -> Iterator[str]:
    """A hub in a process of its own, since its threads would hold up the window's."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def serve(pipe: Connection) -> None:
    """Run the hub's process: it sends its address, and ends when it is told to."""
    with LocalHub() as hub:
        fill(hub)
        pipe.send(hub.url)
        pipe.recv()


def steps(person: Person) -> list[tuple[str, Callable[[], object]]]:
    """The steps of a person, in order: everything for the first time, then the menu and the largest page again."""

    def page(name: str) -> Callable[[], None]:
        return lambda: person.wiring.show_page(name)

    def search() -> None:
        QTest.keyClicks(person.find("models_search"), "qwen3")
        QTest.keyClick(person.find("models_search"), Qt.Key.Key_Return)
        until(lambda: person.find("models_results").model().rowCount() > MANY)

    def repository() -> None:
        rows = person.find("models_results")
        QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualRect(rows.model().index(0, 0)).center())
        until(lambda: person.sees("get_qwen3_8b_q4_k_m_gguf"))

    def close_menu() -> None:
        person.wiring.picker.menu.close_popup()

    return [
        ("start, without the first paint", person.open),
        ("model menu", lambda: person.click("model_button")),
        ("menu closed", close_menu),
        ("menu again", lambda: person.click("model_button")),
        ("menu closed again", close_menu),
        ("Models", page("models")),
        ("search", search),
        ("repository", repository),
        ("download", lambda: person.click("get_qwen3_8b_q4_k_m_gguf")),
        ("Documents", page("documents")),
        ("Settings", page("settings")),
        ("Welcome", page("welcome")),
        ("Chats", page("chats")),
        ("Models again", page("models")),
    ]


if __name__ == "__main__":
    sys.exit(main())
