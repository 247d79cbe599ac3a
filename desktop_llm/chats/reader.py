"""Reading chats.db: the list, a conversation's active branch, drafts, search."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from desktop_llm.chats import repair, search, tree
from desktop_llm.chats.records import Conversation, StoredMessage, grouped, json_of, to_conversation, to_message
from desktop_llm.chats.schema import from_sql, in_words, sound_copy, to_sql
from desktop_llm.errors import NotFound
from desktop_llm.sqlite_files import connect_read_only
from desktop_llm.tokens import Rounds, from_bytes
from desktop_llm.words import tr

_TITLE, _MESSAGE = "title_search", "message_search"


class ChatReader:
    """A read-only view of the chats, on a connection of its own; for one thread at a time.

    Attributes: `is_copy`, whether it shows a copy in memory, as it was when it was opened, because the file is not
    repaired yet or still has the layout of an older version.
    """

    is_copy = False

    def __init__(self, path: Path) -> None:
        """Raises UserError if the file is missing or can't be read."""
        self.path = path
        with in_words(path):
            self._connection = connect_read_only(path)
            try:
                copy = sound_copy(self._connection)
            except BaseException:
                self._connection.close()
                raise
        if copy is not None:
            self._connection.close()
            self._connection, self.is_copy = copy, True
        self._connection.row_factory = sqlite3.Row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the object can't be used afterwards."""
        self._connection.close()

    def conversations(self, query: str = "") -> list[Conversation]:
        """The list of chats, pinned first, then by last use; with a query those whose title or messages match."""
        if not query.strip():
            return self._listed("c.deleted_at IS NULL", ())
        found = self._matching(query)
        return [chat for chat in self._listed("c.deleted_at IS NULL", ()) if chat.id in found]

    def conversation(self, conversation_id: str) -> Conversation:
        """One chat, in the trash or not; raises NotFound."""
        found = self._listed("c.id = ?", (conversation_id,))
        if not found:
            raise _no_conversation()
        return found[0]

    def messages(self, conversation_id: str) -> list[StoredMessage]:
        """The active branch from its first message to its last."""
        with in_words(self.path):
            conversation = self._conversation_row(conversation_id)
            rows = self._rows("SELECT * FROM message WHERE conversation = ? ORDER BY seq", conversation["seq"])
            parents = {row["id"]: row["parent_id"] for row in rows}
            # A damaged last message must not hide the chat.
            leaf = conversation["leaf_id"] if conversation["leaf_id"] in parents else next(reversed(parents), None)
            shown = set(tree.branch(parents, leaf))
            return self._assembled([row for row in rows if row["id"] in shown], tree.places(parents))

    def message(self, message_id: str) -> StoredMessage:
        """One message of any branch; raises NotFound."""
        with in_words(self.path):
            row = self._message_row(message_id)
            return self._assembled([row], tree.places(self._parents(row["conversation"])))[0]

    def siblings(self, message_id: str) -> tuple[str, ...]:
        """The ids of all versions of this message, itself included, oldest first."""
        with in_words(self.path):
            row = self._message_row(message_id)
            return tuple(tree.siblings(self._parents(row["conversation"]), message_id))

    def tokens(self, message_id: str) -> Rounds:
        """The tokens of an answer, none if they were not kept; raises NotFound."""
        seq = self._message_row(message_id)["seq"]
        rows = self._rows("SELECT content FROM token WHERE message = ?", seq)
        return from_bytes(rows[0]["content"]) if rows and isinstance(rows[0]["content"], bytes) else ()

    def search_details(self, message_id: str) -> bytes:
        """What was kept of an answer's search and prompt (`conversation.search_details`), b"" if nothing was."""
        seq = self._message_row(message_id)["seq"]
        rows = self._rows("SELECT content FROM search_details WHERE message = ?", seq)
        return rows[0]["content"] if rows and isinstance(rows[0]["content"], bytes) else b""

    def files_read(self, message_id: str) -> list[dict[str, Any]]:
        """What each file gave for an answer from every file, in the order in which they were read."""
        seq = self._message_row(message_id)["seq"]
        rows = self._rows("SELECT content FROM file_read WHERE message = ? ORDER BY rowid", seq)
        return [content for row in rows if (content := json_of(row["content"], {}))]

    def draft(self, conversation_id: str) -> str:
        """The text that was typed there and not sent; the id "" stands for the chat that has not begun yet."""
        rows = self._rows("SELECT text FROM draft WHERE conversation_id = ?", conversation_id)
        return from_sql(rows[0]["text"]) if rows else ""

    def answers_quoting(self, document: str) -> int:
        """How many answers, in chats and in the trash, hold passages of a document (by its path)."""
        query = "SELECT count(DISTINCT message) FROM citation WHERE document = ?"
        return int(self._rows(query, to_sql(document))[0][0])

    def picture_paths(self) -> list[str]:
        """The paths of all pictures of all messages, those of chats in the trash among them."""
        return [from_sql(row["content"]) for row in self._rows("SELECT content FROM part WHERE kind = 'image'")]

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with in_words(self.path):
            return self._connection.execute(sql, values).fetchall()

    def _listed(self, condition: str, values: Iterable[Any]) -> list[Conversation]:
        rows = self._rows(
            "SELECT c.*, m.status FROM conversation c LEFT JOIN message m ON m.id = c.leaf_id "
            f"WHERE {condition} ORDER BY c.pinned DESC, c.touched DESC",
            *values,
        )
        return [to_conversation(row) for row in rows]

    def _conversation_row(self, conversation_id: str) -> sqlite3.Row:
        rows = self._rows("SELECT * FROM conversation WHERE id = ?", conversation_id)
        if not rows:
            raise _no_conversation()
        return rows[0]

    def _message_row(self, message_id: str) -> sqlite3.Row:
        rows = self._rows("SELECT * FROM message WHERE id = ?", message_id)
        if not rows:
            raise NotFound(tr("This message is no longer there."), tr("Nothing was changed."))
        return rows[0]

    def _parents(self, conversation: int) -> dict[str, str | None]:
        rows = self._rows("SELECT id, parent_id FROM message WHERE conversation = ? ORDER BY seq", conversation)
        return {row["id"]: row["parent_id"] for row in rows}

    def _assembled(self, rows: list[sqlite3.Row], places: dict[str, tuple[int, int]]) -> list[StoredMessage]:
        """The rows of one conversation with their parts and citations, fetched in two queries."""
        if not rows:
            return []
        # One message is queried by its own number, several by their conversation.
        column, key = ("seq", rows[0]["seq"]) if len(rows) == 1 else ("conversation", rows[0]["conversation"])
        belonging = f"message IN (SELECT seq FROM message WHERE {column} = ?) ORDER BY seq"
        parts = grouped(self._connection.execute(f"SELECT message, kind, content FROM part WHERE {belonging}", (key,)))
        citations = grouped(self._connection.execute(f"SELECT * FROM citation WHERE {belonging}", (key,)))
        return [
            to_message(row, parts.get(row["seq"], []), citations.get(row["seq"], []), places[row["id"]]) for row in rows
        ]

    def _matching(self, query: str) -> set[str]:
        expression = search.match_expression(query)
        if not expression:
            # The query has no word, only emoji or signs, which the index does not hold.
            return {chat.id for chat in self._listed("instr(c.title, ?)", (search.searchable(query).strip(),))}
        rows = self._rows(
            f"SELECT id FROM conversation WHERE seq IN (SELECT rowid FROM {_TITLE} WHERE {_TITLE} MATCH ?1) "
            "OR seq IN (SELECT conversation FROM message WHERE seq IN "
            f"(SELECT rowid FROM {_MESSAGE} WHERE {_MESSAGE} MATCH ?1))",
            expression,
        )
        return {row["id"] for row in rows}


def condition(path: Path, *, of_chats: bool = True) -> str:
    """For `doctor`: "ok" (also if nothing was ever stored), else "damaged: " and SQLite's words."""
    if not path.exists():
        return "ok"
    try:
        with contextlib.closing(connect_read_only(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict == "ok" and of_chats and not repair.is_whole(connection):
                verdict = tr("messages have lost their place")
    except sqlite3.Error as error:
        verdict = str(error)
    return "ok" if verdict == "ok" else tr("damaged: {reason}", reason=verdict)


def _no_conversation() -> NotFound:
    return NotFound(tr("This chat is no longer there."), tr("Nothing was changed."))
