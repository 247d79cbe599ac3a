"""The record of requests: it keeps, it counts, it forgets on demand, and damage does not stop it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from desktop_llm.errors import UserError
from desktop_llm.models.ledger import Ledger


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
    with pytest.raises(UserError, match=r"could not be cleared: .* still there"):
        ledger.clear()


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
