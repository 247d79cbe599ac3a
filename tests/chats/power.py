"""Kills at every system call, and simulated power cuts, from one recording of what a program wrote.

The kernel keeps what a killed process wrote, so the files after a kill are those after the calls before it. A power cut
also takes what was not synced: any of these writes may be missing or torn at a sector's end, and new names may be gone.
"""

import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.chats.durable_work import prepare, wrong

CHANGES = ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "link", "mkdir")
SECTOR = 512
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_ARGUMENT = re.compile(r'\s*(?:"((?:\\x[0-9a-f]{2})*)"|([^,"]+)),?')
_HEX = re.compile(r"\\x([0-9a-f]{2})")
# Python must not write its cache while its system calls are counted.
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Step:
    """One change: "write" (file, offset, data), "truncate" (file, size), "sync" (file), "sync_folder", "name" (path,
    file or None), or "saved" (data).
    """

    kind: str
    file: int = -1
    offset: int = 0
    data: bytes = b""
    path: str = ""


@dataclass
class Recording:
    """The steps of a program in a folder, and the files that were there before: name → (file, content)."""

    work: str
    steps: list[Step]
    before: dict[str, tuple[int, bytes]]


@dataclass
class _File:
    synced: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)


def command(work: str, folder: Path, control: str = "") -> list[str]:
    """The command that does the work."""
    return [sys.executable, "-m", "tests.chats.durable_work", work, str(folder), *([control] if control else [])]


def record(work: str, folder: Path, control: str = "") -> Recording:
    """Do the work in an empty folder under strace."""
    folder.mkdir(parents=True)
    prepare(work, folder)
    before = {path.name: (-number, path.read_bytes()) for number, path in enumerate(folder.iterdir(), start=2)}
    log = folder.with_name(f"{folder.name}.strace")
    calls = ",".join((*CHANGES, "openat", "lseek", "close", "sendfile"))
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-xx", "-s", "9999999", "-e", f"trace={calls}", "-o", str(log)]
    subprocess.run(
        [*strace, *command(work, folder, control)], check=True, capture_output=True, timeout=120, env=ENVIRONMENT
    )
    return Recording(work, list(_steps(log, f"{folder}/", before)), before)


def _steps(log: Path, root: str, before: Mapping[str, tuple[int, bytes]]) -> Iterator[Step]:
    """The lines of strace as steps in the folder."""
    names = {name: file for name, (file, _) in before.items()}
    opened: dict[int, tuple[int, int]] = {}  # descriptor → (file, position); file -1 is a folder
    fresh = 0
    for line in log.read_text().splitlines():
        if (found := _CALL.match(line)) is None or int(found[3]) < 0:
            continue
        call, result = found[1], int(found[3])
        values = [other.strip() if other else _decoded(text) for text, other in _ARGUMENT.findall(found[2])]
        paths = [str(value.decode())[len(root) :] for value in values if isinstance(value, bytes) and call not in _DATA]
        inside = all(isinstance(v, str) or v.decode().startswith(root) for v in values) if call not in _DATA else True
        descriptor = int(values[0]) if isinstance(values[0], str) and values[0].lstrip("-").isdigit() else -9
        if call == "openat":
            path = values[1].decode() if isinstance(values[1], bytes) else ""
            name = path[len(root) :] if path.startswith(root) else ""
            if f"{path}/" == root or (name and "O_DIRECTORY" in str(values[2])):
                opened[result] = (-1, 0)
            elif name:
                if name not in names and "O_CREAT" in str(values[2]):
                    fresh += 1
                    names[name] = fresh
                    yield Step("name", fresh, path=name)
                if name in names:
                    opened[result] = (names[name], 0)
                else:
                    opened[result] = (-1, 0)  # a folder inside
                if "O_TRUNC" in str(values[2]) and name in names:
                    yield Step("truncate", names[name])
        elif call == "close":
            opened.pop(descriptor, None)
        elif call == "write" and descriptor == 1:
            yield Step("saved", data=values[1] if isinstance(values[1], bytes) else b"")
        elif call in ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "lseek") and descriptor in opened:
            file, position = opened[descriptor]
            if call == "lseek":
                opened[descriptor] = (file, result)
            elif file == -1:
                yield Step("sync_folder")
            elif call == "ftruncate":
                yield Step("truncate", file, int(str(values[1])))
            elif "sync" in call:
                yield Step("sync", file)
            else:
                data = values[1] if isinstance(values[1], bytes) else b""
                offset = int(str(values[3])) if call == "pwrite64" else position
                opened[descriptor] = (file, position + (len(data) if call == "write" else 0))
                yield Step("write", file, offset, data[:result])
        elif call in ("rename", "link") and inside and len(paths) == 2:
            old, new = paths
            if old in names:
                names[new] = names[old]
                yield Step("name", names[new], path=new)
                if call == "rename":
                    del names[old]
                    yield Step("name", -1, path=old)
        elif call == "unlink" and inside and paths and paths[0] in names:
            del names[paths[0]]
            yield Step("name", -1, path=paths[0])


_DATA = ("write", "pwrite64")


def _decoded(text: str) -> bytes:
    return bytes(int(pair, 16) for pair in _HEX.findall(text))


def saved(recording: Recording, count: int) -> list[bytes]:
    """The lines that the program had said after so many steps."""
    return b"".join(step.data for step in recording.steps[:count] if step.kind == "saved").splitlines()


def after_kill(recording: Recording, count: int, target: Path) -> None:
    """Write the files as they are after so many steps."""
    _write_state(recording, count, target, None)


def after_power_cut(recording: Recording, count: int, target: Path, chance: random.Random) -> None:
    """Write the files as a power cut after so many steps may leave them."""
    _write_state(recording, count, target, chance)


def _write_state(recording: Recording, count: int, target: Path, chance: random.Random | None) -> None:
    files = {file: _File(bytearray(content)) for file, content in recording.before.values()}
    names = {name: file for name, (file, _) in recording.before.items()}
    unsynced: list[Step] = []
    for step in recording.steps[:count]:
        if step.kind == "name":
            unsynced.append(step)
            files.setdefault(step.file, _File())
        elif step.kind == "sync_folder":
            _rename(names, unsynced)
            unsynced = []
        elif step.kind == "sync":
            _apply(files[step.file], files[step.file].pending)
            files[step.file].pending = []
        elif step.kind in ("write", "truncate"):
            files[step.file].pending.append(step)
    _rename(names, unsynced if chance is None else unsynced[: chance.randint(0, len(unsynced))])
    target.mkdir(parents=True)
    for name, number in names.items():
        file = files[number]
        _apply(file, file.pending if chance is None else _survivors(file.pending, chance))
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_bytes(file.synced)


def _rename(names: dict[str, int], steps: list[Step]) -> None:
    for step in steps:
        if step.file == -1:
            names.pop(step.path, None)
        else:
            names[step.path] = step.file


def _survivors(pending: list[Step], chance: random.Random) -> Iterator[Step]:
    """Some of the writes, in any order, some of them torn."""
    fate = chance.choice(("none", "all", "first", "any"))
    kept = {"none": [], "all": pending, "first": pending[: chance.randint(0, len(pending))]}.get(fate)
    if kept is None:
        kept = [step for step in pending if chance.random() < 0.5]
        chance.shuffle(kept)
    for step in kept:
        if step.kind == "write" and fate != "all" and chance.random() < 0.3:
            sectors = range(0, len(step.data), SECTOR)
            for start in chance.sample(sectors, chance.randint(0, len(sectors))):
                yield Step("write", step.file, step.offset + start, step.data[start : start + SECTOR])
        else:
            yield step


def _apply(file: _File, steps: Iterator[Step] | list[Step]) -> None:
    for step in steps:
        if step.kind == "truncate":
            del file.synced[step.offset :]
            file.synced.extend(bytes(step.offset - len(file.synced)))
        else:
            end = step.offset + len(step.data)
            file.synced.extend(bytes(max(0, end - len(file.synced))))
            file.synced[step.offset : end] = step.data


def kills(recording: Recording, folder: Path, every: int = 1) -> tuple[int, list[str]]:
    """Look at the files after every so many-th change of a work; returns the number of looks, and what was wrong."""
    changes = [at for at, step in enumerate(recording.steps, start=1) if step.kind in ("write", "truncate", "name")]
    return _looks(recording, folder, [(count, None) for count in changes[::every]])


def power_cuts(recording: Recording, folder: Path, cuts: int, seed: int = 0) -> tuple[int, list[str]]:
    """Look at the files after so many power cuts during a work; returns their number, and what was wrong."""
    chances = [random.Random(f"{recording.work} {seed} {number}") for number in range(cuts)]
    return _looks(recording, folder, [(chance.randint(0, len(recording.steps)), chance) for chance in chances])


def _looks(
    recording: Recording, folder: Path, moments: list[tuple[int, random.Random | None]]
) -> tuple[int, list[str]]:
    found, state, work = [], folder / "state", recording.work
    for count, chance in moments:
        (after_kill if chance is None else functools.partial(after_power_cut, chance=chance))(recording, count, state)
        said = [json.loads(line) for line in saved(recording, count)]
        found += [f"{work}, step {count}: {problem}" for problem in wrong(work, state, said)]
        shutil.rmtree(state)
    return len(moments), found


KILL = "signal=SIGKILL:when={}"
FULL, FAILING = "error=ENOSPC:when={}+", "error=EIO:when={}+"


def real(work: str, folder: Path, fault: str = KILL, every: int = 1) -> tuple[int, list[str]]:
    """Have strace kill the work at the entry of every so many-th system call that changes something, or refuse that one
    and all later ones of its kind; and look. What is refused must be said in a sentence.
    """
    lines, found = counted(work, folder / "counted"), []
    points = [(call, number) for call in CHANGES for number in range(1, lines.get(call, 0) + 1)]
    for call, number in points[::every]:
        state = folder / "state"
        state.mkdir()
        prepare(work, state)
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:{fault.format(number)}"]
        traced = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, *inject, *command(work, state)]
        ended = subprocess.run(traced, capture_output=True, timeout=120, check=False, env=ENVIRONMENT)
        whole = [json.loads(line) for line in ended.stdout.splitlines(keepends=True) if line.endswith(b"\n")]
        problems = wrong(work, state, whole)
        if b"Traceback" in ended.stderr and b"acknowledge" not in ended.stderr:
            problems.append(ended.stderr.decode(errors="replace")[-600:])
        found += [f"{work}, {call} {number}: {problem}" for problem in problems]
        shutil.rmtree(state)
    return len(points[::every]), found


def counted(work: str, folder: Path) -> dict[str, int]:
    """How often the work makes each system call that changes something."""
    folder.mkdir(parents=True)
    prepare(work, folder)
    log = folder.with_name("counted.strace")
    traced = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={','.join(CHANGES)}", "-o", str(log)]
    subprocess.run([*traced, *command(work, folder)], check=True, capture_output=True, timeout=120, env=ENVIRONMENT)
    calls = [found[1] for line in log.read_text(errors="replace").splitlines() if (found := _CALL.match(line))]
    return {call: calls.count(call) for call in CHANGES}
