"""The window's process from start to end: one owner, the window's frame at once, the rest after its first paint."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from desktop_llm import settings as storage
from desktop_llm.gui.main_window import MainWindow
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.tasks import Tasks
from desktop_llm.instance import Owner, raise_window
from desktop_llm.paths import folders
from desktop_llm.settings import Settings
from desktop_llm.words import tr, use_translator

if TYPE_CHECKING:
    from desktop_llm.gui.theme import Mode

# The four surfaces of the first frame, from assets/tokens.json; a test keeps them equal.
FRAME_COLOURS = {
    "light": {"bg_rail": "#E4E9EC", "bg_sidebar": "#EEF1F3", "bg_window": "#F6F8F9", "surface": "#FFFFFF"},
    "dark": {"bg_rail": "#0E1214", "bg_sidebar": "#13181B", "bg_window": "#161B1E", "surface": "#1A2023"},
}


# By then everything is there that is built ahead.
SETTLED_MS = 5_000


def run_window(on_first_paint: Callable[[], None] | None = None, on_ready: Callable[[], None] | None = None) -> int:
    """Show the window and run until it is closed; the exit status. A second start raises the first window instead."""
    home = folders()
    owner = Owner.acquire(home)
    if owner is None and raise_window(home):
        return 0
    owner = owner or Owner.acquire(home)  # a command that held the folder may have ended while it was asked
    if owner is None:
        text = tr(
            "Another Desktop LLM is using this data folder and has no window to raise. Nothing was changed. "
            "Wait until its command has finished, and start again."
        )
        sys.stderr.write(f"{text}\n")
        return 1
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    use_translator(_translated)
    app.setApplicationName("Desktop LLM")
    app.setDesktopFileName("desktop-llm")
    settings, notice = storage.load(home.settings)
    tasks = Tasks()
    window = MainWindow(home, SettingsKeeper(home.settings, settings, tasks), tasks, owner, notice)
    for signal, function in ((window.first_painted, on_first_paint), (window.ready, on_ready)):
        if function is not None:
            signal.connect(function)
    hold_garbage()
    window.ready.connect(functools.partial(QTimer.singleShot, SETTLED_MS, keep_what_is_built))
    window.show()
    status = app.exec()
    owner.stop_listening()
    window.shut_down()
    owner.release()
    return status


def hold_garbage() -> None:
    """Look for no garbage while the window is made: each look goes through all that was imported, in one stretch."""
    gc.disable()


def keep_what_is_built() -> None:
    """Look for garbage again, but never more among what is there now: it stays for as long as the window does."""
    gc.freeze()
    gc.enable()


def _translated(template: str) -> str:
    # lupdate files what is not said by an object of Qt under the empty context.
    return QCoreApplication.translate("", template)


def mode_of(settings: Settings) -> Mode:
    """Light or dark, by the setting or by the system."""
    if settings.theme == "dark":
        return "dark"
    return "light" if settings.theme == "light" else _system_mode()


def frame_colours(settings: Settings) -> dict[str, str]:
    """The colours of the first frame, known without reading the tokens."""
    return FRAME_COLOURS[mode_of(settings)]


def apply_theme(settings: Settings) -> None:
    """Put the theme of the settings on the application, if it is another one."""
    from desktop_llm.gui import theme

    app = QApplication.instance()
    mode = mode_of(settings)
    if isinstance(app, QApplication) and (not app.styleSheet() or theme.current().mode != mode):
        theme.apply(app, theme.Theme(mode))


def _system_mode() -> Mode:
    # Offscreen Qt answers at random.
    if QGuiApplication.platformName() == "offscreen":
        return "light"
    return "dark" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"
