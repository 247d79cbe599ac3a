"""A filter over a process's system calls, on Linux (seccomp): no network, no reading in other processes.

Once installed it can't be taken off, and everything that the process starts inherits it. Two families of sockets pass,
AF_UNIX and AF_NETLINK, which stay on this machine and which drivers of GPUs use. Whatever other family a kernel has or
will get is forbidden.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from dataclasses import dataclass

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EACCES  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_AF_UNIX, _AF_NETLINK = 1, 16  # linux/socket.h
_X32 = 0x40000000  # the bit of x86-64's second set of call numbers, which would evade the first
_IO_URING = (425, 426, 427)  # io_uring_setup, _enter, _register: the same everywhere; it opens sockets by itself
_PIDFD_GETFD = 438  # takes an open file, such as a socket, out of another process


@dataclass(frozen=True, slots=True)
class _Machine:
    """Numbers of a processor's system calls, from linux/audit.h and asm/unistd.h."""

    audit: int
    seccomp: int
    sockets: tuple[int, ...]  # socket, socketpair
    connect: int
    foreign: tuple[int, ...]  # ptrace, process_vm_readv, process_vm_writev


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 317, (41, 53), 42, (101, 310, 311)),
    "aarch64": _Machine(0xC00000B7, 277, (198, 199), 203, (117, 270, 271)),
}


def install(*, connections: bool = True, this_thread_only: bool = False) -> bool:
    """Forbid this process what the filter forbids, for good; False if the system has no such filter.

    Without `connections` it can't connect to other programs of this machine either, such as the desktop's bus.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    program = _program(machine, connections)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    flags = 0 if this_thread_only else _ALL_THREADS
    done: int = libc.syscall(machine.seccomp, _SET_MODE_FILTER, flags, header)
    return done == 0


def _program(machine: _Machine, connections: bool) -> bytes:
    """The filter in classic BPF; what it denies fails with EACCES."""
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
    denied = [*_IO_URING, _PIDFD_GETFD, *machine.foreign, *(() if connections else (machine.connect,))]
    # (operation, value, where to go if so, where to go if not); None is the next line.
    lines: list[tuple[int, int, str | None, str | None]] = [
        (load, 4, None, None),  # seccomp_data.arch
        (equal, machine.audit, None, "deny"),  # 32-bit calls have other numbers
        (load, 0, None, None),  # seccomp_data.nr
        (at_least, _X32, "deny", None),
        *((equal, number, "deny", None) for number in denied),
        *((equal, number, "family", None) for number in machine.sockets),
        (give, _ALLOW, None, None),
    ]
    places = {"family": len(lines), "deny": len(lines) + 3, "allow": len(lines) + 4}
    lines += [
        (load, 16, None, None),  # seccomp_data.args[0]; the kernel, too, looks at its lower half alone
        (equal, _AF_UNIX, "allow", None),
        (equal, _AF_NETLINK, "allow", None),
        (give, _DENY, None, None),
        (give, _ALLOW, None, None),
    ]

    def jump(line: int, goal: str | None) -> int:
        return 0 if goal is None else places[goal] - line - 1

    return b"".join(
        struct.pack("HBBI", operation, jump(line, yes), jump(line, no), value)
        for line, (operation, value, yes, no) in enumerate(lines)
    )
