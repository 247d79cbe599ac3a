"""One owner per data folder, and the way to it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm import instance
from desktop_llm.commands.documents import SharedWorker
from desktop_llm.errors import Busy, NotFound, UserError, WorkerDied
from desktop_llm.instance import Owner, OwnerGone, OwnersWorker, raise_window
from desktop_llm.paths import Folders, folders
from desktop_llm.workers.protocol import Message

EXCHANGE = {"messages": [["user", "Hello?"]], "answer": "Hello!", "model_id": "tiny", "model_name": "Tiny"}


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
        raise NotFound("There is no such collection. Check its name.")
    yield Message(0, "progress", {"half": True})
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


def test_an_owner_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "WAIT_S", 0.0)
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


def test_of_many_parallel_starts_exactly_one_is_the_owner(tmp_path: Path) -> None:
    code = (
        "import sys; from desktop_llm.instance import Owner; from desktop_llm.paths import folders;"
        "owner = Owner.acquire(folders()); print(owner is not None, flush=True); sys.stdin.read()"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [start.stdout.readline().strip() for start in starts if start.stdout]
    for start in starts:
        start.communicate()
    assert sorted(said) == ["False"] * 7 + ["True"]


def test_an_owner_that_has_gone_is_told_at_once() -> None:
    with pytest.raises(OwnerGone):
        OwnersWorker(folders()).call("echo")


def test_a_folder_that_can_t_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Not a directory"):
        folders(tmp_path / "file")


def test_a_command_takes_the_place_of_an_owner_that_ends_before_it_answered() -> None:
    """The owner's command is done while it still works for a guest: the guest goes on by itself."""
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
