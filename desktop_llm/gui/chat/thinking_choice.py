"""Keeps the thinking level of the open chat: shows what the loaded model can do, and stores what the person chose."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.engine.client import LoadedModel
from desktop_llm.engine.shapes import THINKING_TOKENS
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.thinking_menu import ThinkingButton, ThinkingLevel
from desktop_llm.gui.look.formats import duration, number
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.words import tr

_LEAST_MEASURED = 8  # tokens; the speed of a shorter answer says little


class ThinkingChoice(QObject):
    """The level of a chat is one of its sampling settings; without one, the model's own choice counts."""

    def __init__(
        self,
        conversations: ConversationsController,
        models: ChosenModelController,
        button: ThinkingButton,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._conversations, self._button = conversations, button
        self._seen: dict[Path, LoadedModel] = {}  # also after they were unloaded
        self._model_id: str | None = None
        self._tokens_per_s = 0.0
        self._used = 0
        self._models = models
        models.loaded.connect(self._on_loaded)
        models.chosen.connect(self._show)
        conversations.changed.connect(self._on_chat_changed)
        button.level_chosen.connect(self.choose)

    @property
    def level(self) -> str:
        """The level of the open chat's next answer, "" if the model can't think."""
        loaded = self._known()
        if loaded is None:
            return ""
        conversation = self._conversations.current
        sampling = conversation.sampling if conversation else self._conversations.open_chat.sampling
        wanted = str(sampling.get("thinking") or loaded.own_thinking)
        return "short" if wanted == "off" and loaded.thinking != "switch" else wanted

    def choose(self, level: str) -> None:
        """Use this level from the next message on."""
        conversation = self._conversations.current
        if conversation is None:
            chat = self._conversations.open_chat
            chat.sampling = {**chat.sampling, "thinking": level}
        else:
            self._conversations.change(sampling={**conversation.sampling, "thinking": level})
        self._show()

    def next(self) -> None:
        """Choose the next level that can be chosen, the first one after the last."""
        keys = [level.key for level in self._levels() if not level.why_not]
        if keys:
            here = keys.index(self.level) if self.level in keys else -1
            self.choose(keys[(here + 1) % len(keys)])

    def learn(self, answer: StoredMessage) -> None:
        """Take the speed and the size of the chat from an answer."""
        usage = answer.usage
        self._used = usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
        if usage.get("completion_tokens", 0) >= _LEAST_MEASURED:
            self._tokens_per_s, self._model_id = answer.timings.get("generation_tps", 0.0), answer.model_id
        self._show()

    def _known(self) -> LoadedModel | None:
        """The model that is chosen, if it was loaded and can think."""
        model = self._models.model
        loaded = self._seen.get(model.path) if model is not None else None
        return None if loaded is None or loaded.thinking == "none" else loaded

    def _on_loaded(self, loaded: LoadedModel | None) -> None:
        if loaded is not None:
            self._seen[loaded.path] = loaded
        self._show()

    def _on_chat_changed(self, _: Conversation | None) -> None:
        if self._conversations.current is None:
            self._used = 0
        self._show()

    def _show(self, _: object = None) -> None:
        self._button.set_levels(self._levels(), self.level, self._measured())

    def _speed(self) -> float:
        model = self._models.model
        return self._tokens_per_s if model is not None and model.id == self._model_id else 0.0

    def _measured(self) -> str:
        speed = self._speed()
        return tr("Measured here: {speed} tokens/s", speed=f"{speed:.1f}") if speed else tr("Speed not measured yet")

    def _levels(self) -> tuple[ThinkingLevel, ...]:
        loaded = self._known()
        if loaded is None:
            return ()
        always = "" if loaded.thinking == "switch" else tr("This model always thinks")
        own = loaded.own_thinking == "off"
        details = f"{tr('Answers at once. Good for short questions.')} {_own() if own else ''}".strip()
        off = ThinkingLevel("off", tr("Off"), tr("0 s"), details, always)
        return (off, *(self._level(key, tokens, loaded) for key, tokens in THINKING_TOKENS.items()))

    def _level(self, key: str, tokens: int, loaded: LoadedModel) -> ThinkingLevel:
        free = max(0, loaded.context_length - self._used)
        most: str = tr("At most {tokens} tokens.", tokens=number(tokens))
        if key == loaded.own_thinking:
            most = f"{most} {_own()}"
        elif key == "long" and tokens < free:
            most = tr(
                "At most {tokens} tokens, leaves {rest} to answer.", tokens=number(tokens), rest=number(free - tokens)
            )
        why_not: str = ""
        if tokens >= free and key == "long":
            why_not = tr("Needs {tokens} tokens, {free} are free", tokens=number(tokens), free=number(free))
        speed = self._speed()
        cost = tr("about {time}", time=duration(tokens / speed)) if speed else tr("not measured yet")
        return ThinkingLevel(key, _names()[key], cost, most, why_not)


def _own() -> str:
    return tr("This model’s own choice.")


def _names() -> dict[str, str]:
    return {"short": tr("Short"), "normal": tr("Normal"), "long": tr("Long")}
