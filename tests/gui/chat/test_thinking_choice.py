"""The thinking level of a chat: what the loaded model allows, and what is stored with the chat."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.engine.client import LoadedModel
from desktop_llm.engine.shapes import ThinkingKind
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.chat.thinking_choice import ThinkingChoice
from desktop_llm.gui.chat.thinking_menu import ThinkingButton
from desktop_llm.gui.work.chosen_model import ChosenModelController

PATH = Path("/models/thinker.gguf")


class Chats(QObject):
    """Stands for the list of chats: keeps what is changed."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.current: Conversation | None = None
        self.open_chat = OpenChat()

    def change(self, **fields: Any) -> None:
        assert self.current is not None
        self.current = Conversation("c", "Chat", 0, 0, **fields)
        self.changed.emit(self.current)


class Models(QObject):
    """Stands for the chosen model."""

    loaded = Signal(object)
    chosen = Signal(object)
    model = SimpleNamespace(id="thinker", path=PATH)


@pytest.fixture
def chats() -> Chats:
    return Chats()


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def button(qtbot: QtBot) -> ThinkingButton:
    button = ThinkingButton()
    qtbot.addWidget(button)
    return button


@pytest.fixture
def choice(chats: Chats, models: Models, button: ThinkingButton) -> ThinkingChoice:
    return ThinkingChoice(cast(ConversationsController, chats), cast(ChosenModelController, models), button, button)


def model(thinking: ThinkingKind, own: str = "normal", context_length: int = 16_384) -> LoadedModel:
    return LoadedModel(PATH, context_length, "CPU", "", 1, 0, 0, 0, 0.0, thinking=thinking, own_thinking=own)


def test_a_model_that_can_t_think_has_no_button(models: Models, choice: ThinkingChoice, button: ThinkingButton) -> None:
    models.loaded.emit(model("none", "off"))
    assert (choice.level, button.isHidden()) == ("", True)
    models.loaded.emit(model("switch", "off"))
    assert (choice.level, button.text()) == ("off", "Thinking: off")
    models.loaded.emit(None)  # unloaded: the next message loads it again
    assert button.text() == "Thinking: off"


def test_a_level_is_kept_with_its_chat(chats: Chats, models: Models, choice: ThinkingChoice) -> None:
    models.loaded.emit(model("switch"))
    chats.current = Conversation("c", "Chat", 0, 0, sampling={"temperature": 0.3})
    choice.choose("short")
    assert chats.current.sampling == {"temperature": 0.3, "thinking": "short"}
    chats.current = None
    assert choice.level == "normal"


def test_a_new_chat_is_stored_with_the_level_chosen_before(
    tmp_path: Path, chats: Chats, models: Models, choice: ThinkingChoice
) -> None:
    models.loaded.emit(model("switch"))
    choice.choose("long")
    store = ChatStore(tmp_path / "chats.db")
    assert store.conversation(chats.open_chat.stored(store)).sampling == {"thinking": "long"}
    store.close()


def test_a_model_that_always_thinks_takes_short_for_off(
    chats: Chats, models: Models, choice: ThinkingChoice, button: ThinkingButton
) -> None:
    models.loaded.emit(model("always"))
    chats.current = Conversation("c", "Chat", 0, 0, sampling={"thinking": "off"})
    chats.changed.emit(chats.current)
    assert (choice.level, button.text()) == ("short", "Thinking: short")
    choice.next()
    choice.next()
    choice.next()
    assert choice.level == "short"  # long came before it, and off is left out


def test_what_does_not_fit_into_the_context_is_left_out(chats: Chats, models: Models, choice: ThinkingChoice) -> None:
    models.loaded.emit(model("switch", context_length=8_192))
    chats.current = Conversation("c", "Chat", 0, 0, sampling={"thinking": "normal"})
    choice.next()
    assert choice.level == "off"


def test_the_cost_is_told_in_time_once_the_speed_is_measured(
    qtbot: QtBot, models: Models, choice: ThinkingChoice, button: ThinkingButton
) -> None:
    models.loaded.emit(model("switch"))
    answer = SimpleNamespace(
        usage={"prompt_tokens": 100, "completion_tokens": 50}, timings={"generation_tps": 25.6}, model_id="thinker"
    )
    levels = {level.key: level.cost for level in button.levels}
    assert levels == {
        "off": "0 s",
        "short": "not measured yet",
        "normal": "not measured yet",
        "long": "not measured yet",
    }
    choice.learn(cast(StoredMessage, answer))
    levels = {level.key: level.cost for level in button.levels}
    assert levels == {"off": "0 s", "short": "about 10 s", "normal": "about 40 s", "long": "about 5 min"}
