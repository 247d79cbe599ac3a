"""Drives the real app on real documents, a local hub and the real starter model; saves every screen, light and dark.

    python tests/screenshots.py FOLDER [--only NAME] [--model FILE.gguf]

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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop_llm.errors import UserError
from desktop_llm.gui.app import run_window
from desktop_llm.gui.main_window import MainWindow
from tests.hub import LocalHub
from tests.model_screens import ModelScreens
from tests.sample_documents import write_samples
from tests.sample_hub import fill

QUESTION = "How much notice do I have to give?"
SIZES = {"": (1280, 800), "-small": (900, 600)}


def main() -> int:
    """Save the screens; the exit status is 0 when all were."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--only", default="")
    options.add_argument("--model", type=Path)
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKTOP_LLM_HOME"] = str(Path(home) / "home")
        documents = Path(home) / "House"
        write_samples(documents)
        hub = LocalHub().start()
        fill(hub)
        os.environ["HF_ENDPOINT"] = hub.url
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

    def start(self) -> None:
        """Begin once the window is ready."""
        QTimer.singleShot(0, self.walk)

    def walk(self) -> None:
        """All stops, in order."""
        self.window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        assert self.window.wiring is not None
        self.wiring = self.window.wiring
        try:
            for stop in (
                self.welcome,
                self.models,
                self.empty,
                self.chat,
                self.read,
                self.ask,
                self.menus,
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
        ModelScreens(self.window, self.hub, self.save).walk()

    def empty(self) -> None:
        if self.model is not None:
            self.wiring.pages.models_room.local.import_files([str(self.model)])
            until(lambda: len(self.chat_models()) > 1)
            self.wiring.models.use(self.chat_models()[-1])
            until(lambda: self.wiring.resources.engine.loaded is not None, 120)
        self.save("empty")

    def chat_models(self) -> list[str]:
        return [model.id for model in self.wiring.models.models if model.kind == "chat"]

    def chat(self) -> None:
        self.send("Write a Python function that adds two numbers. Then list three colours.")
        self.save("chat")
        self.wiring.conversations.new()
        self.send("Give me a short greeting.")

    def read(self) -> None:
        self.wiring.documents.create("Empty shelf")
        self.wiring.documents.add("House & lease", [str(self.documents)])
        self.wiring.show_page("documents")
        until(lambda: "House & lease" in self.wiring.documents.names)
        self.save("documents-reading")
        until(lambda: not self.wiring.documents.is_reading("House & lease"), 120)
        settle(500)
        self.save("documents")
        self.wiring.documents_page.show_files("House & lease")
        settle(400)
        self.save("documents-files")
        self.wiring.show_page("chats")

    def ask(self) -> None:
        self.wiring.conversations.new()
        self.wiring.chat.tick(("House & lease",))
        self.send(QUESTION)
        answer = self.window.chats.transcript
        message = self.wiring.chat._messages.all[-1]
        numbers = [citation.number for citation in message.citations] or [1]
        answer.citation_activated.emit(message.id, numbers[0])
        settle(1500)
        self.save("evidence")
        self.window.chats.show_panel(False)
        self.send("Who won the football world cup in 1990?")
        self.save("nothing-found")

    def menus(self) -> None:
        self.wiring.picker.open()
        settle(300)
        self.save("model-menu")
        self.wiring.picker.menu.close_popup()
        self.wiring.commands.show_settings()
        settle(300)
        self.save("chat-settings")
        self.wiring.commands.settings_sheet.close_popup()
        self.wiring.drops._overlay.ask([str(self.documents)])
        settle(300)
        self.save("drop")
        self.wiring.drops._overlay.cancel()
        self.wiring.show_page("settings")
        settle(300)
        self.save("settings")
        self.wiring.show_page("chats")

    def errors(self) -> None:
        self.wiring.conversations.new()
        self.window.chats.composer.set_text("Write a long story about the sea.")
        self.window.chats.composer.editor.submitted.emit()
        until(lambda: (turn := self.wiring.chat._answering.turn) is not None and len(turn.state.text) > 60, 60)
        worker = self.wiring.resources.engine._worker
        assert worker is not None
        worker.kill()
        until(lambda: self.wiring.chat.answering is None)
        settle(300)
        self.save("worker-died")
        self.wiring.notices.show_error(
            UserError("The disk is full: the chat could not be saved. What you see is kept in memory.")
        )
        settle(200)
        self.save("banner")

    def send(self, text: str) -> None:
        self.window.chats.composer.set_text(text)
        self.window.chats.composer.editor.submitted.emit()
        until(lambda: self.wiring.chat.answering is not None)
        until(lambda: self.wiring.chat.answering is None, 180)
        settle(300)

    def save(self, name: str) -> None:
        if not name.startswith(self.only):
            return
        for theme in ("light", "dark"):
            self.window.settings.change(theme=theme)
            for suffix, size in SIZES.items():
                self.window.resize(*size)
                settle(150)
                self.window.grab().save(str(self.folder / f"{name}{suffix}-{theme}.png"))
        self.window.settings.change(theme="light")
        self.window.resize(*SIZES[""])
        settle(100)


def until(condition: Callable[[], object], limit_s: float = 30.0) -> None:
    """Let the window live until something is so."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the window did not get there"
        settle(20)


def settle(duration_ms: int) -> None:
    """Let the window live for a while."""
    deadline = time.monotonic() + duration_ms / 1000
    while time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
