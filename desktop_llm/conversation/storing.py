"""Stores a turn: the question before anything is sent, the answer while it streams and at its end."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any, Protocol, TypeVar

from desktop_llm.chats.records import ChatAdapter, Conversation, MessageFields, StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.chats.titles import title_from
from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.events import (
    Failed,
    QuestionStored,
    ToolEnded,
    ToolStarted,
    TurnEvent,
    TurnState,
)
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.engine.client import Finished, TextDelta, ThinkingDelta, Timings, Usage
from desktop_llm.errors import from_wire, to_wire
from desktop_llm.message import Check, Citation, File, Image, Part, Text, Thinking, part_from_json, part_to_json
from desktop_llm.tokens import Rounds, rounds_of

T = TypeVar("T")

SAVE_EVERY_S = 0.7
"""If the process is killed, at most this much of an answer is lost."""


class Write(Protocol):
    """Runs a piece of work in the thread that owns the store, in the order of the calls."""

    def __call__(self, work: Callable[[ChatStore], T], /) -> Future[T]: ...


@dataclass(frozen=True, slots=True)
class Correction:
    """A sentence of an earlier answer, the quote that contradicts it, and the passage that this is in."""

    sentence: str
    quote: str
    passage: Citation


@dataclass(frozen=True, slots=True)
class Question:
    """A question to be answered, at the end of the branch, or `below` a message (None: as a first message).

    Without a text the message `below` is answered once more. `edits` is the id of the message that an edit replaces.
    `pictures` are the paths of our own copies (`pictures.client`). With `continues` the answer goes on from an earlier
    one. It is kept what else each token might have been if `with_choices` is set. `way` is how documents are used,
    if it is not left to the chat; `goes_on` is the id of an answer from every file that goes on where it was cut off.
    An answer that `corrects` an earlier one has the passage in front of the model that contradicts it.
    """

    chat: OpenChat
    text: str | None
    below: str | None = None
    at_end: bool = True
    attachments: tuple[str, ...] = ()
    with_documents: bool = True
    edits: str = ""
    pictures: tuple[str, ...] = ()
    continues: Continuation | None = None
    with_choices: bool = False
    way: str = ""
    goes_on: str = ""
    corrects: Correction | None = None


def store_question(store: ChatStore, question: Question, model_id: str, model_name: str) -> QuestionStored:
    """Store the question (unless it is answered once more) and below it the answer, still empty: both or none."""
    chat_before = question.chat.id
    try:
        with store.together():
            return _stored(store, question, model_id, model_name)
    except BaseException:
        question.chat.id = chat_before  # a new chat is not stored either
        raise


def _stored(store: ChatStore, question: Question, model_id: str, model_name: str) -> QuestionStored:
    chat = question.chat.stored(store, model_id)
    if store.conversation(chat).model_id != model_id:
        store.update(chat, model_id=model_id)
    before = store.messages(chat)
    below = question.below
    if question.goes_on:
        store.reopen(question.goes_on)
        messages = store.messages(chat)
        return QuestionStored(
            store.conversation(chat), tuple(messages[: 1 + [each.id for each in messages].index(question.goes_on)])
        )
    if question.at_end:
        below = before[-1].id if before else None
    if question.text is not None:
        if not store.conversation(chat).title:
            store.update(chat, title=title_from(question.text or picture_title(question.pictures)))
        known = {path for message in before for path in message.attachments}
        new = [File(path) for path in question.attachments if path not in known]
        shown = [Image(path) for path in question.pictures]
        below = store.add(chat, below, "user", [*shown, Text(question.text), *new]).id
        if question.at_end:
            store.save_draft(chat, "")
        for place in (question.edits or chat, ""):  # "": it waited before its chat was stored
            waiting = store.waiting(place)
            if f"{waiting}\n\n".startswith(f"{question.text}\n\n"):
                store.save_waiting(place, waiting[len(question.text) + 2 :])
    fields = MessageFields(model_id=model_id, model_name=model_name)
    if (other := question.continues) is not None:
        fields["continued"] = {"word": other.word, "instead": other.instead}
    elif not question.with_documents:
        fields["continued"] = {"without": "documents"}
    store.add(chat, below, "assistant", status="streaming", **fields)
    return QuestionStored(store.conversation(chat), tuple(store.messages(chat)))


def picture_title(paths: Sequence[str]) -> str:
    """The title of a chat that begins with pictures and no words: the first one's name."""
    return PurePath(paths[0]).stem if paths else ""


def store_answer(
    store: ChatStore, message_id: str, state: TurnState, continues: Continuation | None = None
) -> StoredMessage:
    """Finish an answer that was stored while it streamed: its whole text, its citations, its tokens, and how it ended.
    `continues` is what it goes on from.
    """
    fields, tokens = MessageFields(unsupported=state.unsupported, adapters=state.adapters), Rounds()
    fields["checks"] = [check.to_json() for check in state.checks]
    if state.coverage is not None:
        fields["coverage"] = state.coverage.to_json()
    if state.failed is not None:
        fields["error"], fields["error_text"] = state.failed.error.title, state.failed.error.text
    if (finished := state.finished) is not None:
        fields["finish_reason"], fields["seed"] = finished.finish_reason, finished.seed
        fields["usage"], fields["timings"] = asdict(finished.usage), asdict(finished.timings)
        before = continues or Continuation((), "", "", "")
        tokens = (*before.rounds, *rounds_of(finished.tokens, finished.alternatives, before.beginning))
    return store.finish(
        message_id,
        state.status,
        parts=state.parts,
        citations=state.citations,
        sources=state.sources,
        tokens=tokens,
        details=b"" if state.details.is_empty else state.details.to_bytes(),
        **fields,
    )


def accept_sentence(store: ChatStore, message_id: str, start: int) -> StoredMessage:
    """Note that the sentence at `start` of an answer is right although a passage says otherwise."""
    checks = [
        replace(check, accepted=True) if check.start == start else check for check in store.message(message_id).checks
    ]
    return store.set_checks(message_id, checks)


class StreamedPieces:
    """Saves a streaming answer in pieces and never makes it wait: while the store is busy, pieces are collected."""

    def __init__(self, write: Write, message_id: str) -> None:
        self._write, self._message_id = write, message_id
        self._unsaved: tuple[Part, ...] = ()
        self._saving: tuple[Part, ...] = ()
        self._saved: Future[None] | None = None
        self._last_s = 0.0

    def take(self, event: TurnEvent) -> None:
        """Collect the piece that the event adds to the answer; save the pieces if it is time."""
        if (piece := _piece_of(event)) is not None:
            self._unsaved = (*self._unsaved, piece)
            if time.monotonic() - self._last_s >= SAVE_EVERY_S and (self._saved is None or self._saved.done()):
                self._save()

    def _save(self) -> None:
        self._last_s = time.monotonic()
        if self._saved is not None and self._saved.exception() is not None:
            self._unsaved = (*self._saving, *self._unsaved)  # saved with the next pieces
        self._saving, self._unsaved = self._unsaved, ()
        append = functools.partial(_append, message_id=self._message_id, pieces=self._saving)
        self._saved = self._write(append)


def _piece_of(event: TurnEvent) -> Part | None:
    match event:
        case TextDelta(text):
            return Text(text)
        case ThinkingDelta(text):
            return Thinking(text)
        case ToolStarted(call):
            return call
        case ToolEnded(result):
            return result
    return None


def _append(store: ChatStore, message_id: str, pieces: Sequence[Part]) -> None:
    store.append(message_id, pieces)


def switch_branch(store: ChatStore, conversation_id: str, message_id: str, step: int) -> list[StoredMessage]:
    """Go to the next or previous of the branches that part at a message; returns the messages to show."""
    siblings = store.siblings(message_id)
    store.choose_branch(siblings[(siblings.index(message_id) + step) % len(siblings)])
    return store.messages(conversation_id)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Messages (role, text) in order, the answer to the last one, and the model that gave it: a turn that is stored
    afterwards, maybe by another process that owns the data folder. `pictures` are the paths for each message, in the
    same order; empty if no message has any.
    """

    messages: tuple[tuple[str, str], ...]
    answer: TurnState
    model_id: str
    model_name: str
    collections: tuple[str, ...] = ()
    pictures: tuple[tuple[str, ...], ...] = ()

    @property
    def asked(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """The messages but for the instructions: role, text, pictures."""
        pictures = self.pictures or ((),) * len(self.messages)
        joined = zip(self.messages, pictures, strict=True)
        return [(role, text, paths) for (role, text), paths in joined if role != "system"]

    def to_json(self) -> dict[str, Any]:
        """The exchange as JSON, for the owner's channel."""
        answer = self.answer
        return {
            "messages": self.messages,
            "model_id": self.model_id,
            "model_name": self.model_name,
            "collections": self.collections,
            "pictures": self.pictures,
            "parts": [part_to_json(part) for part in answer.parts],
            "citations": [asdict(citation) for citation in answer.citations],
            "sources": [asdict(source) for source in answer.sources],
            "unsupported": answer.unsupported,
            "checks": [check.to_json() for check in answer.checks],
            "adapters": [asdict(adapter) for adapter in answer.adapters],
            "finished": asdict(answer.finished) if answer.finished else None,
            "error": to_wire(answer.failed.error) if answer.failed else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Exchange:
        """The exchange that `to_json` wrote."""
        finished = data["finished"]
        answer = TurnState(
            parts=tuple(part_from_json(part) for part in data["parts"]),
            citations=tuple(Citation.from_json(citation) for citation in data["citations"]),
            sources=tuple(Citation.from_json(source) for source in data["sources"]),
            unsupported=tuple((start, end) for start, end in data["unsupported"]),
            checks=tuple(check for each in data.get("checks", ()) if (check := Check.from_json(each)) is not None),
            adapters=tuple(ChatAdapter(**adapter) for adapter in data["adapters"]),
            finished=Finished(
                finished["finish_reason"], Usage(**finished["usage"]), Timings(**finished["timings"]), finished["seed"]
            )
            if finished
            else None,
            failed=Failed(from_wire(data["error"]), interrupted=True) if data["error"] else None,
        )
        messages = tuple((role, text) for role, text in data["messages"])
        pictures = tuple(tuple(paths) for paths in data.get("pictures", ()))
        return cls(messages, answer, data["model_id"], data["model_name"], tuple(data["collections"]), pictures)


def keep_waiting(store: ChatStore, chat: OpenChat, edits: str, text: str) -> None:
    """Keep what waits to be sent in a chat, or as an edit there, so that it outlives a kill; "" if nothing waits."""
    store.save_waiting(edits or chat.id or "", text)


def save_exchange(store: ChatStore, exchange: Exchange) -> Conversation:
    """Store the exchange as a new conversation, titled by its first question."""
    with store.together():
        return _exchanged(store, exchange)


def _exchanged(store: ChatStore, exchange: Exchange) -> Conversation:
    *earlier, (_, question, pictures) = exchange.asked
    conversation = store.create(
        title=title_from(next((text for role, text, _ in earlier if role == "user"), question)),
        system_prompt="\n\n".join(text for role, text in exchange.messages if role == "system"),
        collections=exchange.collections,
        model_id=exchange.model_id,
        adapters=exchange.answer.adapters,
    )
    parent: str | None = None
    for role, text, paths in earlier:
        parent = store.add(conversation.id, parent, role, [*map(Image, paths), Text(text)]).id
    last = Question(OpenChat(conversation.id), question, pictures=pictures)
    asked = store_question(store, last, exchange.model_id, exchange.model_name)
    store_answer(store, asked.messages[-1].id, exchange.answer)
    return conversation
