"""The one command: what it says on a machine where something is missing, and what it starts where nothing is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script asks for Linux packages")

RUN = Path(__file__).parents[1] / "run"
TOOLS = ("sh", "ls", "dirname", "uname", "cut", "sort", "tr", "cat")
QT = "libGL.so.1 libEGL.so.1 libglib-2.0.so.0 libfontconfig.so.1 libdbus-1.so.3 libxkbcommon.so.0 "
WINDOW = (
    "libxkbcommon-x11.so.0 libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1 "
    "libxcb-randr.so.0 libxcb-render-util.so.0 libxcb-shape.so.0 libxcb-xkb.so.1"
)


class Machine:
    """A machine of which only the named programs exist; each says its name and arguments."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.bin = folder / "checkout", folder / "bin"
        self.checkout.mkdir()
        self.bin.mkdir()
        shutil.copy(RUN, self.checkout)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or "")

    def has(self, program: str, says: str = '"$0" "$@"') -> None:
        script = self.bin / program
        script.write_text(f"#!/bin/sh\nprintf '%s ' {says}\n")
        script.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "HOME": str(self.checkout)}
        command = [str(self.checkout / "run"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_bare_machine_is_told_every_package_in_one_command(machine: Machine) -> None:
    machine.has("ldconfig", says="nothing")
    machine.has("apt-get")
    ended = machine.run()
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert (
        "sudo apt-get install g++ libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 "
        "libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 "
        "libxkbcommon-x11-0 libxkbcommon0 python3-pip" in ended.stderr
    )


@pytest.mark.parametrize(
    ("manager", "command"), [("dnf", "sudo dnf install gcc-c++"), ("pacman", "sudo pacman -S --needed gcc")]
)
def test_the_packages_are_named_as_the_system_names_them(machine: Machine, manager: str, command: str) -> None:
    machine.has("ldconfig", says=f"'{QT} {WINDOW}'")
    machine.has("uv")
    machine.has(manager)
    assert command in machine.run().stderr


@pytest.mark.parametrize(
    ("arguments", "started"),
    [
        ((), "run --no-dev --project {checkout} desktop-llm"),
        (("chat", "Why not?"), "run --no-dev --project {checkout} desktop-llm chat Why not?"),
        (("test", "-x"), "run pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile -x"),
    ],
)
def test_with_everything_there_it_starts_what_was_asked_for(
    machine: Machine, arguments: tuple[str, ...], started: str
) -> None:
    for program in ("uv", "g++"):
        machine.has(program)
    machine.has("ldconfig", says=f"'{QT} {WINDOW}'")
    ended = machine.run(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip().endswith("uv " + started.format(checkout=machine.checkout))


def test_a_compiler_is_not_asked_for_once_the_engine_is_built(machine: Machine) -> None:
    machine.has("uv")
    machine.has("ldconfig", says=f"'{QT} {WINDOW}'")
    (machine.checkout / ".venv/lib/python3.12/site-packages/llama_cpp").mkdir(parents=True)
    assert machine.run().returncode == 0
