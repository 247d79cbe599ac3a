"""Kills the chats' writer, the whole app or its workers with -9 at random, then looks for losses of what they promised.

    python -m tests.benchmarks.kills [COUNT] [--seed N] [--only chats|app|workers]

The exit status is 1 if anything acknowledged was lost. Each kind of victim is one function in `VICTIMS`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chats.killing import kill_many
from tests.end2end.killing_app import kill_app_many, kill_workers_many

Victim = Callable[[Path, int, int], list[str]]


def chats(folder: Path, count: int, seed: int) -> list[str]:
    """Kill the writer of chats.db; every question and every piece of an answer it acknowledged must be there."""

    def tell(kills: int, saves: int) -> None:
        print(f"\rchats: {kills} of {count} kills, {saves:,} saves acknowledged", end="", file=sys.stderr)

    return kill_many(folder / "chats.db", count, seed, tell)


def app(folder: Path, count: int, seed: int) -> list[str]:
    """Kill the whole app while it chats and reads: no stored message may be lost, the index must match a calm run."""
    return kill_app_many(folder, count, seed, lambda kills: _tell("app", kills, count))


def workers(folder: Path, count: int, seed: int) -> list[str]:
    """Kill the engine, knowledge worker and reader while they work; no answer and no index may differ."""
    return kill_workers_many(folder, count, seed, lambda kills: _tell("workers", kills, count))


def _tell(name: str, kills: int, count: int) -> None:
    print(f"\r{name}: {kills} of {count} kills", end="", file=sys.stderr)


VICTIMS: dict[str, Victim] = {"chats": chats, "app": app, "workers": workers}


def main() -> int:
    """Kill every kind of victim, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=100, help="kills of each kind (100)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run")
    parser.add_argument("--only", choices=list(VICTIMS), help="one kind of victim")
    arguments = parser.parse_args()
    status = 0
    for name, victim in VICTIMS.items():
        if arguments.only not in (None, name):
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            losses = victim(Path(folder), arguments.count, arguments.seed)
        seconds = time.monotonic() - started
        print(f"\n{name}: {arguments.count} kills, {len(losses)} losses, {seconds:.0f} s, seed {arguments.seed}")
        print("\n".join(losses))
        status = 1 if losses else status
    return status


if __name__ == "__main__":
    sys.exit(main())
