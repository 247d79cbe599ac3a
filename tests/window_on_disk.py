"""Opens the app's window as a process of its own, looks at what it shows, and prints that as JSON.

    python -m tests.window_on_disk [--sound] [--chats N] [--size W H] [--export FILE] [--type TEXT] [--free FILE]
                                   [--try-again] [--grab PICTURE]

Run by the tests of full and read-only disks, whose namespaces end with the process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from PySide6.QtCore import QEventLoop
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.chats.reader import ChatReader
from desktop_llm.errors import UserError
from desktop_llm.gui.app import run_window
from desktop_llm.gui.build import Wiring
from desktop_llm.gui.look.widgets import Banner, Button

LIMIT_S = 15.0


class Look:
    """What the window shows, collected while it runs."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._begun = psutil.Process().create_time()
        self.found: dict[str, object] = {}

    def begin(self, wiring: Wiring) -> None:
        """Look at the window, do what was asked for, and close it."""
        self.found["ready_s"] = time.time() - self._begun
        try:
            self._look(wiring)
        except AssertionError as error:
            self.found["failed"] = str(error)
        finally:
            wiring.window.close()
            QApplication.quit()

    def _look(self, wiring: Wiring) -> None:
        options, window, chats = self._options, wiring.window, wiring.conversations
        if options.size:
            window.resize(*options.size)
        until(lambda: words(window) or options.sound)
        self.found["told_s"] = time.time() - self._begun
        until(lambda: len(titles(wiring)) >= options.chats)
        if options.chats:
            chats.step(1)
            until(wiring.chats.transcript.message_ids)
        if options.export:
            assert chats.current is not None
            chats.export(chats.current.id, options.export)
            until(Path(options.export).exists)
        if options.type:
            QTest.keyClicks(window_part(window, "composer_text"), options.type)
            settle(1.0)  # a draft is saved when the typing pauses
        if options.says:
            until(lambda: any(options.says in each for each in words(window)), fail=False)
        if options.free:
            Path(options.free).unlink()
        if options.try_again:
            button = next(each for each in window.findChildren(Button) if each.objectName() == "notice_try_again")
            button.click()
            until(lambda: not words(window))
        settle(0.3)
        with contextlib.suppress(UserError), ChatReader(wiring.resources.folders.chats_db) as reader:
            self.found["draft"] = reader.draft(chats.current.id if chats.current else "")
        self.found |= {
            "banners": words(window),
            "titles": titles(wiring),
            "messages": len(wiring.chats.transcript.message_ids()),
            "composer": wiring.chats.composer.text(),
        }
        if options.grab:
            window.grab().save(options.grab)


def window_part(window: QWidget, name: str) -> QWidget:
    """A widget by its name."""
    found = window.findChild(QWidget, name)
    assert isinstance(found, QWidget), name
    return found


def words(window: QWidget) -> list[str]:
    """The words of all banners."""
    return [banner.accessibleName() for banner in window.findChildren(Banner) if banner.isVisible()]


def titles(wiring: Wiring) -> list[str]:
    """The titles in the list of chats."""
    return [chat.title for chat in wiring.conversations._all]


def until(true: Callable[[], object], *, fail: bool = True) -> None:
    """Run the window until something is true."""
    end = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > end:
            assert not fail, "it did not happen"
            return
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)


def settle(seconds: float) -> None:
    """Run the window for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def main() -> None:
    """Open the window and print what it showed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chats", type=int, default=0)
    for name in ("export", "grab", "type", "free", "says"):
        parser.add_argument(f"--{name}")
    for name in ("sound", "try-again"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--size", type=int, nargs=2)
    look = Look(parser.parse_args())
    status = run_window(on_ready=look.begin)
    sys.stdout.write(json.dumps({**look.found, "status": status}))


if __name__ == "__main__":
    main()
