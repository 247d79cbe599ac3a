"""`./run`: it names the things a machine lacks, and starts the program on a machine that lacks none."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_llm.models.library import STARTER_CHAT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script asks for Linux packages")

RUN = Path(__file__).parents[1] / "run"
TOOLS = ("sh", "ls", "dirname", "uname", "cut", "sort", "tr", "cat", "mkdir")
QT = "libGL.so.1 libEGL.so.1 libglib-2.0.so.0 libfontconfig.so.1 libdbus-1.so.3 libxkbcommon.so.0 "
WINDOW = (
    "libxkbcommon-x11.so.0 libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-image.so.0 libxcb-keysyms.so.1 "
    "libxcb-randr.so.0 libxcb-render-util.so.0 libxcb-shape.so.0 libxcb-xkb.so.1"
)


class Machine:
    """A machine that has only the named programs; each prints its name and arguments."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.bin = folder / "checkout", folder / "bin"
        self.checkout.mkdir()
        self.bin.mkdir()
        shutil.copy(RUN, self.checkout)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or "")

    def has(self, program: str, says: str = '"$0" "$@"') -> None:
        script = self.bin / program
        script.unlink(missing_ok=True)  # or it would be written through the link, into the system's own program
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
        (("test", "-x"), "run pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder -x"),
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


@pytest.fixture
def complete(machine: Machine) -> Machine:
    """A machine with everything that `./run` looks for."""
    for program in ("uv", "g++"):
        machine.has(program)
    machine.has("ldconfig", says=f"'{QT} {WINDOW}'")
    return machine


GETS_THE_STARTER = "desktop-llm starter"


def test_the_first_start_gets_the_starter_model_before_it_opens_the_window(complete: Machine) -> None:
    ended = complete.run()
    assert GETS_THE_STARTER in ended.stderr
    assert GETS_THE_STARTER not in ended.stdout


def test_a_starter_that_is_there_is_not_asked_for(complete: Machine) -> None:
    folder = complete.checkout / ".venv/share/desktop-llm"
    folder.mkdir(parents=True)
    (folder / STARTER_CHAT.files[0][0]).touch()
    assert GETS_THE_STARTER not in complete.run().stderr


def test_small_leaves_the_starter_out_now_and_later_and_is_not_passed_on(complete: Machine) -> None:
    for arguments in (("--small", "chat", "Hi"), ("chat", "Hi")):
        ended = complete.run(*arguments)
        assert GETS_THE_STARTER not in ended.stderr
        assert ended.stdout.strip().endswith("desktop-llm chat Hi")


def test_a_starter_that_can_t_be_had_stops_nothing_and_is_not_asked_for_again(complete: Machine) -> None:
    complete.has("uv", says='"$0" "$@"; case "$*" in *starter) exit 1 ;; esac')
    ended = complete.run("chat", "Hi")
    assert ended.returncode == 0
    assert "Going on with the small starter model. To try again: ./run starter" in ended.stderr
    assert ended.stdout.strip().endswith("desktop-llm chat Hi")
    assert GETS_THE_STARTER not in complete.run("chat", "Hi").stderr
    assert complete.run("starter").stdout.count(GETS_THE_STARTER) == 1


def test_a_start_beside_one_that_gets_the_starter_leaves_nothing_out_for_good(complete: Machine) -> None:
    complete.has("uv", says='"$0" "$@"; case "$*" in *starter) exit 1 ;; esac')
    lock = complete.checkout / f".venv/share/desktop-llm/{STARTER_CHAT.files[0][0]}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    assert complete.run("chat", "Hi").returncode == 0
    assert GETS_THE_STARTER in complete.run("chat", "Hi").stderr


def test_an_interrupted_starter_is_gone_on_with_by_the_next_start(complete: Machine) -> None:
    complete.has("uv", says='"$0" "$@"; case "$*" in *starter) exit 130 ;; esac')
    assert complete.run().returncode == 130
    assert GETS_THE_STARTER in complete.run().stderr


def test_the_tests_need_no_starter_model(complete: Machine) -> None:
    assert GETS_THE_STARTER not in complete.run("test").stderr


@pytest.fixture
def with_card(complete: Machine) -> Machine:
    """A machine with a graphics card, and a script that says that it builds the module."""
    complete.has("ls")  # finds the device of a card
    script = complete.checkout / "packaging/vulkan.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho builds the module\n")
    script.chmod(0o755)
    return complete


def test_the_module_of_a_graphics_card_is_built_where_the_tools_are(with_card: Machine) -> None:
    for program in ("glslc", "c++"):
        with_card.has(program)
    assert "builds the module" in with_card.run("chat", "Hi").stderr
    (with_card.checkout / "desktop_llm/backends").mkdir(parents=True)
    (with_card.checkout / "desktop_llm/backends/libggml-vulkan.so").touch()
    assert "builds the module" not in with_card.run("chat", "Hi").stderr


def test_without_the_tools_the_one_command_is_named(with_card: Machine) -> None:
    ended = with_card.run("chat", "Hi")
    assert "packaging/vulkan.sh" in ended.stderr
    assert "builds the module" not in ended.stderr
    assert ended.stdout.strip().endswith("desktop-llm chat Hi")


def test_a_module_that_can_t_be_built_stops_nothing_and_is_not_tried_again(with_card: Machine) -> None:
    for program in ("glslc", "c++"):
        with_card.has(program)
    (with_card.checkout / "packaging/vulkan.sh").write_text("#!/bin/sh\nexit 1\n")
    ended = with_card.run("chat", "Hi")
    assert ended.returncode == 0
    assert "Going on without the graphics card. To try again: packaging/vulkan.sh" in ended.stderr
    assert "graphics card" not in with_card.run("chat", "Hi").stderr


def test_without_a_graphics_card_no_module_is_spoken_of(complete: Machine) -> None:
    (complete.bin / "ls").unlink()
    complete.has("ls", says='"$0"; exit 1')
    assert "vulkan" not in complete.run("chat", "Hi").stderr
