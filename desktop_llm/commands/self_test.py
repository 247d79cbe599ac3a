"""`index test`: asks a collection questions made from its own passages, and prints which were found."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from desktop_llm.characters import one_line
from desktop_llm.commands.documents import knowledge
from desktop_llm.commands.terminal import drain, print_json
from desktop_llm.knowledge.client import SelfTest, likely_range
from desktop_llm.paths import Folders
from desktop_llm.words import tr

WAYS = {"rank": tr("both"), "rank_by_meaning": tr("by meaning"), "rank_by_words": tr("by words")}


def run_self_test(options: argparse.Namespace, home: Folders) -> None:
    """Print how many passages came first, among the first 5 and among the first 10, and those that did not."""
    with knowledge(home) as client:
        found = drain(client.self_test(options.collection, options.questions), _progress)
    if options.json:
        print_json(_as_json(found))
        return
    total = len(found.probes)
    for way, name in WAYS.items():
        shares = [f"{found.found(within, way):4} of {total}" for within in (1, 5, 10)]
        sys.stdout.write(f"{name:12} first {shares[0]}   in 5 {shares[1]}   in 10 {shares[2]}\n")
    for probe in found.probes:
        if probe.rank != 1:
            place = Path(probe.document).name + (f", page {probe.page}" if probe.page is not None else "")
            rank = f"{probe.rank}." if probe.rank else tr("not found")
            sys.stdout.write(one_line(f"{rank:>10}  {probe.question} ({place}): {probe.reason}") + "\n")


def _as_json(found: SelfTest) -> dict[str, object]:
    total = len(found.probes)
    recall = {}
    for within in (1, 5, 10):
        low, high = likely_range(found.found(within), total)
        share = found.found(within) / total if total else 0.0
        recall[str(within)] = {"recall": round(share, 4), "low": round(low, 4), "high": round(high, 4)}
    return {
        "collection": found.collection,
        "documents": found.documents,
        "questions": total,
        "seconds": found.seconds,
        "recall": recall,
        "probes": [asdict(probe) for probe in found.probes],
    }


def _progress(asked: tuple[int, int]) -> str:
    return tr("Asking {done} of {total}", done=asked[0] + 1, total=asked[1])
