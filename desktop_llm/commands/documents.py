"""The knowledge worker for a command: our own if we own the data folder, else the owner's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from desktop_llm.instance import Owner, OwnersWorker
from desktop_llm.knowledge.client import IndexProgress, Knowledge
from desktop_llm.paths import Folders


@contextlib.contextmanager
def knowledge(home: Folders) -> Iterator[Knowledge]:
    """A client that works until the block ends; while it is ours, other commands are answered through it."""
    owner = Owner.acquire(home)
    if owner is None:
        yield Knowledge(home, worker=OwnersWorker(home))
        return
    client = Knowledge(home)
    try:
        owner.listen(client.forward)
        yield client
    finally:
        owner.release()
        client.close()


def absolute(path: Path) -> Path:
    """The path as the collection knows it: absolute, not resolved, so a link keeps its own name."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - Path.absolute keeps ".."


def progress_line(progress: IndexProgress) -> str:
    """One line for a terminal: count, current file, time left."""
    left = f", {progress.seconds_left:.0f} s left" if progress.seconds_left is not None else ""
    return f"{progress.done:,} of {progress.total:,} documents{left}: {Path(progress.current).name[:60]}"
