"""A question on its way into the store, and the chat as the model then reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.chats.titles import title_from
from desktop_llm.engine.client import ChatMessage
from desktop_llm.gui.place import Place
from desktop_llm.models.library import Model


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered: `text` below the message `below` (None: as a first message), or at the end of the branch.

    Without a text the message `below` is answered once more.
    """

    place: Place
    text: str | None
    below: str | None = None
    at_end: bool = True
    attachments: tuple[str, ...] = ()
    with_documents: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn as the store knows it: the conversation, its active branch, and the empty answer at its end."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]


def store_question(question: Question, model: Model, store: ChatStore) -> Begun:
    """Store the question (none when it is answered once more) and the empty answer below, before anything is sent."""
    chat = question.place.stored(store, model_id=model.id)
    before = store.messages(chat)
    below = question.below
    if question.at_end:
        below = before[-1].id if before else None
    if question.text is not None:
        if not store.conversation(chat).title:
            store.update(chat, title=title_from(question.text))
        known = {path for message in before for path in message.attachments}
        new = [path for path in question.attachments if path not in known]
        below = store.add(chat, below, "user", question.text, attachments=new).id
        store.save_draft(chat, "")
    store.add(chat, below, "assistant", status="streaming", model_id=model.id, model_name=model.name)
    return Begun(store.conversation(chat), tuple(store.messages(chat)))


def prompt_of(begun: Begun) -> Iterable[ChatMessage]:
    """The conversation as the model reads it: what failed before a word came is left out."""
    if begun.conversation.system_prompt:
        yield ChatMessage("system", begun.conversation.system_prompt)
    for message in begun.messages[:-1]:
        if message.text:
            yield ChatMessage(message.role, message.text)


def switch_branch(conversation_id: str, message_id: str, step: int, store: ChatStore) -> list[StoredMessage]:
    """Go to the next or previous of the branches that part at a message; the messages then shown."""
    siblings = store.siblings(message_id)
    store.choose_branch(siblings[(siblings.index(message_id) + step) % len(siblings)])
    return store.messages(conversation_id)
