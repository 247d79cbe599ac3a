"""Kills the program with -9 at random moments while it pulls, and counts the cost; for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.hub import Exchange, LocalHub
from tests.models.downloading import FILE, REPO

PIECE_BYTES = 256 << 10


class CountingHub(LocalHub):
    """A hub that sends its files in small pieces with short waits, counts the bytes it sent, and may cut connections.

    It sends at most `limit_bytes` in all until that is raised; None means no limit.
    """

    def __init__(self, piece_s: float = 0.002, cut_every_bytes: int = 0) -> None:
        super().__init__()
        self.sent_bytes = 0
        self.cuts = 0
        self.limit_bytes: int | None = None
        self._piece_s = piece_s
        self._cut_every_bytes = cut_every_bytes
        self.behave("/cdn/*", self._send_slowly)

    def _send_slowly(self, exchange: Exchange) -> bool:
        blob = next(iter(self.repos[REPO].commits.values()))[FILE]
        start, end = exchange.range(blob.size_bytes) or (0, blob.size_bytes)
        told = {"Content-Length": str(end - start), "ETag": f'"{blob.sha256}"'}
        if "range" in exchange.headers:
            told["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size_bytes}"
        exchange.start(206 if "range" in exchange.headers else 200, told)
        stop = min(end, start + self._cut_every_bytes) if self._cut_every_bytes else end
        with contextlib.suppress(OSError):
            for place in range(start, stop, PIECE_BYTES):
                piece = blob.head[place : min(stop, place + PIECE_BYTES)]
                exchange.raw(piece)
                self.sent_bytes += len(piece)
                exchange.wait(self._piece_s)
                while self._is_held():
                    exchange.wait(self._piece_s)
        if stop < end:
            self.cuts += 1
            exchange.hang_up()
        return True

    def _is_held(self) -> bool:
        limit = self.limit_bytes
        return limit is not None and self.sent_bytes >= limit and not self.stopping.is_set()


@dataclass(frozen=True)
class Killed:
    """The outcome of some kills; the hub sent `wasted_bytes` more than once."""

    kills: int
    wasted_bytes: int
    problems: list[str]


def kill_pulls(home: Path, hub: CountingHub, kills: int, chance: Random) -> Killed:
    """Start the pull of `hub`'s model and kill it until it was killed `kills` times; then let it end."""
    size = _size(hub)
    done, problems, wasted = 0, list[str](), 0
    while done < kills and not problems:
        hub.sent_bytes = 0
        while done < kills and _pull_and_kill(home, hub, chance.random() * 1.1 * size):
            done += 1
            problems += _published(home, hub)
        with _pull(home, hub) as program:
            _, complaint = program.communicate()
        if program.returncode != 0:
            problems.append(complaint.decode())
        problems += _published(home, hub, expected=1)
        wasted += hub.sent_bytes - size
        for path in (home / "models").glob("*.gguf"):
            path.unlink()
    return Killed(done, wasted, problems)


def _pull(home: Path, hub: CountingHub) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "desktop_llm", "pull", REPO, "--home", str(home)]
    environment = {**os.environ, "HF_ENDPOINT": hub.url}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def _pull_and_kill(home: Path, hub: CountingHub, after_bytes: float) -> bool:
    """Kill the program once so much is here, or a moment after all of it is; False if it ended before that."""
    size = _size(hub)
    with _pull(home, hub) as program:
        while program.poll() is None:
            if _part_bytes(home) >= min(after_bytes, size):
                hub.stopping.wait(max(0.0, after_bytes / size - 1))
                program.kill()
                program.wait()
                return True
            hub.stopping.wait(0.001)
    return False


def _size(hub: LocalHub) -> int:
    return next(iter(hub.repos[REPO].commits.values()))[FILE].size_bytes


def _part_bytes(home: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(path.stat().st_size for path in (home / "models" / ".part").glob("*.part"))
    return 0


def _published(home: Path, hub: CountingHub, expected: int | None = None) -> list[str]:
    data = next(iter(hub.repos[REPO].commits.values()))[FILE].head
    found = list((home / "models").glob("*.gguf"))
    problems = [f"{path.name} is wrong" for path in found if path.read_bytes() != data]
    if expected is not None and len(found) != expected:
        problems.append(f"{len(found)} files were published")
    return problems
