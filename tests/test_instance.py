"""One process owns a data folder, and others reach it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm import channel, instance
from desktop_llm.channel import Line, Patience
from desktop_llm.commands.documents import SharedWorker
from desktop_llm.conversation.events import TurnState
from desktop_llm.conversation.storing import Exchange
from desktop_llm.engine.client import Finished, Timings, Usage
from desktop_llm.errors import Busy, NotFound, UserError, WorkerDied
from desktop_llm.instance import Owner, OwnerGone, OwnersWorker, raise_window
from desktop_llm.message import Text
from desktop_llm.paths import Folders, folders
from desktop_llm.steps import result_of
from desktop_llm.workers.protocol import Message

ANSWER = TurnState(parts=(Text("Hello!"),), finished=Finished("stop", Usage(), Timings(), None))
EXCHANGE = Exchange((("user", "Hello?"),), ANSWER, "tiny", "Tiny").to_json()

OWNER = """
import sys
from desktop_llm.instance import Owner
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import Message

def answer(kind, data, body):
    yield Message(0, "progress")
    sys.stdin.read()
    return Message(0, "done")

owner = Owner.acquire(folders())
owner.listen(answer)
print("listening", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owned() -> Generator[Folders, None, None]:
    home = folders()
    owner = Owner.acquire(home)
    assert owner is not None
    owner.listen(answer)
    yield home
    owner.release()


def answer(kind: str, data: dict[str, Any], body: bytes) -> Generator[Message, None, Message]:
    if kind == "missing":
        raise NotFound("There is no such collection.", "Check its name.")
    yield Message(0, "progress", {"half": True})
    if kind == "long":
        threading.Event().wait(2.0)  # longer than its guest waits for a silent owner
    return Message(0, "done", {"raised": kind == "raise_window", "echo": data.get("text")}, body)


def test_the_second_one_does_not_become_the_owner(owned: Folders) -> None:
    assert Owner.acquire(owned) is None


def test_a_request_runs_at_the_owner_with_its_progress_and_its_body(owned: Folders) -> None:
    steps = OwnersWorker(owned).request("echo", {"text": "straße"}, b"\x00\xff")
    assert next(steps).data == {"half": True}
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert (end.value.value.data["echo"], end.value.value.body) == ("straße", b"\x00\xff")


def test_an_error_at_the_owner_comes_back_as_the_same_sentence(owned: Folders) -> None:
    with pytest.raises(NotFound, match="no such collection"):
        OwnersWorker(owned).call("missing")


def test_a_second_start_raises_the_first_window(owned: Folders) -> None:
    assert raise_window(owned)


def test_a_long_silent_request_is_not_given_up(owned: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "WAIT_S", 1.0)
    monkeypatch.setattr(instance, "ALIVE_S", 0.1)
    assert OwnersWorker(owned).call("long").kind == "done"


@pytest.mark.parametrize("when", ["before it is asked", "while it works"])
def test_a_stopped_owner_costs_others_a_moment_and_a_sentence(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "WAIT_S", 1.0)
    home = folders()
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        steps = OwnersWorker(home).request("echo")
        if when == "while it works":
            next(steps)
        owner.send_signal(signal.SIGSTOP)
        with pytest.raises(Busy, match="does not answer"):
            result_of(steps)
        owner.kill()


@pytest.mark.parametrize("kind", ["silent", "half a frame", "junk", "nested", "oversized", "unknown"])
def test_a_broken_guest_is_sent_away_and_costs_the_others_nothing(
    owned: Folders, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "WAIT_S", 1.0)
    line = connected(owned, knows_key=kind != "unknown")
    socket_of = line._pipe.fileno()  # the wire itself
    os.set_blocking(socket_of, True)
    header = b"[" * 100_000
    if kind == "half a frame":
        os.write(socket_of, (1000).to_bytes(8, "big") + b"half")
    elif kind == "junk":
        line.send_bytes(b"GET / HTTP/1.1")
    elif kind == "nested":
        line.send_bytes(len(header).to_bytes(4, "little") + header)
    elif kind == "oversized":
        os.write(socket_of, (1 << 62).to_bytes(8, "big"))
    elif kind == "unknown":
        os.write(socket_of, os.urandom(4000))
    assert OwnersWorker(owned).call("echo", {"text": "meanwhile"}).data["echo"] == "meanwhile"
    with line, contextlib.suppress(ConnectionError):
        while os.read(socket_of, 1000):  # until the owner closes it
            pass


def test_two_hundred_silent_connections_do_not_stand_in_the_way(owned: Folders) -> None:
    lines: list[Line] = []
    while len(lines) < 200:
        with contextlib.suppress(BlockingIOError):  # the owner takes them one after the other
            lines.append(channel.connect(address_of(owned)["address"]))
    assert OwnersWorker(owned).call("echo", {"text": "meanwhile"}).data["echo"] == "meanwhile"
    for line in lines:
        line.close()


def test_an_owner_ends_while_guests_are_silent_or_just_gone() -> None:
    """Its channel may be between two connections, or its thread may already have ended."""
    home = folders()
    for attempt in range(20):
        owner = Owner.acquire(home)
        assert owner is not None
        owner.listen(answer)
        silent = channel.connect(address_of(home)["address"])
        if attempt % 2:
            channel.connect(address_of(home)["address"]).close()
        owner.release()
        silent.close()


def test_an_owner_without_a_place_for_its_channel_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "WAIT_S", 0.0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(instance, "Door", full)
    owner = Owner.acquire(folders())
    assert owner is not None
    owner.listen(answer)
    with pytest.raises(Busy, match="does not answer"):
        OwnersWorker(folders()).call("echo")
    owner.release()


def connected(home: Folders, *, knows_key: bool) -> Line:
    line = channel.connect(address_of(home)["address"])
    if knows_key:
        line.enter(bytes.fromhex(address_of(home)["key"]), Patience(5.0))
    return line


def address_of(home: Folders) -> dict[str, str]:
    address: dict[str, str] = json.loads((home.data / "owner.json").read_bytes())
    return address


def test_an_owner_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "WAIT_S", 0.0)
    home = folders()
    owner = Owner.acquire(home)
    assert owner is not None
    with pytest.raises(Busy, match="does not answer"):
        OwnersWorker(home).call("echo")
    owner.release()


def test_a_killed_owner_leaves_the_folder_free() -> None:
    home = folders()
    code = (
        "import os, signal; from desktop_llm.instance import Owner; from desktop_llm.paths import folders;"
        "assert Owner.acquire(folders()); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    owner = Owner.acquire(home)
    assert owner is not None
    owner.release()


def test_of_a_hundred_parallel_starts_one_is_the_owner_and_the_others_raise_its_window() -> None:
    code = """
import os, sys
from desktop_llm.instance import Owner, raise_window
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import Message

def answer(kind, data, body):
    yield from ()
    return Message(0, "done", {"raised": True})

home, (waiting, go) = folders(), os.pipe()
for _ in range(100):
    if os.fork() == 0:
        os.close(go)
        os.read(waiting, 1)  # all begin at once
        owner = Owner.acquire(home)
        if owner is not None:
            owner.listen(answer)
        os.write(1, b"owner\\n" if owner else b"%r\\n" % raise_window(home))
        sys.stdin.read()
        os._exit(0)
os.close(waiting)
os.close(go)
sys.stdin.read()
"""
    starts = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert starts.stdout is not None
    said = sorted(starts.stdout.readline().strip() for _ in range(100))
    starts.communicate()
    assert said == ["True"] * 99 + ["owner"]


def test_an_owner_that_has_gone_is_told_at_once() -> None:
    with pytest.raises(OwnerGone):
        OwnersWorker(folders()).call("echo")


def test_a_folder_that_can_t_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Not a directory"):
        folders(tmp_path / "file")


def test_a_command_takes_the_place_of_an_owner_that_ends_before_it_answered() -> None:
    """The owner's own command ends while it still works for a guest; the guest goes on by itself."""
    home = folders()
    asked, ended = threading.Event(), threading.Event()

    def handler(kind: str, data: dict[str, Any], body: bytes) -> Generator[Message, None, Message]:
        asked.set()
        ended.wait()
        yield from ()
        raise WorkerDied("It was ended.")

    owner = Owner.acquire(home)
    assert owner is not None
    owner.listen(handler)
    guest = SharedWorker(home)
    said: list[Message] = []
    thread = threading.Thread(target=lambda: said.append(guest.call("save_exchange", EXCHANGE)))
    thread.start()
    assert asked.wait(20)
    owner.stop_listening()
    ended.set()
    owner.release()
    thread.join()
    assert [message.kind for message in said] == ["done"]
    assert Owner.acquire(home) is None
    guest.close()
