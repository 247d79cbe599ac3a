"""The keys that work wherever the person is in the window; `all_keys.py` lists them with those of single places."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from desktop_llm.gui import theme
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.widgets import UndoBar

if TYPE_CHECKING:
    from desktop_llm.gui.wiring import Wiring

Keys = dict[str, Callable[[], object]]


def connect_keys(wiring: Wiring) -> None:
    """Give the window its keys."""
    for key, function in (_page_keys(wiring) | _chat_keys(wiring) | _size_keys(wiring.window.settings)).items():
        action = QAction(wiring.window)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(functools.partial(_call, function))
        wiring.window.addAction(action)


def _page_keys(wiring: Wiring) -> Keys:
    pages = {
        "Ctrl+1": "chats",
        "Ctrl+2": "models",
        "Ctrl+3": "documents",
        "Ctrl+J": "activity",
        "Ctrl+,": "settings",
    }
    return {
        **{key: functools.partial(wiring.show_page, name) for key, name in pages.items()},
        "F1": wiring.pages.show_keys,
    }


def _chat_keys(wiring: Wiring) -> Keys:
    commands, chat, conversations = wiring.commands, wiring.chat, wiring.conversations
    return {
        "Ctrl+N": commands.new,
        "Ctrl+L": wiring.picker.open,
        "Ctrl+O": wiring.attachments.ask,
        "Ctrl+E": commands.toggle_evidence,
        "Ctrl+B": wiring.window.chats.toggle_list,
        "Ctrl+Shift+,": commands.show_settings,
        "Ctrl+.": chat.stop,
        "Ctrl+R": chat.regenerate_last,
        "Ctrl+Shift+C": chat.copy_last,
        "Ctrl+S": commands.export,
        "Ctrl+Shift+F": commands.search,
        "Ctrl+Tab": functools.partial(conversations.step, 1),
        "Ctrl+Shift+Tab": functools.partial(conversations.step, -1),
        "Ctrl+Z": functools.partial(_undo, wiring),
        "F2": commands.rename,
        "Esc": commands.escape,
    }


def _undo(wiring: Wiring) -> None:
    """Take back what the page offers to, else bring back the chat deleted last."""
    if not any(bar.undo() for bar in wiring.window.findChildren(UndoBar)):
        wiring.conversations.undo()


def _size_keys(settings: SettingsKeeper) -> Keys:
    steps = {"Ctrl++": 1, "Ctrl+-": -1, "Ctrl+0": 0}
    return {key: functools.partial(_step_reading_size, settings, step) for key, step in steps.items()}


def _step_reading_size(settings: SettingsKeeper, step: int) -> None:
    """The next larger or smaller size of text; 0 is the usual one."""
    steps = theme.reading_steps()
    current = settings.current.reading_scale
    nearest = min(range(len(steps)), key=lambda index: abs(steps[index] - current))
    chosen = steps[max(0, min(len(steps) - 1, nearest + step))] if step else 1.0
    settings.change(reading_scale=chosen)


def _call(function: Callable[[], object], _checked: bool = False) -> None:
    function()
