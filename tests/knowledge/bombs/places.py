"""What else a folder may hold: pipes, devices, circles, and files that are not what they were a moment ago."""

from __future__ import annotations

import os
import socket
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


PLACES: Bombs = {
    "pipe.txt": _fifo,
    "socket.txt": _socket,
    "zero.txt": _link_to("/dev/zero"),
    "terminal.txt": _link_to("/dev/tty"),
    "memory.txt": _link_to("/proc/self/mem"),
    "circle.txt": _links_in_a_circle,
    "itself": _folder_in_itself,
    "deep": _deep_folders,
    "sparse.txt": _sparse(199 * MB),
    "sparse-too-large.txt": _sparse(50_000 * MB),
}
