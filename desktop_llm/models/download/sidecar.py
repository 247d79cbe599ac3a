"""What a download leaves in `models/.part`: a `.part` for each file and one sidecar that says what they will be.

    <id>.part             bytes of the first file, as far as they came
    <id>-<sha256>.part    those of another part of the same model
    <id>.json             repository, revision, file, and for each part what `PartState` knows
    <id>.lock             held by the process that downloads it

Parts that two models share come twice: each download writes, publishes and deletes files of its own.

The id is the sha256 of the first part, so the same content from two repositories is one download. Where the hub names
no checksum, a name made of the file's place and size stands for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from desktop_llm.errors import Busy, UserError
from desktop_llm.files import LockFile, cannot_write, write_atomically
from desktop_llm.models.download.parts import PartState
from desktop_llm.words import tr

log = logging.getLogger(__name__)

_VERSION = 1
_LEFTOVERS_KEPT_S = 7 * 86_400.0
_LOCK_TRIES, _LOCK_AGAIN_S = 3, 0.02


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of the hub that shall come here, with all of its parts: (path in the repository, size, sha256)."""

    repo: str
    revision: str
    file: str
    quantization: str
    parts: tuple[tuple[str, int, str], ...]

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

    def __init__(self, folder: Path, wanted: Wanted, states: Sequence[PartState], targets: Sequence[str] = ()) -> None:
        self.wanted = wanted
        self.states = tuple(states)
        self.targets = tuple(targets)
        self._folder = folder

    def part_path(self, state: PartState) -> Path:
        """Where this part's bytes are."""
        first = self.wanted.id
        return self._folder / (f"{first}.part" if state.sha256 == first else f"{first}-{state.sha256}.part")

    def names(self) -> set[str]:
        """The names of all files that belong to this download."""
        return {
            f"{self.wanted.id}.json",
            f"{self.wanted.id}.lock",
            *(self.part_path(each).name for each in self.states),
        }

    def done_bytes(self) -> int:
        """How many bytes of all parts are there."""
        return sum(min(_size(self.part_path(state)), state.size_bytes) for state in self.states)

    def left_bytes(self) -> int:
        """How many bytes are still to come."""
        return self.wanted.size_bytes - self.done_bytes()

    def save(self) -> None:
        """Write the sidecar, whole or not at all; raises UserError where the disk is full or can't be written."""
        told = asdict(self.wanted) | {"version": _VERSION, "parts": [asdict(state) for state in self.states]}
        write_atomically(_path(self._folder, self.wanted.id), json.dumps(told | {"targets": self.targets}).encode())

    def note(self) -> None:
        """Write the sidecar again if it can be done; how far the parts are, their files tell by themselves."""
        with contextlib.suppress(UserError):
            self.save()

    def note_targets(self, targets: Sequence[Path]) -> None:
        """Keep where the files are about to be moved, for `take_back`."""
        self.targets = tuple(target.name for target in targets)
        self.note()

    def take_back(self) -> None:
        """Undo a publishing that was cut short. The first file, which makes a model of the others, goes last."""
        there = [self._folder.parent / name for name in self.targets]
        if there and not there[0].exists():
            for state, target in zip(self.states, there, strict=True):
                _move_back(target, self.part_path(state))
        self.targets = ()

    def drop(self, state: PartState) -> None:
        """Throw this part's bytes away; they are not those that were promised."""
        self.part_path(state).unlink(missing_ok=True)
        self.states = tuple(
            PartState(kept.path, kept.size_bytes, kept.sha256) if kept is state else kept for kept in self.states
        )

    def drop_doubtful(self) -> None:
        """Throw away what could not be told from bytes of another file, since the hub names its files by nothing."""
        for state in self.states:
            if not (state.promised or state.etag):
                self.drop(state)

    def remove(self) -> None:
        """Forget the download and what came of it."""
        for state in self.states:
            self.part_path(state).unlink(missing_ok=True)
        _path(self._folder, self.wanted.id).unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, download_id: str) -> Iterator[None]:
    """Hold a download against other processes and threads; raises Busy where one has it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    lock = _lock(folder, download_id)
    if not _is_taken(lock):
        raise Busy(
            tr(
                "Another window or command is downloading this file already. Nothing was changed. "
                "Wait for it to finish, or stop it there first."
            )
        )
    try:
        yield
    finally:
        if _path(folder, download_id).exists():
            lock.release()
        else:
            lock.remove()


def is_running(folder: Path, download_id: str) -> bool:
    """Whether some process has this download."""
    lock = _lock(folder, download_id)
    if not lock.acquire():
        return True
    lock.release()
    return False


def opened(folder: Path, wanted: Wanted) -> Sidecar:
    """The sidecar of this download: what is known of bytes that are there already is kept."""
    found = load(folder, wanted.id)
    if found is not None:
        found.take_back()
    known = {state.sha256: state for state in found.states} if found else {}
    states = [
        _carried(known[sha256], path, found.wanted.repo == wanted.repo)
        if found and sha256 in known
        else PartState(path, size, sha256)
        for path, size, sha256 in wanted.parts
    ]
    return Sidecar(folder, wanted, states)


def load(folder: Path, download_id: str) -> Sidecar | None:
    """The sidecar with this id; None where there is none that can be read."""
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


def clear_leftovers(folder: Path) -> None:
    """Delete what belongs to no download that can be read, a week after it was written last.

    Until then a pull of the same file goes on with it.
    """
    there = list(folder.glob("*"))  # before the notes are read: what begins meanwhile is not among it
    kept = {name for sidecar in load_all(folder) for name in sidecar.names()}
    for path in there:
        if path.name not in kept and time.time() - _modified(path) > _LEFTOVERS_KEPT_S:
            with contextlib.suppress(OSError):
                path.unlink()


def _read(folder: Path, told: dict[str, Any]) -> Sidecar:
    if told["version"] != _VERSION:
        raise ValueError("a version this program does not know")
    states = [PartState(**part) for part in told["parts"]]
    parts = tuple((state.path, state.size_bytes, state.sha256) for state in states)
    wanted = Wanted(told["repo"], told["revision"], told["file"], told["quantization"], parts)
    targets = [Path(name).name for name in told.get("targets", ())]
    if len(targets) not in (0, len(states)):
        raise ValueError("not a place for each part")
    return Sidecar(folder, wanted, states, targets)


def _carried(state: PartState, path: str, same_place: bool) -> PartState:
    state.path = path
    if not same_place:
        state.etag, state.etag_changed = "", False
    return state


def _move_back(target: Path, part: Path) -> None:
    with contextlib.suppress(OSError):
        if not part.exists():
            target.rename(part)
        elif part.samefile(target):  # it had two names for a moment
            target.unlink()


def _lock(folder: Path, download_id: str) -> LockFile:
    return LockFile(folder / f"{download_id}.lock")


def _is_taken(lock: LockFile) -> bool:
    """Take it; tried again a moment later, because `is_running` holds it that long."""
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
