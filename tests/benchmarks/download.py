"""Downloads: speed against curl, bytes fetched twice after cuts and kills, and a hub that misbehaves.

    python -m tests.benchmarks.download speed [--megabytes 1024] [--runs 5]
    python -m tests.benchmarks.download cuts [--megabytes 300]       a connection for each MiB
    python -m tests.benchmarks.download kills [COUNT] [--seed N]     kill -9 at random moments
    python -m tests.benchmarks.download faults [SEEDS]               every mode of tests/faulty_hub.py
    python -m tests.benchmarks.download dead                         with the patience of a real command

Speed: both programs get the same file from the same server, in turn, onto the same disk, and both times end when the
file is on the disk itself (an fsync follows curl). The exit status is 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from desktop_llm.errors import UserError
from desktop_llm.models.download.part_file import BLOCK_BYTES
from desktop_llm.models.download.receiving import Patience
from tests.faulty_hub import FAULTS, FaultyHub
from tests.models.downloading import FILE, REPO, made_model, site, try_fault
from tests.models.gguf_files import CHAT, gguf, tensor
from tests.models.killing_pulls import CountingHub, kill_pulls

MIB = 1 << 20
LEAST_RATIO = 0.95
MOST_WASTED_BYTES = 8 * MIB
MOST_S = 60.0


def speed(options: argparse.Namespace, folder: Path) -> bool:
    """Measure our speed divided by curl's, as the median of pairs."""
    _write_model(folder / "hub" / REPO / FILE, options.megabytes * MIB)
    command = [sys.executable, "-m", "tests.hub", str(folder / "hub")]
    ratios, ours, curls = list[float](), list[float](), list[float]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().strip()
        for run in range(options.runs + 1):
            curl_s, our_s = _curl(url, folder / "curl"), _pull(url, folder / "home")
            if run:  # the first pair warms the disk cache
                ratios.append(curl_s / our_s)
                ours.append(options.megabytes / our_s)
                curls.append(options.megabytes / curl_s)
        hub.kill()
    ratio = statistics.median(ratios)
    _tell("speed", ratio=ratio, ours_mib_s=statistics.median(ours), curl_mib_s=statistics.median(curls))
    return ratio >= LEAST_RATIO


def cuts(options: argparse.Namespace, folder: Path) -> bool:
    """Cut once in every MiB, and count the bytes the hub sent beyond those of the file."""
    model = made_model(Random(options.seed), options.megabytes * MIB // 4)
    with CountingHub(piece_s=0, cut_every_bytes=MIB) as hub:
        hub.add(REPO, {FILE: model})
        with site(folder, hub.url, Patience(), BLOCK_BYTES) as place:
            right = place.pull().model.path.read_bytes() == model
    _tell("cuts", cuts=hub.cuts, wasted_bytes=hub.sent_bytes - len(model), right=right)
    return right and hub.sent_bytes - len(model) <= MOST_WASTED_BYTES * hub.cuts


def kills(options: argparse.Namespace, folder: Path) -> bool:
    """Kill with -9 at random: count the bytes the hub had to send again for each, and look for a wrong file."""
    with CountingHub() as hub:
        hub.add(REPO, {FILE: made_model(Random(options.seed), 10 * MIB)})
        killed = kill_pulls(folder, hub, options.count or 300, Random(options.seed))
    each = killed.wasted_bytes / max(1, killed.kills)
    _tell("kills", kills=killed.kills, wasted_bytes_each=each, problems=killed.problems)
    return not killed.problems and each <= MOST_WASTED_BYTES


def faults(options: argparse.Namespace, folder: Path) -> bool:
    """Try every mode with so many seeds; each succeeds or fails with a fitting sentence, without a wrong file."""
    ends, problems, longest = Counter[str](), list[str](), 0.0
    for name in FAULTS:
        for seed in range(options.count or 10):
            started = time.monotonic()
            with FaultyHub() as hub, tempfile.TemporaryDirectory(dir=folder) as home:
                outcome = try_fault(Path(home), hub, name, seed)
            longest = max(longest, time.monotonic() - started)
            ends[outcome.cause or "right"] += 1
            problems += [f"{name} {seed}: {problem}" for problem in outcome.problems]
            print(f"\r{name} {seed}".ljust(40), end="", file=sys.stderr)
    _tell("faults", modes=len(FAULTS), runs=ends.total(), longest_s=longest, ends=dict(ends), problems=problems)
    return not problems


def dead(options: argparse.Namespace, folder: Path) -> bool:
    """Measure how long a command waits for a hub that is dead in some way, with the real time limits."""
    taken = dict[str, float]()
    for name in ("silence", "stall", "slow_headers", "slow_body", "reset", "unavailable", "too_many_requests"):
        with FaultyHub() as hub, tempfile.TemporaryDirectory(dir=folder) as home:
            hub.add(REPO, {FILE: made_model(Random(options.seed))})
            hub.misbehave(name, options.seed)
            started = time.monotonic()
            with site(Path(home), hub.url, Patience(), BLOCK_BYTES) as place:
                try:
                    place.pull()
                except UserError as error:
                    print(f"{name}: {error.message}", file=sys.stderr)
            taken[name] = time.monotonic() - started
    _tell("dead", **taken)
    return max(taken.values()) <= MOST_S + 1


def _write_model(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(gguf(CHAT, [tensor("token_embd.weight", [size_bytes // 4])], data_bytes=0))
        for _ in range(size_bytes // MIB):
            file.write(os.urandom(MIB))


def _curl(url: str, target: Path) -> float:
    """Seconds until curl has the file and it is on the disk."""
    started = time.perf_counter()
    subprocess.run(["curl", "-sfL", "-o", str(target), f"{url}/{REPO}/resolve/main/{FILE}"], check=True)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    taken = time.perf_counter() - started
    target.unlink()
    return taken


def _pull(url: str, home: Path) -> float:
    """Seconds from asking for the file to the published model."""
    with site(home, url, Patience(), BLOCK_BYTES) as place:
        repo = place.hub.repo(REPO)
        started = time.perf_counter()
        for _ in place.downloads.pull(repo, repo.file(FILE)):
            pass
        taken = time.perf_counter() - started
        for path in place.published():
            path.unlink()
    return taken


def _tell(name: str, **figures: object) -> None:
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"benchmark": name, **rounded}))


def main() -> int:
    """Run one benchmark; returns 1 if it missed its figure."""
    known = {run.__name__: run for run in (speed, cuts, kills, faults, dead)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=known)
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 0 if known[options.what](options, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
