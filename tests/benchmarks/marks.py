"""Tries to smuggle marks of the chat template into prompts, in made vocabularies of both kinds.

    python -m tests.benchmarks.marks [VOCABULARIES] [--seed S]

For each vocabulary, 100 conversations of pieces of its marks go through templates that trim, cut, join and enclose
messages. The prompt's marks must be those of the template alone.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from tests.engine.forged_prompts import broken_prompts

PROMPTS = 100


def main() -> None:
    """Run and print; exits with 1 if a message made a mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vocabularies", nargs="?", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    figures, failed = {"prompts": 2 * options.vocabularies * PROMPTS}, 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("bpe", "spm"):
            draw = random.Random(f"{kind} {options.seed}")
            broken = broken_prompts(kind, draw, Path(folder), vocabularies=options.vocabularies, prompts=PROMPTS)
            failed += len(broken)
            for template, contents in broken[:5]:
                print(kind, repr(template), contents)
    print(json.dumps({**figures, "broken": failed}))
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
