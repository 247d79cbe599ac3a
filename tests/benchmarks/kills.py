"""Random kill -9 of a process that writes chats, and a look at what it had promised.

    python -m tests.benchmarks.kills [COUNT] [--seed N]

Exit status 1 where anything acknowledged was lost. Each kind of victim is one function in `VICTIMS`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chats.killing import kill_many

Victim = Callable[[Path, int, int], list[str]]


def chats(folder: Path, count: int, seed: int) -> list[str]:
    """Kill the writer of chats.db; every question and every piece of an answer it acknowledged must be there."""

    def tell(kills: int, saves: int) -> None:
        print(f"\rchats: {kills} of {count} kills, {saves:,} saves acknowledged", end="", file=sys.stderr)

    return kill_many(folder / "chats.db", count, seed, tell)


VICTIMS: dict[str, Victim] = {"chats": chats}


def main() -> int:
    """Run every kind of victim, print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=100, help="kills of each kind (100)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run")
    arguments = parser.parse_args()
    status = 0
    for name, victim in VICTIMS.items():
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
