"""Lets the kernel refuse one system call of a process, or all from there on, and looks for what was lost.

For the tests and benchmarks/full_disk.py. Run as a program, it saves chats and settings: `chats PATH` says on stdout
what is saved, and goes on after each refusal; `settings PATH` says nothing, so that its every write can be refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm import settings
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.message import Text
from desktop_llm.settings import Settings

CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "rename", "unlink")
ERRORS = ("ENOSPC", "EIO")
TITLE_BEFORE, SCALES = "Before the fault", (1.0, 1.1, 1.2, 1.3)


@dataclass(frozen=True, slots=True)
class Point:
    """A system call to refuse: the `number`th of its kind, and with `for_good` every later one."""

    what: str
    call: str
    error: str
    number: int
    for_good: bool


def why_not() -> str:
    """Why nothing can be refused here; "" if it can."""
    if sys.platform != "linux" or not shutil.which("strace"):
        return "strace is needed"
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()}"


def points() -> list[Point]:
    """Every call that saving chats and settings makes, with each error, once and for good."""
    found = []
    for what in ("chats", "settings"):
        with _prepared(what) as path, tempfile.NamedTemporaryFile("r") as log:
            line = ["strace", "-f", "-qq", "-o", log.name, *_options(what, path), *_program(what, path)]
            subprocess.run(line, check=True, capture_output=True)
            lines = log.read().splitlines()
        for call in CALLS:
            times = sum(f" {call}(" in f" {line.partition(' ')[2]}" for line in lines)
            found += [
                Point(what, call, error, number, for_good)
                for number in range(1, times + 1)
                for error in ERRORS
                for for_good in (False, True)
            ]
    return found


def fault_at(point: Point) -> str:
    """Save while this call is refused, and look at what is there afterwards; what is wrong, "" if nothing is."""
    when = f"{point.number}{'+' if point.for_good else ''}"
    inject = f"--inject={point.call}:error={point.error}:when={when}"
    with _prepared(point.what) as path:
        line = [
            "strace",
            "-f",
            "-qq",
            "-o",
            os.devnull,
            *_options(point.what, path),
            inject,
            *_program(point.what, path),
        ]
        ended = subprocess.run(line, capture_output=True, text=True, timeout=60)
        if ended.returncode:
            return f"{point}: {ended.stderr[-800:]}"
        wrong = _lost_chats(path, ended.stdout) if point.what == "chats" else _lost_settings(path)
    return wrong and f"{point}: {wrong}"


@contextlib.contextmanager
def _prepared(what: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chats.db" if what == "chats" else "settings.json")
        if what == "settings":
            settings.save(path, Settings(reading_scale=SCALES[0]))
        else:
            with ChatStore(path) as store:
                chat = store.create(title=TITLE_BEFORE)
                store.add(chat.id, None, "user", [Text("kept")])
        yield path


def _options(what: str, path: Path) -> list[str]:
    """What strace looks at: the calls that concern the database; for settings, whose file has a new name each time, all
    calls but the opening, which the interpreter needs for itself.
    """
    if what == "settings":
        return ["-e", f"trace={','.join(CALLS[1:])}"]
    files = (part for end in ("", "-wal", "-shm", "-journal") for part in ("-P", f"{path}{end}"))
    return ["-e", f"trace={','.join(CALLS)}", *files]


def _program(what: str, path: Path) -> list[str]:
    return [sys.executable, "-m", "tests.refused_writes", what, str(path)]


def _lost_chats(path: Path, said: str) -> str:
    with ChatStore(path) as store:
        if store.notice:
            return store.notice
        if TITLE_BEFORE not in [chat.title for chat in store.conversations()]:
            return "the first chat is gone"
        for line in said.splitlines():
            saved = json.loads(line)
            # The answer at its end begins like the answer before, and may be there without having been promised.
            if not store.message(saved["id"]).text.startswith(saved["text"]):
                return f"{saved} is lost"
    return ""


def _lost_settings(path: Path) -> str:
    found, problem = settings.load(path)
    return problem or ("" if found.reading_scale in SCALES else "it is neither the old nor the new")


def _save_chats(path: Path) -> None:
    store: ChatStore | None = None
    for turn in range(2):
        with _refused():
            store = store or ChatStore(path)
            chat = store.conversations()[0].id
            question = store.add(chat, None, "user", [Text(f"Question {turn}? " * 40)])
            _say(question.id, question.text)
            answer = store.add(chat, question.id, "assistant", status="streaming")
            store.append(answer.id, [Text("An answer")])
            _say(answer.id, "An answer")
            answer = store.finish(answer.id, "complete", parts=[Text("An answer at its end")])
            _say(answer.id, answer.text)
        with _refused():
            if store is not None:
                store.save_draft("", f"draft {turn}")
    if store is not None:
        store.close()


def _say(message_id: str, text: str) -> None:
    sys.stdout.write(json.dumps({"id": message_id, "text": text}) + "\n")
    sys.stdout.flush()


def _save_settings(path: Path) -> None:
    for scale in SCALES[1:]:
        with _refused():
            settings.save(path, Settings(reading_scale=scale))


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Let a disk refuse; any other error ends the process with its traceback."""
    try:
        yield
    except UserError as error:
        if error.action != FREE_SPACE or not error.text:
            raise


if __name__ == "__main__":
    {"chats": _save_chats, "settings": _save_settings}[sys.argv[1]](Path(sys.argv[2]))
