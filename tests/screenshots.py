"""Drives the real app on real documents, a local hub and the real starter model; saves every screen, light and dark.

    python tests/screenshots.py FOLDER [--only NAME] [--model FILE.gguf] [--pseudo]

Under a display, or with Xvfb: xvfb-run -a -s "-screen 0 1400x900x24" python tests/screenshots.py FOLDER
Each screen is saved as NAME-THEME.png, the small ones (900x600) as NAME-small-THEME.png.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QTabBar, QWidget

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.errors import LESS_MEMORY, UserError, WorkerDied
from desktop_llm.gui.app import run_window
from desktop_llm.gui.build import Wiring
from desktop_llm.gui.chat.transcript import MessageView
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.models.menu.load_panel import LoadPanel
from desktop_llm.message import Text, ToolCall
from tests.engine.script_models import script_model
from tests.hub import LocalHub
from tests.model_screens import ModelScreens
from tests.models.adapter_files import adapter
from tests.picture_screens import PictureScreens
from tests.pseudo_language import PseudoLanguage
from tests.sample_documents import write_samples
from tests.sample_hub import fill
from tests.several_models_screens import SeveralModelsScreens
from tests.thinking_screens import ThinkingScreens
from tests.word_screens import WordScreens

QUESTION = "How much notice do I have to give?"
TOOLS_QUESTION = "How long is the notice period, and what do three months of rent cost?"
TOOLS_TEMPLATE = (
    "{{ tools | tojson }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% set results = messages | selectattr('role', 'equalto', 'tool') | list | length %}"
    "{% if results == 0 %}<|first|>{% elif results == 1 %}<|second|>{% else %}<|third|>{% endif %}"
)
TOOLS_MARKS = ("<|first|>", "<|second|>", "<|third|>", "[TOOL_CALLS]", "<tool_call>", "</tool_call>")
TOOLS_SCRIPTS = (
    (
        "<|first|>",
        "I look that up in your documents.",
        "[TOOL_CALLS]",
        ' [{"name": "search_documents", "arguments": {"query": "notice period"}}]',
    ),
    (
        "<|second|>",
        "<tool_call>",
        '{"name": "calculator", "arguments": {"expression": "3 × 1180"}}',
        "</tool_call>",
        '{"name": "calculator", "arguments": {"expression": "9**9**9"}}',
    ),
    ("<|third|>", "The lease asks for three months’ notice in writing. Three months of rent come to **€3,540**."),
)
SIZES = {"": (1280, 800), "-small": (900, 600)}


def main() -> int:
    """Save the screens; the exit status is 0 if all were saved."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--only", default="")
    options.add_argument("--model", type=Path)
    options.add_argument("--pseudo", action="store_true", help="in a language of brackets and long words")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKTOP_LLM_HOME"] = str(Path(home) / "home")
        documents = Path(home) / "House"
        write_samples(documents)
        hub = LocalHub().start()
        fill(hub)
        os.environ["HF_ENDPOINT"] = hub.url
        if given.pseudo:
            app = QApplication(sys.argv[:1])
            language = PseudoLanguage(app)
            app.installTranslator(language)
        tour = Tour(given.folder, documents, given.only, given.model, hub)
        run_window(on_ready=tour.start)
        if not hub.stopping.is_set():
            hub.stop()
    return 0 if tour.finished else 1


class Tour:
    """Walks through the window as a person would, and takes a picture at each stop."""

    def __init__(self, folder: Path, documents: Path, only: str, model: Path | None, hub: LocalHub) -> None:
        self.folder, self.documents, self.only, self.model, self.hub = folder, documents, only, model, hub
        self.finished = False

    def start(self, wiring: Wiring) -> None:
        """Begin once the window is ready."""
        self.wiring, self.window = wiring, wiring.window
        QTimer.singleShot(0, self.walk)

    def walk(self) -> None:
        """All stops, in order."""
        try:
            for stop in (
                self.welcome,
                self.models,
                self.empty,
                self.chat,
                self.read,
                self.ask,
                self.tools,
                self.thinking,
                self.words,
                self.several_models,
                self.menus,
                self.loading,
                self.adapters,
                self.pictures,
                self.errors,
            ):
                stop()
            self.finished = True
        finally:
            self.window.close()

    def welcome(self) -> None:
        until(lambda: self.wiring.models.model is not None)
        until(lambda: self.wiring.resources.forecaster.speeds is not None, 120)
        settle(1000)
        self.save("welcome")
        self.wiring.show_page("chats")

    def models(self) -> None:
        ModelScreens(self.wiring, self.hub, self.save).walk()

    def empty(self) -> None:
        if self.model is not None:
            self.wiring.pages.models_room.local.import_files([str(self.model)])
            until(lambda: len(self.chat_models()) > 1)
            self.wiring.models.use(self.chat_models()[-1])
            until(lambda: self.wiring.models.in_memory is not None, 120)
        self.save("empty")

    def chat_models(self) -> list[str]:
        return [model.id for model in self.wiring.models.models if model.kind == "chat"]

    def chat(self) -> None:
        self.send("Write a Python function that adds two numbers. Then list three colours.")
        self.save("chat")
        self.wiring.conversations.new()
        self.send("Give me a short greeting.")

    def read(self) -> None:
        self.wiring.collections.create("Empty shelf")
        self.wiring.collections.add("House & lease", [str(self.documents)])
        self.wiring.show_page("documents")
        until(lambda: "House & lease" in self.wiring.collections.names)
        self.save("documents-reading")
        until(lambda: not self.wiring.collections.is_reading("House & lease"), 120)
        settle(500)
        self.save("documents")
        self.wiring.documents.act(CardAction("files", "House & lease"))
        settle(400)
        self.save("documents-files")
        self.wiring.show_page("chats")

    def ask(self) -> None:
        self.wiring.conversations.new()
        self.wiring.chat.tick(("House & lease",))
        self.send(QUESTION)
        answer = self.wiring.chats.transcript
        message = self.wiring.chat._feed.messages[-1]
        quote = (message.citations or message.sources)[0]
        answer.citation_activated.emit(message.id, quote)
        settle(1500)
        self.save("evidence")
        self.wiring.chats.show_panel(False)
        self.send("Who won the football world cup in 1990?")
        self.save("nothing-found")

    def tools(self) -> None:
        """The steps of tools, asked for by a model that always asks for the same."""
        model = script_model(self.folder / "asks-for-tools.gguf", TOOLS_TEMPLATE, *TOOLS_SCRIPTS, marks=TOOLS_MARKS)
        wiring = self.wiring
        before = wiring.models.model
        wiring.pages.models_room.local.import_files([str(model)])
        until(lambda: any("asks-for-tools" in each for each in self.chat_models()))
        wiring.models.use(next(each for each in self.chat_models() if "asks-for-tools" in each))
        wiring.conversations.new()
        wiring.chat.tick(("House & lease",))
        wiring.conversations.change(tools={"on": True})
        until(lambda: wiring.conversations.current is not None)
        self.send(TOOLS_QUESTION)
        self.save("tools")
        transcript = wiring.chats.transcript
        for step in transcript.findChildren(QAbstractButton, "tool_step"):
            if step.isVisible():
                step.click()
        settle(300)
        self.save("tools-open")
        answer = wiring.chat._feed.messages[-1]
        call, running = next(part for part in answer.parts if isinstance(part, ToolCall)), "running"
        shown = (Text("Let me look."), replace(call, id=running))
        transcript.append_message(MessageView("running", "assistant", shown, status="streaming"))
        settle(300)
        self.save("tools-running")
        if before is not None:
            wiring.models.use(before.id)

    def thinking(self) -> None:
        before = self.wiring.models.model
        ThinkingScreens(self.wiring, self.documents.parent, self.save).walk()
        if before is not None:
            self.wiring.models.use(before.id)
            until(lambda: self.wiring.models.in_memory is not None, 120)

    def words(self) -> None:
        WordScreens(self.wiring, self.save, until, self.send).walk()

    def several_models(self) -> None:
        SeveralModelsScreens(self.wiring, self.documents.parent, self.save).walk()

    def menus(self) -> None:
        self.wiring.picker.open()
        settle(300)
        self.save("model-menu")
        self.wiring.picker.menu.close_popup()
        self.chat_settings()
        self.wiring.drop_overlay.ask([str(self.documents)])
        settle(300)
        self.save("drop")
        self.wiring.drop_overlay.cancel()
        self.wiring.show_page("settings")
        settle(300)
        self.save("settings")
        self.wiring.show_page("chats")

    def loading(self) -> None:
        """All load settings, the device of the loaded model, a memory that ran out, and a measured model."""
        models, picker = self.wiring.models, self.wiring.picker
        picker.open()
        press(picker.menu, "load_more")
        settle(500)
        self.save("load-settings")
        panel = picker.menu.findChild(LoadPanel)
        area = panel.findChild(QScrollArea) if panel is not None else None
        assert area is not None
        area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
        settle(100)
        self.save("load-settings-all")
        picker.menu.close_popup()
        assert models.model is not None
        models.use(models.model.id)
        until(lambda: self.wiring.models.in_memory is not None and not models.states.waiting, 120)
        press(self.window.header, "device")
        settle(200)
        self.save("load-device")
        QTest.keyClick(self.window.focusWidget(), Qt.Key.Key_Escape)
        starved = WorkerDied("The model stopped because the memory ran out.", action=LESS_MEMORY)
        models.states.show_stopped(models.model, starved)
        until(lambda: bool(self.window.findChildren(QWidget, "notice")))
        self.save("load-memory")
        for notice in self.window.findChildren(QWidget, "notice"):
            QTest.mouseClick(notice.findChildren(QAbstractButton)[-1], Qt.MouseButton.LeftButton)  # dismiss
        self.wiring.show_page("models")
        self.wiring.pages.models_room.local.open(models.model.id)
        settle(300)
        speed = self.wiring.pages.models_room.page.local.speed
        press(speed, "model_measure")
        chart = speed.findChild(QWidget, "local_speed_chart")
        assert chart is not None
        until(lambda: bool(chart.accessibleDescription()), 600)
        self.save("load-speed")
        self.wiring.show_page("chats")

    def chat_settings(self) -> None:
        """The panel: simple, all settings with changed values, and the form of the answer."""
        self.wiring.conversations.change(
            sampling={
                "temperature": 0.85,
                "min_p": 0.08,
                "xtc_probability": 0.3,
                "dry_multiplier": 0.8,
                "max_tokens": 2048,
                "stop": ["###", "User:"],
                "json_schema": '{"properties": {"months": {"type": "integer"},\n  "cost": {"type": "number"}}}',
            }
        )
        settle(300)
        self.wiring.chat_settings.show()
        settle(300)
        self.save("chat-settings")
        panel = self.wiring.chat_settings.panel
        level, area = panel.findChild(QTabBar, "chat_settings_level"), panel.findChild(QScrollArea)
        assert level is not None
        assert area is not None
        level.setCurrentIndex(1)
        settle(300)
        self.save("chat-settings-all")
        area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
        settle(300)
        self.save("chat-settings-form")
        panel.close_popup()

    def adapters(self) -> None:
        """Rows in the settings of a chat, one for another model; then their place on the Models page."""
        library, local = self.wiring.resources.library, self.wiring.pages.models_room.local
        shape = library.weights(library.starter())["blk.0.attn_q.weight"]
        folder = self.documents.parent
        made = [
            adapter(folder / f"{name}.gguf", {"blk.0.attn_q.weight": weight}, rank=rank, entries=entries)
            for name, rank, weight, entries in (
                ("happy-tone", 8, shape, {"general.name": "Happy tone", "general.base_model.0.name": ""}),
                ("formal", 16, shape, {"general.name": "Formal", "general.base_model.0.name": ""}),
                (
                    "legal-german",
                    16,
                    (64, 8),
                    {"general.name": "Legal German", "general.base_model.0.name": "Gemma 3 4B"},
                ),
            )
        ]
        self.wiring.show_page("models")
        local.import_files([str(path) for path in made])
        until(lambda: {path.stem for path in made} <= {model.id for model in self.wiring.shelf.now.models})
        local.open("happy-tone")
        settle(500)
        self.save("adapters-models")
        self.wiring.show_page("chats")
        self.wiring.conversations.change(sampling={}, adapters=(ChatAdapter("happy-tone", "Happy tone", 0.7),))
        settle(300)
        self.wiring.chat_settings.show()
        settle(1000)
        self.save("adapters-chat")
        self.wiring.chat_settings.panel.close_popup()

    def pictures(self) -> None:
        PictureScreens(self.wiring, self.save, until, self.send).walk()

    def errors(self) -> None:
        self.wiring.conversations.new()
        self.wiring.chats.composer.set_text("Write a long story about the sea.")
        self.wiring.chats.composer.editor.submitted.emit()
        transcript = self.wiring.chats.transcript
        until(lambda: bool(ids := transcript.message_ids()) and len(transcript.message(ids[-1]).text) > 60, 60)
        engine = self.wiring.models.engine
        assert engine is not None
        assert engine._worker is not None
        engine._worker.kill()
        until(self.idle)
        settle(300)
        self.save("worker-died")
        self.wiring.notices.show_error(
            UserError("The disk is full: the chat could not be saved.", "What you see is kept in memory.")
        )
        settle(200)
        self.save("banner")

    def send(self, text: str) -> None:
        self.wiring.chats.composer.set_text(text)
        self.wiring.chats.composer.editor.submitted.emit()
        until(lambda: bool(self.wiring.chat.answering.chats))
        until(self.idle, 600)
        settle(300)

    def idle(self) -> bool:
        return not self.wiring.chat.answering.chats

    def save(self, name: str) -> None:
        if not name.startswith(self.only):
            return
        for theme in ("light", "dark"):
            self.wiring.resources.settings.change(theme=theme)
            for suffix, size in SIZES.items():
                self.window.resize(*size)
                settle(150)
                self.window.grab().save(str(self.folder / f"{name}{suffix}-{theme}.png"))
        self.wiring.resources.settings.change(theme="light")
        self.window.resize(*SIZES[""])
        settle(100)


def until(condition: Callable[[], object], limit_s: float = 30.0) -> None:
    """Run the window until a condition holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the window did not get there"
        settle(20)


def press(inside: QWidget, name: str) -> None:
    """Press the button of this name."""
    button = inside.findChild(QAbstractButton, name)
    assert button is not None, name
    button.click()


def settle(duration_ms: int) -> None:
    """Run the window for a while."""
    deadline = time.monotonic() + duration_ms / 1000
    while time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
