"""Tells which collections may have changed on the disk, so that the window has them looked through again.

The system reports changes in folders (watchfiles: inotify on Linux, and its like elsewhere); they gather in a native
thread until `due` asks for them. Folders on network drives, whose changes no system reports, and folders beyond the
number that the system watches are looked through every POLL_S instead. So is everything once at the beginning: what
changed while the app was closed was reported to nobody.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from desktop_llm.knowledge.walk import is_left_out
from desktop_llm.words import tr

POLL_S = 600.0
QUIET_S = 0.8
"""A change is taken in once nothing more has changed for this long, and after LONGEST_S at the latest."""
LONGEST_S = 4.0
RETURN_S = 10.0
"""How often a folder that was not there is looked for."""
REST = 2
"""After a look, a collection rests for this many times as long as that took, whatever changes meanwhile."""

_NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "glusterfs", "webdav", "davfs", "sshfs", "fuse.", "vboxsf")


@dataclass(slots=True)
class _Watched:
    """A folder: whether the system reports its changes, it is there, and it was looked through before; since when there
    are changes and when the last one came; when it is to be looked through whatever is reported.
    """

    collections: set[str]
    next_look: float
    reported: bool = False
    there: bool = True
    looked: bool = False
    first: float | None = None
    last: float = 0.0


class Watching:
    """Watches the folders of collections. `limited`: the system does not report all changes, so these folders are
    looked through every POLL_S.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limited = False
        self._clock = clock
        self._folders: dict[str, _Watched] = {}
        self._reports: Generator[set[tuple[Any, str]], None, None] | None = None
        self._resting: dict[str, float] = {}
        self._remote: list[str] = []

    def due(self, wanted: Iterable[tuple[str, str]]) -> list[str]:
        """The collections to be looked through now; `wanted` are the folders to be watched, each with its collection.

        Call it about once a second.
        """
        self._follow(wanted)
        self._gather()
        now = self._clock()
        due = set().union(*(folder.collections for path, folder in self._folders.items() if self._is_due(path, now)))
        due = {name for name in due if now >= self._resting.get(name, now)}
        for folder in self._folders.values():
            if folder.collections <= due:
                folder.first, folder.looked = None, True
                folder.next_look = math.inf if folder.reported else now + (POLL_S if folder.there else RETURN_S)
        return sorted(due)

    def note(self, path: str) -> str:
        """Why changes in a watched folder are found late; "" if the system reports them, or it is not watched."""
        folder = self._folders.get(path)
        if folder is None or folder.reported or not folder.there:
            return ""
        minutes = round(POLL_S / 60)
        if not _is_text(path) or _is_below(path, self._remote):
            return tr(
                "The system does not report changes here. They are looked for every {minutes} min.", minutes=minutes
            )
        if most := _most_watched():
            return tr(
                "The system watches at most {count:,} folders. Changes are looked for every {minutes} min instead.",
                count=most,
                minutes=minutes,
            )
        return tr("The system watches no more folders. Changes are looked for every {minutes} min.", minutes=minutes)

    def looked(self, collection: str, seconds: float) -> None:
        """A look through a collection took so long."""
        self._resting[collection] = self._clock() + REST * seconds

    def close(self) -> None:
        """Stop watching."""
        if self._reports is not None:
            self._reports.close()
            self._reports = None

    def _follow(self, wanted: Iterable[tuple[str, str]]) -> None:
        folders: dict[str, set[str]] = {}
        for path, collection in wanted:
            folders.setdefault(path, set()).add(collection)
        reported = any(folder.reported for folder in self._folders.values())
        lost = reported and self._reports is None
        if lost or folders != {path: folder.collections for path, folder in self._folders.items()}:
            now, before = self._clock(), self._folders
            self._folders = {
                path: before[path] if path in before and names <= before[path].collections else _Watched(names, now)
                for path, names in folders.items()
            }
            for path, names in folders.items():
                self._folders[path].collections = names
            self._watch()

    def _watch(self) -> None:
        """Have the system report changes, as far as it does."""
        self.close()
        self.limited = False
        self._remote = _network_drives() if self._folders else []
        for path, folder in self._folders.items():
            folder.there = Path(path).is_dir()
            folder.reported = folder.there and _is_text(path) and not _is_below(path, self._remote)
            if not folder.reported:
                folder.next_look = min(folder.next_look, self._clock() + POLL_S)
        if local := [path for path, folder in self._folders.items() if folder.reported]:
            # Imported late: it takes a tenth of a second, and a search does not need it.
            self._reports = importlib.import_module("watchfiles").watch(
                *local,
                watch_filter=None,
                debounce=1,
                step=1,
                rust_timeout=1,
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )
            self._gather()  # it begins to watch when it is asked for the first time

    def _gather(self) -> None:
        if self._reports is None:
            return
        try:
            changes = next(self._reports, set())
        except FileNotFoundError:
            self._reports = None  # a folder went away just now: the next call begins anew
            return
        except OSError:  # the system's limit, usually
            self.limited = True
            self._reports = None
            for folder in self._folders.values():
                folder.reported = False
                folder.next_look = min(folder.next_look, self._clock() + POLL_S)
            return
        for _, changed in changes:
            for path, folder in self._folders.items():
                inside = _is_below(changed, [path])
                if not inside or (changed != path and is_left_out(changed[len(path) :])):
                    continue
                folder.last = self._clock()
                folder.first = folder.last if folder.first is None else folder.first
        if any(changed in self._folders for _, changed in changes):
            self.close()  # a folder itself has gone or come, and with it what reports its changes

    def _is_due(self, path: str, now: float) -> bool:
        folder = self._folders[path]
        if folder.first is not None:
            return now - folder.last >= QUIET_S or now - folder.first >= LONGEST_S
        if now < folder.next_look:
            return False
        if not folder.there and Path(path).is_dir():
            self._watch()
            return True
        folder.next_look = now + RETURN_S
        return folder.there or not folder.looked


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _is_text(path: str) -> bool:
    """Whether a path is UTF-8, as the watcher needs it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _most_watched() -> int:
    """How many folders Linux reports changes of to one person's programs; 0 elsewhere."""
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())
    except (OSError, ValueError):
        return 0


def _network_drives() -> list[str]:
    return [each.mountpoint for each in psutil.disk_partitions(all=True) if each.fstype.lower().startswith(_NETWORK)]
