"""Damages the files of a knowledge folder and looks at what comes back: the same, or told; and whole after reading.

A test tries a few, the benchmark `tests.benchmarks.damages` three hundred.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError
from desktop_llm.knowledge.service import Service
from desktop_llm.paths import Folders, folders
from desktop_llm.workers.child import Request
from desktop_llm.workers.protocol import path_to_wire

COLLECTIONS = ("Boats", "Houses")
FILES = 2
QUERIES = [f"What colour has number {number}?" for number in range(FILES)]

Contents = tuple[Any, ...]
Damage = Callable[[Path, random.Random], None]


def prepare(root: Path) -> Folders:
    """A home with two collections, read and closed."""
    home = folders(root / "home")
    service = Service(home)
    for name in COLLECTIONS:
        folder = root / name
        folder.mkdir()
        for number in range(FILES):
            text = f"{name} number {number} has colour {number * 7 % 11} and was built in {1900 + number}. "
            (folder / f"{number}.txt").write_text(text)
        read(service, name, folder)
    service.close()
    return home


def read(service: Service, name: str, *paths: Path) -> None:
    """Read paths, and what waits, into a collection."""
    data = {"collection": name, "paths": [path_to_wire(path) for path in paths], "password": None}
    for _ in service.index(Request(1, "index", data, b"")):
        pass


def contents(service: Service) -> Contents:
    """What a person can see: the collections, their documents, the answers to a few searches."""
    found = service.search({"collections": list(COLLECTIONS), "queries": QUERIES, "k": 5})
    assert isinstance(found, dict)
    hits = [
        [(hit["document"], hit["start"], hit["end"], hit["text"], round(hit["score"], 3)) for hit in passages]
        for passages in found["results"]
    ]
    documents = [service.documents({"collection": name}) for name in COLLECTIONS]
    return documents, hits


@dataclass
class Outcome:
    """What came of one damage: `same` before anything was read again, `told`, `mended` afterwards, `kept` aside."""

    same: bool
    told: str
    mended: bool
    kept: bool

    @property
    def is_right(self) -> bool:
        """Nothing changed in silence, nothing stayed lost, and the damaged file is still there."""
        return (self.same or bool(self.told)) and self.mended and self.kept


def try_one(home: Folders, place: Path, expected: Contents, damage: Damage, chance: random.Random) -> Outcome:
    """Damage a copy of the home in `place`, open it, read again what waits, and compare."""
    copy = folders(place)
    shutil.rmtree(copy.data)
    shutil.copytree(home.data, copy.data)
    before = copy.knowledge_db.read_bytes()
    damage(copy.data, chance)
    hurt = copy.knowledge_db.read_bytes() if copy.knowledge_db.exists() else b""
    service = Service(copy)
    try:
        told, same = _look(service, expected)
        if told:
            service = _again(service, copy)
        for name in COLLECTIONS:
            read(service, name)
        mended = contents(service) == expected and not any(_problems(service))
    finally:
        service.close()
    kept = (
        hurt == before
        or not hurt
        or any(file.read_bytes() == hurt for file in copy.data.glob("knowledge-damaged-*/knowledge.db"))
    )
    return Outcome(same, told, mended, kept or not told)


def _look(service: Service, expected: Contents) -> tuple[str, bool]:
    try:
        answer = service.notice({"seen": False})
        assert isinstance(answer, dict)
        told = str(answer["notice"])
        return told or " ".join(_problems(service)), contents(service) == expected
    except UserError as error:
        return error.message, False


def _again(service: Service, home: Folders) -> Service:
    """Open it a second time, as the worker does when a request meets damage."""
    service.close()
    return Service(home)


def _problems(service: Service) -> Iterator[str]:
    for name in COLLECTIONS:
        answer = service.verify({"collection": name})
        assert isinstance(answer, dict)
        yield from (str(failed["reason"]) for failed in answer["failed"])


# Damages


def _flip(file: Path, chance: random.Random, bits: int = 1) -> None:
    data = bytearray(file.read_bytes())
    for _ in range(bits):
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(data))


def _index_file(data: Path, chance: random.Random) -> Path:
    files = sorted(file for file in (data / "index").rglob("*") if file.is_file() and file.stat().st_size)
    return chance.choice([file for file in files if file.name != "seal.json"])


def flip_in_database(data: Path, chance: random.Random) -> None:
    """Flip a bit of knowledge.db."""
    _flip(data / "knowledge.db", chance)


def flips_in_database(data: Path, chance: random.Random) -> None:
    """Flip twenty bits of knowledge.db."""
    _flip(data / "knowledge.db", chance, 20)


def blank_page(data: Path, chance: random.Random) -> None:
    """Fill a page of knowledge.db with zeros or noise."""
    file = data / "knowledge.db"
    with file.open("r+b") as opened:
        opened.seek(4096 * chance.randrange(file.stat().st_size // 4096))
        opened.write(chance.choice((bytes(4096), chance.randbytes(4096))))


def truncate_database(data: Path, chance: random.Random) -> None:
    """Cut knowledge.db somewhere."""
    file = data / "knowledge.db"
    with file.open("r+b") as opened:
        opened.truncate(chance.randrange(file.stat().st_size))


def empty_database(data: Path, chance: random.Random) -> None:
    """Empty knowledge.db."""
    (data / "knowledge.db").write_bytes(b"")


def remove_database(data: Path, chance: random.Random) -> None:
    """Remove knowledge.db, sometimes with its companions."""
    (data / "knowledge.db").unlink()


def garbage_database(data: Path, chance: random.Random) -> None:
    """Replace knowledge.db by noise."""
    (data / "knowledge.db").write_bytes(chance.randbytes(50_000))


def swap_pages(data: Path, chance: random.Random) -> None:
    """Exchange two pages of knowledge.db."""
    file = data / "knowledge.db"
    content = file.read_bytes()
    pages = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    one, other = chance.sample(range(len(pages)), 2)
    pages[one], pages[other] = pages[other], pages[one]
    file.write_bytes(b"".join(pages))


def flip_in_index(data: Path, chance: random.Random) -> None:
    """Flip a bit of a file of the index."""
    _flip(_index_file(data, chance), chance)


def truncate_index(data: Path, chance: random.Random) -> None:
    """Cut a file of the index."""
    file = _index_file(data, chance)
    with file.open("r+b") as opened:
        opened.truncate(chance.randrange(file.stat().st_size))


def remove_from_index(data: Path, chance: random.Random) -> None:
    """Remove a file of the index."""
    _index_file(data, chance).unlink()


def remove_index(data: Path, chance: random.Random) -> None:
    """Remove the whole index."""
    shutil.rmtree(data / "index")


def swap_indexes(data: Path, chance: random.Random) -> None:
    """Exchange the indexes of two collections."""
    one, other = sorted((data / "index").iterdir())
    one.rename(data / "third")
    other.rename(one)
    (data / "third").rename(other)


def swap_index_files(data: Path, chance: random.Random) -> None:
    """Put one file of the index in the place of another."""
    one, other = _index_file(data, chance), _index_file(data, chance)
    one.write_bytes(other.read_bytes())


DAMAGES: tuple[Damage, ...] = (
    flip_in_database,
    flips_in_database,
    blank_page,
    truncate_database,
    empty_database,
    remove_database,
    garbage_database,
    swap_pages,
    flip_in_index,
    truncate_index,
    remove_from_index,
    remove_index,
    swap_indexes,
    swap_index_files,
)
