"""Limits where a process may write, on Linux (Landlock): a file outside of its own folders can't be changed by it.

It holds for this process and everything it starts, and can't be taken off. Reading stays free: nobody can list every
file that Python, its libraries and the drivers of GPUs read on every system, and a worker has no way to send what it
reads. Numbers and structures are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the numbers of these calls are the same everywhere
_GIVE_VERSION, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
# Removing a folder or file; making a device, folder, file, socket, pipe, block device or link.
_CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))
_TCP = 0b11  # binding and connecting
_OUTSIDE = 0b11  # abstract Unix sockets of other processes, and signals to them
_REFER_SINCE, _TRUNCATE_SINCE, _TCP_SINCE, _OUTSIDE_SINCE = 2, 3, 4, 6  # versions of Landlock


def version() -> int:
    """The version of Landlock that this kernel enforces; 0 if it has none."""
    if sys.platform != "linux":
        return 0
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _GIVE_VERSION)
    return max(found, 0)


def write_only_in(paths: Iterable[Path]) -> bool:
    """Forbid this process to change files outside of these folders and files, for good; False if the kernel can't.

    Call it while the process has one thread: it holds for this thread and those that it starts. Paths that don't exist
    are left out.
    """
    kernel = version()
    if kernel == 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ruleset(kernel)
    rules: int = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        for path in paths:
            if not _allow(libc, rules, path, kernel):
                return False
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        done: int = libc.syscall(_RESTRICT_SELF, rules, 0)
        return done == 0
    finally:
        os.close(rules)


def ruleset(kernel: int) -> bytes:
    """`landlock_ruleset_attr` for a version: every right to change files, TCP, and processes outside of this one."""
    fields = [_rights(kernel)]
    if kernel >= _TCP_SINCE:
        fields.append(_TCP)
    if kernel >= _OUTSIDE_SINCE:
        fields.append(_OUTSIDE)
    return struct.pack(f"={len(fields)}Q", *fields)


def rule(kernel: int, handle: int, *, folder: bool) -> bytes:
    """`landlock_path_beneath_attr`: the rights to change the open folder and everything in it, or the open file."""
    rights = _rights(kernel)
    return struct.pack("=Qi", rights if folder else rights & (_WRITE_FILE | _TRUNCATE), handle)


def _rights(kernel: int) -> int:
    rights = _WRITE_FILE | _CHANGE_FOLDER
    if kernel >= _REFER_SINCE:
        rights |= _REFER
    if kernel >= _TRUNCATE_SINCE:
        rights |= _TRUNCATE
    return rights


def _allow(libc: ctypes.CDLL, rules: int, path: Path, kernel: int) -> bool:
    try:
        handle = os.open(path, getattr(os, "O_PATH", 0))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        attributes = rule(kernel, handle, folder=stat.S_ISDIR(os.fstat(handle).st_mode))
        done: int = libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, attributes, 0)
        return done == 0
    finally:
        os.close(handle)
