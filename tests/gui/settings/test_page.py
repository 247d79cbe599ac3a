"""The Settings page: every change takes effect at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTabBar
from pytestqt.qtbot import QtBot

from desktop_llm.gui.settings.page import SettingsPage
from desktop_llm.paths import Folders
from desktop_llm.settings import Settings
from tests.gui.samples import find, heard, nameless


@pytest.fixture
def page(qtbot: QtBot) -> SettingsPage:
    page = SettingsPage()
    qtbot.addWidget(page)
    page.resize(900, 900)
    page.set_settings(Settings())
    page.set_folders(Folders(Path("/home/a/data"), Path("/home/a/models"), Path("/home/a/cache"), Path("/home/a/logs")))
    page.show()
    return page


def type_number(qtbot: QtBot, page: SettingsPage, name: str, number: str) -> None:
    field = find(page, name)
    field.selectAll()
    qtbot.keyClicks(field, number)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def test_a_click_chooses_the_theme(qtbot: QtBot, page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    tabs = find(page, "settings_theme", QTabBar)
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(2).center())
    assert changed == [Settings(theme="dark")]


def test_the_sample_shows_the_reading_size(qtbot: QtBot, page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    before = find(page, "settings_sample").font().pixelSize()
    type_number(qtbot, page, "settings_reading_size", "200")
    assert changed == [Settings(reading_scale=2.0)]
    assert find(page, "settings_sample").font().pixelSize() == 2 * before


def test_the_context_length_is_kept_and_its_reset_leaves_it_to_the_app(qtbot: QtBot, page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    type_number(qtbot, page, "settings_context_length", "4096")
    qtbot.mouseClick(find(page, "settings_context_length_reset"), Qt.MouseButton.LeftButton)
    assert changed == [Settings(context_length=4096), Settings()]


def test_threads_are_the_app_s_choice_until_they_are_set(qtbot: QtBot, page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    assert not find(page, "settings_threads").isVisible()
    find(page, "settings_own_threads").click()
    type_number(qtbot, page, "settings_threads", "1")
    assert changed[-1] == Settings(threads=1)
    find(page, "settings_own_threads").click()
    assert changed[-1] == Settings()


def test_settings_from_elsewhere_are_shown_and_not_sent_back(page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    page.set_settings(Settings(theme="dark", reading_scale=1.27, threads=2, context_length=2048))
    assert find(page, "settings_theme", QTabBar).currentIndex() == 2
    assert find(page, "settings_reading_size").value() == 127
    assert find(page, "settings_context_length").text() == "2,048"
    assert changed == []


def test_the_collection_for_dropped_documents_can_be_chosen(page: SettingsPage) -> None:
    changed = heard(page.settings_changed)
    page.set_collections(("House", "Papers"))
    select = find(page, "settings_default_collection")
    assert [select.itemText(row) for row in range(select.count())] == ["My documents", "House", "Papers"]
    select.setCurrentIndex(1)
    select.activated.emit(1)
    assert changed == [replace(Settings(), default_collection="House")]


def test_each_folder_can_be_opened(qtbot: QtBot, page: SettingsPage) -> None:
    opened = heard(page.show_folder_requested)
    for name in ("data", "models", "cache", "logs"):
        find(page, f"settings_open_{name}").click()
    assert opened == ["/home/a/data", "/home/a/models", "/home/a/cache", "/home/a/logs"]


def test_everything_on_the_page_has_a_name(page: SettingsPage) -> None:
    assert not nameless(page)
