"""The model menu, as a person uses it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QListView, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import LoadSettings
from desktop_llm.gui.model_button import ModelButton
from desktop_llm.gui.model_menu import ModelMenu
from desktop_llm.gui.model_words import size_word
from tests.gui.samples import a_model, find, heard, loaded, nameless

STARTER = a_model()
CODER = a_model("qwen-coder", name="Qwen2.5 Coder", quantization="Q6_K", context_length=32_768)
BIG = a_model("mistral", name="Mistral Small", quantization="Q3_K_M")


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1280, 800)
    button = QPushButton("Model", window)
    button.setObjectName("opener")
    button.move(320, 8)
    window.show()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    return window


@pytest.fixture
def menu(window: QWidget) -> ModelMenu:
    menu = ModelMenu(window)
    menu.set_models((STARTER, CODER, BIG))
    menu.set_chosen(STARTER.id)
    menu.show_below(find(window, "opener"))
    return menu


def shown(menu: ModelMenu) -> list[str]:
    model = find(menu, "model_menu_list", QListView).model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_typing_at_once_narrows_the_models(qtbot: QtBot, menu: ModelMenu) -> None:
    assert menu.search.hasFocus()
    qtbot.keyClicks(menu.search, "coder q6")
    assert shown(menu) == ["Qwen2.5 Coder"]
    qtbot.keyClicks(menu.search, "zzz")
    assert shown(menu) == []
    assert "zzz" in find(menu, "model_menu_nothing").text()


def test_arrows_move_and_enter_loads_while_the_search_keeps_the_focus(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    assert menu.search.hasFocus()
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert asked == [("qwen-coder", LoadSettings())]
    assert not menu.is_open()


def test_a_click_loads(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    view = find(menu, "model_menu_list", QListView)
    place = view.visualRect(view.model().index(2, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [model_id for model_id, _ in asked] == ["mistral"]


def test_rows_say_name_size_and_quantization(menu: ModelMenu) -> None:
    view = find(menu, "model_menu_list", QListView)
    spoken = view.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "SmolLM2 135M Balanced, 98 MB, Q4_1, came with this app, chosen"


def test_a_loading_model_counts_and_can_be_cancelled(qtbot: QtBot, menu: ModelMenu) -> None:
    cancelled = heard(menu.cancel_requested)
    menu.set_loading("qwen-coder", 0.64)
    assert find(menu, "model_in_use_state").text() == "Loading, 64 %"
    assert "Qwen2.5 Coder" not in shown(menu)
    button = find(menu, "model_in_use_action")
    assert button.accessibleName() == "Cancel, Qwen2.5 Coder"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(cancelled) == 1


def test_a_loaded_model_can_be_unloaded(qtbot: QtBot, menu: ModelMenu) -> None:
    unloaded = heard(menu.unload_requested)
    menu.set_loaded(STARTER.id, loaded(STARTER))
    assert find(menu, "model_in_use_state").text() == "Loaded, CPU, 2 threads"
    qtbot.mouseClick(find(menu, "model_in_use_action"), Qt.MouseButton.LeftButton)
    assert len(unloaded) == 1
    menu.set_loaded(None, None)
    assert not find(menu, "model_in_use").isVisible()
    assert "SmolLM2 135M" in shown(menu)


def test_a_failed_model_says_why_until_something_else_is_loaded(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    menu.set_failed("mistral", "This model file is damaged: it ends too early.")
    menu.set_loaded(None, None)
    assert find(menu, "model_in_use_state").text() == "This model file is damaged: it ends too early."
    qtbot.mouseClick(find(menu, "model_in_use_action"), Qt.MouseButton.LeftButton)
    assert [model_id for model_id, _ in asked] == ["mistral"]


def test_a_failed_model_that_is_removed_is_spoken_of_no_more(menu: ModelMenu) -> None:
    menu.set_failed("mistral", "This model file is damaged: it ends too early.")
    menu.set_models((STARTER, CODER))
    assert not find(menu, "model_in_use").isVisible()


def test_load_again_uses_the_typed_numbers(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    menu.set_loaded(STARTER.id, loaded(STARTER, 8192))
    field = find(menu, "load_context")
    assert not find(menu, "load_reset").isEnabled()
    field.selectAll()
    qtbot.keyClicks(field, "2048")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert find(menu, "load_reset").isEnabled()
    qtbot.mouseClick(find(menu, "load_again"), Qt.MouseButton.LeftButton)
    assert asked == [(STARTER.id, LoadSettings(context_length=2048))]


def test_reset_leaves_the_numbers_to_the_app_again(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    find(menu, "load_context").setValue(1024)
    qtbot.mouseClick(find(menu, "load_reset"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(find(menu, "load_again"), Qt.MouseButton.LeftButton)
    assert asked == [(STARTER.id, LoadSettings())]


def test_the_context_can_not_be_longer_than_the_model_allows(menu: ModelMenu) -> None:
    field = find(menu, "load_context")
    field.setValue(1_000_000)
    assert field.value() == STARTER.context_length


def test_right_goes_to_the_load_settings(qtbot: QtBot, menu: ModelMenu) -> None:
    qtbot.keyClick(menu.search, Qt.Key.Key_Right)
    assert find(menu, "load_context").hasFocus()


def test_esc_closes_and_gives_the_focus_back(qtbot: QtBot, window: QWidget, menu: ModelMenu) -> None:
    qtbot.keyClicks(menu.search, "q")
    qtbot.keyClick(menu.search, Qt.Key.Key_Escape)
    assert menu.is_open(), "the first Esc empties the search"
    qtbot.keyClick(menu.search, Qt.Key.Key_Escape)
    assert not menu.is_open()
    assert find(window, "opener").hasFocus()


def test_a_click_beside_the_menu_closes_it(qtbot: QtBot, menu: ModelMenu) -> None:
    ground = menu.parentWidget()
    qtbot.mouseClick(ground, Qt.MouseButton.LeftButton, pos=QPoint(1200, 780))
    assert not menu.is_open()


def test_tab_stays_inside_the_menu(qtbot: QtBot, window: QWidget, menu: ModelMenu) -> None:
    for _ in range(12):
        focused = window.focusWidget()
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        assert menu.isAncestorOf(window.focusWidget())


def test_the_model_button_looks_pressed_while_the_menu_is_open(qtbot: QtBot, window: QWidget) -> None:
    button, menu = ModelButton(window), ModelMenu(window)
    button.show()
    for _ in range(2):
        menu.show_below(button)
        assert button.is_open()
        menu.close_popup()
        assert not button.is_open()


def test_open_a_file_asks_for_an_import(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.import_requested)
    qtbot.mouseClick(find(menu, "model_menu_import"), Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    assert not menu.is_open()


def test_it_fits_into_the_smallest_window(window: QWidget, menu: ModelMenu) -> None:
    window.resize(640, 480)
    inner = menu.geometry().adjusted(12, 12, -12, -12)
    assert window.rect().contains(inner)


def test_everything_in_the_menu_has_a_name(menu: ModelMenu) -> None:
    menu.set_loaded(STARTER.id, loaded(STARTER))
    assert not nameless(menu)


@pytest.mark.parametrize(
    ("quantization", "word"),
    [
        ("Q3_K_M", "Small"),
        ("IQ2_XS", "Small"),
        ("Q4_K_M", "Balanced"),
        ("Q6_K", "Large"),
        ("Q8_0", "Largest"),
        ("BF16", "Full"),
        ("MXFP4", "MXFP4"),
        ("", ""),
    ],
)
def test_quantizations_have_a_plain_word(quantization: str, word: str) -> None:
    assert size_word(quantization) == word
