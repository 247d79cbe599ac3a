"""What a confined process can no longer do, tried by one: each attempt is made in a child of its own."""

from __future__ import annotations

import errno
import json
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.workers import confine, landlock, seccomp
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's confinement is Linux's")
needs_landlock = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
needs_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")

ALLOWED = 0x7FFF0000
TRIES = """
import contextlib, ctypes, errno, json, mmap, os, signal, socket, sys
from pathlib import Path
from desktop_llm.workers import confine, landlock, seccomp
libc = ctypes.CDLL(None, use_errno=True)
def call(*numbers):
    ctypes.set_errno(0)
    found = libc.syscall(*map(ctypes.c_long, numbers))
    return 0 if found >= 0 else ctypes.get_errno()
def tried(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0
"""


def in_a_child(code: str, *arguments: str | Path) -> Any:
    """Run code that sets `told`, in a fresh interpreter; returns it."""
    command = [sys.executable, "-c", f"{TRIES}\n{code}\nprint(json.dumps(told))", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_x86
def test_only_two_families_of_sockets_are_left() -> None:
    told = in_a_child(
        "confine.no_network()\n"
        "told = [(family, kind, call(41, family, kind, 0)) for family in range(-1, 80) for kind in (1, 2, 3, 5)]"
    )
    assert {family for family, _, error in told if error != errno.EACCES} == {1, 16}


@needs_x86
def test_a_pair_of_sockets_is_left_and_no_other_pair() -> None:
    told = in_a_child(
        "confine.no_network()\n"
        "room = ctypes.create_string_buffer(8)\n"
        "told = [call(53, family, 1, 0, ctypes.addressof(room)) for family in (1, 2, 30, 44)]"
    )
    assert told == [0, errno.EACCES, errno.EACCES, errno.EACCES]


@needs_x86
@pytest.mark.parametrize(
    "number",
    [425, 426, 427, 101, 310, 311, 438, 0x40000000 + 41, 0x40000000 + 39],
    ids=["io_uring", "enter", "register", "ptrace", "readv", "writev", "getfd", "x32 socket", "x32"],
)
def test_calls_that_lead_around_it_are_denied(number: int) -> None:
    assert in_a_child(f"confine.no_network(); told = call({number}, 0, 0, 0, 0, 0, 0)") == errno.EACCES


@needs_x86
def test_calls_of_32_bits_are_denied() -> None:
    getpid = r"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, 20; int 0x80; ret
    told = in_a_child(
        f"room = mmap.mmap(-1, 4096, prot=7); room.write(b'{getpid}')\n"
        "run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(room)))\n"
        "confine.no_network(); told = run()"
    )
    assert told == -errno.EACCES


def test_what_a_confined_process_starts_is_confined() -> None:
    told = in_a_child(
        "import subprocess\n"
        "confine.no_network()\n"
        "code = 'import socket; socket.socket(socket.AF_INET)'\n"
        "told = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stderr"
    )
    assert "PermissionError" in told


def test_no_program_of_this_machine_is_reached_either(tmp_path: Path) -> None:
    told = in_a_child(
        "import socket\n"
        "bus = socket.socket(socket.AF_UNIX); bus.bind(sys.argv[1]); bus.listen()\n"
        "before = tried(lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[1]))\n"
        "confine.no_network(connections=False)\n"
        "told = [before, tried(lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[1]))]",
        tmp_path / "bus",
    )
    assert told == [0, errno.EACCES]


@pytest.mark.parametrize("name", ["x86_64", "aarch64"])
def test_the_filter_s_lines_answer_as_they_should_on_each_processor(name: str) -> None:
    machine = seccomp._MACHINES[name]
    lines = list(struct.iter_unpack("HBBI", seccomp._program(machine, connections=False)))
    jumps = [(place, yes, no) for place, (kind, yes, no, _) in enumerate(lines) if kind not in (0x20, 0x06)]
    assert all(place + 1 + max(yes, no) < len(lines) for place, yes, no in jumps)
    make_socket, make_pair = machine.sockets
    for call, argument, allowed in [
        (make_socket, 1, True),
        (make_socket, 16, True),
        (make_socket, 44, False),
        (make_pair, 2, False),
        (machine.foreign[1], 0, False),
        (machine.connect, 0, False),
        (0, 0, True),
    ]:
        given = {0: call, 4: machine.audit, 16: argument}
        assert (answer(lines, given) == ALLOWED) == allowed
        assert answer(lines, {**given, 4: 0x40000003}) != ALLOWED  # a 32-bit call


def answer(lines: list[tuple[Any, ...]], given: dict[int, int]) -> int:
    """What the filter answers to a call, in the words of classic BPF."""
    place, held = 0, 0
    while lines[place][0] != 0x06:
        operation, yes, no, value = lines[place]
        if operation == 0x20:
            held = given[value]
        else:
            place += yes if (held == value if operation == 0x15 else held >= value) else no
        place += 1
    return int(lines[place][3])


@needs_landlock
def test_a_process_writes_in_its_own_folder_and_nowhere_else(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "diary").write_text("kept")
    told = in_a_child(
        "own, other = map(Path, sys.argv[1:])\n"
        "confine.write_only_in(own)\n"
        "inside = [tried(lambda: (own / 'a').write_text('1')), tried(lambda: (own / 'd').mkdir()),\n"
        "          tried(lambda: (own / 'a').rename(own / 'd' / 'a')),\n"
        "          tried(lambda: os.truncate(own / 'd' / 'a', 0)),\n"
        "          tried(lambda: (own / 'd' / 'a').unlink()), tried(lambda: (own / 'd').rmdir()),\n"
        "          tried(lambda: open('/dev/null', 'w').close())]\n"
        "diary = other / 'diary'\n"
        "outside = {name: tried(action) for name, action in {\n"
        "    'write': lambda: diary.open('r+'), 'append': lambda: diary.open('a'), 'empty': lambda: diary.open('w'),\n"
        "    'truncate': lambda: os.truncate(diary, 0), 'remove': diary.unlink, 'new': lambda: (other / 'n').touch(),\n"
        "    'folder': lambda: (other / 'd').mkdir(), 'rename': lambda: diary.rename(other / 'x'),\n"
        "    'move in': lambda: diary.rename(own / 'x'), 'link': lambda: os.link(diary, own / 'x'),\n"
        "    'symlink': lambda: (other / 's').symlink_to('x'), 'pipe': lambda: os.mkfifo(other / 'p'),\n"
        "    'temporary': lambda: os.open('/tmp', os.O_TMPFILE | os.O_RDWR),\n"
        "    'through a link': lambda: ((own / 'l').symlink_to(diary), (own / 'l').open('w')),\n"
        "}.items()}\n"
        "told = [inside, outside, diary.read_text()]",
        own,
        other,
    )
    inside, outside, diary = told
    assert inside == [0] * 7
    assert [name for name, error in outside.items() if error not in (errno.EACCES, errno.EXDEV)] == []
    assert (diary, sorted(path.name for path in other.iterdir())) == ("kept", ["diary"])


@needs_landlock
@pytest.mark.parametrize("arguments", [["engine"], ["knowledge", "--home"], ["reader"]], ids=lambda each: each[0])
def test_each_worker_is_confined_before_it_is_asked_for_anything(arguments: list[str], tmp_path: Path) -> None:
    home = [str(tmp_path)] if "--home" in arguments else []
    worker = Worker([*arguments, *home], Part("A worker"))
    try:
        assert worker.call("enforced").data == {"network": True, "files": True}
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
    finally:
        worker.close()
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
    looks_into_others = 1 << 19 | 1 << 21 | 1 << 38  # CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON
    assert int(status["CapEff"], 16) & looks_into_others == 0


@needs_landlock
def test_other_processes_can_t_be_read_or_ended(tmp_path: Path) -> None:
    told = in_a_child(
        "confine.no_power(); confine.no_network(); confine.write_only_in()\n"
        "parent = os.getppid()\n"
        "told = [tried(lambda: open(f'/proc/{parent}/{name}', 'rb').read(1)) for name in ('mem', 'environ', 'maps')]\n"
        "told += [tried(lambda: os.kill(parent, 0)), tried(lambda: os.readlink(f'/proc/{parent}/fd/0'))]"
    )
    assert set(told) <= {errno.EACCES, errno.EPERM}
    assert 0 not in told


@needs_x86
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only the superuser has powers to give up")
def test_a_superuser_who_lacks_some_powers_gives_up_the_others_too() -> None:
    told = in_a_child(
        "header, held = (ctypes.c_uint * 2)(0x20080522, 0), (ctypes.c_uint * 6)()\n"
        "assert call(125, ctypes.addressof(header), ctypes.addressof(held)) == 0\n"
        "held[0], held[1] = held[0] & ~(1 << 14), held[1] & ~(1 << 14)\n"
        "assert call(126, ctypes.addressof(header), ctypes.addressof(held)) == 0\n"
        "confine.no_power()\n"
        "told = [line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('CapEff')]"
    )
    assert int(told[0].split()[1], 16) & ~0b1111 == 0


def test_a_child_that_can_be_ended_first_and_one_that_keeps_its_memory_to_itself() -> None:
    told = in_a_child(
        "confine.end_first(); confine.no_power(); confine.no_core_dumps()\n"
        "told = [Path('/proc/self/oom_score_adj').read_text().strip(), libc.prctl(3, 0, 0, 0, 0)]"
    )
    assert told == ["500", 0]


def test_the_rules_are_as_long_as_the_kernel_s_version_knows_them() -> None:
    sizes = {version: len(landlock.ruleset(version)) for version in range(1, 9)}
    assert sizes == {1: 8, 2: 8, 3: 8, 4: 16, 5: 16, 6: 24, 7: 24, 8: 24}
    first, *_ = struct.unpack("=Q", landlock.ruleset(1))
    assert first == 0b1_1111_1111_0010  # no reading, no running, no REFER, no TRUNCATE
    assert struct.unpack("=3Q", landlock.ruleset(7)) == (0b111_1111_1111_0010, 0b11, 0b11)
    assert struct.unpack("=Qi", landlock.rule(7, 5, folder=False)) == (1 << 1 | 1 << 14, 5)
    assert struct.unpack("=Qi", landlock.rule(1, 5, folder=True)) == (first, 5)


def test_what_the_kernel_enforces_is_asked_without_losing_anything() -> None:
    assert confine.enforced().network
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    import socket

    socket.socket(socket.AF_INET).close()


def test_a_system_that_enforces_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert not confine.no_network()
    found = confine.enforced()
    assert (found.network, found.files) == (False, False)
    assert "can't keep the programs that handle models and documents off the network" in found.in_words()


def test_a_gpu_s_devices_are_given_and_a_terminal_is_not() -> None:
    names = {path.name for path in confine.gpu_devices()}
    assert not {"tty", "pts", "ptmx", "snd", "input", "mem"} & names
    assert "null" in names
    for name in ("dri", "kfd", "nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-caps", "dxg", "mali0", "kgsl-3d0", "shm"):
        assert not confine._NO_GPU.match(name), name
