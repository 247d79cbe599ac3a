"""Kills, full disks, damage and other versions: nothing that was acknowledged is lost, and everything is said."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from desktop_llm.chats import backups, schema
from desktop_llm.chats.reader import ChatReader, condition
from desktop_llm.chats.records import ChatAdapter
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.message import File, Text, Thinking, ToolResult
from tests.chats.killing import kill_many

FIXTURES = Path(__file__).parent / "fixtures"
DISK_FULL = """
import resource, sys
from pathlib import Path
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.message import Text
path = Path(sys.argv[1])
store = ChatStore(path)
chat = store.create(title="A chat")
parent, saved = None, []
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    while True:
        parent = store.add(chat.id, parent, "user", [Text("text " * 2000)]).id
        saved.append(parent)
except UserError as error:
    sentence = error.message
assert [message.id for message in store.messages(chat.id)] == saved, "what was saved can still be read"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
saved.append(store.add(chat.id, parent, "user", [Text("room again")]).id)
store.close()
print(sentence)
print(len(saved), len(ChatStore(path).messages(chat.id)))
"""


def write_chats(path: Path, count: int = 40) -> None:
    with ChatStore(path) as store:
        for number in range(count):
            chat = store.create(title=f"chat {number}")
            asked = store.add(chat.id, None, "user", [Text(f"question {number} " * 50)])
            store.add(chat.id, asked.id, "assistant", [Text(f"answer {number} " * 50)])


def damage(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


def test_ten_kills_lose_no_acknowledged_message(path: Path) -> None:
    assert kill_many(path, count=10, seed=1) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file size limit to stand in for a full disk")
def test_a_full_disk_is_a_sentence_and_saving_goes_on_when_there_is_room(path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", DISK_FULL, str(path)], capture_output=True, text=True, timeout=60)
    assert child.returncode == 0, child.stderr
    sentence, counts = child.stdout.splitlines()
    assert "What was saved before is safe and your text is still here" in sentence
    assert len(set(counts.split())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_chats_in_a_folder_that_can_not_be_written_can_be_read_and_saving_is_a_sentence(path: Path) -> None:
    write_chats(path, count=3)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(UserError, match="could not be"):
            ChatStore(path)
        with ChatReader(path) as reader:
            assert len(reader.conversations()) == 3
    finally:
        path.parent.chmod(0o700)


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not be written"):
        ChatStore(tmp_path / "gone" / "chats.db")


def test_a_damaged_page_costs_only_what_stood_on_it(path: Path) -> None:
    write_chats(path)
    before = path.read_bytes()
    damage(path, start=len(before) // 2 // 4096 * 4096, length=4096)
    spoilt = path.read_bytes()
    assert condition(path).startswith("damaged")
    with ChatStore(path) as store:
        assert store.notice is not None
        chats = store.conversations()
        texts = [message.text for chat in chats for message in store.messages(chat.id)]
        assert len(chats) > 30
        assert len([text for text in texts if text]) > 60
        assert len(store.conversations("question")) > 30
        store.add(chats[0].id, None, "user", [Text("The salvaged file can be written")])
    (kept,) = path.parent.glob("chats-damaged-*/chats.db")
    assert kept.read_bytes() == spoilt
    assert str(kept.parent) in store.notice
    assert condition(path) == "ok"


def test_a_lost_first_page_loses_no_chat(path: Path) -> None:
    write_chats(path)
    damage(path, start=0, length=4096)
    with ChatStore(path) as store:
        assert store.notice is not None
        assert len(store.conversations()) == 40
        assert all(len(store.messages(chat.id)) == 2 for chat in store.conversations())


def test_a_flipped_bit_in_the_layout_loses_no_chat(path: Path, tmp_path: Path) -> None:
    write_chats(path)
    whole = path.read_bytes()
    for number, word in enumerate((b"CREATE TABLE message", b"AUTOINCREMENT", b"CREATE INDEX part")):
        copy = tmp_path / f"{number}" / "chats.db"
        copy.parent.mkdir()
        copy.write_bytes(whole)
        damage(copy, start=whole.index(word) + 5, length=3)
        with ChatStore(copy) as store:
            assert store.notice is not None
            assert [len(store.messages(chat.id)) for chat in store.conversations()] == [2] * 40


def test_damage_that_only_a_search_meets_is_said_and_mended_at_the_next_start(path: Path) -> None:
    write_chats(path, count=3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE message_search_data SET block = x'ffffffffffffffff' WHERE id > 10")
        connection.commit()
    with ChatStore(path) as store:
        assert store.notice is None
        with pytest.raises(UserError, match="Start the app again"):
            store.conversations("question")
    with ChatStore(path) as store:
        assert store.notice is not None
        assert len(store.conversations("question")) == 3
    with ChatStore(path) as store:
        assert store.notice is None


def test_a_damaged_number_of_the_search_index_hides_no_chat(path: Path) -> None:
    write_chats(path, count=1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE message_search_config SET v = 0 WHERE k = 'version'")
        connection.commit()
    with ChatStore(path) as store:
        assert store.notice is not None
        assert len(store.conversations("question")) == 1


def test_a_chat_whose_values_are_damaged_can_still_be_read(path: Path) -> None:
    write_chats(path, count=1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE conversation SET sampling = '{', collections = '7', leaf_id = 'nowhere', title = 5, "
            "updated_at = 9e999, created_at = -9e999"
        )
        connection.execute("UPDATE part SET content = x'61ff62'")
        connection.execute("UPDATE message SET model_name = CAST(x'61ff62' AS TEXT)")
        connection.commit()
    with ChatStore(path) as store:
        (chat,) = store.conversations()
        assert (chat.title, chat.sampling, chat.collections) == ("5", {}, ())
        assert [message.text for message in store.messages(chat.id)] == ["a\ufffdb", "a\ufffdb"]


def test_the_second_half_cut_off_leaves_the_first(path: Path) -> None:
    write_chats(path)
    os.truncate(path, path.stat().st_size // 8192 * 4096)
    with ChatStore(path) as store:
        assert store.notice is not None
        texts = [message.text for chat in store.conversations() for message in store.messages(chat.id)]
        assert len(texts) > 10
        assert all(text.startswith(("question", "answer")) for text in texts)


@pytest.mark.parametrize("byte", [0, 16, 18, 19, 21, 28, 47, 52, 56, 60, 62, 71, 92])
def test_no_damaged_byte_of_the_header_hides_a_chat(path: Path, byte: int) -> None:
    write_chats(path, count=1)
    content = bytearray(path.read_bytes())
    content[byte] ^= 0x55
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        ChatReader(path).close()
    with ChatStore(path) as store:
        assert [len(store.messages(chat.id)) for chat in store.conversations()] == [2]
        store.create(title="after")


@pytest.mark.parametrize(("byte", "flip"), [(62, 0x02), (63, 0x55)])
def test_a_version_that_damage_made_higher_is_taken_for_a_newer_one_and_the_chats_are_shown(
    path: Path, byte: int, flip: int
) -> None:
    write_chats(path, count=1)
    content = bytearray(path.read_bytes())
    content[byte] ^= flip
    path.write_bytes(content)
    with pytest.raises(UserError, match="newer version"):
        ChatStore(path)
    with ChatReader(path) as reader:
        assert [len(reader.messages(chat.id)) for chat in reader.conversations()] == [2]


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + b"\xff" * 5000, os.urandom(20_000)])
def test_no_unreadable_file_silently_becomes_an_empty_list(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with ChatStore(path) as store:
        assert store.conversations() == []
        assert store.notice is not None
        assert "0 chats with 0 messages could be read" in store.notice
    (kept,) = path.parent.glob("chats-damaged-*/chats.db")
    assert kept.read_bytes() == content


def test_damage_anywhere_never_crashes_and_is_never_silent(path: Path, tmp_path: Path) -> None:
    write_chats(path)
    whole = path.read_bytes()
    for page in range(0, len(whole), 3 * 4096):
        copy = tmp_path / f"{page}" / "chats.db"
        copy.parent.mkdir()
        copy.write_bytes(whole)
        damage(copy, start=page + 8, length=200)
        with ChatStore(copy) as store:
            assert store.notice or len(store.conversations()) == 40
            store.create(title="after")


def test_a_salvage_that_fails_leaves_the_damaged_file_in_its_place(path: Path) -> None:
    write_chats(path, count=3)
    damage(path, start=8192, length=200)
    spoilt = path.read_bytes()
    obstacle = path.with_name("chats.db.new")
    obstacle.mkdir()
    with pytest.raises(UserError, match="could not be written"):
        ChatStore(path)
    assert path.read_bytes() == spoilt
    obstacle.rmdir()
    with ChatStore(path) as store:
        assert store.notice is not None
        assert store.conversations()


def test_the_log_of_a_file_that_is_gone_is_kept(path: Path) -> None:
    path.with_name("chats.db-wal").write_bytes(b"left over")
    with ChatStore(path) as store:
        assert store.notice is not None
    assert list(path.parent.glob("chats-damaged-*/chats.db-wal"))


def test_a_database_of_another_program_is_refused_and_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE birds (name)")
    content = path.read_bytes()
    with pytest.raises(UserError, match="another program"):
        ChatStore(path)
    assert path.read_bytes() == content


def test_a_file_of_a_newer_version_is_refused_and_untouched(path: Path) -> None:
    write_chats(path, count=1)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    with pytest.raises(UserError, match="newer version of Desktop LLM"):
        ChatStore(path)
    with closing(sqlite3.connect(path)) as newer:
        assert newer.execute("SELECT count(*) FROM message").fetchone() == (2,)


@pytest.mark.parametrize("version", range(1, len(schema.STEPS) + 1))
def test_chats_of_every_released_layout_can_be_opened(path: Path, version: int) -> None:
    shutil.copyfile(FIXTURES / f"version-{version}.db", path)
    with ChatStore(path) as store:
        (chat,) = store.conversations()
        assert (chat.title, chat.collections) == ("Engines", ("My documents",))
        question, answer = store.messages(chat.id)
        assert (question.text, question.attachments) == ("Wie heißt das? \udcff", ("/home/ada/engine.pdf",))
        assert (answer.text, answer.citations[0].text) == ("Aquädukt [1].", "Ein Aquädukt")
        assert store.conversations("aquadukt") == [chat]
        assert (answer.citations[0].place, answer.unsupported) == (("", ()) if version == 1 else ("Water", ((0, 9),)))
        cheerful = ChatAdapter("cheerful-r8", "Cheerful", 0.7)
        missing = ChatAdapter("gone", "Gone", 1.0, problem="There is no adapter “gone” here.")
        assert chat.adapters == (() if version < 4 else (cheerful, ChatAdapter("formal", "Formal", 0.3, on=False)))
        assert answer.adapters == (() if version < 4 else (cheerful, missing))
        assert chat.tools == ({} if version < 5 else {"on": True, "calculator": False})


def test_answers_of_layout_2_are_lifted_with_all_that_belongs_to_them(path: Path) -> None:
    shutil.copyfile(FIXTURES / "version-2-answers.db", path)
    with ChatStore(path) as store:
        (chat,) = store.conversations("aquadukt")
        assert store.recover() == 1
        question, answer, _, failed, retried, cut_off = store.messages(chat.id)
        files = (File("/home/ada/engine.pdf"), File("/home/ada/Notes.md"))
        assert question.parts == (Text("Wie heißt das? \udcff"), *files)
        assert answer.parts == (Thinking("Hm, water."), Text("Aquädukt [1] [2]."))
        assert [citation.text for citation in answer.citations] == ["Ein Aquädukt", "Rohre"]
        assert [citation.place for citation in answer.sources] == ["Water", "Pipes, line 7"]
        assert (answer.seed, answer.finish_reason, answer.timings) == (7, "stop", {"ttft_s": 0.25})
        kept = "The model stopped because memory ran out. Everything written so far is kept."
        assert (failed.status, failed.parts, failed.error, failed.error_text) == ("error", (), kept, "")
        assert (cut_off.status, cut_off.parts) == ("interrupted", (Thinking("Still "), Text("cut off by a kill")))
        assert (cut_off.branch, cut_off.branches) == (2, 2)
        store.choose_branch(store.siblings(cut_off.id)[0])
        assert (store.messages(chat.id)[-1].status, store.messages(chat.id)[-1].text) == ("interrupted", "The first ha")
        assert store.draft(chat.id) == "half a thou"
        store.add(chat.id, retried.id, "tool", [ToolResult("c1", "A tool may speak now.")])
    (backup,) = backups.backups(path)
    with closing(sqlite3.connect(backup)) as old, closing(sqlite3.connect(path)) as lifted:
        assert old.execute("PRAGMA user_version").fetchone() == (2,)
        assert old.execute("SELECT count(*) FROM part").fetchone() == (11,)
        assert lifted.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert lifted.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_part_of_an_old_tool_becomes_its_result(path: Path) -> None:
    shutil.copyfile(FIXTURES / "version-2.db", path)
    with closing(sqlite3.connect(path)) as old:
        old.execute("INSERT INTO part (message, kind, content) VALUES (2, 'tool', '12 °C'), (2, 'tool', x'61ff')")
        old.commit()
    with ChatStore(path) as store:
        (chat,) = store.conversations()
        results = [part for part in store.messages(chat.id)[-1].parts if isinstance(part, ToolResult)]
        assert results == [ToolResult("", "12 °C"), ToolResult("", "a\ufffd")]


def test_a_lifted_file_that_loses_its_first_page_loses_no_chat(path: Path) -> None:
    shutil.copyfile(FIXTURES / "version-2-answers.db", path)
    with ChatStore(path) as store:
        (chat,) = store.conversations()
        shown = store.messages(chat.id)
    damage(path, start=0, length=4096)
    with ChatStore(path) as store:
        assert store.notice is not None
        assert store.messages(chat.id) == shown


def test_an_upgrade_keeps_a_backup_and_a_failed_one_changes_nothing(path: Path) -> None:
    write_chats(path, count=1)
    good = (*schema.STEPS, ("ALTER TABLE conversation ADD COLUMN colour TEXT",))
    bad = (*schema.STEPS, ("ALTER TABLE conversation ADD COLUMN colour TEXT", "INSERT INTO nowhere VALUES (1)"))
    with closing(schema.connect(path)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.upgrade(connection, path, bad)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(conversation)")]
        assert "colour" not in columns
        for backup in backups.backups(path):
            backup.unlink()
        schema.upgrade(connection, path, good)
        assert connection.execute("SELECT colour FROM conversation").fetchall() == [(None,)]
    (backup,) = backups.backups(path)
    assert backup.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    with closing(sqlite3.connect(backup)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)
        assert old.execute("SELECT count(*) FROM message").fetchone() == (2,)
