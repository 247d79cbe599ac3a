"""The screenshots of thinking: the menu, and the row in each of its states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from desktop_llm.engine.client import LoadSettings
from desktop_llm.gui.build import Wiring
from desktop_llm.gui.work.load_choice import LoadChoice
from tests.end2end.person import LEFT, until
from tests.engine.script_models import script_model

_ROOM = 16_384
_TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>\n{% else %}<|go|>{% endif %}"
)
_THOUGHTS = (
    "The cap in clause 4.2 is ten per cent within three years. ",
    "This rise already uses the full ten per cent. ",
    "So a second one inside the same three years would go over the cap. ",
    "But clause 4.4 speaks about costs of renovation. ",
)
_ANSWER = ("No: ", "the cap of ten per cent ", "is used up until the three years are over.")


def thinking_model(folder: Path) -> Path:
    """A model that thinks for ever about a lease, and answers when its thinking is ended."""
    loop = ["<|go|>", "<think>", *_THOUGHTS, _THOUGHTS[0]]
    marks = ("<|go|>", "<think>", "</think>")
    path = folder / "Thinker-Q8_0.gguf"
    return script_model(path, _TEMPLATE, loop, ["\n", *_ANSWER], marks=marks, name="Thinker", context_length=_ROOM)


@dataclass
class ThinkingScreens:
    """Acts on the window with the mouse and the keyboard; `save` takes the pictures of a stop by its name."""

    wiring: Wiring
    folder: Path
    save: Callable[[str], None]

    def walk(self) -> None:
        """All stops, in order."""
        wiring = self.wiring
        wiring.pages.models_room.local.import_files([str(thinking_model(self.folder))])
        until(lambda: any("Thinker" in model.name for model in wiring.models.models))
        thinker = next(model.id for model in wiring.models.models if "Thinker" in model.name)
        wiring.models.use(thinker, LoadChoice(settings=LoadSettings(context_length=_ROOM)))
        until(lambda: wiring.models.in_memory is not None, 60)
        wiring.show_page("chats")
        wiring.conversations.new()
        self._menu("thinking-menu", "short")
        self._ask("Our rent is to rise from €1,180 to €1,298 after 14 months. Is that allowed?")
        until(self._idle)
        self.save("thinking-limit")
        self._menu("thinking-menu-measured", "long")
        self._ask("Could they raise it again before the three years are over?")
        until(lambda: bool(self._shown("thinking_answer_now")))
        self.save("thinking-running")
        QTest.mouseClick(self._last("thinking_block"), LEFT)
        self.save("thinking-open")
        QTest.mouseClick(self._last("thinking_answer_now"), LEFT)
        until(self._idle)
        self.save("thinking-done")
        self._ask("And in four years?")
        until(lambda: bool(self._shown("thinking_answer_now")))
        wiring.chat.stop()
        until(self._idle)
        self.save("thinking-stopped")

    def _menu(self, name: str, level: str) -> None:
        composer = self.wiring.chats.composer
        until(composer.thinking.isVisible)
        QTest.mouseClick(composer.thinking, LEFT)
        self.save(name)
        QTest.mouseClick(self._shown(f"thinking_{level}")[0], LEFT)
        QTest.keyClick(self.wiring.window.focusWidget(), Qt.Key.Key_Escape)

    def _ask(self, text: str) -> None:
        composer = self.wiring.chats.composer
        composer.set_text(text)
        composer.editor.submitted.emit()
        until(lambda: bool(self.wiring.chat.answering.chats))

    def _idle(self) -> bool:
        return not self.wiring.chat.answering.chats

    def _shown(self, name: str) -> list[QWidget]:
        return [widget for widget in self.wiring.window.findChildren(QWidget, name) if widget.isVisible()]

    def _last(self, name: str) -> QWidget:
        """The lowest one."""
        window = self.wiring.window
        return max(self._shown(name), key=lambda widget: widget.mapTo(window, widget.rect().topLeft()).y())
