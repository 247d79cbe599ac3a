"""A chat whose model is gone: says so above the composer, and offers to get it again or to choose another."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.records import Conversation
from desktop_llm.chats.store import ChatReader
from desktop_llm.gui.chats_page import ChatsPage
from desktop_llm.gui.documents.words import isolated, plain
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.widgets import Action, Banner
from desktop_llm.models.library import Model


@dataclass(frozen=True, slots=True)
class Answered:
    """The model that wrote the last answer of a chat, by its id and the name it had then."""

    conversation_id: str
    model_id: str
    name: str


class MissingModel(QObject):
    """Signals: `get_again_requested` with what to look for; `choose_requested`."""

    get_again_requested = Signal(str)
    choose_requested = Signal()

    def __init__(self, resources: Resources, models: ModelsController, chats: ChatsPage, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._models, self._chats = resources, models, chats
        self._open: str | None = None
        self._answered: Answered | None = None
        self._query = ""
        models.listed.connect(self._on_listed)

    def look_at(self, conversation: Conversation | None) -> None:
        """Another chat is open."""
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

    def look_away(self, answering: object) -> None:
        """An answer is being written: the person goes on with another model."""
        if answering is not None:
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
        title = self.tr("{name} is not on this computer any more.").format(name=isolated(name))
        banner = Banner(title, self._next_words(), self._actions(), kind="warning", object_name="missing_model")
        banner.action_triggered.connect(self._on_action)
        self._chats.set_notice(banner)

    def _next_words(self) -> str:
        chosen = self._models.model
        if chosen is None:
            return self.tr("This chat is kept.")
        words = self.tr("This chat is kept, and the next message goes to {model}.")
        return words.format(model=isolated(plain(chosen.display_name)))

    def _actions(self) -> tuple[Action, ...]:
        return (
            Action("get_again", self.tr("Get it again"), "download"),
            Action("choose", self.tr("Choose another"), "cube", kind="quiet"),
        )

    def _on_action(self, name: str) -> None:
        if name == "get_again":
            self.get_again_requested.emit(self._query)
        else:
            self.choose_requested.emit()


def _answered(conversation_id: str, reader: ChatReader) -> Answered | None:
    """In the reading lane: who wrote the last answer."""
    for message in reversed(reader.messages(conversation_id)):
        if message.role == "assistant" and message.model_id:
            return Answered(conversation_id, message.model_id, message.model_name or message.model_id)
    return None
