"""What else a folder may hold: pipes, devices, circles, and files that are not what they were a moment ago."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.knowledge.bombs.making import MB, Bombs


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        # Its name may have about a hundred bytes, so it is made from inside its folder.
        before = Path.cwd()
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(before)


def _link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _links_in_a_circle(path: Path) -> None:
    path.symlink_to(path.with_suffix(".b"))
    path.with_suffix(".b").symlink_to(path)


def _folder_in_itself(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to(path)


def _deep_folders(path: Path) -> None:
    path.mkdir()
    handle = os.open(path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=handle)
        deeper = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = deeper
    os.close(handle)


def _sparse(size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


def _growing(path: Path) -> None:
    """A file to which something is added all the time, for half a minute or until it has 250 MB."""
    path.write_bytes(b"It grows. ")

    def grow() -> None:
        until = time.monotonic() + 30
        with contextlib.suppress(OSError), path.open("ab") as file:
            while time.monotonic() < until and file.tell() < 250 * MB and path.exists():
                file.write(b"It grows. " * 100_000)
                time.sleep(0.01)

    threading.Thread(target=grow, daemon=True).start()


def _vanishing(path: Path) -> None:
    """A folder whose files go away one after the other."""
    path.mkdir()
    files = [path / f"{number}.txt" for number in range(2_000)]
    for number, file in enumerate(files):
        file.write_text(f"File {number} will be gone in a moment.")

    def vanish() -> None:
        for file in files:
            file.unlink(missing_ok=True)
            time.sleep(0.001)

    threading.Thread(target=vanish, daemon=True).start()


def _unreadable(path: Path) -> None:
    path.write_text("Nobody may read this.")
    path.chmod(0)


def _many_files(path: Path) -> None:
    path.mkdir()
    for number in range(5_000):
        (path / f"{number}.txt").write_bytes(b"\0")


PLACES: Bombs = {
    "pipe.txt": _fifo,
    "socket.txt": _socket,
    "zero.txt": _link_to("/dev/zero"),
    "terminal.txt": _link_to("/dev/tty"),
    "memory.txt": _link_to("/proc/self/mem"),
    "circle.txt": _links_in_a_circle,
    "itself": _folder_in_itself,
    "deep": _deep_folders,
    "growing.txt": _growing,
    "vanishing": _vanishing,
    "unreadable.txt": _unreadable,
    "many-files": _many_files,
    "gone.txt": _link_to("nowhere"),
    "core.txt": _link_to("/proc/kcore"),
    "log.txt": _link_to("/proc/kmsg"),
    "chance.txt": _link_to("/dev/urandom"),
    "sparse.txt": _sparse(199 * MB),
    "sparse-too-large.txt": _sparse(50_000 * MB),
}
