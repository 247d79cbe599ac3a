"""The model menu, as a person uses it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QComboBox, QListView, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import InLine, Loading, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui.frame.model_button import ModelButton
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.look.model_words import size_word
from desktop_llm.gui.models.menu.menu import ModelMenu
from desktop_llm.gui.models.menu.rows import ModelRow
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.models.gguf.shape import Shape
from tests.gui.samples import a_forecast, a_machine, a_model, find, heard, loaded, nameless

STARTER = a_model()
CODER = a_model("qwen-coder", name="Qwen2.5 Coder", quantization="Q6_K", context_length=32_768)
ACCENT = theme.Theme("light").colour("accent").name()
BIG = a_model("mistral", name="Mistral Small", quantization="Q3_K_M")
DAMAGED = UserError("This model file is damaged: it ends too early.")
PLAIN = a_model("base", name="Plain base", template="missing")


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
    menu.set_models((STARTER, CODER, BIG), {})
    menu.set_chosen(STARTER.id)
    menu.show_below(find(window, "opener"))
    return menu


def rows(menu: ModelMenu) -> list[QModelIndex]:
    model = find(menu, "model_menu_list", QListView).model()
    return [model.index(row, 0) for row in range(model.rowCount())]


def shown(menu: ModelMenu) -> list[str]:
    """The headings and names in the menu."""
    return [index.data() for index in rows(menu)]


def spoken(menu: ModelMenu, name: str) -> str:
    """The words of a screen reader for a row."""
    return next(str(row.data(Qt.ItemDataRole.AccessibleTextRole)) for row in rows(menu) if row.data() == name)


def click(qtbot: QtBot, menu: ModelMenu, name: str) -> None:
    view = find(menu, "model_menu_list", QListView)
    place = view.visualRect(next(row for row in rows(menu) if row.data() == name)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def looked_at(menu: ModelMenu) -> tuple[str, str]:
    """The marked row (or the model in use), and the model whose load settings are shown."""
    view, in_use = find(menu, "model_menu_list", QListView), find(menu, "model_in_use")
    marked = [row.data() for row in view.selectedIndexes()]
    if in_use.isVisible() and ACCENT in colours_of(in_use):
        marked.append(in_use.accessibleName().partition(",")[0])
    [one] = marked or [""]
    title = find(menu, "load_title")
    return one, title.text().removeprefix("Load settings for ") if title.isVisible() else ""


def colours_of(widget: QWidget) -> set[str]:
    """The colours at the widget's leading edge, which has the bar."""
    picture = widget.grab().toImage()
    return {picture.pixelColor(1, y).name() for y in range(picture.height())}


def press(qtbot: QtBot, menu: ModelMenu, name: str) -> None:
    qtbot.mouseClick(find(menu, name), Qt.MouseButton.LeftButton)


def type_number(qtbot: QtBot, menu: ModelMenu, name: str, number: str) -> None:
    field = find(menu, name)
    field.selectAll()
    qtbot.keyClicks(field, number)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def asked_for(requests: list[tuple[str, LoadChoice]]) -> list[tuple[str, LoadSettings]]:
    return [(model_id, choice.settings) for model_id, choice in requests]


# --- what is looked at ----------------------------------------------------------------------------------------------


def test_the_marked_model_is_the_one_whose_settings_are_shown(qtbot: QtBot, menu: ModelMenu) -> None:
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    assert looked_at(menu) == ("Mistral Small", "Mistral Small")
    menu.set_forecasts({STARTER.id: a_forecast()})
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    menu.set_models((STARTER, CODER, BIG), {})
    assert looked_at(menu) == ("Mistral Small", "Mistral Small")
    qtbot.keyClick(menu.search, Qt.Key.Key_Up)
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")


def test_typing_looks_at_the_first_match_and_clearing_at_the_model_in_use(qtbot: QtBot, menu: ModelMenu) -> None:
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    qtbot.keyClicks(menu.search, "qwen")
    assert looked_at(menu) == ("Qwen2.5 Coder", "Qwen2.5 Coder")
    menu.search.clear()
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")


def test_a_click_on_the_model_in_use_shows_its_settings(qtbot: QtBot, menu: ModelMenu) -> None:
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    qtbot.mouseClick(find(menu, "model_in_use"), Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")


def test_enter_on_the_model_in_use_loads_nothing(qtbot: QtBot, menu: ModelMenu) -> None:
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    asked = heard(menu.load_requested)
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert (asked, menu.is_open()) == ([], False)


def test_the_menu_opens_anew_on_the_model_in_use(qtbot: QtBot, window: QWidget, menu: ModelMenu) -> None:
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    menu.close_popup()
    menu.show_below(find(window, "opener"))
    assert looked_at(menu) == ("SmolLM2 135M", "SmolLM2 135M")


def test_an_open_menu_follows_its_button(window: QWidget, menu: ModelMenu) -> None:
    left = menu.mapTo(window, QPoint(0, 0)).x()
    find(window, "opener").move(220, 8)
    assert menu.mapTo(window, QPoint(0, 0)).x() == left - 100


def test_an_open_menu_follows_what_its_button_stands_in(qtbot: QtBot, window: QWidget, menu: ModelMenu) -> None:
    left, button, bar = menu.mapTo(window, QPoint(0, 0)).x(), find(window, "opener"), QWidget(window)
    button.setParent(bar)
    bar.show()
    button.show()
    menu.show_below(button)
    window.resize(1200, 800)
    bar.move(-50, 0)
    qtbot.waitUntil(lambda: menu.mapTo(window, QPoint(0, 0)).x() == left - 50)


# --- the list -------------------------------------------------------------------------------------------------------


def test_typing_at_once_narrows_the_models(qtbot: QtBot, menu: ModelMenu) -> None:
    assert menu.search.hasFocus()
    qtbot.keyClicks(menu.search, "coder q6")
    assert shown(menu) == ["All models", "Qwen2.5 Coder"]
    qtbot.keyClicks(menu.search, "zzz")
    assert shown(menu) == []
    assert "zzz" in find(menu, "model_menu_nothing").text()


def test_models_used_last_come_first_and_the_starter_last(menu: ModelMenu) -> None:
    now = time.time()
    used = (a_model("older", used_at=now - 90), a_model("newer", used_at=now))
    menu.set_models((STARTER, CODER, *used), {})
    assert shown(menu) == ["Recent", "newer", "older", "All models", "Qwen2.5 Coder", "SmolLM2 135M"]


def test_arrows_pass_over_headings_and_enter_loads_while_the_search_keeps_the_focus(
    qtbot: QtBot, menu: ModelMenu
) -> None:
    asked = heard(menu.load_requested)
    menu.set_models((STARTER, a_model("used", used_at=time.time())), {})
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    assert menu.search.hasFocus()
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert asked_for(asked) == [(STARTER.id, LoadSettings())]
    assert not menu.is_open()


def test_a_click_loads(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    click(qtbot, menu, "Mistral Small")
    assert [model_id for model_id, _ in asked] == ["mistral"]


def test_a_row_says_name_size_speed_and_whether_it_fits(menu: ModelMenu) -> None:
    menu.set_forecasts({STARTER.id: a_forecast(), BIG.id: a_forecast("too_big", memory_bytes=19_000_000_000)})
    assert spoken(menu, "SmolLM2 135M") == "SmolLM2 135M Balanced, 98 MB, about 61 tokens/s, Fits, chosen"
    assert spoken(menu, "Mistral Small") == "Mistral Small Small, 98 MB, needs 19 GB of memory, Too big"


def test_a_measured_speed_is_no_longer_about(menu: ModelMenu) -> None:
    menu.set_forecasts({STARTER.id: a_forecast(measured=True, tokens_per_s=7.24)})
    assert "7.2 tokens/s" in spoken(menu, "SmolLM2 135M")
    assert "about" not in spoken(menu, "SmolLM2 135M")


def test_a_tooltip_says_what_the_memory_is_for_and_where_the_layers_go(menu: ModelMenu) -> None:
    menu.set_forecasts({STARTER.id: a_forecast(gpu_layers=20)})
    row = next(row for row in rows(menu) if row.data() == "SmolLM2 135M")
    tip = str(row.data(Qt.ItemDataRole.ToolTipRole))
    assert "300 MB for the model, 100 MB for the context" in tip
    assert "20 of 30 layers on the GPU" in tip
    assert "forecast" in tip


def test_a_model_of_another_app_says_whose_it_is(menu: ModelMenu) -> None:
    menu.set_models((STARTER, a_model("phi", origin="ollama")), {})
    assert "Ollama" in spoken(menu, "phi")


def test_a_model_whose_file_is_gone_offers_to_get_it_again(qtbot: QtBot, menu: ModelMenu) -> None:
    asked, loads = heard(menu.get_again_requested), heard(menu.load_requested)
    gone = a_model("gone", state="missing", reason="Its file was moved or deleted.", repo="maker/gone-GGUF")
    menu.set_models((STARTER, gone), {})
    assert "Its file was moved or deleted." in spoken(menu, "gone")
    assert ModelRow(gone).line() == "The file is not there any more."  # the row cut the whole reason off
    click(qtbot, menu, "gone")
    assert asked == ["gone"]
    assert loads == []
    assert not menu.is_open()


def test_a_gone_file_of_unknown_origin_is_shown_where_it_can_be_taken_off_the_list(
    qtbot: QtBot, menu: ModelMenu
) -> None:
    asked = heard(menu.look_requested)
    menu.set_models((STARTER, a_model("gone", state="missing", reason="It is gone.")), {})
    click(qtbot, menu, "gone")
    assert asked == ["gone"]


def test_a_model_that_this_version_can_t_open_is_not_got_again(qtbot: QtBot, menu: ModelMenu) -> None:
    asked, loads = heard(menu.show_file_requested), heard(menu.load_requested)
    menu.set_models((STARTER, a_model("strange", state="unsupported", reason="Unknown.", repo="a/b")), {})
    click(qtbot, menu, "strange")
    assert (asked, loads) == (["/models/strange.gguf"], [])


def test_a_damaged_file_is_shown_not_loaded(qtbot: QtBot, menu: ModelMenu) -> None:
    asked, loads = heard(menu.show_file_requested), heard(menu.load_requested)
    menu.set_models((STARTER, a_model("broken", state="damaged", reason="It ends too early.")), {})
    menu.search.setFocus()
    qtbot.keyClicks(menu.search, "broken")
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert asked == ["/models/broken.gguf"]
    assert loads == []


# --- what is in use -------------------------------------------------------------------------------------------------


def test_a_loading_model_counts_and_can_be_cancelled(qtbot: QtBot, menu: ModelMenu) -> None:
    cancelled = heard(menu.cancel_requested)
    menu.set_states([ModelState(CODER, step=Loading(0.64))])
    assert find(menu, "model_in_use_state").text() == "Loading, 64 %"
    assert "Qwen2.5 Coder" not in shown(menu)
    assert find(menu, "model_in_use_action").accessibleName() == "Cancel, Qwen2.5 Coder"
    press(qtbot, menu, "model_in_use_action")
    assert cancelled == [CODER.id]


def test_a_loaded_model_can_be_unloaded(qtbot: QtBot, menu: ModelMenu) -> None:
    unloaded = heard(menu.unload_requested)
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    assert find(menu, "model_in_use_state").text() == "Loaded, CPU, 2 threads"
    press(qtbot, menu, "model_in_use_action")
    assert unloaded == [STARTER.id]
    menu.set_states([])
    assert not find(menu, "model_in_use").isVisible()
    assert "SmolLM2 135M" in shown(menu)


def test_several_models_in_use_stand_one_below_the_other_the_chosen_one_first(qtbot: QtBot, menu: ModelMenu) -> None:
    unloaded, asked = heard(menu.unload_requested), heard(menu.load_requested)
    menu.set_chosen(BIG.id)
    menu.set_states(
        [
            ModelState(STARTER, loaded=loaded(STARTER, memory_bytes=400_000_000)),
            ModelState(BIG, loaded=loaded(BIG, memory_bytes=9_000_000_000)),
            ModelState(CODER, step=InLine(2, for_memory=True)),
        ]
    )
    assert find(menu, "model_in_use").accessibleName() == "Mistral Small, Loaded, CPU, 2 threads, 9.0 GB"
    assert find(menu, "model_in_use_2").accessibleName() == "SmolLM2 135M, Loaded, CPU, 2 threads, 400 MB"
    assert find(menu, "model_in_use_state_3").text() == "Waiting for memory, 2nd in line"
    assert shown(menu) == []
    press(qtbot, menu, "model_in_use_action_2")
    assert unloaded == [STARTER.id]
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    assert find(menu, "load_title").text() == "Load settings for SmolLM2 135M"
    qtbot.keyClick(menu.search, Qt.Key.Key_Up)
    assert find(menu, "load_title").text() == "Load settings for Mistral Small"
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert [model_id for model_id, _ in asked] == [STARTER.id], "Enter chooses another loaded model for this chat"


def test_a_loaded_model_says_what_it_takes_and_why_not_on_the_gpu(menu: ModelMenu) -> None:
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER, gpu_bytes=6_100_000_000))])
    assert find(menu, "model_in_use_state").text() == "Loaded, using 6.1 GB of GPU memory"
    reason = "The graphics card has too little memory. Close other programs."
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER, memory_bytes=400_000_000, fallback=reason))])
    assert find(menu, "model_in_use_state").text() == f"Loaded, CPU, 2 threads, 400 MB\n{reason}"


def test_a_failed_model_says_why_and_can_be_tried_again(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    menu.set_states([ModelState(BIG, error=DAMAGED)])
    assert find(menu, "model_in_use_state").text() == "This model file is damaged: it ends too early."
    press(qtbot, menu, "model_in_use_action")
    assert [model_id for model_id, _ in asked] == ["mistral"]


def test_a_failed_model_that_is_removed_is_spoken_of_no_more(menu: ModelMenu) -> None:
    menu.set_states([ModelState(BIG, error=DAMAGED)])
    menu.set_models((STARTER, CODER), {})
    assert not find(menu, "model_in_use").isVisible()


# --- load settings --------------------------------------------------------------------------------------------------


def test_load_again_uses_the_typed_numbers(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER, 8192))])
    assert not find(menu, "load_reset").isEnabled()
    type_number(qtbot, menu, "load_context", "2048")
    assert find(menu, "load_reset").isEnabled()
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings(context_length=2048))]


def test_reset_leaves_everything_to_the_app_again(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    type_number(qtbot, menu, "load_context", "1024")
    press(qtbot, menu, "load_compressed")
    press(qtbot, menu, "load_reset")
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings())]


def test_the_context_can_not_be_longer_than_the_model_allows(menu: ModelMenu) -> None:
    field = find(menu, "load_context")
    field.setValue(1_000_000)
    assert field.value() == STARTER.context_length


def test_what_was_remembered_of_a_model_is_shown_and_used(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    remembered = LoadChoice(LoadSettings(context_length=4096, threads=1, kv_type_k="q8_0", kv_type_v="q8_0"))
    menu.set_models((STARTER, CODER), {CODER.id: remembered})
    click(qtbot, menu, "Qwen2.5 Coder")
    assert asked == [(CODER.id, remembered)]
    assert find(menu, "load_context").value() == 4096


def test_what_is_not_to_be_remembered_is_said_so(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    type_number(qtbot, menu, "load_context", "1024")
    press(qtbot, menu, "load_remember")
    press(qtbot, menu, "load_again")
    assert asked[0][1].remember is False
    assert asked[0][1].values() is None


def test_layers_on_the_gpu_can_be_chosen_where_there_is_one(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    assert not find(menu, "load_gpu_layers").isVisible()
    menu.set_machine(a_machine(gpu=True))
    assert find(menu, "load_gpu_layers").isVisible()
    type_number(qtbot, menu, "load_gpu_layers", "12")
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings(gpu_layers=12))]


def test_all_layers_include_the_output(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    menu.set_machine(a_machine(gpu=True))
    menu.set_choice_forecast(LoadChoice(), a_forecast(gpu_layers=12), a_machine(gpu=True))
    assert "12 of 30" in find(menu, "load_gpu_layers_note").text()
    type_number(qtbot, menu, "load_gpu_layers", "30")
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings(gpu_layers=31))]


def test_every_change_is_told_so_that_it_can_be_forecast(qtbot: QtBot, menu: ModelMenu) -> None:
    told = heard(menu.choice_changed)
    type_number(qtbot, menu, "load_context", "2048")
    press(qtbot, menu, "load_compressed")
    both = LoadSettings(context_length=2048, kv_type_k="q8_0", kv_type_v="q8_0")
    assert asked_for(told) == [(STARTER.id, LoadSettings(context_length=2048)), (STARTER.id, both)]


def test_the_bars_show_what_is_needed_of_what_is_free(menu: ModelMenu) -> None:
    needs = a_forecast(memory_bytes=6_000_000_000, gpu_bytes=5_600_000_000)
    menu.set_choice_forecast(LoadChoice(), needs, a_machine(gpu=True))
    assert find(menu, "load_gpu_memory_amount").text() == "5.6 GB of 7.0 GB free"
    assert find(menu, "load_main_memory_amount").text() == "400 MB of 9.0 GB free"
    assert find(menu, "load_compressed_note").text() == "8-bit KV cache, saves 47 MB"


def test_more_than_is_free_is_said_in_words(menu: ModelMenu) -> None:
    menu.set_choice_forecast(LoadChoice(), a_forecast(memory_bytes=12_000_000_000), a_machine())
    assert find(menu, "load_main_memory_amount").text() == "12 GB, only 9.0 GB free"
    assert not find(menu, "load_gpu_memory").isVisible()


def test_a_forecast_of_other_settings_is_passed_over(qtbot: QtBot, menu: ModelMenu) -> None:
    type_number(qtbot, menu, "load_context", "2048")
    menu.set_choice_forecast(LoadChoice(), a_forecast(), a_machine())
    assert not find(menu, "load_main_memory").isVisible()


def test_more_holds_threads_batch_and_flash_attention(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    assert not find(menu, "load_batch").isVisible()
    press(qtbot, menu, "load_more")
    type_number(qtbot, menu, "load_threads", "1")
    type_number(qtbot, menu, "load_batch", "1024")
    choose(find(menu, "load_flash_attention"), "On")
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings(threads=1, batch=1024, flash_attention=True))]


def test_more_holds_the_formats_of_the_kv_cache_with_the_memory_of_each(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    press(qtbot, menu, "load_more")
    menu.set_choice_forecast(LoadChoice(), a_forecast(), a_machine())
    choose(find(menu, "load_kv_keys"), "8 bits (q8_0), 27 MB")
    choose(find(menu, "load_kv_values"), "4 bits (q4_0), 14 MB")
    assert find(menu, "load_compressed").isChecked()
    menu.set_choice_forecast(LoadChoice(LoadSettings(kv_type_k="q8_0", kv_type_v="q4_0")), a_forecast(), a_machine())
    assert find(menu, "load_compressed_note").text() == "KV cache q8_0, q4_0, saves 59 MB"
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(STARTER.id, LoadSettings(kv_type_k="q8_0", kv_type_v="q4_0"))]


def test_a_longer_context_than_the_model_was_made_for_is_offered_with_its_price(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    press(qtbot, menu, "load_more")
    assert not find(menu, "load_rope_factor").isVisible()
    choose(find(menu, "load_rope_scaling"), "Longer, by YaRN")
    assert "may get worse" in find(menu, "load_rope_scaling_note").text()
    assert find(menu, "load_context").maximum() == 4 * STARTER.context_length
    type_number(qtbot, menu, "load_context", str(2 * STARTER.context_length))
    press(qtbot, menu, "load_again")
    longer = LoadSettings(context_length=2 * STARTER.context_length, rope_scaling="yarn")
    assert asked_for(asked) == [(STARTER.id, longer)]


def test_experts_can_be_kept_off_the_gpu(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    experts = replace(CODER, layers=24, shape=Shape(layers=24, experts=8))
    menu.set_models((STARTER, experts), {})
    menu.set_machine(a_machine(gpu=True))
    press(qtbot, menu, "load_more")
    assert not find(menu, "load_cpu_moe").isVisible()
    menu.set_chosen(CODER.id)
    type_number(qtbot, menu, "load_cpu_moe", "12")
    press(qtbot, menu, "load_again")
    assert asked_for(asked) == [(CODER.id, LoadSettings(cpu_moe_layers=12))]


def test_compressed_memory_and_no_flash_attention_exclude_each_other(qtbot: QtBot, menu: ModelMenu) -> None:
    told = heard(menu.choice_changed)
    press(qtbot, menu, "load_compressed")
    press(qtbot, menu, "load_more")
    choose(find(menu, "load_flash_attention"), "Off")
    press(qtbot, menu, "load_compressed")
    kinds = [(choice.settings.kv_type_v, choice.settings.flash_attention) for _, choice in told]
    assert kinds == [("q8_0", None), (None, False), ("q8_0", None)]


def test_a_model_without_a_chat_format_can_be_given_one(qtbot: QtBot, menu: ModelMenu) -> None:
    asked = heard(menu.load_requested)
    assert not find(menu, "load_chat_format").isVisible()
    menu.set_models((PLAIN,), {})
    menu.set_chosen(PLAIN.id)
    assert find(menu, "load_chat_format").isVisible()
    choose(find(menu, "load_chat_format"), "ChatML")
    press(qtbot, menu, "load_again")
    assert asked[0][1].chat_format == "ChatML"
    assert "<|im_start|>" in (asked[0][1].with_defaults(LoadSettings()).template or "")


def choose(field: QComboBox, words: str) -> None:
    at = field.findText(words)
    assert at >= 0
    field.setCurrentIndex(at)
    field.activated.emit(at)


# --- the sheet ------------------------------------------------------------------------------------------------------


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
    for _ in range(16):
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


@pytest.mark.parametrize(
    ("button", "signal"), [("model_menu_import", "import_requested"), ("model_menu_get_more", "get_more_requested")]
)
def test_the_foot_leads_to_more_models(qtbot: QtBot, menu: ModelMenu, button: str, signal: str) -> None:
    asked = heard(getattr(menu, signal))
    press(qtbot, menu, button)
    assert len(asked) == 1
    assert not menu.is_open()


def test_it_fits_into_the_smallest_window(window: QWidget, menu: ModelMenu) -> None:
    window.resize(640, 480)
    inner = menu.geometry().adjusted(12, 12, -12, -12)
    assert window.rect().contains(inner)


def test_everything_in_the_menu_has_a_name(qtbot: QtBot, menu: ModelMenu) -> None:
    menu.set_machine(a_machine(gpu=True))
    menu.set_states([ModelState(STARTER, loaded=loaded(STARTER))])
    press(qtbot, menu, "load_more")
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
        ("Q99_X", "Q99_X"),
        ("", ""),
    ],
)
def test_quantizations_have_a_plain_word(quantization: str, word: str) -> None:
    assert size_word(quantization) == word


def test_tab_goes_through_the_whole_sheet_and_round(qtbot: QtBot, menu: ModelMenu) -> None:
    first = find(menu, "model_menu_search")
    first.setFocus()
    names = []
    for _ in range(20):
        focused = menu.window().focusWidget()
        assert focused is not None
        names.append(focused.objectName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        if menu.window().focusWidget() is first:
            break
    assert {"load_context", "load_context_slider", "load_remember", "load_again"} <= set(names)
    assert len(names) == len(set(names)), "nothing is passed twice"
    qtbot.keyClick(first, Qt.Key.Key_Backtab)
    assert menu.window().focusWidget().objectName() == names[-1]


def test_only_an_open_menu_asks_for_a_forecast(window: QWidget) -> None:
    menu = ModelMenu(window)
    told = heard(menu.choice_changed)
    menu.set_models((STARTER, CODER), {})
    menu.set_chosen(CODER.id)
    assert told == []
    menu.show_below(find(window, "opener"))
    assert [model_id for model_id, _choice in told] == [CODER.id]
