"""Which collections are to be looked through again, and when: real folders, a clock that the test turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import watchfiles

from desktop_llm.knowledge.watching import LONGEST_S, POLL_S, QUIET_S, REST, RETURN_S, Watching


class Watched:
    """A folder that is watched, on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0
        self.watching = Watching(clock=lambda: self.now)

    def due(self, seconds: float = 0.0) -> list[str]:
        """What is due so many seconds later."""
        self.now += seconds
        return self.watching.due([(str(self.folder), "docs")])

    def notices(self, change: Callable[[], object]) -> bool:
        """Whether a change is reported, which takes the system a moment, and taken in once it is quiet."""
        change()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.due()
            if self.due(QUIET_S):
                return True
        return False


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "papers").mkdir()
    watched = Watched(tmp_path / "papers")
    assert watched.due() == ["docs"], "what changed while nobody watched"
    assert watched.due(POLL_S * 2) == []
    return watched


def test_what_changes_in_a_folder_or_a_new_one_in_it_is_noticed(watched: Watched) -> None:
    assert watched.notices(lambda: (watched.folder / "a.txt").write_text("A"))
    assert watched.notices(lambda: (watched.folder / "more").mkdir())
    assert watched.notices(lambda: (watched.folder / "more" / "b.txt").write_text("B"))
    assert watched.notices(lambda: (watched.folder / "a.txt").rename(watched.folder / "c.txt"))
    assert watched.notices(lambda: (watched.folder / "c.txt").unlink())
    watched.watching.close()


def test_hidden_files_disturb_nobody(watched: Watched) -> None:
    (watched.folder / ".git").mkdir()
    (watched.folder / ".git" / "index").write_text("x")
    (watched.folder / "~$letter.docx").write_text("x")
    seen = [watched.due(QUIET_S) for _ in range(3)]
    assert watched.notices(lambda: (watched.folder / "a.txt").write_text("A"))  # reported after those
    assert seen == [[], [], []]
    watched.watching.close()


def test_a_file_that_goes_on_changing_is_taken_in_before_long(watched: Watched) -> None:
    deadline, began = time.monotonic() + 10, watched.now
    while not (due := watched.due(QUIET_S / 2)) and time.monotonic() < deadline:
        with (watched.folder / "log.txt").open("a") as log:
            log.write("more\n")
    assert due == ["docs"]
    assert watched.now - began >= QUIET_S
    assert LONGEST_S > QUIET_S
    watched.watching.close()


def test_after_a_look_that_took_long_a_collection_rests(watched: Watched) -> None:
    watched.watching.looked("docs", seconds=2.0)
    (watched.folder / "a.txt").write_text("A")
    deadline = time.monotonic() + 10
    began = watched.now
    while not watched.due(1.0) and time.monotonic() < deadline:
        pass
    assert watched.now - began >= 2.0 * REST
    watched.watching.close()


def test_a_folder_that_goes_and_comes_back_is_watched_again(watched: Watched) -> None:
    away = watched.folder.with_name("away")
    assert watched.notices(lambda: watched.folder.rename(away))
    assert watched.due(RETURN_S) == []
    away.rename(watched.folder)
    assert watched.due(RETURN_S) == ["docs"]
    assert watched.notices(lambda: (watched.folder / "a.txt").write_text("A"))
    watched.watching.close()


def test_beyond_the_systems_limit_folders_are_looked_through_every_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(watchfiles.main, "RustNotify", refuse)
    watched = Watched(tmp_path)
    assert watched.due() == ["docs"]
    assert watched.watching.limited
    assert watched.due(POLL_S / 2) == []
    assert watched.due(POLL_S / 2) == ["docs"]
