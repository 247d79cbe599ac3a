"""Makes a process give up rights before it works: network, other processes, files, core dumps, memory, priority.

The kernel enforces the network and the processes by `seccomp` on Linux (x86-64, arm64), the files by `landlock` if it
is new enough; elsewhere only our own code does. `enforced` tells people which.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.words import Sentence, tr
from desktop_llm.workers import landlock, seccomp

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_CAPGET_CAPSET = {"x86_64": (125, 126), "aarch64": (90, 91)}
_CAPABILITY_VERSION = 0x20080522
# linux/capability.h: chown, reading and writing files of others, and locking memory. Only the superuser has them.
_KEPT_CAPABILITIES = 0b1111 | 1 << 14
# Entries of /dev that no GPU has: terminals, input, sound, cameras, disks, USB, memory, other processes' screens.
_NO_GPU = re.compile(
    r"tty|pts|ptmx|console|vcs|input|uinput|uhid|hidraw|snd|video|media|v4l|bus|usb|sd[a-z]|sr\d|nvme|vd[a-z]|loop|dm-|"
    r"mapper|disk|block|mem$|kmem|port$|fuse|net|tun|kvm|vhost|hugepages|mqueue|fd$|std|log$|initctl|core$|rtc|watchdog"
)


@dataclass(frozen=True, slots=True)
class Enforced:
    """What the kernel enforces on workers here: that they have no network, and that they write in their own folders."""

    network: bool
    files: bool

    def in_words(self) -> Sentence:
        """One sentence or two, for `doctor` and the network sheet."""
        if not self.network:
            return tr(
                "This system can't keep the programs that handle models and documents off the network: "
                "only the app's own code does."
            )
        if not self.files:
            return tr("The system keeps the programs that handle models and documents off the network.")
        return tr(
            "The system keeps the programs that handle models and documents off the network, "
            "and lets them change no files but their own."
        )


_achieved = {"network": False, "files": False}  # in this process


def achieved() -> Enforced:
    """What the kernel enforces on this very process."""
    return Enforced(**_achieved)


def enforced() -> Enforced:
    """What the kernel would enforce on a worker. It is tried in a thread, which gives up its rights instead of this
    process.
    """
    network: list[bool] = []
    thread = threading.Thread(target=lambda: network.append(no_network(this_thread_only=True)), name="confinement")
    thread.start()
    thread.join()
    return Enforced(network == [True], landlock.version() > 0)


def no_network(*, connections: bool = True, this_thread_only: bool = False) -> bool:
    """Forbid this process and its children the network and other processes' memory, for good; True if the kernel
    enforces it.

    Without `connections`, it can't reach other programs of this machine either: no desktop bus, no name service.
    """
    done = seccomp.install(connections=connections, this_thread_only=this_thread_only)
    if not this_thread_only:
        _achieved["network"] = done
    return done


def write_only_in(*paths: Path) -> bool:
    """Forbid this process and its children to change files anywhere else, for good; True if the kernel enforces it.

    Folders must exist. Call it before any thread starts.
    """
    _achieved["files"] = landlock.write_only_in([*paths, Path("/dev/null")])
    return _achieved["files"]


def gpu_devices() -> Iterator[Path]:
    """The places below /dev that drivers of GPUs write to: all but what certainly belongs to something else."""
    with contextlib.suppress(OSError):
        yield from (entry for entry in Path("/dev").iterdir() if not _NO_GPU.match(entry.name))


def gpu_is_shared() -> bool:
    """Whether NVIDIA's service for sharing a GPU runs, to which a driver must connect."""
    return Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")).exists()


def own_caches(folder: Path | None) -> list[Path]:
    """Make the drivers and libraries of this process keep their caches and temporary files in this folder; returns it.

    A shader compiled for a GPU is a program: a worker must not be able to change those of other programs. If the folder
    can't be made, they do without.
    """
    if folder is None:
        return []
    temporary = folder / "tmp"
    try:
        temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return []
    for variable in ("XDG_CACHE_HOME", "CUDA_CACHE_PATH", "__GL_SHADER_DISK_CACHE_PATH"):
        os.environ[variable] = str(folder)
    for variable in ("TMPDIR", "SQLITE_TMPDIR"):
        os.environ[variable] = str(temporary)
    return [folder]


def no_power() -> None:
    """Give up what only the superuser may do, except with files: with it, a worker could look into every process."""
    if sys.platform == "linux" and platform.machine() in _CAPGET_CAPSET:
        capget, capset = _CAPGET_CAPSET[platform.machine()]
        libc = ctypes.CDLL(None, use_errno=True)
        header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
        held = ctypes.create_string_buffer(24)  # effective, permitted and inheritable, first the lower halves
        if libc.syscall(capget, header, held) == 0:
            effective, permitted, *_ = struct.unpack("6I", held.raw)
            kept = [effective & _KEPT_CAPABILITIES, permitted & _KEPT_CAPABILITIES, 0, 0, 0, 0]
            libc.syscall(capset, header, struct.pack("6I", *kept))


def no_core_dumps(*, readable: bool = False) -> None:
    """Keep the chats and documents in this process's memory out of core files and, unless it stays `readable`, from
    other programs of this account (Linux).
    """
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and not readable:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def limit_memory(size_bytes: int) -> None:
    """Limit the address space: code that asks for more gets a MemoryError instead of the machine's last byte."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))


def lower_priority() -> None:
    """Let everything else on the machine go first."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends, even while it is stopped (Linux).

    A process that was stopped does not see that its stdin was closed. Only for a child whose starter outlives it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_first() -> None:
    """Make the system end this process before the window when memory runs out (Linux).

    Call it before `no_core_dumps`, which makes the file belong to the superuser.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")
