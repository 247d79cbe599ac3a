"""Tells the person above the composer that a chat's model is gone, and offers to get it again or to choose another."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import Conversation
from desktop_llm.conversation.open_chat import Answering
from desktop_llm.gui.chat.page import ChatsPage
from desktop_llm.gui.look.formats import isolated, plain
from desktop_llm.gui.look.widgets import Action, Banner
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.library import Model
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Answered:
    """The model that wrote the last answer of a chat, by its id and the name it had then."""

    conversation_id: str
    model_id: str
    name: str


class MissingModel(QObject):
    """Signals: `get_again_requested` with the name to search for; `choose_requested` to open the model menu."""

    get_again_requested = Signal(str)
    choose_requested = Signal()

    def __init__(self, resources: Resources, models: ChosenModelController, chats: ChatsPage, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._models, self._chats = resources, models, chats
        self._open: str | None = None
        self._answered: Answered | None = None
        self._query = ""
        models.listed.connect(self._on_listed)

    def look_at(self, conversation: Conversation | None) -> None:
        """Check the model of the chat that was opened."""
        self._open, self._answered = conversation.id if conversation else None, None
        self._chats.set_notice(None)
        if conversation is not None:
            self._resources.chats.read(functools.partial(_answered, conversation.id), self._on_answered)

    def _on_answered(self, answered: Answered | None) -> None:
        if answered is not None and answered.conversation_id == self._open:
            self._answered = answered
            self._look()

    def _on_listed(self, _: object) -> None:
        if self._answered is not None:
            self._chats.set_notice(None)
            self._look()

    def look_away(self, answering: Answering) -> None:
        """Remove the notice if the chat is being answered: the person goes on with another model."""
        if self._open in answering.chats:
            self._answered = None
            self._chats.set_notice(None)

    def _look(self) -> None:
        answered = self._answered
        here = self._models.find(answered.model_id) if answered else None
        if answered is None or not self._models.models or (here is not None and here.state != "missing"):
            return
        known = functools.partial(self._resources.library.known, answered.model_id)
        self._resources.tasks.call(known, functools.partial(self._say, answered))

    def _say(self, answered: Answered, known: Model | None) -> None:
        if answered is not self._answered:
            return
        name = plain(known.display_name if known else answered.name)
        self._query = (known.repo if known else "") or name
        title = tr("{name} is not on this computer any more.", name=isolated(name))
        banner = Banner(title, self._next_words(), self._actions(), kind="warning", object_name="missing_model")
        banner.action_triggered.connect(self._on_action)
        self._chats.set_notice(banner)

    def _next_words(self) -> str:
        chosen = self._models.model
        if chosen is None:
            return tr("This chat is kept.")
        words = tr("This chat is kept, and the next message goes to {model}.")
        return words.format(model=isolated(plain(chosen.display_name)))

    def _actions(self) -> tuple[Action, ...]:
        return (
            Action("get_again", tr("Get it again"), "download"),
            Action("choose", tr("Choose another"), "cube", kind="quiet"),
        )

    def _on_action(self, name: str) -> None:
        if name == "get_again":
            self.get_again_requested.emit(self._query)
        else:
            self.choose_requested.emit()


def _answered(conversation_id: str, reader: ChatReader) -> Answered | None:
    """The model that wrote the last answer of a chat; runs in the reading lane."""
    for message in reversed(reader.messages(conversation_id)):
        if message.role == "assistant" and message.model_id:
            return Answered(conversation_id, message.model_id, message.model_name or message.model_id)
    return None
