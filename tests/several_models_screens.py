"""The screenshots of several models at once: the menu with those in memory, an answer in line, and what made room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QWidget

from desktop_llm.engine.room import Memory
from desktop_llm.gui.build import Wiring
from desktop_llm.steps import result_of
from tests.end2end.person import until
from tests.engine.script_models import script_model

_TEMPLATE = "{% for each in messages %}{{ each.content }}{% endfor %}<|go|>"
_ANSWER = "Lisbon in May is mild: about 22 degrees by day, and it seldom rains."


@dataclass
class SeveralModelsScreens:
    """Asks three models; `save` takes the pictures of a stop by its name."""

    wiring: Wiring
    folder: Path
    save: Callable[[str], None]

    def walk(self) -> None:
        """All stops, in order."""
        wiring, models = self.wiring, self.wiring.models
        names = ("Llama 3.2 3B Instruct", "Gemma 3 4B")
        for name in names:
            file = self.folder / f"{name.replace(' ', '-')}-Q4_K_M.gguf"
            script_model(file, _TEMPLATE, ("<|go|>", _ANSWER), marks=["<|go|>"], name=name)
            wiring.pages.models_room.local.import_files([str(file)])
        until(lambda: len(self._ids(*names)) == len(names))
        first, engines = models.model, wiring.resources.engines
        assert first is not None
        wiring.show_page("chats")
        busy = result_of(engines.take(first.path, models.load_of(first)))  # as an answer does
        ids = self._ids(*names)
        self._new(ids[0])
        until(lambda: models.in_memory is not None and not models.states.waiting)
        free, engines._free = engines._free, Memory
        self._new(ids[1])
        self._ask("What is the weather like in Lisbon in May?")
        until(lambda: any(each.isVisible() for each in wiring.window.findChildren(QWidget, "reading_progress")))
        self.save("several-in-line")
        wiring.picker.open()
        self.save("several-menu")
        wiring.picker.menu.close_popup()
        engines.give_back(busy)
        until(lambda: not wiring.chat.answering.chats)
        self.save("several-made-room")
        engines._free = free
        models.use(first.id)
        until(lambda: models.in_memory is not None and not models.states.waiting)

    def _ids(self, *names: str) -> list[str]:
        found = {model.display_name: model.id for model in self.wiring.models.models}
        return [found[name] for name in names if name in found]

    def _new(self, model_id: str) -> None:
        self.wiring.conversations.new()
        self.wiring.models.use(model_id)

    def _ask(self, text: str) -> None:
        composer = self.wiring.chats.composer
        composer.set_text(text)
        composer.editor.submitted.emit()
        until(lambda: bool(self.wiring.chat.answering.chats))
