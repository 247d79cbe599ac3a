"""The settings of one chat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat_settings import ChatSettings
from tests.gui.samples import a_chat, find, heard, nameless

CHAT = a_chat(
    "a",
    system_prompt="Be brief.",
    sampling={"temperature": 0.2, "seed": 42, "top_k": 10},
    collections=("House", "chat:a"),
)


@pytest.fixture
def sheet(qtbot: QtBot) -> Iterator[ChatSettings]:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1000, 800)
    opener = QPushButton("More", window)
    window.show()
    sheet = ChatSettings(window)
    sheet.set_collections(("House", "Papers"))
    sheet.set_conversation(CHAT)
    sheet.show_below(opener)
    yield sheet
    window.close()


def test_it_shows_what_is_stored(sheet: ChatSettings) -> None:
    assert find(sheet, "chat_settings_instructions").toPlainText() == "Be brief."
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(0.2)
    assert find(sheet, "chat_settings_seed").text() == "42"
    assert find(sheet, "chat_settings_max_tokens").text() == ""
    assert find(sheet, "chat_settings_collection_0").isChecked()
    assert not find(sheet, "chat_settings_collection_1").isChecked()


def test_instructions_are_stored_once_the_typing_pauses(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    qtbot.keyClicks(find(sheet, "chat_settings_instructions"), "And kind. ")
    qtbot.waitUntil(lambda: bool(changed))
    assert changed == [{"system_prompt": "And kind. Be brief."}]


def test_instructions_typed_just_before_closing_are_stored(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    qtbot.keyClicks(find(sheet, "chat_settings_instructions"), "X")
    qtbot.keyClick(find(sheet, "chat_settings_instructions"), Qt.Key.Key_Escape)
    assert not sheet.is_open()
    assert changed == [{"system_prompt": "XBe brief."}]


def test_temperature_zero_says_what_it_means(sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    find(sheet, "chat_settings_temperature").setValue(0)
    assert find(sheet, "chat_settings_temperature_note").text() == "Always the likeliest word."
    assert changed == [{"sampling": {"temperature": 0.0, "seed": 42, "top_k": 10}}]


def test_the_usual_value_is_not_stored(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    qtbot.mouseClick(find(sheet, "chat_settings_temperature_reset"), Qt.MouseButton.LeftButton)
    assert changed == [{"sampling": {"seed": 42, "top_k": 10}}]


def test_an_empty_seed_is_random_and_letters_can_not_be_typed(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    seed = find(sheet, "chat_settings_seed")
    seed.clear()
    qtbot.keyClicks(seed, "abc")
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    assert seed.text() == ""
    assert changed == [{"sampling": {"temperature": 0.2, "top_k": 10}}]


def test_the_longest_answer_is_stored(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    field = find(sheet, "chat_settings_max_tokens")
    qtbot.keyClicks(field, "256")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert changed[-1]["sampling"]["max_tokens"] == 256


def test_ticking_a_collection_keeps_the_chat_s_own_files(sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    find(sheet, "chat_settings_collection_1").click()
    assert changed == [{"collections": ("House", "chat:a", "Papers")}]


def test_reset_puts_everything_back(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    qtbot.mouseClick(find(sheet, "chat_settings_reset"), Qt.MouseButton.LeftButton)
    assert changed == [{"system_prompt": "", "sampling": {}}]
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(0.7)


def test_a_chat_without_messages_says_that_it_has_no_settings_yet(sheet: ChatSettings) -> None:
    sheet.set_conversation(None)
    assert find(sheet, "chat_settings_not_yet").isVisible()
    assert not find(sheet, "chat_settings_instructions").isVisible()


def test_everything_in_the_sheet_has_a_name(sheet: ChatSettings) -> None:
    assert not nameless(sheet)
