"""The window and the commands on a disk that is full or read-only, or that lacks one of the app's folders."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.gui.app import dialog_for, has_screen, tell_before_the_window
from desktop_llm.gui.work.disk_keeper import trouble_of
from desktop_llm.message import Text
from desktop_llm.paths import Folders, folders
from tests import refused_writes
from tests.faulty_disk import desktop_llm, full_disk, needs_disk, run_on_disk

RESERVE = """
import shutil, sys
from pathlib import Path
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import UserError
from desktop_llm.reserve import LOW_BYTES, RESERVE_BYTES, Reserve

data = Path(sys.argv[1])
reserve = Reserve(data / "reserve", plenty_bytes=50 << 20)
free = shutil.disk_usage(data).free
reserve.make()
assert free - shutil.disk_usage(data).free >= RESERVE_BYTES, "the space is not really taken"
assert (data / "reserve").stat().st_mode & 0o777 == 0o600
assert not reserve.give_back_if_low()
store = ChatStore(data / "chats.db")
chats = store.conversations()
try:
    with (data / "others").open("wb", buffering=0) as others:
        while True:
            others.write(bytes(4096))
except OSError:
    pass
try:
    for number in range(1000):
        store.update(chats[0].id, title=f"{number} " * 999)
    raise SystemExit("the disk is not full")
except UserError as error:
    assert "is full" in error.title, error.title
try:
    store.trash(chats[1].id)
    raise SystemExit("the disk is not full")
except UserError:
    pass
assert reserve.give_back_if_low()
store.trash(chats[1].id)
assert len(store.conversations()) == 1
store.update(chats[0].id, title="saved")
store.close()
reserve.make()
assert not (data / "reserve").exists(), "there is no plenty of space"
"""

REFUSED = {"full": "is full.", "read-only": "can't be written to."}

OWNER = """
from desktop_llm.instance import Owner, OwnersWorker
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import Message

def answer(kind, data, body):
    yield from ()
    return Message(0, "done", {"raised": True})

home = folders()
owner = Owner.acquire(home)
owner.listen(answer)
assert Owner.acquire(home) is None, "two processes own the folder"
assert OwnersWorker(home).call("raise_window").data == {"raised": True}
owner.release()
again = Owner.acquire(home)
assert again is not None
again.release()
"""


@pytest.fixture
def chats(home: Path) -> Folders:
    """A home with two chats."""
    here = folders(home)
    with contextlib.closing(ChatStore(here.chats_db)) as store:
        for title in ("First", "Second"):
            chat = store.create(title=title)
            question = store.add(chat.id, None, "user", [Text(f"About the {title}?")])
            store.add(chat.id, question.id, "assistant", [Text("An answer.")])
    return here


def window(state: str, home: Path, *options: str, place: Path | None = None, **variables: str) -> dict[str, Any]:
    """What the window showed."""
    line = [sys.executable, "-m", "tests.window_on_disk", *options]
    ended = run_on_disk(state, home, line, place=place, **variables)
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    assert "failed" not in found
    return found


@needs_disk
@pytest.mark.parametrize("state", REFUSED)
def test_the_window_shows_and_exports_chats_and_says_what_is_wrong(chats: Folders, tmp_path: Path, state: str) -> None:
    if state == "read-only":
        for folder in (chats.models, chats.cache, chats.logs):
            folder.rmdir()
    found = window(state, chats.home, "--chats", "2", "--export", str(tmp_path / "chat.md"))
    assert found["titles"] == ["Second", "First"]
    assert found["messages"] == 2
    (banner,) = found["banners"]
    assert f"{chats.data} {REFUSED[state]}" in banner
    assert "try again" in banner
    assert "About the Second?" in (tmp_path / "chat.md").read_text()


@needs_disk
@pytest.mark.parametrize("state", REFUSED)
@pytest.mark.parametrize("command", [("list", "--json"), ("ledger",)])
def test_commands_answer_whatever_the_disk_refuses(chats: Folders, state: str, command: tuple[str, ...]) -> None:
    ended = run_on_disk(state, chats.home, desktop_llm(*command))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    assert ended.stderr.count("\n") <= 1, "one sentence about what is not kept"


@needs_disk
@pytest.mark.parametrize("state", REFUSED)
def test_a_first_start_opens_an_empty_window(home: Path, state: str) -> None:
    here = folders(home)
    found = window(state, home, "--type", "Hello")
    assert (found["titles"], found["composer"]) == ([], "Hello")
    assert [f"{here.data} {REFUSED[state]}" in banner for banner in found["banners"]] == [True]


def test_chats_of_a_newer_version_are_shown_but_not_written(chats: Folders) -> None:
    with contextlib.closing(sqlite3.connect(chats.chats_db)) as database:
        database.execute("PRAGMA user_version = 99")
    line = [sys.executable, "-m", "tests.window_on_disk", "--chats", "2"]
    found = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    assert (found["titles"], found["messages"]) == (["Second", "First"], 2)
    assert "written by a newer version" in found["banners"][0]


def test_the_window_opens_whatever_stands_where_its_files_should_be(chats: Folders) -> None:
    for name in ("owner.json", "owner.lock", "facts.db", "days.json", "starred.json", "reserve", "settings.json"):
        (chats.data / name).unlink(missing_ok=True)
        (chats.data / name).mkdir()
    for name in ("crash.log", "desktop-llm.log"):
        (chats.logs / name).mkdir()
    (chats.cache / "backends.json").mkdir()
    (chats.data / "index").touch()
    line = [sys.executable, "-m", "tests.window_on_disk", "--chats", "2", "--sound", "--type", "Hello"]
    ended = subprocess.run(line, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    assert (ended.stderr, found["messages"], found["draft"]) == ("", 2, "Hello")
    assert not any("unexpected" in banner for banner in found["banners"])


@needs_disk
def test_what_was_typed_on_a_full_disk_is_saved_once_there_is_space(chats: Folders) -> None:
    free = ("--free", str(chats.home / "other"), "--try-again")
    found = window("full", chats.home, "--chats", "2", "--type", "Not lost", *free)
    assert (found["draft"], found["composer"], found["banners"]) == ("Not lost", "Not lost", [])


@needs_disk
def test_a_reserve_lets_chats_be_saved_on_a_full_disk(chats: Folders) -> None:
    (chats.data / "reserve").write_bytes(bytes(12 << 20))
    found = window("full", chats.home, "--chats", "2", "--type", "Not lost", "--says", "nearly full")
    assert found["draft"] == "Not lost"
    (banner,) = found["banners"]
    assert f"The disk with {chats.data} is nearly full:" in banner
    assert "Your chats are still saved." in banner


@needs_disk
@pytest.mark.parametrize("state", REFUSED)
def test_there_is_one_owner_whom_others_reach_on_such_a_disk_too(home: Path, state: str) -> None:
    folders(home)
    ended = run_on_disk(state, home, [sys.executable, "-c", OWNER])
    assert (ended.returncode, ended.stderr) == (0, "")


@needs_disk
def test_the_reserve_really_takes_space_and_gives_it_back(chats: Folders) -> None:
    ended = run_on_disk("sound", chats.home, [sys.executable, "-c", RESERVE, str(chats.data)], size="64m")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "works"),
    [("models", "Chats and the models here work"), ("cache", "Everything works"), ("logs", "Everything works")],
)
def test_each_folder_that_takes_nothing_is_named(home: Path, name: str, works: str) -> None:
    here = folders(home)
    assert trouble_of(here) is None
    (home / name).rmdir()
    (home / name).touch()
    trouble = trouble_of(folders(home))
    assert trouble is not None
    assert trouble.title == f"{home / name} can't be written to."
    assert trouble.text.startswith(works)


def test_a_full_disk_is_told_from_one_that_cannot_be_written(home: Path) -> None:
    here = folders(home)
    with full_disk():
        trouble = trouble_of(here)
    assert trouble is not None
    assert trouble.title == f"The disk with {here.data} is full."
    assert "Free at least 100 MB" in trouble.text


def test_a_file_in_place_of_the_data_folder_is_said_on_stderr_and_in_a_dialog(
    home: Path, qapp: object, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "data").touch()
    with pytest.raises(UserError) as refused:
        folders(home)
    assert tell_before_the_window(refused.value) == 1
    assert f"The folder {home / 'data'} can't be used: File exists." in capsys.readouterr().err
    dialog = dialog_for(refused.value)
    assert dialog.text() == f"{refused.value.title}\n\n{refused.value.text}"


@pytest.mark.parametrize(
    ("platform", "display", "there"),
    [("offscreen", ":0", False), ("xcb", "", True), ("", ":0", True), ("", "", sys.platform != "linux")],
)
def test_without_a_screen_there_is_no_dialog(
    monkeypatch: pytest.MonkeyPatch, platform: str, display: str, there: bool
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert has_screen() == there


@needs_disk
def test_an_account_without_a_home_folder_is_told_what_to_do(tmp_path: Path) -> None:
    line = ["unshare", "--user", "--map-user=54321", "env", "-u", "HOME", "-u", "DESKTOP_LLM_HOME"]
    ended = subprocess.run([*line, *desktop_llm("list")], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("This account has no home folder")
    given = subprocess.run([*line, *desktop_llm("--home", str(tmp_path), "list")], capture_output=True, text=True)
    assert given.returncode == 0, given.stderr


@pytest.mark.skipif(bool(refused_writes.why_not()), reason=refused_writes.why_not() or "strace works")
def test_a_write_that_the_system_refuses_loses_nothing_that_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    every = refused_writes.points()
    assert {point.what for point in every} == {"chats", "settings"}
    assert [fault for point in every[:: len(every) // 16] if (fault := refused_writes.fault_at(point))] == []


@needs_disk
def test_chats_of_an_older_layout_are_shown_and_exported_on_a_full_disk(tmp_path: Path) -> None:
    home, exported = folders(tmp_path / "home"), tmp_path / "chat.md"
    shutil.copyfile(Path(__file__).parent / "chats/fixtures/version-2-answers.db", home.chats_db)
    command = [sys.executable, "-m", "tests.window_on_disk", "--chats", "1", "--export", str(exported)]
    shown = json.loads(run_on_disk("full", tmp_path / "home", command, QT_QPA_PLATFORM="offscreen").stdout)
    assert (shown["titles"], shown["messages"]) == (["Engines"], 6)
    assert any("Your chats are safe" in told for told in shown["banners"])
    assert "Aquädukt" in exported.read_text(encoding="utf-8")
