"""Opening files from a file manager, or on the command line, while the window is open and when it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from desktop_llm import __main__ as program
from desktop_llm.gui import app
from tests.end2end.person import Person, until
from tests.models.gguf_files import model


def open_from_outside(person: Person, *files: Path | str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the program a second time, as a file manager does."""
    command = [sys.executable, "-m", "desktop_llm", "--home", str(person.home.data.parent), "open", *map(str, files)]
    packages = str(Path(app.__file__).parents[2])
    return subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": packages})


def test_a_file_opened_from_outside_is_asked_about_in_the_open_window(person: Person, tmp_path: Path) -> None:
    (tmp_path / "The lease.md").write_text("The rent is 900 euros a month.")
    with open_from_outside(person, "The lease.md", folder=tmp_path) as second:
        until(lambda: person.sees("drop_overlay"))
        until(lambda: second.poll() is not None)
    assert second.returncode == 0
    assert "Where should 1 file go?" in person.find("drop_overlay").accessibleName()
    person.key(Qt.Key.Key_1, name="drop_overlay")
    until(lambda: len(person.wiring.collections.names) == 1)


def test_a_model_opened_from_outside_is_added_at_one_key(person: Person, tmp_path: Path) -> None:
    file = model(tmp_path / "Little Model.gguf")
    with open_from_outside(person, file, folder=tmp_path):
        until(lambda: person.sees("drop_overlay"))
    person.key(Qt.Key.Key_1, name="drop_overlay")
    until(lambda: "little model" in [each.id for each in person.wiring.resources.library.models()])


def test_a_file_that_is_gone_is_named_and_the_others_are_opened(person: Person, tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("Here.")
    with open_from_outside(person, "gone.txt", "here.txt", folder=tmp_path):
        until(lambda: person.sees("drop_overlay"))
    assert "1 file" in person.find("drop_overlay").accessibleName()
    assert "gone.txt is not there any more." in [label.text() for label in person.window.findChildren(QLabel)]
    person.key(Qt.Key.Key_Escape, name="drop_overlay")


def test_files_given_at_the_first_start_reach_the_window_as_absolute_paths(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Path] = []

    def run_window(files: list[Path]) -> int:
        asked.extend(files)
        return 0

    monkeypatch.setattr(app, "run_window", run_window)
    assert program.main(["open", "--", "-odd name.md", "/a/b.gguf"]) == 0
    assert asked == [tmp_path / "-odd name.md", Path("/a/b.gguf")]
