"""Damage chats.db in every way, open it as the app does, and name what went wrong; for tests and a benchmark."""

import random
import shutil
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.message import Citation, Text
from tests.chats.reaching import reachable

PAGE = 4096
_VALUES = (
    "NULL",
    "-1",
    "0",
    "7",
    "1e300",
    "'nowhere'",
    "x'ff00ff'",
    "(SELECT id FROM message ORDER BY random() LIMIT 1)",
)
_COLUMNS = {
    "message": (
        "parent_id",
        "conversation",
        "role",
        "status",
        "created_at",
        "usage",
        "sampling",
        "error",
        "model_name",
    ),
    "conversation": ("leaf_id", "title", "updated_at", "touched", "collections", "sampling", "created_at"),
    "part": ("kind",),
    "citation": ("message", "page", "start", "score", "document"),
}


def write(path: Path) -> list[str]:
    """Fill a file with a dozen chats with branches, citations and a log beside it; returns every text in it."""
    with ChatStore(path) as store:
        cited = (Citation(1, "/home/ada/engine.pdf", 2, 0, 9, "Ein Aquädukt", 0.5, True),)
        for number in range(6):
            chat = store.create(title=f"chat {number}")
            parent = None
            for turn in range(4):
                asked = store.add(chat.id, parent, "user", [Text(f"question {number} {turn} " * 9)])
                answer = store.add(chat.id, asked.id, "assistant", status="streaming")
                parent = store.finish(
                    answer.id,
                    "complete",
                    parts=[Text(f"answer {number} {turn} [1] " * 3 + f"{turn} " * 60)],
                    citations=cited,
                ).id
                if turn == 2:
                    store.add(chat.id, asked.id, "assistant", [Text(f"another answer {number}")])
        return reachable(store)


def flip(content: bytearray, chance: random.Random) -> None:
    """Change up to 40 bytes anywhere."""
    for _ in range(chance.randint(1, 40)):
        content[chance.randrange(len(content))] = chance.randrange(256)


def flip_header(content: bytearray, chance: random.Random) -> None:
    """Change a byte or two of the file's header."""
    for _ in range(chance.randint(1, 2)):
        content[chance.randrange(100)] = chance.randrange(256)


def spoil_page(content: bytearray, chance: random.Random) -> None:
    """Fill a page, or a part of it, with zeros, noise or another page."""
    at, length = chance.randrange(len(content) // PAGE) * PAGE, chance.choice((64, 512, PAGE))
    other = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + length] = chance.choice(
        (bytes(length), chance.randbytes(length), content[other : other + length])
    )


def cut(content: bytearray, chance: random.Random) -> None:
    """Cut the end off."""
    del content[chance.randrange(len(content)) :]


_IN_BYTES: tuple[Callable[[bytearray, random.Random], None], ...] = (flip, flip_header, spoil_page, cut)


def change_rows(path: Path, chance: random.Random) -> None:
    """Write nonsense into a few rows, or remove some."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        for _ in range(chance.randint(1, 5)):
            table = chance.choice(list(_COLUMNS))
            low = chance.randint(1, 90)
            rows = f"seq BETWEEN {low} AND {low + chance.choice((0, 0, 0, 3, 200))}"
            try:
                if table in ("message", "conversation") and chance.random() < 0.2:
                    database.execute(f"DELETE FROM {table} WHERE {rows}")
                else:
                    column, value = chance.choice(_COLUMNS[table]), chance.choice(_VALUES)
                    database.execute(f"UPDATE {table} SET {column} = {value} WHERE {rows}")
            except sqlite3.IntegrityError:
                continue  # SQLite itself refuses such a value


def mutate(path: Path, chance: random.Random) -> str:
    """Damage the file (or its log, if it has one) in one of all ways; returns the name of the way."""
    log = path.with_name(path.name + "-wal")
    way = chance.randrange(len(_IN_BYTES) + 2)
    if way >= len(_IN_BYTES):
        change_rows(path, chance)
        return "change_rows"
    victim = log if log.exists() and log.stat().st_size and chance.random() < 0.3 else path
    content = bytearray(victim.read_bytes())
    _IN_BYTES[way](content, chance)
    victim.write_bytes(content)
    return f"{_IN_BYTES[way].__name__} of {victim.name}"


def problems(path: Path, texts: list[str]) -> list[str]:
    """Open, read, search, export and write as the app does; everything but a sentence for a person is a problem."""
    told = ""
    for _ in range(3):  # what only reading meets is mended at the next start
        try:
            with ChatStore(path) as store:
                told = told or store.notice or ""
                store.recover()
                store.purge()
                here = reachable(store)
                store.conversations("question")
                store.add(store.create(title="after").id, None, "user", [Text("It goes on")])
        except UserError as error:
            told = told or error.message
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            return [f"crash: {''.join(traceback.format_exception(error)[-3:])}"]
        missing = len(texts) - len([text for text in here if text])
        return [f"silently lost {missing} of {len(texts)} messages"] if missing > 0 and not told else []
    return [] if "newer version" in told or "another program" in told else [f"never opens: {told}"]


def trial(whole: Path, folder: Path, seed: int, texts: list[str]) -> list[tuple[str, str]]:
    """Damage a copy of a whole file in its own folder, and return each problem with the way of the damage."""
    folder.mkdir()
    path = folder / whole.name
    shutil.copyfile(whole, path)
    way = mutate(path, random.Random(seed))
    found = [(way, problem) for problem in problems(path, texts)]
    shutil.rmtree(folder)
    return found
