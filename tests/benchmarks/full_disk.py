"""What a disk costs that refuses writes: nothing that was saved, no start, and few seconds until the window says so.

Each write, sync, truncation and rename of saving chats and settings is refused by strace, with "no space" and with
"input/output error", once and for good; afterwards every acknowledged row must be there (expected: 0 lost). Rows are
written to a disk of 1 MiB until it is full. The window starts on full and on read-only disks (at most 5 s until
everything works, and 2 s more until it says what is wrong). 2,000 mutated settings files are loaded and saved.

    python -m tests.benchmarks.full_disk [--every 1] [--starts 10] [--settings 2000]

Needs strace, and unshare with tmpfs in a namespace of one's own; a part that can't run says why. `--every 10` takes a
tenth of the points, which are about 800.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from desktop_llm import settings
from desktop_llm.chats.store import ChatStore
from desktop_llm.message import Text
from desktop_llm.paths import folders
from tests import refused_writes
from tests.faulty_disk import run_on_disk, why_no_disk
from tests.test_settings import MINE, mutated

UNTIL_FULL = """
import sys
from pathlib import Path
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.message import Text

path, saved = Path(sys.argv[1]), []
store = ChatStore(path)
chat = store.conversations()[0].id
try:
    while True:
        saved.append(store.add(chat, None, "user", [Text("a" * 900)]).id)
except UserError:
    pass
store.close()
with ChatStore(path) as again:
    assert again.notice is None, again.notice
    lost = len([id for id in saved if len(again.message(id).text) != 900])
print(f"{len(saved)} rows, {lost} lost")
"""


def refused(every: int) -> str:
    """Refuse every `every`th call; the figures."""
    if reason := refused_writes.why_not():
        return reason
    begun, chosen = time.monotonic(), refused_writes.points()[::every]
    faults = [fault for point in chosen if (fault := refused_writes.fault_at(point))]
    seconds = time.monotonic() - begun
    return "\n".join([f"{len(chosen)} calls refused, {len(faults)} faults, {seconds:.0f} s", *faults])


def small_disk(home: Path) -> str:
    """Write to a disk of 1 MiB until it is full; the figures."""
    data = folders(home).data
    command = [sys.executable, "-c", UNTIL_FULL, str(data / "chats.db")]
    ended = run_on_disk("sound", home, command, size="1m", place=data)
    return ended.stdout.strip() or ended.stderr


def start(state: str, home: Path, times: int) -> str:
    """Start the window on such a disk; the longest times."""
    command = [sys.executable, "-m", "tests.window_on_disk", "--chats", "20"]
    found = [json.loads(run_on_disk(state, home, command).stdout) for _ in range(times)]
    ready = max(each["ready_s"] for each in found)
    told = max(each["told_s"] - each["ready_s"] for each in found)
    whole = sum(bool(each["messages"] and each["banners"]) for each in found)
    return f"{whole} of {times} showed chats and said what is wrong; at most {ready:.2f} s, then {told:.2f} s"


def mutated_settings(count: int) -> str:
    """Load, keep aside and save that many mutated files; the figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.json")
        settings.save(path, MINE)
        good, damaged = path.read_bytes(), 0
        for number in range(count):
            path.write_bytes(mutated(good, random.Random(number)))
            loaded, problem = settings.load(path)
            if problem is not None:
                damaged += 1
                settings.keep_aside(path, loaded)
            settings.save(path, loaded)
            assert settings.load(path) == (loaded, None), number
            for kept in path.parent.glob("settings.old-*"):
                kept.unlink()
    return f"{count} files, {damaged} told of, 0 that stop the app"


def main() -> None:
    """Run all parts and print their figures."""
    parser = argparse.ArgumentParser(description="What a disk costs that refuses writes.")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--settings", type=int, default=2000)
    options = parser.parse_args()
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1", "DESKTOP_LLM_STARTER": os.devnull}
    print("settings:", mutated_settings(options.settings))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        with ChatStore(folders(home).chats_db) as store:
            for number in range(20):
                store.add(store.create(title=f"Chat {number}").id, None, "user", [Text("A question")])
        if reason := why_no_disk():
            print("disks:", reason)
        else:
            print("1 MiB:", small_disk(home))
            for state in ("full", "read-only"):
                print(f"{state}:", start(state, home, options.starts))
    print("refused:", refused(options.every))


if __name__ == "__main__":
    main()
