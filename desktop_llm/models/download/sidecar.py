"""The files of a download in `models/.part`: a `.part` for each part of the model, and one sidecar that describes them.

    <id>.part             the first file's bytes so far
    <id>-<sha256>.part    the bytes so far of another part of the same model
    <id>.json             repository, revision, file, and for each part what `PartState` knows
    <id>.lock             held by the process that downloads it

If two models share a part, it is downloaded twice: each download writes, publishes and deletes its own files.

The id is the sha256 of the first part, so the same content from two repositories is one download. If the hub names no
checksum, a name made from the file's repository, revision, path and size stands for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop_llm.days import Days
from desktop_llm.errors import Busy, UserError
from desktop_llm.files import LockFile, cannot_write, write_atomically
from desktop_llm.models.download.part_file import PartState
from desktop_llm.net import causes
from desktop_llm.words import tr

log = logging.getLogger(__name__)

_VERSION = 1
SPARE_BYTES = 1 << 30  # left free on the disk for everything else
_LEFTOVERS_KEPT_DAYS = 7
_LOCK_TRIES, _LOCK_AGAIN_S = 3, 0.02


@dataclass(frozen=True, slots=True)
class Manifest:
    """The target of a download: a model of the hub with its parts, each (path in the repository, size, sha256).

    With `projector`, the last part is the file that lets the model see pictures; it may be the only one that is needed.
    """

    repo: str
    revision: str
    file: str
    quantization: str
    parts: tuple[tuple[str, int, str], ...]
    projector: bool = False

    @property
    def model_parts(self) -> tuple[tuple[str, int, str], ...]:
        """The parts of the model itself."""
        return self.parts[: len(self.parts) - self.projector]

    @property
    def id(self) -> str:
        return self.parts[0][2]

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size, _ in self.parts)

    @property
    def promised(self) -> bool:
        """Whether the hub named a checksum of every part."""
        return all(PartState(*part).promised for part in self.parts)


class Sidecar:
    """One unfinished download on disk; `targets` are the names in the models folder that its files are moved to."""

    def __init__(
        self, folder: Path, manifest: Manifest, states: Sequence[PartState], targets: Sequence[str] = ()
    ) -> None:
        self.manifest = manifest
        self.states = tuple(states)
        self.targets = tuple(targets)
        self._folder = folder

    def part_path(self, state: PartState) -> Path:
        """The file that holds this part's bytes."""
        first = self.manifest.id
        return self._folder / (f"{first}.part" if state.sha256 == first else f"{first}-{state.sha256}.part")

    def names(self) -> set[str]:
        """The names of all files that belong to this download."""
        return {
            f"{self.manifest.id}.json",
            f"{self.manifest.id}.lock",
            *(self.part_path(each).name for each in self.states),
        }

    def done_bytes(self) -> int:
        """The number of bytes of all parts that are there."""
        return sum(min(_size(self.part_path(state)), state.size_bytes) for state in self.states)

    def left_bytes(self) -> int:
        """The number of bytes still to come."""
        return self.manifest.size_bytes - self.done_bytes()

    def save(self) -> None:
        """Write the sidecar, whole or not at all; raises UserError if the disk is full or can't be written."""
        told = asdict(self.manifest) | {"version": _VERSION, "parts": [asdict(state) for state in self.states]}
        write_atomically(_path(self._folder, self.manifest.id), json.dumps(told | {"targets": self.targets}).encode())

    def note(self) -> None:
        """Write the sidecar again if possible; if not, the parts' files still show how far they are."""
        with contextlib.suppress(UserError):
            self.save()

    def note_targets(self, targets: Sequence[Path]) -> None:
        """Keep the names that the files are about to get, for `take_back`."""
        self.targets = tuple(target.name for target in targets)
        self.note()

    def take_back(self) -> None:
        """Undo a publishing that was cut short: then the first file, which is moved last, is not there."""
        there = [self._folder.parent / name for name in self.targets]
        if there and not there[0].exists():
            for state, target in zip(self.states, there, strict=False):  # a projector is moved last
                _move_back(target, self.part_path(state))
        self.targets = ()

    def drop(self, state: PartState) -> None:
        """Delete this part's bytes: they are not the promised ones."""
        self.part_path(state).unlink(missing_ok=True)
        self.states = tuple(
            PartState(kept.path, kept.size_bytes, kept.sha256) if kept is state else kept for kept in self.states
        )

    def drop_doubtful(self) -> None:
        """Delete parts without checksum and ETag, which might belong to another version of the file."""
        for state in self.states:
            if not (state.promised or state.etag):
                self.drop(state)

    def remove(self) -> None:
        """Forget the download and delete its files."""
        for state in self.states:
            self.part_path(state).unlink(missing_ok=True)
        _path(self._folder, self.manifest.id).unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, download_id: str) -> Iterator[None]:
    """Hold a download against other processes and threads; raises Busy if one has it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    lock = _lock(folder, download_id)
    if not _is_taken(lock):
        raise Busy(
            tr("Another window or command is already downloading this file."),
            tr("Nothing was changed. Wait for it to finish, or stop it there first."),
        )
    try:
        yield
    finally:
        if _path(folder, download_id).exists():
            lock.release()
        else:
            lock.remove()


def is_running(folder: Path, download_id: str) -> bool:
    """Whether some process is running this download."""
    lock = _lock(folder, download_id)
    if not lock.acquire():
        return True
    lock.release()
    return False


def opened(folder: Path, manifest: Manifest) -> Sidecar:
    """The sidecar of this download; it keeps an earlier one's facts about the bytes that are already there."""
    found = load(folder, manifest.id)
    if found is not None:
        found.take_back()
    known = {state.sha256: state for state in found.states} if found else {}
    states = [
        _carried(known[sha256], path, found.manifest.repo == manifest.repo)
        if found and sha256 in known
        else PartState(path, size, sha256)
        for path, size, sha256 in manifest.parts
    ]
    return Sidecar(folder, manifest, states)


def load(folder: Path, download_id: str) -> Sidecar | None:
    """The sidecar with this id; None if there is none that can be read."""
    try:
        return _read(folder, json.loads(_path(folder, download_id).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("a note about an unfinished download can't be read: %s", type(error).__name__)
        return None


def load_all(folder: Path) -> list[Sidecar]:
    """Every unfinished download, the oldest first."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (_modified(path), path.name))
    return [sidecar for path in paths if (sidecar := load(folder, path.stem)) is not None]


def check_space(folder: Path, sidecar: Sidecar) -> None:
    """Raise TransferError if there is not enough space for what this and the other downloads in `folder` still need."""
    promised = sum(other.left_bytes() for other in load_all(folder) if _is_other(folder, other, sidecar))
    needed = sidecar.left_bytes() + SPARE_BYTES
    free = max(0, shutil.disk_usage(folder).free - promised)
    if free < needed:
        failure = causes.NO_ROOM_BESIDE_OTHERS if promised else causes.NO_ROOM
        raise failure.error(file=sidecar.manifest.file, folder=folder.parent, needed=needed / 1e9, free=free / 1e9)


def clear_leftovers(folder: Path, days: Days) -> None:
    """Delete files that belong to no readable download, once the app has seen a week since they were last written.

    Until then, a pull of the same file uses them.
    """
    there = list(folder.glob("*"))  # before the notes are read, to leave out downloads that begin meanwhile
    kept = {name for sidecar in load_all(folder) for name in sidecar.names()}
    for path in there:
        if path.name not in kept and days.since(_modified(path)) > _LEFTOVERS_KEPT_DAYS:
            with contextlib.suppress(OSError):
                path.unlink()


def _is_other(folder: Path, other: Sidecar, sidecar: Sidecar) -> bool:
    return other.manifest.id != sidecar.manifest.id and is_running(folder, other.manifest.id)


def _read(folder: Path, told: dict[str, Any]) -> Sidecar:
    if told["version"] != _VERSION:
        raise ValueError("a version this program does not know")
    states = [PartState(**part) for part in told["parts"]]
    parts = tuple((state.path, state.size_bytes, state.sha256) for state in states)
    manifest = Manifest(
        told["repo"], told["revision"], told["file"], told["quantization"], parts, bool(told.get("projector"))
    )
    targets = [Path(name).name for name in told.get("targets", ())]
    if len(targets) not in (0, len(manifest.model_parts)):
        raise ValueError("not a place for each part")
    return Sidecar(folder, manifest, states, targets)


def _carried(state: PartState, path: str, same_place: bool) -> PartState:
    state.path = path
    if not same_place:
        state.etag, state.etag_changed = "", False
    return state


def _move_back(target: Path, part: Path) -> None:
    with contextlib.suppress(OSError):
        if not part.exists():
            target.rename(part)
        elif part.samefile(target):  # a publishing gives a file two names for a moment
            target.unlink()


def _lock(folder: Path, download_id: str) -> LockFile:
    return LockFile(folder / f"{download_id}.lock")


def _is_taken(lock: LockFile) -> bool:
    """Take the lock; tries again a moment later, because `is_running` may hold it for that moment."""
    for _ in range(_LOCK_TRIES):
        if lock.acquire():
            return True
        time.sleep(_LOCK_AGAIN_S)
    return False


def _path(folder: Path, download_id: str) -> Path:
    return folder / f"{download_id}.json"


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _modified(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
