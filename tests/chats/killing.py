"""Kill the writer without warning and look for what it had promised; for the tests and benchmarks/kills.py."""

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from desktop_llm.chats.store import ChatStore
from tests.chats.writer import PIECE

MOST_LINES = 60


@dataclass
class Acknowledged:
    """What the writer said is saved: the ids of questions, and the number of pieces of each answer."""

    questions: set[str] = field(default_factory=set)
    pieces: dict[str, int] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        # The kill may have cut the last line off; half a line promises nothing.
        if line.endswith(b"\n"):
            saved = json.loads(line)
            if "user" in saved:
                self.questions.add(saved["user"])
            else:
                self.pieces[saved["answer"]] = saved["pieces"]


def kill_once(path: Path, acknowledged: Acknowledged, chance: random.Random) -> None:
    """Let the writer run for a random number of saves, kill -9, and add what it had promised."""
    command = [sys.executable, "-m", "tests.chats.writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randint(1, MOST_LINES)):
            acknowledged.take(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            acknowledged.take(line)


def losses(path: Path, acknowledged: Acknowledged) -> list[str]:
    """Open the file as the app does and name everything that was promised and is not there."""
    with ChatStore(path) as store:
        found = ["the file was damaged"] if store.notice else []
        store.recover()
        texts = {message.id: message for chat in store.conversations() for message in store.messages(chat.id)}
        found += [f"question {message} is lost" for message in acknowledged.questions - texts.keys()]
        for answer, pieces in acknowledged.pieces.items():
            kept = texts[answer].text if answer in texts else ""
            if not kept.startswith(PIECE * pieces):
                found.append(f"answer {answer} lost text")
        found += [f"{message.id} is still streaming" for message in texts.values() if message.status == "streaming"]
    with closing(sqlite3.connect(path)) as connection:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        return found if verdict == "ok" else [*found, f"quick_check: {verdict}"]


def kill_many(path: Path, count: int, seed: int, tell: Callable[[int, int], None] = lambda *_: None) -> list[str]:
    """Kill `count` times on one file; all losses found after each kill. `tell` hears (kills so far, saves so far)."""
    acknowledged, chance, found = Acknowledged(), random.Random(seed), []
    for number in range(1, count + 1):
        kill_once(path, acknowledged, chance)
        found += losses(path, acknowledged)
        tell(number, len(acknowledged.questions) + sum(acknowledged.pieces.values()))
    return found
