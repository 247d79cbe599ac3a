"""The lock that only one process can hold, and that leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.files import LockFile


def test_a_lock_has_one_owner(tmp_path: Path) -> None:
    first, second = LockFile(tmp_path / "lock"), LockFile(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    assert (tmp_path / "lock").exists()


def test_a_removed_lock_can_be_taken_anew(tmp_path: Path) -> None:
    first, second = LockFile(tmp_path / "lock"), LockFile(tmp_path / "lock")
    assert first.acquire()
    first.remove()
    assert not (tmp_path / "lock").exists()
    assert second.acquire()
    assert not first.acquire()
    second.remove()


def test_a_lock_taken_without_a_file_is_seen_when_the_file_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    without = LockFile(tmp_path / "missing" / "lock", stand_in=folder)
    assert without.acquire()
    assert not LockFile(tmp_path / "missing" / "lock", stand_in=folder).acquire()
    later = LockFile(tmp_path / "lock", stand_in=folder)
    assert not later.acquire()
    without.release()
    assert later.acquire()
    later.release()
