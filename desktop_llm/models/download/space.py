"""Room on the disk: a download begins only where there is enough for all that run, in whatever process."""

from __future__ import annotations

import shutil
from pathlib import Path

from desktop_llm.errors import TransferError
from desktop_llm.models.download.sidecar import Sidecar, is_running, load_all
from desktop_llm.words import tr

SPARE_BYTES = 1 << 30  # left free on the disk for everything else


def check_space(folder: Path, sidecar: Sidecar) -> None:
    """Raise TransferError where what is still to come has no room beside that of the other downloads in `folder`."""
    promised = sum(other.left_bytes() for other in load_all(folder) if _is_other(folder, other, sidecar))
    needed = sidecar.left_bytes() + SPARE_BYTES
    free = max(0, shutil.disk_usage(folder).free - promised)
    if free < needed:
        raise _no_room(sidecar.wanted.file, folder.parent, needed / 1e9, free / 1e9, others=promised > 0)


def _is_other(folder: Path, other: Sidecar, sidecar: Sidecar) -> bool:
    return other.wanted.id != sidecar.wanted.id and is_running(folder, other.wanted.id)


def _no_room(file: str, folder: Path, needed_gb: float, free_gb: float, *, others: bool) -> TransferError:
    sentence = (
        tr(
            "{file} needs {needed:.1f} GB on the disk with {folder}, and besides what other downloads still need "
            "{free:.1f} GB are free there. Nothing was changed. Free some space, then try again.",
            file=file,
            folder=str(folder),
            needed=needed_gb,
            free=free_gb,
        )
        if others
        else tr(
            "{file} needs {needed:.1f} GB on the disk with {folder}, and {free:.1f} GB are free there. "
            "Nothing was changed. Free some space, then try again.",
            file=file,
            folder=str(folder),
            needed=needed_gb,
            free=free_gb,
        )
    )
    return TransferError(sentence, "disk_full")
