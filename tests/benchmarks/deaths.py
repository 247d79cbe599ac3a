"""Ends the engine's worker in the middle of answers, by signals and by stopping it, in a real window with a real model.

    QT_QPA_PLATFORM=offscreen python -m tests.benchmarks.deaths [--deaths N] [--stops N] [--seed N]

The exit status is 1 if the window ended, if less than 99 % of the text that was shown is stored, or if a next answer
did not begin within ten seconds: after the death, or after the stop, which has to be noticed first.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtWidgets import QApplication

from desktop_llm.paths import folders
from tests.end2end.person import LONG, Person, until

DEATHS = (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS)
MOST_CHARACTERS = 400
WAIT_S = 60.0


@dataclass
class Found:
    """What the rounds found: characters shown and stored, and the seconds until the next answer began."""

    shown: int = 0
    stored: int = 0
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def end_one(person: Person, number: signal.Signals, characters: int, found: Found) -> None:
    """Send a signal to the worker after so many characters of an answer, and ask again."""
    answer = person.begin_long_answer()
    until(lambda: len(person.streaming_text()) >= characters or person.idle(), WAIT_S)
    engine = person.wiring.models.engine
    worker = engine._worker if engine is not None else None
    if worker is None or person.idle():  # the model said it all before
        return
    os.kill(worker.pid, number)
    ended = time.monotonic()
    until(person.idle, WAIT_S, f"an answer goes on after {number.name}")
    shown = person.transcript.message(answer)
    found.shown += len(shown.text)
    found.stored += len(shown.text) if person.stored()[-1].text.startswith(shown.text) else 0
    if shown.status != "interrupted":
        found.wrong.append(f"after {number.name} the answer is {shown.status}")
    person.begin_long_answer("And then?")
    found.recoveries_s.setdefault(number.name, []).append(time.monotonic() - ended)
    person.wiring.chat.stop_all()
    until(person.idle, WAIT_S)


def run(person: Person, deaths: int, stops: int, seed: int) -> Found:
    """All rounds, each in a chat of its own."""
    chance, found = random.Random(seed), Found()
    rounds = [DEATHS[index % len(DEATHS)] for index in range(deaths)] + [signal.SIGSTOP] * stops
    chance.shuffle(rounds)
    for done, number in enumerate(rounds, 1):
        person.new_chat(LONG)
        end_one(person, number, chance.randint(21, MOST_CHARACTERS), found)
        print(f"\r{done} of {len(rounds)}", end="", file=sys.stderr)
    return found


def main() -> int:
    """Run, print the figures, and judge them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deaths", type=int, default=200)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKTOP_LLM_HOME"] = str(Path(home) / "home")
        person = Person(folders())
        person.open()
        person.activate()
        found = run(person, arguments.deaths, arguments.stops, arguments.seed)
        person.close()
    del application
    kept = found.stored / max(1, found.shown)
    print(f"\nseed {arguments.seed}: {kept:.2%} of {found.shown:,} characters kept")
    for name, seconds in sorted(found.recoveries_s.items()):
        print(f"{name}: {len(seconds)} times, the next answer began after {max(seconds):.1f} s at most")
    for wrong in found.wrong:
        print(wrong)
    slowest_s = max((max(seconds) for seconds in found.recoveries_s.values()), default=0.0)
    return int(kept < 0.99 or slowest_s > 10 or bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
