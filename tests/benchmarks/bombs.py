"""Reads files made to break a reader, one after the other, each beside three ordinary files.

    python -m tests.benchmarks.bombs [NAME...]

Prints a line for each: seconds and how many of them a processor worked on it, the most memory that a process of ours
took, and what was said about the file. The exit status is 1 if reading one took more than 120 s or 2 GiB, if another
file was not read, or if nothing was said.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from desktop_llm.errors import UserError
from desktop_llm.knowledge.client import Document, Knowledge
from desktop_llm.paths import folders
from tests.knowledge.bombs import BOMBS, write

LONGEST_S = 120.0
MOST_BYTES = 2 * 1024**3


class Cost:
    """The most memory that a child process takes, and the processor time of all of them, looked at ten times a second.

    Children that were there before count from now on.
    """

    def __init__(self) -> None:
        self.most_bytes = 0
        self._before = {child: _cpu_s(child) for child in psutil.Process().children(recursive=True)}
        self._cpu_s: dict[psutil.Process, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    @property
    def cpu_s(self) -> float:
        return sum(used - self._before.get(child, 0.0) for child, used in self._cpu_s.items())

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                try:
                    self.most_bytes = max(self.most_bytes, child.memory_info().rss)
                    self._cpu_s[child] = _cpu_s(child)
                except psutil.Error:
                    continue


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def read_one(client: Knowledge, name: str, place: Path) -> list[str]:
    """Read one bomb with its neighbours; prints its line and returns what is wrong."""
    folder = place / "files"
    folder.mkdir()
    for number in range(3):
        (folder / f"zz-{number}.txt").write_text(f"Ordinary file {number} beside {name}: the harbour has boats.")
    bomb = write(name, folder)
    cost, started = Cost(), time.monotonic()
    try:
        for _ in client.index(name, [folder, bomb]):
            pass
        seconds = time.monotonic() - started
        documents = client.documents(name)
        client.remove(name)
    except UserError as error:
        print(f"{name:24} {error.message} {error.details}", flush=True)
        return [f"{name}: {error.message}"]
    finally:
        cost.stop()
        shutil.rmtree(folder, ignore_errors=True)
    bombs = [each for each in documents if not Path(each.path).name.startswith("zz-")]
    figures = f"{seconds:6.1f} s {cost.cpu_s:6.1f} s cpu {cost.most_bytes / 2**20:6.0f} MiB"
    print(f"{name:24} {figures}  {_said(bombs)}", flush=True)
    faults = []
    if seconds > LONGEST_S:
        faults.append(f"{name}: {seconds:.0f} s")
    if cost.most_bytes > MOST_BYTES:
        faults.append(f"{name}: {cost.most_bytes / 2**20:.0f} MiB")
    if sum(each.status == "ready" for each in documents) - sum(each.status == "ready" for each in bombs) != 3:
        faults.append(f"{name}: an ordinary file was not read")
    if any(each.status != "ready" and not each.reason for each in bombs):
        faults.append(f"{name}: nothing was said")
    return faults


def _said(bombs: list[Document]) -> str:
    if not bombs:
        return "left out"
    return "; ".join(f"{each.status}, {each.chunks} passages. {each.reason}"[:150] for each in bombs)


def main() -> int:
    """Read all bombs, or those named."""
    faults: list[str] = []
    names = sys.argv[1:] or list(BOMBS)
    with tempfile.TemporaryDirectory() as place:
        client = Knowledge(folders(Path(place) / "home"))
        for name in names:
            faults += read_one(client, name, Path(place))
        client.close()
    print(f"{len(names)} bombs, {len(faults)} faults", *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
