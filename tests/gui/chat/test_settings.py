"""The settings of one chat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtWidgets import QPushButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.settings import ChatSettings
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
    assert find(sheet, "setting_seed").text() == "42"
    assert find(sheet, "setting_max_tokens").text() == ""
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


def everything(sheet: ChatSettings) -> None:
    find(sheet, "chat_settings_level", QTabBar).setCurrentIndex(1)


def shown_rows(sheet: ChatSettings) -> list[str]:
    rows = sheet.findChildren(QWidget, QRegularExpression("^setting_.*_row$"))
    return [row.objectName() for row in rows if row.isVisible()]


def click(qtbot: QtBot, sheet: ChatSettings, name: str) -> None:
    qtbot.mouseClick(find(sheet, name), Qt.MouseButton.LeftButton)


def test_temperature_zero_says_what_it_means_and_what_it_makes_idle(sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    find(sheet, "chat_settings_temperature").setValue(0)
    assert find(sheet, "chat_settings_temperature_note").text() == "Always the likeliest word."
    assert changed == [{"sampling": {"temperature": 0.0, "seed": 42, "top_k": 10}}]
    assert find(sheet, "setting_top_p_note").text() == "Temperature is 0"
    assert not find(sheet, "setting_top_p").isEnabled()
    assert find(sheet, "setting_repeat_penalty").isEnabled()
    find(sheet, "chat_settings_temperature").setValue(0.5)
    assert find(sheet, "setting_top_p").isEnabled()
    assert find(sheet, "setting_top_p_note").text() == "the likely share"


def test_the_preset_s_value_is_not_stored(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    click(qtbot, sheet, "chat_settings_temperature_reset")
    assert changed == [{"sampling": {"seed": 42, "top_k": 10}}]


def test_an_empty_seed_is_random_and_letters_can_not_be_typed(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    changed = heard(sheet.changed)
    seed = find(sheet, "setting_seed")
    seed.clear()
    qtbot.keyClicks(seed, "abc")
    qtbot.keyClick(seed, Qt.Key.Key_Return)
    assert seed.text() == ""
    assert changed == [{"sampling": {"temperature": 0.2, "top_k": 10}}]


def test_the_longest_answer_is_stored(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    changed = heard(sheet.changed)
    field = find(sheet, "setting_max_tokens")
    qtbot.keyClicks(field, "256")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert changed[-1]["sampling"]["max_tokens"] == 256


def test_ticking_a_collection_keeps_the_chat_s_own_files(sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    find(sheet, "chat_settings_collection_1").click()
    assert changed == [{"collections": ("House", "chat:a", "Papers")}]


def test_the_usual_values_are_those_of_the_model_s_makers(qtbot: QtBot, sheet: ChatSettings) -> None:
    sheet.set_presets({}, "", {"temperature": 1.0, "top_p": 0.8}, "Tiny")
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(0.2), "what was chosen stays"
    assert find(sheet, "setting_top_p").value() == pytest.approx(0.8)
    changed = heard(sheet.changed)
    click(qtbot, sheet, "chat_settings_temperature_reset")
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(1.0)
    assert changed == [{"sampling": {"seed": 42, "top_k": 10}}]


def test_all_changes_are_undone_and_can_be_brought_back(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    assert find(sheet, "preset_state").text() == "Balanced, 3 values changed"
    assert find(sheet, "chat_settings_undo_all").text() == "Undo 3 changes"
    click(qtbot, sheet, "chat_settings_undo_all")
    assert changed == [{"sampling": {}}]
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(0.7)
    assert find(sheet, "chat_settings_undo_all").text() == "Bring the changes back"
    click(qtbot, sheet, "chat_settings_undo_all")
    assert changed[-1] == {"sampling": CHAT.sampling}
    assert find(sheet, "chat_settings_undo_all").text() == "Undo 3 changes"


def test_a_changed_row_has_an_undo_that_delete_on_its_name_presses_too(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    row = find(sheet, "setting_top_k_row")
    assert row.name.accessibleName() == "Top-k, changed"
    assert row.undo.toolTip() == "Preset: 40"
    changed = heard(sheet.changed)
    qtbot.keyClick(row.name, Qt.Key.Key_Delete)
    assert changed == [{"sampling": {"temperature": 0.2, "seed": 42}}]
    assert row.name.accessibleName() == "Top-k"
    assert not row.undo.isVisible()


def test_a_value_that_turns_a_sampler_off_reads_off_and_can_be_typed(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    field = find(sheet, "setting_top_k")
    changed = heard(sheet.changed)
    field.selectAll()
    qtbot.keyClicks(field, "off")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "off"
    assert changed[-1]["sampling"]["top_k"] == 0
    assert find(sheet, "setting_top_n_sigma").text() == "off"
    assert find(sheet, "setting_xtc_threshold_note").text() == "XTC chance is off"


def test_a_setting_is_found_by_a_plain_word_or_an_engineer_s_term(qtbot: QtBot, sheet: ChatSettings) -> None:
    qtbot.keyClick(sheet, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    field = find(sheet, "setting_find")
    qtbot.keyClicks(field, "nucleus")
    assert shown_rows(sheet) == ["setting_top_p_row"]
    field.clear()
    qtbot.keyClicks(field, "daring")
    assert shown_rows(sheet) == ["setting_temperature_row", "setting_dynamic_temperature_row"]
    field.clear()
    qtbot.keyClicks(field, "colour")
    assert shown_rows(sheet) == []
    assert find(sheet, "setting_none_found").isVisible()
    field.clear()
    click(qtbot, sheet, "setting_only_changed")
    assert shown_rows(sheet) == ["setting_temperature_row", "setting_top_k_row", "setting_seed_row"]


def test_what_else_is_kept_with_the_sampling_stays(qtbot: QtBot, sheet: ChatSettings) -> None:
    sheet.set_conversation(a_chat("a", sampling={"temperature": 0.2, "tools": True, "thinking": "short"}))
    changed = heard(sheet.changed)
    click(qtbot, sheet, "preset_creative")
    click(qtbot, sheet, "preset_balanced")
    find(sheet, "chat_settings_temperature").setValue(0.5)
    click(qtbot, sheet, "chat_settings_undo_all")
    kept = [(each["sampling"].get("tools"), each["sampling"].get("thinking")) for each in changed]
    assert kept == [(True, "short")] * 4


def test_a_preset_takes_the_place_of_what_the_chat_had_itself(qtbot: QtBot, sheet: ChatSettings) -> None:
    changed = heard(sheet.changed)
    click(qtbot, sheet, "preset_creative")
    assert changed == [{"sampling": {"seed": 42, "preset": "Creative"}}]
    assert find(sheet, "chat_settings_temperature").value() == pytest.approx(1.1)
    assert find(sheet, "preset_state").text() == "Creative, 1 value changed", "the seed is the chat's own"
    find(sheet, "chat_settings_temperature").setValue(0.9)
    assert changed[-1] == {"sampling": {"seed": 42, "preset": "Creative", "temperature": 0.9}}
    click(qtbot, sheet, "preset_balanced")
    assert changed[-1] == {"sampling": {"seed": 42}}


def test_a_preset_is_saved_under_a_name_that_is_free(qtbot: QtBot, sheet: ChatSettings) -> None:
    saved, changed = heard(sheet.preset_saved), heard(sheet.changed)
    click(qtbot, sheet, "chat_settings_save_preset")
    name = find(sheet, "preset_name")
    qtbot.keyClicks(name, "precise")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert "There is a preset precise already." in find(sheet, "preset_name_problem").text()
    name.clear()
    qtbot.keyClicks(name, " Letters ")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert saved == [("Letters", {"temperature": 0.2, "top_k": 10})]
    assert changed[-1] == {"sampling": {"seed": 42, "preset": "Letters"}}


def test_stop_strings_are_added_and_removed(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    changed = heard(sheet.changed)
    click(qtbot, sheet, "setting_stop_add")
    field = find(sheet, "setting_stop")
    qtbot.keyClicks(field, "\\nUser:")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert changed[-1]["sampling"]["stop"] == ["\nUser:"]
    find(sheet, "setting_stop_0").click()
    assert "stop" not in changed[-1]["sampling"]


def test_the_order_of_the_samplers_is_changed_by_keys(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    order = find(sheet, "setting_order")
    order.setCurrentRow(8)
    changed = heard(sheet.changed)
    qtbot.keyClick(order, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert changed[-1]["sampling"]["order"][-2:] == ["temperature", "xtc"]
    find(sheet, "setting_order_undo").click()
    assert "order" not in changed[-1]["sampling"]


def test_a_form_is_checked_while_typing_and_the_last_valid_one_stays(qtbot: QtBot, sheet: ChatSettings) -> None:
    everything(sheet)
    changed = heard(sheet.changed)
    find(sheet, "answer_form", QTabBar).setCurrentIndex(1)
    text, state = find(sheet, "answer_form_text"), find(sheet, "answer_form_state")
    schema = '{"properties":\n {"months": {"type": "integer"}}}'
    text.setPlainText(schema)
    qtbot.waitUntil(lambda: bool(changed))
    assert state.text() == "Valid, 1 field. Answers can't break it."
    assert changed[-1]["sampling"]["json_schema"] == schema
    text.setPlainText(schema[:-1])
    qtbot.waitUntil(lambda: find(sheet, "answer_form_line").isVisible())
    assert state.text() == (
        "Line 2: A bracket is missing: the text ends too early. The last valid schema is still used."
    )
    assert len(changed) == 1
    click(qtbot, sheet, "answer_form_line")
    assert text.textCursor().selectedText().startswith(" {")
    find(sheet, "answer_form", QTabBar).setCurrentIndex(0)
    assert changed[-1] == {"sampling": CHAT.sampling}


def test_a_chat_without_messages_says_that_it_has_no_settings_yet(sheet: ChatSettings) -> None:
    sheet.set_conversation(None)
    assert find(sheet, "chat_settings_not_yet").isVisible()
    assert not find(sheet, "chat_settings_instructions").isVisible()


def test_everything_in_the_sheet_has_a_name(sheet: ChatSettings) -> None:
    assert not nameless(sheet)
