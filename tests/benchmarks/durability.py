"""Kills, power cuts and damage in full numbers: what is saved must stay saved, what is damaged must be said.

    python -m tests.benchmarks.durability [--only kills|real|refused|power|controls|damage] [--share PERCENT] [--seed N]

Kills after every change of a recording, kills by strace at every system call and disks that refuse it, 5,000 power
cuts, three controls without a safeguard (which must fail), 2,000 damaged databases. The exit status is 1 if any of it
is not as it should be.
"""

import argparse
import collections
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chats import mutating, power
from tests.chats.durable_work import WORKS

Found = tuple[int, list[str]]
CONTROLS = (("chat", "normal", "is lost"), ("chat", "off", "was damaged"), ("settings", "unsynced", "torn"))


def kills(folder: Path, share: float, seed: int) -> Found:
    """The files after every change that a kill may stop at."""
    return _summed([power.kills(_recorded(work, folder), folder, round(1 / share)) for work in WORKS])


def real(folder: Path, share: float, seed: int) -> Found:
    """Processes that strace kills at every system call which changes something."""
    return _summed([power.real(work, folder / work, power.KILL, round(1 / share)) for work in WORKS])


def refused(folder: Path, share: float, seed: int) -> Found:
    """Full and failing disks from every system call on: a sentence each time, and nothing is lost."""
    faults = [(work, fault) for work in WORKS for fault in (power.FULL, power.FAILING)]
    return _summed([power.real(work, folder / work / fault[:9], fault, round(1 / share)) for work, fault in faults])


def cuts(folder: Path, share: float, seed: int) -> Found:
    """5,000 power cuts, in equal parts during each work."""
    each = round(5000 * share / len(WORKS))
    return _summed([power.power_cuts(_recorded(work, folder), folder, each, seed) for work in WORKS])


def controls(folder: Path, share: float, seed: int) -> Found:
    """1,000 power cuts each without one safeguard: a control that finds nothing is the problem here."""
    problems, count = [], 0
    for work, control, problem in CONTROLS:
        recording = power.record(work, folder / control, control)
        looks, found = power.power_cuts(recording, folder, round(1000 * share), seed)
        hits = sum(problem in each for each in found)
        print(f"  {work} {control}: {hits} of {looks} {problem}, {len(found) - hits} other problems")
        problems += [] if hits else [f"{work} {control} found nothing"]
        count += looks
    return count, problems


def damage(folder: Path, share: float, seed: int) -> Found:
    """2,000 databases, each damaged in its own way."""
    folder.mkdir()
    whole, ways = folder / "chats.db", collections.Counter[str]()
    texts = mutating.write(whole)
    found = []
    for number in range(round(2000 * share)):
        problems = mutating.trial(whole, folder / f"{number}", seed + number, texts)
        ways.update(way for way, _ in problems)
        found += [f"{seed + number}: {way}: {problem}" for way, problem in problems]
    return round(2000 * share), found


def _recorded(work: str, folder: Path) -> power.Recording:
    return power.record(work, folder / work)


def _summed(results: list[Found]) -> Found:
    return sum(count for count, _ in results), [problem for _, found in results for problem in found]


GATES: dict[str, Callable[[Path, float, int], Found]] = {
    "kills": kills,
    "real": real,
    "refused": refused,
    "power": cuts,
    "controls": controls,
    "damage": damage,
}


def main() -> int:
    """Run the gates, and print one line for each, with its problems below."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(GATES), help="one of the gates")
    parser.add_argument("--share", type=float, default=100, help="how much of it, in percent (100)")
    parser.add_argument("--seed", type=int, default=0, help="other power cuts and other damage")
    arguments = parser.parse_args()
    status = 0
    for name, gate in GATES.items():
        if arguments.only not in (None, name):
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            count, found = gate(Path(folder) / name, arguments.share / 100, arguments.seed)
        print(f"{name}: {count:,} looks, {len(found)} problems, {time.monotonic() - started:.0f} s")
        print("".join(f"  {problem}\n" for problem in found), end="")
        status = 1 if found else status
    return status


if __name__ == "__main__":
    sys.exit(main())
