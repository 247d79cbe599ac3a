"""Damages copies of a knowledge folder in every way that `tests.knowledge.damages` knows, and counts what came of it.

    python -m tests.benchmarks.damages [COUNT] [--seed N]

Each must be told or change nothing that a person sees, and be mended by reading again. The exit status is 1 if fewer
than 99 % were, or if one was not mended.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from desktop_llm.knowledge.service import Service
from tests.knowledge.damages import DAMAGES, Outcome, contents, prepare, try_one


def main() -> int:
    """Try COUNT damages (300), and print the wrong ones and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run")
    chosen = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as place:
        home = prepare(Path(place))
        service = Service(home)
        expected = contents(service)
        service.close()
        for number in range(chosen.count):
            damage, copy = DAMAGES[number % len(DAMAGES)], Path(place) / str(number)
            outcome = try_one(home, copy, expected, damage, random.Random(chosen.seed + number))
            shutil.rmtree(copy)
            outcomes.append(outcome)
            if not outcome.is_right:
                print(f"\n{damage.__name__} with seed {chosen.seed + number}: {outcome}")
            print(f"\r{number + 1} of {chosen.count}", end="", file=sys.stderr)
    noticed = sum(outcome.same or bool(outcome.told) for outcome in outcomes)
    mended = sum(outcome.mended for outcome in outcomes)
    kept = sum(outcome.kept for outcome in outcomes)
    print(f"\n{len(outcomes)} damages: {noticed} told or without effect, {mended} mended, {kept} kept aside")
    return 0 if noticed >= 0.99 * len(outcomes) and mended == kept == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
