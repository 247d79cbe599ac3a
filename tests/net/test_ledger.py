"""The record of requests: it keeps, it counts, it forgets on demand, and damage does not stop it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from desktop_llm.errors import UserError
from desktop_llm.net.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def test_a_request_is_open_until_it_is_ended(ledger: Ledger) -> None:
    request = ledger.begin("huggingface.co", "search models")
    assert [entry.result for entry in ledger.entries()] == ["open"]

    ledger.end(request, 1_000, 200, "ok")
    (entry,) = ledger.entries()
    assert (entry.host, entry.purpose, entry.bytes_in, entry.bytes_out, entry.result) == (
        "huggingface.co",
        "search models",
        1_000,
        200,
        "ok",
    )


def test_the_newest_request_stands_first_and_as_many_as_asked_for(ledger: Ledger) -> None:
    for number in range(5):
        ledger.begin(f"{number}.hf.co", "download")

    assert [entry.host for entry in ledger.entries(2)] == ["4.hf.co", "3.hf.co"]


def test_another_object_on_the_same_file_sees_the_requests(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("hf.co", "download")

    assert len(Ledger(tmp_path / "ledger.db").entries()) == 1


def test_a_cleared_record_is_empty_and_takes_no_late_ends(ledger: Ledger) -> None:
    request = ledger.begin("hf.co", "download")
    ledger.clear()
    ledger.end(request, 1, 1, "ok")

    assert ledger.entries() == []


def test_many_threads_may_write_at_once(ledger: Ledger) -> None:
    def work() -> None:
        for _ in range(5):
            ledger.end(ledger.begin("hf.co", "download"), 1, 1, "ok")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.result for entry in ledger.entries()] == ["ok"] * 30


def test_a_damaged_record_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all" * 100)

    assert Ledger(path).entries() == []
    assert [kept.read_bytes()[:5] for kept in tmp_path.glob("ledger-damaged-*.db")] == [b"not a"]


def test_a_damaged_record_is_set_aside_once_however_many_ask_at_once(tmp_path: Path) -> None:
    path, together = tmp_path / "ledger.db", threading.Barrier(8)
    path.write_bytes(b"not a database at all" * 100)
    ledger = Ledger(path)

    def work() -> None:
        together.wait()
        ledger.begin("hf.co", "download")

    threads = [threading.Thread(target=work) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ledger.entries()) == together.parties
    assert [kept.read_bytes()[:5] for kept in tmp_path.glob("ledger-damaged-*.db")] == [b"not a"]


def test_a_record_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Nothing was sent"):
        Ledger(tmp_path / "missing" / "ledger.db").begin("hf.co", "download")


def test_a_record_that_cannot_be_read_or_cleared_is_told_as_such(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("hf.co", "download")
    (tmp_path / "ledger.db").write_bytes(b"damaged while the app runs" * 100)

    with pytest.raises(UserError, match=r"could not be read: .* Nothing in it was changed"):
        ledger.entries()
    assert ledger.entries() == []
    assert "is lost or can't be read" in ledger.missing()
    (tmp_path / "ledger.db").write_bytes(b"damaged again" * 100)
    with pytest.raises(UserError, match=r"could not be cleared: .* still there"):
        ledger.clear()


Change = Callable[[Path, sqlite3.Connection], object]


def put_back(path: Path, database: sqlite3.Connection) -> None:
    """Put an older whole record in the place of the newer one."""
    other = path.with_name("other")
    other.mkdir()
    older = Ledger(other / "ledger.db")
    for _ in range(3):
        older.begin("other.hf.co", "download")
    database.close()
    (other / "ledger.db").replace(path)


CHANGES: dict[str, Change] = {
    "removed": lambda path, _: path.unlink(),
    "emptied": lambda path, _: path.write_bytes(b""),
    "truncated": lambda path, _: os.truncate(path, path.stat().st_size // 2),
    "overwritten": lambda path, _: path.write_bytes(b"not a database at all" * 500),
    "garbled": lambda path, _: path.write_bytes(path.read_bytes()[:4096] + os.urandom(4096)),
    "all rows gone": lambda _, database: database.execute("DELETE FROM request"),
    "last row gone": lambda _, database: database.execute("DELETE FROM request WHERE id = 6"),
    "first rows gone": lambda _, database: database.execute("DELETE FROM request WHERE id < 3"),
    "a row gone": lambda _, database: database.execute("DELETE FROM request WHERE id = 4"),
    "a row altered": lambda _, database: database.execute("UPDATE request SET host = 'else.where' WHERE id = 4"),
    "the last row altered": lambda _, database: database.execute("UPDATE request SET time = 5.0 WHERE id = 6"),
    "a row with a huge number": lambda _, database: database.execute("UPDATE request SET id = 9e18 WHERE id = 6"),
    "another table": lambda _, database: database.executescript("DROP TABLE request; CREATE TABLE request (bird)"),
    "no table": lambda _, database: database.execute("DROP TABLE request"),
    "replaced": put_back,
}


@pytest.mark.parametrize("while_running", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_lost_something_is_never_read_as_nothing_was_sent(
    tmp_path: Path, change: str, while_running: bool
) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    for number in range(6):
        ledger.end(ledger.begin(f"{number}.hf.co", "download"), 1, 1, "ok")
    assert ledger.missing() == ""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        CHANGES[change](path, database)
    altered = "altered" in change and while_running  # seals are compared once in each process
    for seen in (ledger if while_running else Ledger(path), Ledger(path)):
        for _ in range(2):
            with contextlib.suppress(UserError):  # the first look may only find the damage
                told = seen.missing()
        assert "is lost or can't be read" in told or (altered and seen is ledger)
    seen.end(seen.begin("new.hf.co", "download"), 1, 1, "ok")
    again = Ledger(path)
    assert again.entries()[0].host == "new.hf.co"
    assert again.missing() == told, "it stays said, with the same date"
    again.clear()
    assert "was cleared on" in Ledger(path).missing()
    assert again.entries() == []


def test_a_lost_or_damaged_note_is_written_again_and_a_lone_damaged_one_is_told(tmp_path: Path) -> None:
    path, note = tmp_path / "ledger.db", tmp_path / "last-request.json"
    Ledger(path).begin("hf.co", "download")
    written = note.read_bytes()
    for content in (b"", b"[]", b'{"last": "many"}', b"[" * 100_000):
        note.write_bytes(content)
        assert Ledger(path).missing() == ""
        assert note.read_bytes() == written
    path.unlink()
    note.write_bytes(b"damaged")
    assert "is lost or can't be read" in Ledger(path).missing()


def test_a_record_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute(
            "CREATE TABLE request (id INTEGER PRIMARY KEY, time REAL NOT NULL, host TEXT NOT NULL, "
            "purpose TEXT NOT NULL, bytes_in INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0, "
            "result TEXT NOT NULL DEFAULT 'open')"
        )
        database.execute("INSERT INTO request (time, host, purpose) VALUES (5, 'old.hf.co', 'download')")
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.begin("new.hf.co", "download")
    assert [entry.host for entry in ledger.entries()] == ["new.hf.co", "old.hf.co"]
    assert Ledger(tmp_path / "ledger.db").missing() == ""


def test_a_request_that_ends_after_the_list_was_cleared_ends_no_other(ledger: Ledger) -> None:
    late = ledger.begin("late.hf.co", "download")
    ledger.clear()
    ledger.begin("new.hf.co", "download")
    ledger.end(late, 7, 7, "ok")
    assert [(entry.host, entry.bytes_in) for entry in ledger.entries()] == [("new.hf.co", 0)]


def test_values_that_damage_made_can_be_shown(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("hf.co", "download")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute("UPDATE request SET time = 9e999, host = x'ff00', bytes_in = 'many', result = 7")
    (entry,) = ledger.entries()
    assert time.gmtime(entry.time).tm_year == 9999
    assert (entry.bytes_in, entry.result) == (0, "7")


def test_old_records_make_room(tmp_path: Path, ledger: Ledger) -> None:
    ledger.begin("hf.co", "download")
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("UPDATE request SET id = 1")
        database.execute("INSERT INTO request (id, time, host, purpose) VALUES (30000, 0, 'new.hf.co', 'download')")
    database.close()

    assert [entry.host for entry in Ledger(tmp_path / "ledger.db").entries()] == ["new.hf.co"]


def test_nobody_else_may_read_it(ledger: Ledger, tmp_path: Path) -> None:
    ledger.begin("hf.co", "download")

    assert {file.stat().st_mode & 0o077 for file in tmp_path.glob("ledger*")} == {0}
