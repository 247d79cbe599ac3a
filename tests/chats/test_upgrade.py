"""The upgrade of an older layout: with a checked backup, all or nothing, and readable while it can't be done."""

import contextlib
import shutil
import sqlite3
import sys
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from desktop_llm.chats import backups, schema
from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.db"))
OLD = [fixture for fixture in FIXTURES if f"version-{len(schema.STEPS)}" not in fixture.name]
Usage = namedtuple("Usage", "total used free")


def rows(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as database:
        version = database.execute("PRAGMA user_version").fetchall()
        return [version, *(database.execute(f"SELECT * FROM {table}").fetchall() for table in ("message", "part"))]


@pytest.mark.parametrize("fixture", OLD, ids=lambda fixture: fixture.stem)
def test_on_a_full_disk_the_needed_space_is_named_and_old_chats_are_read_and_exported(
    path: Path, fixture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(fixture, path)
    before = rows(path)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 0))
        with pytest.raises(
            UserError, match=r"needs \d+ MB .* only 0 MB are free\. Your chats were not changed"
        ) as refused:
            ChatStore(path)
    assert "rollback" not in refused.value.message
    assert rows(path) == before
    with ChatReader(path) as reader:
        (chat,) = reader.conversations()
        assert reader.is_copy
        assert "Wie heißt das?" in to_markdown(chat, reader.messages(chat.id))
    with ChatStore(path) as store, ChatReader(path) as reader:
        assert not reader.is_copy
        assert reader.messages(chat.id) == store.messages(chat.id)


def test_a_disk_that_fills_up_during_the_upgrade_is_a_sentence_and_changes_nothing(path: Path) -> None:
    shutil.copyfile(OLD[0], path)
    before = rows(path)
    steps = (*schema.STEPS, ("CREATE TABLE big AS SELECT randomblob(1000000)", "SELECT 1"))
    with closing(schema.connect(path)) as connection:
        connection.execute("PRAGMA max_page_count = 1")  # as many pages as there are
        with pytest.raises(UserError, match="could not be brought to this version's layout: the disk is full") as told:
            schema.upgrade(connection, path, steps)
    assert "read and exported" in told.value.text
    assert rows(path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a folder can't be made unwritable there")
def test_a_backup_that_can_not_be_written_stops_the_upgrade(path: Path) -> None:
    shutil.copyfile(OLD[0], path)
    before = rows(path)
    path.with_name("backups").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"backups.* could not be written: .* not changed"):
        ChatStore(path)
    assert rows(path) == before


def test_backups_have_names_of_their_own_whatever_the_clock_says_and_the_oldest_make_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(["20261130-120000", "20261130-120000", "19700101-000000", "20261130-120000", "19700101-000000"])
    monkeypatch.setattr(time, "strftime", lambda _: next(moments))
    path.with_name("backups").mkdir()
    path.with_name("backups").joinpath("chats-version-1-20251130-235959.db").write_bytes(b"of the first versions")
    made = []
    with ChatStore(path) as store:
        store.create(title="A chat")
        with closing(schema.connect(path)) as connection:
            made = [backups.back_up(connection, path, 3) for _ in range(5)]
    assert len(set(made)) == 5
    assert backups.backups(path) == made[-backups.KEPT :]


def test_no_backup_is_dropped_for_one_that_is_not_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copyfile(OLD[0], path)
    with closing(schema.connect(path)) as connection:
        kept = [backups.back_up(connection, path, 1) for _ in range(backups.KEPT)]
        counts = iter(range(1000))
        monkeypatch.setattr(backups, "_rows", lambda *_: next(counts))
        with pytest.raises(sqlite3.DatabaseError, match="differs from its original"):
            backups.back_up(connection, path, 1)
    assert backups.backups(path) == kept
    assert sorted(path.with_name("backups").iterdir()) == sorted(kept)


@pytest.mark.parametrize("fixture", [fixture for fixture in FIXTURES if fixture not in OLD])
def test_half_a_backup_is_removed_at_the_next_start(path: Path, fixture: Path) -> None:
    shutil.copyfile(fixture, path)
    folder = path.with_name("backups")
    folder.mkdir()
    for name in ("chats-version-2.part", "chats-version-2.part-journal"):
        folder.joinpath(name).write_bytes(b"half")
    with ChatStore(path):
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("version", [0, 1, len(schema.STEPS) - 1, -7, 1 << 30])
def test_a_damaged_number_of_the_layout_hides_no_chat(path: Path, version: int) -> None:
    with ChatStore(path) as store:
        store.create(title="A chat")
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    with contextlib.suppress(UserError):
        ChatReader(path).close()
    with ChatStore(path) as store:
        assert store.notice is not None
        assert [chat.title for chat in store.conversations()] == ["A chat"]


def test_two_damaged_files_of_one_second_are_both_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda _: "20261130-120000")
    for content in (b"first", b"second"):
        path.write_bytes(content)
        ChatStore(path).close()
    kept = {file.read_bytes() for file in path.parent.glob("chats-damaged-*/chats.db")}
    assert kept == {b"first", b"second"}


def test_a_salvage_that_was_killed_before_its_last_step_is_finished(path: Path) -> None:
    with ChatStore(path) as store:
        store.create(title="A chat")
    path.replace(path.with_name("chats.db.salvaged"))
    path.write_bytes(b"damaged")
    path.with_name("chats.db-wal").write_bytes(b"of the damaged file")
    with ChatStore(path) as store:
        assert store.notice is not None
        assert [chat.title for chat in store.conversations()] == ["A chat"]
