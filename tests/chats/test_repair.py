"""Messages that lost their place are put back, nothing stays hidden, and it is said."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from desktop_llm.chats.reader import ChatReader, condition
from desktop_llm.chats.store import ChatStore
from desktop_llm.message import Text
from tests.chats import mutating
from tests.chats.reaching import reachable
from tests.chats.test_upgrade import OLD

TEXTS = [f"{chat} says {number}" for chat in "AB" for number in range(16)]

# Damage to two chats A and B of 16 messages; seq 2n+1 is message n of A, 2n+2 that of B.
IN_LINE = {
    "an unknown parent": "UPDATE message SET parent_id = 'nowhere' WHERE seq = 19",
    "no parent": "UPDATE message SET parent_id = NULL WHERE seq = 19",
    "itself as parent": "UPDATE message SET parent_id = id WHERE seq = 19",
    "a later parent, in a circle": "UPDATE message SET parent_id = (SELECT id FROM message WHERE seq = 23) "
    "WHERE seq = 19",
    "a parent in the other chat": "UPDATE message SET parent_id = (SELECT id FROM message WHERE seq = 4) "
    "WHERE seq = 19",
    "a first message with a parent": "UPDATE message SET parent_id = (SELECT id FROM message WHERE seq = 31) "
    "WHERE seq = 1",
    "all parents lost": "UPDATE message SET parent_id = 'lost' || seq",
    "in another chat": "UPDATE message SET conversation = 2 WHERE seq = 19",
    "the first in another chat": "UPDATE message SET conversation = 2 WHERE seq = 1",
    "the last in another chat": "UPDATE message SET conversation = 2 WHERE seq = 31",
    "in no chat": "UPDATE message SET conversation = 77 WHERE seq = 19",
    "the end in the middle": "UPDATE conversation SET leaf_id = (SELECT id FROM message WHERE seq = 9) WHERE seq = 1",
    "the end in another chat": "UPDATE conversation SET leaf_id = (SELECT id FROM message WHERE seq = 8) WHERE seq = 1",
    "no end": "UPDATE conversation SET leaf_id = NULL",
    "a message without its row": "DELETE FROM message WHERE seq = 19",
    "the first without its row": "DELETE FROM message WHERE seq = 1",
}
ELSEWHERE = {
    "a chat without its row": "DELETE FROM conversation WHERE seq = 1",
    "no chat at all": "DELETE FROM conversation",
    "all rows of messages gone": "DELETE FROM message",
}


def write(path: Path) -> None:
    with ChatStore(path) as store:
        chats = {name: store.create(title=name) for name in "AB"}
        last: dict[str, str | None] = {"A": None, "B": None}
        for number in range(16):
            for name, chat in chats.items():
                role = ("user", "assistant")[number % 2]
                last[name] = store.add(chat.id, last[name], role, [Text(f"{name} says {number}")]).id


def damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statement)


def shown(reader: ChatReader) -> list[str]:
    return sorted(message.text for chat in reader.conversations() for message in reader.messages(chat.id))


@pytest.mark.parametrize("name", [*IN_LINE, *ELSEWHERE])
def test_whatever_lost_its_place_is_put_back_and_said(path: Path, name: str) -> None:
    write(path)
    damage(path, {**IN_LINE, **ELSEWHERE}[name])
    assert condition(path).startswith("damaged")
    with ChatStore(path) as store:
        assert store.notice is not None
        assert "lost their place" in store.notice or "lost its place" in store.notice
        if name in IN_LINE:
            shown = {chat.title: store.messages(chat.id) for chat in store.conversations()}
            assert {title: [message.text for message in messages] for title, messages in shown.items()} == {
                title: [f"{title} says {number}" for number in range(16)] for title in "AB"
            }
        assert reachable(store) == sorted(TEXTS)
    assert condition(path) == "ok"
    with ChatStore(path) as store:
        assert store.notice is None


def test_branches_are_no_damage_and_survive_it(path: Path) -> None:
    with ChatStore(path) as store:
        chat = store.create(title="A chat")
        asked = store.add(chat.id, None, "user", [Text("first")])
        first = store.add(chat.id, asked.id, "assistant", [Text("an answer")])
        store.add(chat.id, asked.id, "assistant", [Text("another answer")])
        store.add(chat.id, None, "user", [Text("first, edited")])
        store.choose_branch(first.id)
        follow = store.add(chat.id, first.id, "user", [Text("second")])
        store.add(chat.id, follow.id, "assistant", [Text("second answer")])
        everything = reachable(store)
        assert len(everything) == 6
    with ChatStore(path) as store:
        assert store.notice is None
    damage(path, "UPDATE message SET parent_id = 'nowhere' WHERE seq = 6")
    with ChatStore(path) as store:
        assert store.notice is not None
        assert reachable(store) == everything
        assert [message.text for message in store.messages(chat.id)][-2:] == ["second", "second answer"]


def test_a_message_that_an_index_has_forgotten_is_found_again(path: Path) -> None:
    write(path)
    for index, column in (("message_conversation", "conversation"), ("part_message", "message")):
        damage(
            path,
            f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = sql || ' WHERE seq <> 19' "
            f"WHERE name = '{index}'; PRAGMA writable_schema = RESET; REINDEX {index}; PRAGMA writable_schema = ON; "
            f"UPDATE sqlite_master SET sql = 'CREATE INDEX {index} ON {index.split('_')[0]}({column})' "
            f"WHERE name = '{index}'; PRAGMA writable_schema = RESET;",
        )
    with ChatStore(path) as store:
        assert store.notice is not None
        assert reachable(store) == sorted(TEXTS)


@pytest.mark.parametrize("fixture", OLD, ids=lambda fixture: fixture.stem)
def test_damage_does_not_stop_an_upgrade_or_the_reading_of_an_old_layout(path: Path, fixture: Path) -> None:
    shutil.copyfile(fixture, path)
    damage(path, "UPDATE message SET conversation = 9, parent_id = 'nowhere' WHERE seq = 2")
    damage(
        path,
        "INSERT INTO citation (message, cited, number, document, start, end, text, score, verified) "
        "VALUES (99, 1, 1, '', 0, 1, '', 1, 1)",
    )
    with ChatReader(path) as reader:
        seen = [message.text for chat in reader.conversations() for message in reader.messages(chat.id)]
        assert "Aquädukt" in "".join(seen)
    with ChatStore(path) as store:
        assert store.notice is not None
        assert any("Aquädukt" in text for text in reachable(store))


def test_on_a_disk_that_refuses_the_repair_all_messages_are_read_all_the_same(path: Path) -> None:
    write(path)
    damage(path, "UPDATE message SET parent_id = 'nowhere' WHERE seq = 9")
    before = path.read_bytes()
    with ChatReader(path) as reader:
        assert reader.is_copy
        assert shown(reader) == sorted(TEXTS)
    assert path.read_bytes() == before
    with ChatStore(path) as store, ChatReader(path) as reader:
        assert not reader.is_copy
        assert shown(store) == shown(reader) == sorted(TEXTS)


def test_forty_damaged_files_neither_crash_nor_silently_hide_a_message(tmp_path: Path) -> None:
    whole = tmp_path / "chats.db"
    texts = mutating.write(whole)
    found = [
        f"{seed}: {way}: {problem}"
        for seed in range(40)
        for way, problem in mutating.trial(whole, tmp_path / f"{seed}", seed, texts)
    ]
    assert found == []
