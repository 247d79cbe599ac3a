"""Puts messages back that lost their place in chats.db: every message of every chat can be reached again.

A message is stored after its parent and in the same chat; so a parent that is unknown, later or in another chat is
damage, circles included. Such a message is put behind the one that was written before it in its chat.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from dataclasses import dataclass

from desktop_llm.chats import tree
from desktop_llm.words import plural, tr

# The words of any layout. SQLite's own check leaves such rules out for a file that is opened to be read.
_ROLES = "('system', 'user', 'assistant', 'tool')"
_STATES = "('draft', 'streaming', 'complete', 'interrupted', 'error')"
_KINDS = "('text', 'thinking', 'image', 'file', 'tool', 'tool_call', 'tool_result')"
# Each finds a row only if something has lost its place. They read indexes and small tables: 0.5 s for 100,000 messages.
_FAULTS = (
    "SELECT 1 FROM message AS m LEFT JOIN message AS p ON p.id = m.parent_id WHERE m.parent_id IS NOT NULL "
    "AND (p.seq IS NULL OR p.seq >= m.seq OR p.conversation <> m.conversation)",
    "SELECT 1 FROM message AS m WHERE parent_id IS NULL AND role IN ('assistant', 'tool') "
    "AND seq > (SELECT min(seq) FROM message WHERE conversation = m.conversation)",
    "SELECT 1 FROM message WHERE conversation NOT IN (SELECT seq FROM conversation)",
    "SELECT 1 FROM conversation AS c LEFT JOIN message AS m ON m.id = c.leaf_id AND m.conversation = c.seq "
    "WHERE (m.seq IS NULL AND EXISTS (SELECT 1 FROM message AS k WHERE k.conversation = c.seq)) "
    "OR EXISTS (SELECT 1 FROM message AS k WHERE k.conversation = c.seq AND k.parent_id = m.id)",
    f"SELECT 1 FROM message WHERE role NOT IN {_ROLES} OR status NOT IN {_STATES}",
    f"SELECT 1 FROM part WHERE kind NOT IN {_KINDS}",
    "SELECT 1 FROM part WHERE message NOT IN (SELECT seq FROM message)",
    "SELECT 1 FROM citation WHERE message NOT IN (SELECT seq FROM message)",
)


@dataclass(slots=True)
class _Message:
    seq: int
    id: str
    chat: int
    parent: str | None
    role: str


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether every message can be reached."""
    return not any(connection.execute(f"{sql} LIMIT 1").fetchone() for sql in _FAULTS)


def repair(connection: sqlite3.Connection) -> str | None:
    """Put everything back that lost its place; returns the sentence to show, None if all was in place."""
    if is_whole(connection):
        return None
    connection.execute("BEGIN IMMEDIATE")
    count = mend(connection)
    connection.execute("COMMIT")
    return plural(
        "A message in your chats had lost its place, so it or others could not be seen. It was put back in the order "
        "of writing; nothing was removed.",
        "%n messages in your chats had lost their place, so they or others could not be seen. They were put back in "
        "the order of writing; nothing was removed.",
        count,
    )


def mend(connection: sqlite3.Connection) -> int:
    """Put everything back, inside the caller's transaction; returns the number of messages and chats changed."""
    connection.execute("PRAGMA defer_foreign_keys = ON")  # lost chats are made after their messages
    changes = 0
    for statement in (
        f"UPDATE message SET role = 'assistant' WHERE role NOT IN {_ROLES}",
        f"UPDATE message SET status = 'complete' WHERE status NOT IN {_STATES}",
        f"UPDATE part SET kind = 'text' WHERE kind NOT IN {_KINDS}",
    ):
        changes += connection.execute(statement).rowcount
    changes += _adopt_texts(connection)
    ends: dict[int, str | None] = dict(connection.execute("SELECT seq, leaf_id FROM conversation").fetchall())
    rows = connection.execute("SELECT seq, id, conversation, parent_id, role FROM message ORDER BY seq").fetchall()
    messages = [_Message(*row) for row in rows]
    _find_chats(messages, ends)
    changes += _make_lost_chats(connection, messages, ends)
    _find_parents(messages)
    for message, row in zip(messages, rows, strict=True):
        if (message.chat, message.parent) != (row[2], row[3]):
            changes += 1
            sql = "UPDATE message SET conversation = ?, parent_id = ? WHERE seq = ?"
            connection.execute(sql, (message.chat, message.parent, message.seq))
    changes += _find_ends(connection, messages, ends)
    connection.execute("DELETE FROM citation WHERE message NOT IN (SELECT seq FROM message)")
    return changes


def _adopt_texts(connection: sqlite3.Connection) -> int:
    """Give texts without a message a message again; returns their number.

    The message that named an unknown parent followed the lost one, and a chat whose end is unknown ended with it; that
    tells its id and chat. Otherwise it goes into the chat of the message before it, if the one after it is there too.
    """
    lost = "SELECT DISTINCT message FROM part WHERE message NOT IN (SELECT seq FROM message) ORDER BY message"
    seqs = [seq for (seq,) in connection.execute(lost).fetchall()]
    references = connection.execute(
        "SELECT parent_id, conversation, seq, role FROM message WHERE parent_id NOT IN (SELECT id FROM message) "
        "UNION ALL SELECT leaf_id, seq, 1 << 62, '' FROM conversation WHERE leaf_id NOT IN (SELECT id FROM message) "
        "ORDER BY 3"
    ).fetchall()
    remaining, adopted = list(seqs), set()
    for id, chat, below, role in references if seqs else ():
        earlier = [seq for seq in remaining if seq < below]
        if earlier and id not in adopted:
            adopted.add(id)
            remaining.remove(earlier[-1])
            _add(connection, earlier[-1], id, chat, "user" if role == "assistant" else "assistant")
    for seq in remaining:
        around = "SELECT conversation, role FROM message WHERE seq {} ? ORDER BY seq {} LIMIT 1"
        before = connection.execute(around.format("<", "DESC"), (seq,)).fetchone()
        after = connection.execute(around.format(">", "ASC"), (seq,)).fetchone()
        together = before is not None and (after is None or before[0] == after[0])
        role = "assistant" if together and before[1] == "user" else "user"
        _add(connection, seq, uuid.uuid4().hex, before[0] if together else 0, role)
    return len(seqs)


def _add(connection: sqlite3.Connection, seq: int, id: str, chat: int, role: str) -> None:
    connection.execute(
        "INSERT INTO message (seq, id, conversation, parent_id, role, status, created_at) "
        "VALUES (?, ?, ?, 'lost', ?, 'complete', ?)",
        (seq, id, chat, role, time.time()),
    )


def _find_chats(messages: list[_Message], ends: dict[int, str | None]) -> None:
    """Correct the chat of a message if its parent, its children and the ends of the chats name another one."""
    by_id = {message.id: message for message in messages}
    children: dict[str | None, list[_Message]] = {}
    for message in messages:
        children.setdefault(message.parent, []).append(message)
    ended = {leaf: chat for chat, leaf in ends.items() if leaf}
    for message in messages:
        parent = by_id.get(message.parent or "")
        named = [parent.chat] if parent is not None and parent.seq < message.seq else []
        named += [child.chat for child in children.get(message.id, ())]
        named += [ended[message.id]] if message.id in ended else []
        named = [chat for chat in named if chat in ends]
        agreed = len(set(named)) == 1 and (len(named) > 1 or parent is None)
        if (message.chat not in ends and named) or (agreed and message.chat not in named):
            message.chat = named[0]


def _make_lost_chats(connection: sqlite3.Connection, messages: list[_Message], ends: dict[int, str | None]) -> int:
    lost = sorted({message.chat for message in messages} - ends.keys())
    for chat in lost:
        connection.execute(
            "INSERT INTO conversation (seq, id, title, created_at, updated_at, touched) VALUES (?, ?, ?, ?, ?, 0)",
            (chat, uuid.uuid4().hex, str(tr("Recovered chat")), time.time(), time.time()),
        )
        ends[chat] = None
    return len(lost)


def _find_parents(messages: list[_Message]) -> None:
    by_id = {message.id: message for message in messages}
    last: dict[int, _Message] = {}  # of each chat, so far
    for message in messages:
        before, parent = last.get(message.chat), by_id.get(message.parent or "")
        if message.parent is None:
            lost = message.role in ("assistant", "tool")  # these may only begin a chat
        else:
            lost = parent is None or parent.chat != message.chat or parent.seq >= message.seq
        if lost:
            message.parent = before.id if before else None
        last[message.chat] = message


def _find_ends(connection: sqlite3.Connection, messages: list[_Message], ends: dict[int, str | None]) -> int:
    """Let every chat show a branch to its end; returns the number of chats whose end was wrong."""
    chats: dict[int, dict[str, str | None]] = {}
    for message in messages:
        chats.setdefault(message.chat, {})[message.id] = message.parent
    wrong = 0
    for chat, parents in chats.items():
        leaf = ends[chat]
        end = tree.newest_leaf(parents, leaf if leaf in parents else next(reversed(parents)))
        if end != leaf:
            wrong += 1
            connection.execute("UPDATE conversation SET leaf_id = ? WHERE seq = ?", (end, chat))
    return wrong
