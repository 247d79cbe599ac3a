"""A bug in the window is logged and reported once, without a word that the person wrote."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, qWarning
from pytestqt.qtbot import QtBot

from desktop_llm.gui.work.crash_log import CrashLog


@pytest.fixture
def log(tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrashLog]:
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    parent = QObject()
    log = CrashLog(tmp_path, parent)
    yield log
    log.close()


DIARY = " ".join(["my", "secret", "diary"])


def fall() -> None:
    raise ValueError(DIARY)


def caught() -> None:
    try:
        fall()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def test_an_exception_nobody_caught_is_told_once_and_logged_without_its_text(log: CrashLog, tmp_path: Path) -> None:
    told: list[str] = []
    log.caught.connect(told.append)
    caught()
    caught()
    text = (tmp_path / "desktop-llm.log").read_text()
    assert len(told) == 1
    assert "ValueError" in text
    assert "fall" in text
    assert "secret diary" not in text
    assert "secret diary" not in told[0]


def test_warnings_of_qt_end_in_the_log(log: CrashLog, tmp_path: Path) -> None:
    qWarning("a layout complains")
    assert "a layout complains" in (tmp_path / "desktop-llm.log").read_text()


def test_a_name_from_outside_is_a_part_of_its_line_and_colours_nothing(log: CrashLog, tmp_path: Path) -> None:
    name = "a\x1b[31m\x9b2J\u202eb\r2026-11-30 ERROR all is lost"
    logging.getLogger("desktop_llm.models").warning("no such file: %s", name)
    (line, more) = (tmp_path / "desktop-llm.log").read_text().splitlines()
    assert line.endswith("no such file: a\\x1b[31m\\x9b2Jb")
    assert more == "  2026-11-30 ERROR all is lost"
