"""The meter of the context after another model was chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from desktop_llm.chats.store import ChatStore
from desktop_llm.engine.client import ChatMessage, LoadedModel
from desktop_llm.engine.shapes import PromptSize
from desktop_llm.gui.chat.context_use import ContextUse
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.tasks import Tasks
from tests.gui.samples import a_model

LOADED = LoadedModel(Path("/m/one.gguf"), 4_096, "CPU", "cpu", 1, 0, 0, 0, 0.0)


class Models(QObject):
    """The chosen model and its engine, which counts 700 tokens whatever it is asked."""

    loaded = Signal(LoadedModel)

    def __init__(self) -> None:
        super().__init__()
        self.model, self.in_memory, self.engine = a_model("one"), LOADED, self

    def measure(self, _messages: object) -> PromptSize:
        assert self.in_memory is not None
        return PromptSize(700, self.in_memory.context_length, 0, 100)


def test_another_model_counts_the_chat_anew_and_the_same_one_keeps_the_figures(qtbot: QtBot, tmp_path: Path) -> None:
    models, tasks = Models(), Tasks()
    use = ContextUse(cast(ChosenModelController, models), tasks, lambda: [ChatMessage.of("user", "Why?")], tasks)
    with ChatStore(tmp_path / "chats.db") as store:
        chat = store.create().id
        usage = {"prompt_tokens": 30, "completion_tokens": 12}
        answer = store.add(chat, None, "assistant", model_id="one", usage=usage)
    with qtbot.waitSignal(use.used) as told:
        use.show(answer)
    assert told.args == [42, 4_096]
    with qtbot.assertNotEmitted(use.used):
        models.loaded.emit(LOADED)
    models.in_memory = replace(LOADED, path=Path("/m/two.gguf"), context_length=8_192)
    with qtbot.waitSignal(use.used) as told:
        models.loaded.emit(models.in_memory)
    assert told.args == [700, 8_192]
    tasks.close()
