"""Says in one banner that a folder's disk is full or can't be written, and tries again what could not be saved."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_llm.errors import UserError
from desktop_llm.files import free_bytes
from desktop_llm.gui.look.formats import size
from desktop_llm.gui.look.widgets import Action, Banner
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.resources import Resources
from desktop_llm.paths import Folders
from desktop_llm.reserve import RESERVE_BYTES, Reserve
from desktop_llm.words import tr

MINUTE_MS = 60_000
_PROBE_BYTES = 64 << 10
_ENOUGH_BYTES = 100_000_000  # for the reserve, an answer or two, and the index of the documents
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a folder's disk, what still works, and what to do."""

    kind: str
    title: str
    text: str


class DiskKeeper(QObject):
    """Looks at the folders at the start and after each write that a disk refused; keeps the reserve of space.

    Signal: `usable_again` when there is reason to hope that what could not be saved can be saved now.
    """

    usable_again = Signal()

    def __init__(self, resources: Resources, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._resources, self._notices = resources, notices
        self._banner: Banner | None = None
        self._trouble: Trouble | None = None
        self._minutes = QTimer(self, interval=MINUTE_MS)
        self._minutes.timeout.connect(self._on_minute)
        self._minutes.start()
        notices.disk_refused.connect(self._on_refused)

    def look(self) -> None:
        """Look at the folders, in a task; the banner follows."""
        self._resources.tasks.call(functools.partial(trouble_of, self._resources.folders), self._on_looked)

    def _on_minute(self) -> None:
        if self._trouble is None:
            self._resources.tasks.call(Reserve(self._resources.folders.reserve).make)
        else:
            self.look()

    def _on_refused(self, error: UserError) -> None:
        if self._trouble is None:
            self._show(Trouble("refused", error.title, error.text))
            self.look()
        elif self._banner is None:
            self._show(self._trouble)

    def _on_looked(self, trouble: Trouble | None) -> None:
        before, self._trouble = self._trouble, trouble
        if trouble is not None:
            # The words change as space comes and goes; a banner that was dismissed does not come back for that.
            if self._banner is not None or before is None or before.kind != trouble.kind:
                self._show(trouble)
        elif before is not None:
            self._take_away()
            self.usable_again.emit()

    def _show(self, trouble: Trouble) -> None:
        if self._banner is not None:
            self._banner.set_words(trouble.title, trouble.text)
            return
        again = Action("try_again", tr("Try again"), "retry")
        self._banner = self._notices.offer(trouble.title, trouble.text, again, self._on_action, kind="warning")

    def _take_away(self) -> None:
        if self._banner is not None:
            self._notices.take_away(self._banner)
            self._banner = None

    def _on_action(self, action: str) -> None:
        self._banner = None  # the click took it away
        if action == "try_again":
            self._trouble = None
            self.usable_again.emit()
            self.look()


def trouble_of(folders: Folders) -> Trouble | None:
    """What is wrong with the first folder in trouble, None if nothing is. A full disk gets the reserve back."""
    Reserve(folders.reserve).give_back_if_low()
    for folder, works in _places(folders):
        try:
            _probe(folder)
        except OSError as error:
            if error.errno in _FULL:
                text = tr("Free at least {bytes} on this disk, then try again.", bytes=size(_ENOUGH_BYTES))
                return Trouble(
                    f"full {folder}", tr("The disk with {folder} is full.", folder=folder), f"{works} {text}"
                )
            text = tr("Check that the disk can be written to and that the folder is yours, then try again.")
            return Trouble(f"refuses {folder}", tr("{folder} can't be written to.", folder=folder), f"{works} {text}")
    free = free_bytes(folders.data)
    if free < RESERVE_BYTES:
        return Trouble(
            "nearly full",
            tr("The disk with {folder} is nearly full: {free} are left.", folder=folders.data, free=size(free)),
            tr("Your chats are still saved. Free some space soon."),
        )
    return None


def _places(folders: Folders) -> Iterator[tuple[Path, str]]:
    """Each folder, with what works without writing to it; the most important one first."""
    yield folders.data, tr("Your chats are safe: you can read and export them, but nothing new can be saved.")
    yield folders.models, tr("Chats and the models here work, but no model can be added.")
    yield folders.cache, tr("Everything works, but what the app finds out about this computer is not remembered.")
    yield folders.logs, tr("Everything works, but problems of the app can't be logged.")


def _probe(folder: Path) -> None:
    """Write to the folder and remove what was written; raises OSError."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".probe-")
    try:
        os.write(handle, bytes(_PROBE_BYTES))
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):
            Path(name).unlink()
