"""Writes chats.db: every change of a conversation is durable when its method returns.

There is one `ChatStore` per data folder, called from one thread (the serial lane). "Saved" means that COMMIT returned.
A method that raises has changed nothing, and the caller still holds the text.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from desktop_llm.chats import backups, repair, salvage, schema, tree
from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import (
    Conversation,
    ConversationFields,
    MessageFields,
    StoredMessage,
    citation_values,
    column,
    joined,
    part_values,
    to_part,
)
from desktop_llm.chats.schema import from_sql, in_words, to_sql
from desktop_llm.chats.search import searchable
from desktop_llm.days import Days
from desktop_llm.message import Check, Citation, Part
from desktop_llm.tokens import Rounds, to_bytes

TRASH_DAYS = 30
KEPT_DETAILS = 500  # answers whose search and prompt are kept, about 5 KB each
_WAITING = "waiting "  # before the place of a draft: it waits to be sent


class ChatStore(ChatReader):
    """The one writing connection.

    Attributes: `notice`, a sentence to show once if damage was found and what could be read was brought back, otherwise
    None.
    """

    def __init__(self, path: Path) -> None:
        """Open, create, upgrade or salvage the file; raises UserError if that can't be done."""
        self.path = path
        self._days = Days(path.with_name("days.json"))
        with in_words(path):
            self.notice = salvage.ensure_sound(path)
            self._connection = schema.connect(path)
            try:
                self.notice = self.notice or repair.repair(self._connection)
                schema.upgrade(self._connection, path)
            except BaseException:
                self._connection.close()
                raise
        self._connection.row_factory = sqlite3.Row

    # Conversations

    def create(self, **fields: Unpack[ConversationFields]) -> Conversation:
        """Create a chat and store it at once."""
        conversation_id, now = uuid.uuid4().hex, time.time()
        with self._transaction():
            self._execute(
                "INSERT INTO conversation (id, title, created_at, updated_at, touched) VALUES (?, '', ?, ?, "
                "(SELECT coalesce(max(touched), 0) + 1 FROM conversation))",
                conversation_id,
                now,
                now,
            )
            self._set_conversation(conversation_id, fields)
        return self.conversation(conversation_id)

    def update(self, conversation_id: str, **fields: Unpack[ConversationFields]) -> Conversation:
        """Change the given fields and leave the rest; raises NotFound."""
        with self._transaction():
            self._conversation_row(conversation_id)
            self._set_conversation(conversation_id, fields)
        return self.conversation(conversation_id)

    def trash(self, conversation_id: str) -> None:
        """Move a chat to the trash; `restore` brings it back until the app has seen 30 more days."""
        self._days.note()
        self._set_deleted(conversation_id, time.time())

    def restore(self, conversation_id: str) -> None:
        """Undo `trash`."""
        self._set_deleted(conversation_id, None)

    def purge(self, older_than_days: float = TRASH_DAYS) -> int:
        """Delete the chats that were in the trash for that many days of the app, also from free pages and old backups;
        returns their number.
        """
        self._days.note()
        with self._transaction():
            trashed = self._rows("SELECT seq, id, deleted_at FROM conversation WHERE deleted_at IS NOT NULL")
            doomed = [row for row in trashed if self._days.since(row["deleted_at"]) >= older_than_days]
            for row in doomed:
                self._erase(row)
        self._forget_backups(older_than_days)
        if doomed:
            self._scrub()
        return len(doomed)

    # Messages

    def add(
        self,
        conversation_id: str,
        parent_id: str | None,
        role: str,
        parts: Iterable[Part] = (),
        *,
        status: str = "complete",
        **fields: Unpack[MessageFields],
    ) -> StoredMessage:
        """Store a message below `parent_id` (None: a first message) and make it the end of the active branch."""
        message_id, now = uuid.uuid4().hex, time.time()
        with self._transaction():
            conversation = self._conversation_row(conversation_id)
            if parent_id is not None:
                self._message_row(parent_id)
            seq = self._execute(
                "INSERT INTO message (id, conversation, parent_id, role, status, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                message_id,
                conversation["seq"],
                parent_id,
                role,
                status,
                now,
            ).lastrowid
            self._set_message(message_id, fields)
            self._add_parts(seq, parts)
            self._index_message(seq)
            self._touch(conversation["seq"], message_id, now)
        return self.message(message_id)

    def append(self, message_id: str, pieces: Sequence[Part]) -> None:
        """Save the next pieces of a streaming answer, in order: one small row each, however long the answer is."""
        with self._transaction():
            self._add_parts(self._message_row(message_id)["seq"], pieces)

    def finish(
        self,
        message_id: str,
        status: str,
        *,
        parts: Iterable[Part] | None = None,
        citations: Iterable[Citation] = (),
        sources: Iterable[Citation] = (),
        tokens: Rounds = (),
        details: bytes = b"",
        **fields: Unpack[MessageFields],
    ) -> StoredMessage:
        """End an answer: its status, facts, passages and tokens; `parts`, if given, replace what was streamed.
        `details` of its search are kept for the newest answers.
        """
        with self._transaction():
            row = self._message_row(message_id)
            self._execute("UPDATE message SET status = ? WHERE seq = ?", status, row["seq"])
            self._set_message(message_id, fields)
            self._settle_parts(row["seq"], parts)
            self._set_citations(row["seq"], citations, sources)
            self.save_tokens(message_id, tokens)
            self._set_details(row["seq"], details)
            self._execute("UPDATE conversation SET updated_at = ? WHERE seq = ?", time.time(), row["conversation"])
        return self.message(message_id)

    def set_checks(self, message_id: str, checks: Sequence[Check]) -> StoredMessage:
        """Replace what the documents say about the sentences of an answer."""
        with self._transaction():
            self._set_message(message_id, {"checks": [check.to_json() for check in checks]})
        return self.message(message_id)

    def save_tokens(self, message_id: str, tokens: Rounds) -> None:
        """Save the tokens of an answer in place of those saved before."""
        with self._transaction():
            seq = self._message_row(message_id)["seq"]
            self._execute("DELETE FROM token WHERE message = ?", seq)
            if any(tokens):
                self._execute("INSERT INTO token VALUES (?, ?)", seq, to_bytes(tokens))

    def reopen(self, message_id: str) -> None:
        """Let an answer that had ended be written on; its text is written anew, and what its files gave stays."""
        with self._transaction():
            row = self._message_row(message_id)
            self._execute(
                "UPDATE message SET status = 'streaming', error = '', error_text = '' WHERE seq = ?", row["seq"]
            )
            self._settle_parts(row["seq"], ())
            self._set_citations(row["seq"], (), ())

    def save_file_read(
        self, message_id: str, path: str, content: Mapping[str, Any], coverage: Mapping[str, Any]
    ) -> None:
        """Save what a file gave for an answer from every file, in place of what it gave before, and how far it got."""
        with self._transaction():
            self._set_message(message_id, {"coverage": coverage})
            seq = self._message_row(message_id)["seq"]
            self._execute("DELETE FROM file_read WHERE message = ? AND path = ?", seq, to_sql(path))
            self._execute("INSERT INTO file_read VALUES (?, ?, ?)", seq, to_sql(path), json.dumps(content))

    def choose_branch(self, message_id: str) -> None:
        """Show the branch through this message, down to its newest end."""
        with self._transaction():
            row = self._message_row(message_id)
            leaf = tree.newest_leaf(self._parents(row["conversation"]), message_id)
            self._execute("UPDATE conversation SET leaf_id = ? WHERE seq = ?", leaf, row["conversation"])

    def save_draft(self, conversation_id: str, text: str) -> None:
        """Save text that was typed and not sent: for a chat ("" for the one that has not begun), or the edit of a
        message.

        An empty text deletes the draft.
        """
        with self._transaction():
            self._execute("DELETE FROM draft WHERE conversation_id = ?", conversation_id)
            if text:
                self._execute("INSERT INTO draft VALUES (?, ?)", conversation_id, to_sql(text))

    def save_waiting(self, place: str, text: str) -> None:
        """Save text that waits to be sent, as `save_draft` does; a kill then makes a draft of it."""
        self.save_draft(f"{_WAITING}{place}", text)

    def recover(self) -> int:
        """At start, mark answers that a crash cut off as interrupted and keep their text; returns their number.

        Text that waited to be sent is put above the draft in its place.
        """
        with self._transaction():
            for row in self._rows("SELECT * FROM draft WHERE conversation_id GLOB ?", f"{_WAITING}*"):
                place, text = row["conversation_id"].removeprefix(_WAITING), from_sql(row["text"])
                self.save_draft(row["conversation_id"], "")
                self.save_draft(place, f"{text}\n\n{typed}" if (typed := self.draft(place)) else text)
            rows = self._rows("SELECT seq FROM message WHERE status = 'streaming'")
            for row in rows:
                self._execute("UPDATE message SET status = 'interrupted' WHERE seq = ?", row["seq"])
                self._settle_parts(row["seq"], None)
        return len(rows)

    def waiting(self, place: str) -> str:
        """The text that `save_waiting` saved for this place."""
        return self.draft(f"{_WAITING}{place}")

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make every change inside the block durable at its end, all or none."""
        with self._transaction():
            yield

    # Inside

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._connection.in_transaction:  # part of the changes of `together`
            yield
            return
        with in_words(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                schema.roll_back(self._connection)
                raise

    def _execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def _set_conversation(self, conversation_id: str, fields: Mapping[str, Any]) -> None:
        _set_columns(self._connection, "conversation", conversation_id, fields)
        if "title" in fields:
            seq = self._conversation_row(conversation_id)["seq"]
            self._index("title_search", seq, fields["title"])

    def _set_message(self, message_id: str, fields: Mapping[str, Any]) -> None:
        _set_columns(self._connection, "message", message_id, fields)

    def _set_deleted(self, conversation_id: str, moment: float | None) -> None:
        with self._transaction():
            self._conversation_row(conversation_id)
            self._execute("UPDATE conversation SET deleted_at = ? WHERE id = ?", moment, conversation_id)

    def _touch(self, conversation: int, leaf_id: str, now: float) -> None:
        # The list is ordered by a counter, not by time: a clock that jumps must not shuffle it.
        self._execute(
            "UPDATE conversation SET leaf_id = ?, updated_at = ?, "
            "touched = (SELECT max(touched) + 1 FROM conversation) WHERE seq = ?",
            leaf_id,
            now,
            conversation,
        )

    def _add_parts(self, message: int | None, parts: Iterable[Part]) -> None:
        rows = [(message, kind, content) for kind, content in map(part_values, parts) if content]
        self._connection.executemany("INSERT INTO part (message, kind, content) VALUES (?, ?, ?)", rows)

    def _settle_parts(self, message: int, parts: Iterable[Part] | None) -> None:
        """Join the rows that streaming left, or replace them by `parts`, and make the message searchable."""
        if parts is None:
            parts = map(to_part, self._rows("SELECT kind, content FROM part WHERE message = ? ORDER BY seq", message))
        settled = list(joined(parts))
        self._execute("DELETE FROM part WHERE message = ?", message)
        self._add_parts(message, settled)
        self._index_message(message)

    def _set_citations(self, message: int, citations: Iterable[Citation], sources: Iterable[Citation]) -> None:
        self._execute("DELETE FROM citation WHERE message = ?", message)
        rows = [(True, citation) for citation in citations] + [(False, source) for source in sources]
        self._connection.executemany(
            "INSERT INTO citation (message, cited, number, document, page, start, end, text, score, verified, "
            "place, context, also_in) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(message, cited, *citation_values(citation)) for cited, citation in rows],
        )

    def _set_details(self, message: int, details: bytes) -> None:
        self._execute("DELETE FROM search_details WHERE message = ?", message)
        if details:
            self._execute("INSERT INTO search_details VALUES (?, ?)", message, details)
            newest = "SELECT message FROM search_details ORDER BY message DESC LIMIT ?"
            self._execute(f"DELETE FROM search_details WHERE message NOT IN ({newest})", KEPT_DETAILS)

    def _index_message(self, message: int | None) -> None:
        rows = self._rows("SELECT content FROM part WHERE message = ? AND kind = 'text' ORDER BY seq", message)
        self._index("message_search", message, "".join(from_sql(row["content"]) for row in rows))

    def _index(self, table: str, rowid: int | None, text: str) -> None:
        self._execute(f"DELETE FROM {table} WHERE rowid = ?", rowid)
        if text:
            self._execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", rowid, searchable(text))

    def _erase(self, conversation: sqlite3.Row) -> None:
        seq = conversation["seq"]
        self._execute("DELETE FROM title_search WHERE rowid = ?", seq)
        for table in ("token", "file_read", "search_details"):
            mine = "message IN (SELECT seq FROM message WHERE conversation = ?)"
            self._execute(f"DELETE FROM {table} WHERE {mine}", seq)
        self._execute("DELETE FROM message_search WHERE rowid IN (SELECT seq FROM message WHERE conversation = ?)", seq)
        self._execute(
            "DELETE FROM draft WHERE replace(conversation_id, ?, '') IN "
            "(SELECT ? UNION ALL SELECT id FROM message WHERE conversation = ?)",
            _WAITING,
            conversation["id"],
            seq,
        )
        self._execute("DELETE FROM conversation WHERE seq = ?", seq)

    def _scrub(self) -> None:
        """Wipe deleted text from the search index, the log and free pages."""
        with in_words(self.path):
            for table in ("title_search", "message_search"):
                self._execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
            self._execute("PRAGMA incremental_vacuum").fetchall()
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget_backups(self, older_than_days: float) -> None:
        for backup in backups.backups(self.path):
            with contextlib.suppress(OSError):
                if self._days.since(backup.stat().st_mtime) >= older_than_days:
                    backup.unlink()


def _set_columns(connection: sqlite3.Connection, table: str, identity: str, fields: Mapping[str, Any]) -> None:
    """Set columns; their names come from the typed dictionaries of `records`, never from outside."""
    if fields:
        columns = ", ".join(f"{name} = ?" for name in fields)
        values = [column(value) for value in fields.values()]
        connection.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*values, identity))
