"""The settings of a collection: patterns are counted while they are typed, and nothing is stored before Save."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents.settings_sheet import SettingsSheet
from desktop_llm.gui.look.widgets import Button, Switch
from desktop_llm.knowledge.client import Folder, PatternCounts
from desktop_llm.workers.protocol import path_to_wire
from tests.gui.documents.conftest import Documents, collection
from tests.gui.documents.test_page import click, find, shown_text

ARCHIVE = Folder("/w/archive", include=("*.pdf",), exclude=("Private",))
WIRE = path_to_wire(Path("/w/archive"))


@pytest.fixture
def sheet(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> SettingsSheet:
    documents.worker.counts = counts()
    documents.show(collection("Work", folders=(ARCHIVE,)))
    click(qtbot, page, "collection_settings_button")
    qtbot.waitUntil(lambda: "70 of 90 files are read" in shown_text(page.settings))
    return page.settings


def counts(read: int = 70, removed: int = 0, more: tuple[tuple[str, int], ...] = ()) -> PatternCounts:
    return PatternCounts("/w/archive", 90, read, 0, removed, (("*.pdf", 75),), (("Private", 5), *more))


def test_the_sheet_shows_the_patterns_with_their_counts(sheet: SettingsSheet) -> None:
    text = shown_text(sheet)
    for words in ("Settings of Work", "*.pdf", "75", "Private", "5", "Saving changes no file."):
        assert words in text
    assert not find(sheet, Button, "collection_settings_save").isEnabled()


def test_a_pattern_that_is_typed_is_counted_and_its_effect_said_before_it_is_saved(
    documents: Documents, sheet: SettingsSheet, qtbot: QtBot
) -> None:
    documents.worker.counts = counts(read=58, removed=12, more=(("old/**", 12),))
    qtbot.keyClicks(find(sheet, QLineEdit, "collection_exclude_field"), "old/**")
    qtbot.waitUntil(lambda: "matches 12 files" in shown_text(sheet))
    assert "Saving takes 12 files out of it. They stay on the disk." in shown_text(sheet)
    assert documents.worker.asked["set_folder"] == []
    click(qtbot, sheet, "collection_settings_save")
    stored = documents.asked("set_folder")
    assert stored == {
        "collection": "Work",
        "path": WIRE,
        "include": ("*.pdf",),
        "exclude": ("Private", "old/**"),
        "watched": None,
    }
    assert documents.asked("changes") == {"collection": "Work"}
    assert not sheet.isVisible()


def test_a_wrong_pattern_gets_its_sentence_and_can_not_be_saved(
    documents: Documents, sheet: SettingsSheet, qtbot: QtBot
) -> None:
    documents.worker.wrong_pattern = "The pattern a[b has an open bracket."
    qtbot.keyClicks(find(sheet, QLineEdit, "collection_include_field"), "a[b")
    qtbot.waitUntil(lambda: "The pattern a[b has an open bracket. Nothing was changed." in shown_text(sheet))
    assert not find(sheet, Button, "collection_settings_save").isEnabled()
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_the_switch_takes_effect_at_once(documents: Documents, sheet: SettingsSheet) -> None:
    find(sheet, Switch, "collection_settings_watch").click()
    asked = documents.asked("set_folder")
    assert (asked["path"], asked["watched"]) == (WIRE, False)
