"""Writing chats.db: every change of a conversation, each durable when its method returns.

One `ChatStore` per data folder, called from one thread (the serial lane). "Saved" means that COMMIT returned: a method
that raises has changed nothing, and the caller still holds the text.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Unpack

from desktop_llm.chats import salvage, schema, tree
from desktop_llm.chats.failures import in_words
from desktop_llm.chats.reader import ChatReader, condition
from desktop_llm.chats.records import (
    Conversation,
    ConversationFields,
    MessageFields,
    SearchHit,
    StoredCitation,
    StoredMessage,
)
from desktop_llm.chats.rows import citation_values, column, joined
from desktop_llm.chats.schema import from_sql, to_sql
from desktop_llm.chats.search import searchable

__all__ = [
    "ChatReader",
    "ChatStore",
    "Conversation",
    "ConversationFields",
    "MessageFields",
    "SearchHit",
    "StoredCitation",
    "StoredMessage",
    "condition",
]

TRASH_DAYS = 30
_DAY_S = 86400


class ChatStore(ChatReader):
    """The one writing connection.

    Attributes: `notice`, a sentence to show once where a damaged file was found and what could be read was brought
    back; else None.
    """

    def __init__(self, path: Path) -> None:
        """Open, create, bring up to date or salvage the file; raises UserError where that can't be done."""
        self.path = path
        with in_words(path):
            self.notice = salvage.ensure_sound(path)
            self._connection = schema.connect(path)
            try:
                schema.upgrade(self._connection, path)
            except BaseException:
                self._connection.close()
                raise
        self._connection.row_factory = sqlite3.Row

    def reader(self) -> ChatReader:
        """A second, read-only connection for another thread; close it by itself."""
        return ChatReader(self.path)

    # Conversations

    def create(self, **fields: Unpack[ConversationFields]) -> Conversation:
        """Begin a chat and store it at once."""
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
        """Change what is given, leave the rest; raises NotFound."""
        with self._transaction():
            self._conversation_row(conversation_id)
            self._set_conversation(conversation_id, fields)
        return self.conversation(conversation_id)

    def trash(self, conversation_id: str) -> None:
        """Take a chat out of the list; `restore` brings it back for 30 days."""
        self._set_deleted(conversation_id, time.time())

    def restore(self, conversation_id: str) -> None:
        """Undo `trash`."""
        self._set_deleted(conversation_id, None)

    def purge(self, older_than_days: float = TRASH_DAYS) -> int:
        """Delete for good what has been in the trash that long, also from free pages and old backups; how many."""
        before = time.time() - older_than_days * _DAY_S
        with self._transaction():
            doomed = self._rows("SELECT seq, id FROM conversation WHERE deleted_at <= ?", before)
            for row in doomed:
                self._erase(row)
        self._forget_backups(before)
        if doomed:
            self._scrub()
        return len(doomed)

    # Messages

    def add(
        self,
        conversation_id: str,
        parent_id: str | None,
        role: str,
        text: str = "",
        status: str = "complete",
        attachments: Iterable[str] = (),
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
            self._add_parts(seq, itertools.chain([("text", text)], (("file", path) for path in attachments)))
            self._index_message(seq)
            self._touch(conversation["seq"], message_id, now)
        return self.message(message_id)

    def append(self, message_id: str, text: str = "", thinking: str = "") -> None:
        """Keep the next piece of a streaming answer: one small row, whatever the length of the answer."""
        with self._transaction():
            self._add_parts(self._message_row(message_id)["seq"], [("thinking", thinking), ("text", text)])

    def finish(
        self,
        message_id: str,
        status: str,
        *,
        text: str | None = None,
        citations: Iterable[StoredCitation] = (),
        sources: Iterable[StoredCitation] = (),
        **fields: Unpack[MessageFields],
    ) -> StoredMessage:
        """End an answer: its status, facts and passages; `text`, where given, replaces what was streamed."""
        with self._transaction():
            row = self._message_row(message_id)
            self._execute("UPDATE message SET status = ? WHERE seq = ?", status, row["seq"])
            self._set_message(message_id, fields)
            self._settle_parts(row["seq"], text)
            self._set_citations(row["seq"], citations, sources)
            self._execute("UPDATE conversation SET updated_at = ? WHERE seq = ?", time.time(), row["conversation"])
        return self.message(message_id)

    def choose_branch(self, message_id: str) -> None:
        """Show the branch that goes through this message, down to its newest end."""
        with self._transaction():
            row = self._message_row(message_id)
            leaf = tree.newest_leaf(self._parents(row["conversation"]), message_id)
            self._execute("UPDATE conversation SET leaf_id = ? WHERE seq = ?", leaf, row["conversation"])

    def save_draft(self, conversation_id: str, text: str) -> None:
        """Keep what is typed and not sent ("" as id: the chat not yet begun); an empty text forgets it."""
        with self._transaction():
            self._execute("DELETE FROM draft WHERE conversation_id = ?", conversation_id)
            if text:
                self._execute("INSERT INTO draft VALUES (?, ?)", conversation_id, to_sql(text))

    def recover(self) -> int:
        """At start: mark answers that a crash cut off as interrupted, their text kept; how many there were."""
        with self._transaction():
            rows = self._rows("SELECT seq FROM message WHERE status = 'streaming'")
            for row in rows:
                self._execute("UPDATE message SET status = 'interrupted' WHERE seq = ?", row["seq"])
                self._settle_parts(row["seq"], None)
        return len(rows)

    # Inside

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with in_words(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
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
        # The order of the list is counted, not timed: a clock that jumps must not shuffle it.
        self._execute(
            "UPDATE conversation SET leaf_id = ?, updated_at = ?, "
            "touched = (SELECT max(touched) + 1 FROM conversation) WHERE seq = ?",
            leaf_id,
            now,
            conversation,
        )

    def _add_parts(self, message: int | None, parts: Iterable[tuple[str, str]]) -> None:
        rows = [(message, kind, to_sql(content)) for kind, content in parts if content]
        self._connection.executemany("INSERT INTO part (message, kind, content) VALUES (?, ?, ?)", rows)

    def _settle_parts(self, message: int, text: str | None) -> None:
        """Join the rows that streaming left, or put `text` in their place, and make the message searchable."""
        rows = self._rows("SELECT kind, content FROM part WHERE message = ? ORDER BY seq", message)
        pieces = [(row["kind"], from_sql(row["content"])) for row in rows]
        if text is not None:
            pieces = [piece for piece in pieces if piece[0] != "text"] + [("text", text)]
        self._execute("DELETE FROM part WHERE message = ?", message)
        self._add_parts(message, joined(pieces))
        self._index_message(message)

    def _set_citations(
        self, message: int, citations: Iterable[StoredCitation], sources: Iterable[StoredCitation]
    ) -> None:
        self._execute("DELETE FROM citation WHERE message = ?", message)
        rows = [(True, citation) for citation in citations] + [(False, source) for source in sources]
        self._connection.executemany(
            "INSERT INTO citation (message, cited, number, document, page, start, end, text, score, verified, "
            "place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(message, cited, *citation_values(citation)) for cited, citation in rows],
        )

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
        self._execute("DELETE FROM message_search WHERE rowid IN (SELECT seq FROM message WHERE conversation = ?)", seq)
        self._execute("DELETE FROM draft WHERE conversation_id = ?", conversation["id"])
        self._execute("DELETE FROM conversation WHERE seq = ?", seq)

    def _scrub(self) -> None:
        """Let nothing of deleted text stay in the search index, the log or free pages."""
        with in_words(self.path):
            for table in ("title_search", "message_search"):
                self._execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
            self._execute("PRAGMA incremental_vacuum").fetchall()
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget_backups(self, before: float) -> None:
        for backup in schema.backups(self.path):
            if backup.stat().st_mtime <= before:
                backup.unlink(missing_ok=True)


def _set_columns(connection: sqlite3.Connection, table: str, identity: str, fields: Mapping[str, Any]) -> None:
    """Names come from the typed dictionaries of `records`, never from outside."""
    if fields:
        columns = ", ".join(f"{name} = ?" for name in fields)
        values = [column(value) for value in fields.values()]
        connection.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*values, identity))
