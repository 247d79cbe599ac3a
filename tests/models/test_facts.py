"""Measurements are kept, whoever asks for them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from desktop_llm.models.facts import Facts
from tests.faulty_disk import full_disk


def test_a_damaged_file_is_thrown_away_once_however_many_ask_at_once(tmp_path: Path) -> None:
    path, together = tmp_path / "facts.db", threading.Barrier(8)
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 100)

    def work(name: str) -> None:
        facts = Facts(path)
        together.wait()
        facts.note_measured(name, {"known": True})

    names = [f"fact {number}" for number in range(together.parties)]
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [Facts(path).measured(name) for name in names] == [{"known": True}] * together.parties


def test_a_file_that_cannot_be_written_is_used_in_memory_and_left_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "facts.db"
    Facts(path).note_measured("speed", {"known": True})
    before = path.read_bytes()
    facts = Facts(path)
    with full_disk():
        facts.mark_used("mine")
        facts.note_measured("memory", {"known": 2})
        assert list(facts.last_used()) == ["mine"]
        assert facts.measured("speed") == {"known": True}
        assert facts.measured("memory") == {"known": 2}
    assert path.read_bytes() == before
    assert [record.message for record in caplog.records if str(path) in record.message] == caplog.messages[:1]


def test_the_model_used_last_comes_first_however_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, now = Facts(tmp_path / "facts.db"), 1_796_000_000.0
    for name, moment in (("one", now), ("two", 4e9), ("three", 0.0), ("four", now + 60)):
        monkeypatch.setattr("time.time", lambda moment=moment: moment)
        facts.mark_used(name)
    used = facts.last_used()
    assert list(used) == ["four", "three", "two", "one"]
    assert all(now - 1 < moment <= now + 60 for moment in used.values())


def test_a_file_that_cannot_be_made_is_used_in_memory(tmp_path: Path) -> None:
    facts = Facts(tmp_path / "missing" / "facts.db")
    facts.remember("mine", {"threads": 2})
    assert facts.remembered("mine") == {"threads": 2}
    (tmp_path / "facts.db").touch()
    with full_disk():
        facts = Facts(tmp_path / "facts.db")
        facts.remember("mine", {"threads": 3})
        assert facts.remembered("mine") == {"threads": 3}
