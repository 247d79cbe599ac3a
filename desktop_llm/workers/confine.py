"""What a child gives up before it works: the network, core dumps, memory without end, and its place in the queue.

The network filter is seccomp on Linux, x86-64 and arm64; elsewhere a child has no network by construction only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1

# Syscall numbers and audit architectures: linux/audit.h, asm/unistd.h. (architecture, seccomp, socket, io_uring_setup)
_SYSCALLS = {
    "x86_64": (0xC000003E, 317, 41, 425),
    "aarch64": (0xC00000B7, 277, 198, 425),
}
# linux/socket.h: everything that reaches another machine or a virtual one. AF_UNIX and AF_NETLINK stay.
_FORBIDDEN_FAMILIES = (2, 10, 17, 40)  # INET, INET6, PACKET, VSOCK


def no_network() -> bool:
    """Forbid this process and its children every internet socket, for good; True where the kernel enforces it."""
    if sys.platform != "linux" or platform.machine() not in _SYSCALLS:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program(*_SYSCALLS[platform.machine()][::2], _SYSCALLS[platform.machine()][3])
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    number = _SYSCALLS[platform.machine()][1]
    done: int = libc.syscall(number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, header)
    return done == 0


def _program(architecture: int, socket: int, io_uring_setup: int) -> bytes:
    """The filter in classic BPF: deny `socket` of the forbidden families and `io_uring_setup` with EACCES."""
    load, jump_equal, give = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EACCES
    families = len(_FORBIDDEN_FAMILIES)

    def line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    lines = [
        line(load, 4),  # seccomp_data.arch
        line(jump_equal, architecture, 1, 0),
        line(give, deny),  # 32-bit calls on a 64-bit kernel would slip by the numbers below
        line(load, 0),  # seccomp_data.nr
        line(jump_equal, io_uring_setup, families + 3, 0),
        line(jump_equal, socket, 0, families + 1),
        line(load, 16),  # seccomp_data.args[0]: the address family
    ]
    for index, family in enumerate(_FORBIDDEN_FAMILIES):
        lines.append(line(jump_equal, family, families - index, 0))
    return b"".join([*lines, line(give, allow), line(give, deny)])


def no_core_dumps() -> None:
    """Keep chats and documents in this process's memory out of core files."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def limit_memory(size_bytes: int) -> None:
    """Bound the address space: what asks for more gets a MemoryError instead of the machine's last byte."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))


def lower_priority() -> None:
    """Let everything else on the machine go first."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)


def end_first() -> None:
    """Be the process that the system ends when the memory runs out, before the window (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")
