"""Shows the offer to read every file, and how far that has come for the last answer of the open chat."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.coverage import DONE, EVERY_FILE, EVERY_FILE_IF_ASKED, PASSAGES, Coverage, FileRead
from desktop_llm.conversation.desk import Desk
from desktop_llm.conversation.events import Offer, TurnState
from desktop_llm.conversation.every_file_list import Results, as_csv
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import Turn
from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.every_file_strip import EveryFileStrip
from desktop_llm.gui.chat.feed import Feed
from desktop_llm.gui.chat.replace_dialog import ReplaceDialog
from desktop_llm.gui.work.resources import Resources
from desktop_llm.knowledge.client import FileOutline
from desktop_llm.paths import person_home
from desktop_llm.words import tr


class EveryFileController(QObject):
    """`ask_again` starts a turn that goes on with an answer. Signal: `failed` with the error to show."""

    failed = Signal(UserError)

    def __init__(
        self,
        resources: Resources,
        strip: EveryFileStrip,
        feed: Feed,
        conversations: ConversationsController,
        desk: Desk,
        ask_again: Callable[[Question], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._resources = resources
        self._changed = ("", 0)  # the answer whose files were compared last, and how many have changed
        self._strip, self._feed, self._conversations = strip, feed, conversations
        self._desk, self._ask_again = desk, ask_again
        feed.looked_at_last = self._look
        strip.offer.chosen.connect(self._on_chosen)
        strip.card.pause_requested.connect(self._on_pause)
        strip.card.stop_requested.connect(self._on_stop)
        strip.card.continue_requested.connect(self._on_continue)
        strip.card.passages_requested.connect(self._on_passages)
        strip.card.csv_requested.connect(self._on_csv)

    def decline(self) -> None:
        """Take the best passages if every file is offered: the person went on."""
        if (turn := self._turn()) is not None:
            turn.choose(PASSAGES)

    def _turn(self) -> Turn | None:
        return self._desk.turn_of(self._conversations.open_chat)

    def _look(self, message: StoredMessage | None, state: TurnState | None) -> None:
        if state is not None and isinstance(state.progress, Offer):
            self._strip.show_offer(state.progress)
            return
        coverage = state.coverage if state is not None else None
        if coverage is None and message is not None:
            coverage = Coverage.from_json(message.coverage)
        if coverage is None or coverage.way != EVERY_FILE:
            self._strip.clear()
            return
        ended = state is None or state.finished is not None or state.failed is not None
        is_known = message is not None and self._changed[0] == message.id
        self._strip.show_coverage(coverage, running=not ended, changed=self._changed[1] if is_known and ended else 0)
        if message is not None and state is None and coverage.state == DONE and not is_known:
            self._changed = (message.id, 0)
            read = functools.partial(_files_read, message.id)
            self._resources.chats.look(read, functools.partial(self._on_files_read, message))

    def _on_files_read(self, message: StoredMessage, reads: list[FileRead]) -> None:
        """Compare what was read for a finished answer with the files as they are now."""
        conversation = self._conversations.current
        if conversation is not None:
            look = functools.partial(self._resources.knowledge.outline, conversation.collections)
            self._resources.tasks.call(look, functools.partial(self._on_outline, message, reads), lambda _: None)

    def _on_outline(self, message: StoredMessage, reads: list[FileRead], files: list[FileOutline]) -> None:
        now = {file.path: file.sha256 for file in files}
        changed = sum(now.get(read.path, read.sha256) != read.sha256 for read in reads)
        last = self._feed.last("assistant")
        if changed and self._changed[0] == message.id and last is not None and last.id == message.id:
            self._changed = (message.id, changed)
            self._look(message, None)

    def _on_passages(self) -> None:
        if (answer := self._feed.last("assistant")) is not None:
            chat = self._conversations.open_chat
            self._ask_again(Question(chat, None, answer.parent_id, False, way=PASSAGES))

    def _on_csv(self) -> None:
        answer, conversation, window = self._feed.last("assistant"), self._conversations.current, self._strip.window()
        if answer is None or conversation is None:
            return
        title = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in conversation.title)
        proposed = str(person_home() / f"{title.strip() or 'results'}.csv")
        # Qt's own question about a file that is there would show the file's name as HTML.
        plain = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(window, tr("Save as CSV"), proposed, "CSV (*.csv)", options=plain)
        if path and Path(path).exists():
            ReplaceDialog.ask(window, path, functools.partial(self._on_replace, answer.id))
        elif path:
            self._save_csv(answer.id, path)

    def _on_replace(self, message_id: str, path: str, _: str) -> None:
        self._save_csv(message_id, path)

    def _save_csv(self, message_id: str, path: str) -> None:
        write = functools.partial(_write_csv, message_id, Path(path))
        self._resources.chats.look(write, lambda _: None, self.failed.emit)

    def _on_chosen(self, way: str, remember: bool) -> None:
        if (turn := self._turn()) is not None:
            turn.choose(way)
        if remember:
            self._conversations.change(way=EVERY_FILE_IF_ASKED if way == EVERY_FILE else PASSAGES)
        self._strip.clear()

    def _on_pause(self) -> None:
        if (turn := self._turn()) is not None:
            turn.pause()

    def _on_stop(self) -> None:
        if (turn := self._turn()) is not None:
            turn.stop()

    def _on_continue(self) -> None:
        answer = self._feed.last("assistant")
        if answer is not None:
            chat = self._conversations.open_chat
            self._changed = ("", 0)
            self._ask_again(Question(chat, None, answer.parent_id, False, goes_on=answer.id))


def _files_read(message_id: str, reader: ChatReader) -> list[FileRead]:
    return [read for each in reader.files_read(message_id) if (read := FileRead.from_json(each)) is not None]


def _write_csv(message_id: str, path: Path, reader: ChatReader) -> None:
    """Write what the files gave for an answer as a table; the mark at its beginning tells spreadsheets it is UTF-8."""
    results = Results()
    for read in _files_read(message_id, reader):
        results.add(read)
    write_atomically(path, as_csv(results).encode("utf-8-sig"))
