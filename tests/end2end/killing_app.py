"""Kills the whole app, or its workers, with -9 at random, then looks for losses of what it had promised."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from desktop_llm.chats.store import ChatStore
from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, Sampling, TextDelta
from desktop_llm.errors import WorkerDied
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders, folders
from tests.end2end.app_in_use import COLLECTION
from tests.known_machine import say_known

Tell = Callable[[int], None]
LONGEST_S = 4.0
FILES = 60


def write_folder(folder: Path, files: int) -> Path:
    """Write small texts, all different, so that reading takes longer than the app lives."""
    folder.mkdir(parents=True)
    for number in range(files):
        text = f"Entry {number}. The harbour keeps {number * 7} boats; boat {number} has colour {number % 9}. "
        (folder / f"{number:04}.txt").write_text(text * 12)
    return folder


def kill_app_many(root: Path, count: int, seed: int, tell: Tell = lambda _: None, files: int = FILES) -> list[str]:
    """Start the app and kill it after a random time, `count` times; returns all losses found.

    Of three kills, one comes while it starts, and two while it is in use.
    """
    home, documents, chance = folders(root / "home"), write_folder(root / "documents", files), random.Random(seed)
    say_known(home)
    promised: dict[str, str] = {}
    found: list[str] = []
    for number in range(1, count + 1):
        promised |= _live_and_die(root / "home", documents, chance.uniform(0.1, LONGEST_S), in_use=number % 3 > 0)
        found += _lost_messages(home, promised)
        tell(number)
    if not promised:
        found.append("the app never stored anything: the kills came too early to prove something")
    return found + _differences(home, root / "calm", documents)


def kill_workers_many(root: Path, count: int, seed: int, tell: Tell = lambda _: None, files: int = FILES) -> list[str]:
    """Kill the knowledge worker or its reader, or the engine, at random while they work; returns all losses found."""
    home, documents, chance = folders(root / "home"), write_folder(root / "documents", files), random.Random(seed)
    model = Library(home).starter().path
    found: list[str] = []
    say_known(home)
    knowledge, engine = Knowledge(home), Engine(home)
    for number in range(1, count + 1):
        if number % 2:
            _kill_while_reading(knowledge, documents, chance)
        else:
            found += _kill_while_answering(engine, model, chance)
        tell(number)
    knowledge.close()
    engine.close()
    return found + _differences(home, root / "calm", documents)


def _live_and_die(home: Path, documents: Path, seconds: float, *, in_use: bool) -> dict[str, str]:
    """Run the app and kill it so long after its start, or after it first said that it stored something (`in_use`).

    Returns the texts, by message id, that it said were stored.
    """
    environment = {**os.environ, "DESKTOP_LLM_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.end2end.app_in_use", str(documents)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as app:
        assert app.stdout is not None
        first = app.stdout.readline() if in_use else b""
        timer = threading.Timer(seconds, app.kill)
        timer.start()
        lines = [first, *app.stdout.read().splitlines(keepends=True)]
        timer.join()
    promised: dict[str, str] = {}
    for line in lines:
        if line.endswith(b"\n"):  # half a line promises nothing
            said = json.loads(line)
            promised[said.get("user") or said.get("assistant")] = said["text"]
    return promised


def _lost_messages(home: Folders, promised: dict[str, str]) -> list[str]:
    with ChatStore(home.chats_db) as store:
        found = ["chats.db was damaged"] if store.notice else []
        store.recover()
        stored = {message.id: message for chat in store.conversations() for message in store.messages(chat.id)}
        for message_id, text in promised.items():
            if message_id not in stored:
                found.append(f"message {message_id} is lost")
            elif stored[message_id].text != text:
                found.append(f"message {message_id} has another text")
        return found + [f"{one.id} is still streaming" for one in stored.values() if one.status == "streaming"]


def _kill_while_reading(knowledge: Knowledge, documents: Path, chance: random.Random) -> None:
    run = knowledge.index(COLLECTION, [documents])
    try:
        for _ in range(chance.randint(1, 4)):
            next(run)
        victims = [child for child in psutil.Process().children(recursive=True) if "worker" in child.cmdline()]
        readers = [child for child in victims if "reader" in child.cmdline()]
        workers = [child for child in victims if "knowledge" in child.cmdline()]
        chance.choice(readers or workers).kill() if chance.random() < 0.4 else workers[0].kill()
        for _ in run:
            if chance.random() < 0.1:
                break
    except (WorkerDied, StopIteration, psutil.NoSuchProcess):
        pass
    finally:
        run.close()


def _kill_while_answering(engine: Engine, model: Path, chance: random.Random) -> list[str]:
    """Check that the text before the kill begins the same answer that comes without a kill."""
    question, sampling = (
        [ChatMessage.of("user", "Count from one to twenty in words.")],
        Sampling(temperature=0, max_tokens=30),
    )
    for _ in engine.load(model, LoadSettings(context_length=512)):
        pass
    text, most = "", chance.randint(1, 12)
    try:
        for event in engine.generate(question, sampling):
            text += event.text if isinstance(event, TextDelta) else ""
            if isinstance(event, TextDelta) and (most := most - 1) == 0:
                next(child for child in psutil.Process().children() if "engine" in child.cmdline()).kill()
    except WorkerDied as death:
        if "SIGKILL" not in death.details or "ended it" not in death.message:
            return [f"the death was told as: {death.message}"]
    whole = "".join(event.text for event in engine.generate(question, sampling) if isinstance(event, TextDelta))
    return [] if whole.startswith(text) and whole else [f"after the kill came {whole!r} instead of {text!r}…"]


def _differences(home: Folders, calm_root: Path, documents: Path) -> list[str]:
    """Finish reading, and compare with an undisturbed run."""
    killed, calm = _contents(home, documents), _contents(folders(calm_root), documents)
    if killed == calm:
        return []
    return [f"the index differs: {len(killed)} passages after kills, {len(calm)} without"]


def _contents(home: Folders, documents: Path) -> list[tuple[str, int, int, str]]:
    knowledge = Knowledge(home)
    deadline = time.monotonic() + 300
    paths = [documents]
    for turn in range(2):
        for _ in knowledge.index(COLLECTION, paths):
            assert time.monotonic() < deadline, "reading does not end"
        if not (failed := knowledge.verify(COLLECTION).failed):
            break
        assert turn == 0, failed
        for each in failed:  # its reader was killed: the file says so, and whoever wants it adds it again by its name
            knowledge.remove_document(COLLECTION, each.document)
        paths = [Path(each.document) for each in failed]
    queries = [f"Entry {number} harbour boats colour" for number in range(len(list(documents.iterdir())))]
    found = {
        (hit.document, hit.start, hit.end, hit.text)
        for hits in knowledge.search_many([COLLECTION], queries, 10)
        for hit in hits
    }
    report = knowledge.status(COLLECTION)[0]
    knowledge.close()
    return [*sorted(found), ("", report.documents, report.chunks, "")]
