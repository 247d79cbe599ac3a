"""Work that must outlive a kill and a power cut; it says on stdout, line by line, what is saved, and when.

    python -m tests.chats.durable_work WORK FOLDER [CONTROL]

A control takes one safeguard away, and then the checks of `power` must fail: "normal" and "off" name SQLite's
`synchronous`, "unsynced" leaves every fsync of our own files out.
"""

import dataclasses
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from desktop_llm import settings
from desktop_llm.chats import schema
from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Question, store_question
from desktop_llm.errors import UserError
from desktop_llm.message import Text
from desktop_llm.net.ledger import Ledger

FIXTURES = Path(__file__).parent / "fixtures"
OLD = {f"upgrade of {path.stem}": path for path in sorted(FIXTURES.glob("version-[12][.-]*db"))}


def acknowledge(saved: object) -> None:
    """Say that this is saved."""
    os.write(1, f"{json.dumps(saved)}\n".encode())


def chat(folder: Path) -> None:
    """Two turns: the question with its answer's place in one step, then the answer in pieces."""
    with ChatStore(folder / "chats.db") as store:
        store._connection.execute("PRAGMA wal_autocheckpoint = 8")  # so that the log goes into the file meanwhile
        one = OpenChat()
        for turn in range(3):
            asked = store_question(store, Question(one, f"question {turn}"), "a model", "A model")
            acknowledge(["question", f"question {turn}"])
            answer = asked.messages[-1].id
            for piece in range(3):
                store.append(answer, [Text(f"piece {piece} of {turn}, ")])
                acknowledge(["piece", f"piece {piece} of {turn}, "])
            store.finish(answer, "complete")


def upgrade(folder: Path) -> None:
    """An older layout; the folder holds it already."""
    ChatStore(folder / "chats.db").close()
    acknowledge(["upgraded"])


def save_settings(folder: Path) -> None:
    """Settings again and again, each longer than the one before."""
    for number in range(1, 9):
        changed = dataclasses.replace(settings.Settings(), threads=number, model_folders=("/models" * number,) * 20)
        settings.save(folder / "settings.json", changed)
        acknowledge(["threads", number])


def ledger(folder: Path) -> None:
    """Requests that are recorded, ended and recorded again, and the list cleared in between."""
    record = Ledger(folder / "ledger.db")
    for number in range(6):
        request = record.begin(f"{number}.hf.co", "download")
        acknowledge(["sent", number])
        record.end(request, 1, 1, "ok")
        if number == 2:
            record.clear()
            acknowledge(["cleared"])


def prepare(work: str, folder: Path) -> None:
    """What is there before the work begins."""
    if work in OLD:
        shutil.copyfile(OLD[work], folder / "chats.db")


def wrong(work: str, folder: Path, saved: list[list[object]]) -> list[str]:
    """Open what a kill or a power cut left, as the app does, and name everything that is not as it was acknowledged."""
    try:
        return _upgrade_wrong(OLD[work], folder, saved) if work in OLD else CHECKS[work](folder, saved)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person would have met it
        return [f"{type(error).__name__}: {error}"]


def _chat_wrong(folder: Path, saved: list[list[object]]) -> list[str]:
    with ChatStore(folder / "chats.db") as store:
        found = [store.notice] if store.notice else []
        store.recover()
        chats = store.conversations()
        messages = [message for one in chats for message in store.messages(one.id)]
        text = "\n".join(message.text for message in messages)
        found += [f"{what} {words!r} is lost" for what, words in saved if str(words) not in text]
        if [message.role for message in messages] != ["user", "assistant"] * (len(messages) // 2):
            found.append("a question stands without the place of its answer")
        if len(chats) > 1 or (chats and not messages):
            found.append("there is a chat without its question")
    with closing(sqlite3.connect(folder / "chats.db")) as database:
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
    return found if verdict == "ok" else [*found, str(verdict)]


def _upgrade_wrong(old_file: Path, folder: Path, saved: list[list[object]]) -> list[str]:
    found = []
    for path in (old_file, folder / "chats.db", *(folder / "backups").glob("chats-version-*.db")):
        with closing(sqlite3.connect(path)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            rows = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("message", "part")]
            verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
        if path == old_file:
            old, expected = version, rows
        elif verdict != "ok" or rows != expected:
            found.append(f"{path.name} is {verdict} with {rows}")
        elif version not in ((old, len(schema.STEPS)) if path.name == "chats.db" else (old,)):
            found.append(f"{path.name} has layout {version}")
        elif saved and path.name == "chats.db" and version == old:
            found.append("the upgrade is undone")
    with ChatReader(folder / "chats.db") as reader:
        found += [] if reader.conversations("aquadukt") else ["the chat is not found"]
    with ChatStore(folder / "chats.db") as store:
        found += [store.notice] if store.notice else []
    halves = [path.name for path in (folder / "backups").glob("*.part*")]
    return [*found, *(f"{name} is left" for name in halves)]


def _settings_wrong(folder: Path, saved: list[list[object]]) -> list[str]:
    read, complaint = settings.load(folder / "settings.json")
    last = saved[-1][1] if saved else None
    whole = read == settings.Settings() or read.model_folders == ("/models" * (read.threads or 0),) * 20
    if complaint or not whole:
        return [f"torn: {complaint}"]
    return [] if last is None or (read.threads or 0) >= int(str(last)) else [f"threads {last} are lost"]


def _ledger_wrong(folder: Path, saved: list[list[object]]) -> list[str]:
    record = Ledger(folder / "ledger.db")
    cleared = ["cleared"] in saved
    sent = {f"{words[1]}.hf.co" for words in saved[saved.index(["cleared"]) if cleared else 0 :] if len(words) > 1}
    missing = record.missing()
    there = {entry.host for entry in record.entries()}
    found = [f"{host} is lost" for host in sorted(sent - there) if "cleared" not in missing or cleared]
    return [*found, missing] if "lost" in missing else found


WORKS: dict[str, Callable[[Path], None]] = {
    "chat": chat,
    **dict.fromkeys(OLD, upgrade),
    "settings": save_settings,
    "ledger": ledger,
}
CHECKS: dict[str, Callable[[Path, list[list[object]]], list[str]]] = {
    "chat": _chat_wrong,
    "settings": _settings_wrong,
    "ledger": _ledger_wrong,
}


def main() -> None:
    """Do one of the works in a folder."""
    work, folder, control = sys.argv[1], Path(sys.argv[2]), "".join(sys.argv[3:])
    if control in ("normal", "off"):
        pragmas = tuple(each.replace("FULL", control.upper()) for each in schema._PRAGMAS)
        schema._PRAGMAS = pragmas  # type: ignore[assignment]
    elif control == "unsynced":
        os.fsync = lambda _: None  # type: ignore[assignment]
    try:
        WORKS[work](folder)
    except UserError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
