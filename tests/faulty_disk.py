"""Disks that refuse writes: for this process, or for a command, whose home is then on a small disk of its own.

Root may write to read-only files, so that disk is a real one: a tmpfs in a namespace of its own. Needs `unshare`, and a
kernel that lets an ordinary account mount one there, as most do.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

# $1 is the state, $2 the mount point, $3 the home to copy, $4 the size; the command follows.
_SCRIPT = """
state=$1 place=$2 home=$3 size=$4; shift 4
mount -t tmpfs -o size=$size,mode=0700 none "$place" && cp -a "$home/." "$place" || exit 99
case $state in
full) dd if=/dev/zero of="$place/other" bs=4k 2>/dev/null; : ;;
read-only) mount -o remount,ro "$place" || exit 99 ;;
esac
exec "$@"
"""


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process be written to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def why_no_disk() -> str:
    """Why no such disk can be made here; "" if it can."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return "unshare is needed"
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    return tried.stderr.strip() and f"no tmpfs can be mounted: {tried.stderr.strip()}"


needs_disk = pytest.mark.skipif(bool(why_no_disk()), reason=why_no_disk() or "a disk can be made")


def run_on_disk(
    state: str, home: Path, command: Sequence[str], *, size: str = "40m", place: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command on a copy of `home` (or of a folder in it, `place`) on a disk that is "full", "read-only" or
    "sound"; its environment names that home."""
    at = place or home
    at.mkdir(parents=True, exist_ok=True)
    source = at.with_name(f"{at.name}-before")
    shutil.copytree(at, source, symlinks=True)
    try:
        line = ["unshare", "-rm", "sh", "-c", _SCRIPT, "sh", state, str(at), str(source), size, *command]
        environment = {**os.environ, "DESKTOP_LLM_HOME": str(home), **variables}
        ended = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    finally:
        shutil.rmtree(source)
    assert ended.returncode != 99, ended.stderr
    return ended


def desktop_llm(*arguments: str) -> list[str]:
    """The command line of the app."""
    return [sys.executable, "-m", "desktop_llm", *arguments]
