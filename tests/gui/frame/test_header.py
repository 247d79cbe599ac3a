"""The header, as a person reads and uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import Loading
from desktop_llm.errors import UserError
from desktop_llm.gui.frame.header import Header, width_class
from desktop_llm.gui.frame.network_state import Kind
from tests.gui.samples import a_model, find, heard, loaded, nameless

QWEN = a_model("qwen3", name="Qwen3 8B", quantization="Q4_K_M")
SMALL = a_model(quantization="Q4_K_M")


@pytest.fixture
def header(qtbot: QtBot) -> Iterator[Header]:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1280, 600)
    header = Header(window)
    header.resize(1208, 48)
    window.show()
    yield header
    window.close()


def click(qtbot: QtBot, header: Header, name: str) -> None:
    qtbot.mouseClick(find(header, name), Qt.MouseButton.LeftButton)


def test_no_model_asks_to_choose_one(header: Header) -> None:
    assert header.model_button.words() == "Choose a model"
    assert header.model_button.accessibleName() == "Choose a model"


def test_a_loaded_model_is_named_with_its_size_and_state(header: Header) -> None:
    header.show_model(QWEN)
    header.show_loaded(loaded(QWEN))
    assert header.model_button.words() == "Qwen3 8B"
    assert header.model_button.accessibleName() == "Model, Qwen3 8B Balanced, loaded"
    assert "Q4_K_M" in header.model_button.toolTip()


def test_loading_counts_up_without_moving_what_stands_beside(header: Header) -> None:
    header.show_model(QWEN)
    header.show_loaded(loaded(QWEN))
    width = header.model_button.sizeHint().width()
    header.show_loading(Loading(0.64))
    assert header.model_button.words() == "Loading 64 %"
    assert header.model_button.sizeHint().width() == width


def test_esc_on_the_button_cancels_loading(qtbot: QtBot, header: Header) -> None:
    cancelled = heard(header.load_cancel_requested)
    header.show_model(QWEN)
    header.show_loading(Loading(None))
    qtbot.keyClick(header.model_button, Qt.Key.Key_Escape)
    assert len(cancelled) == 1


def test_a_stopped_model_says_why(header: Header) -> None:
    header.show_model(QWEN)
    header.show_stopped(UserError("The model stopped because the memory ran out."))
    assert header.model_button.toolTip() == "The model stopped because the memory ran out."
    assert header.model_button.accessibleName().endswith("stopped")


def test_the_context_meter_says_how_much_is_used(header: Header) -> None:
    header.set_context(3912, 16384)
    meter = header.context_meter
    assert meter.figures() == "3,912 / 16,384"
    assert meter.accessibleName() == "Context, 3,912 of 16,384 tokens used"
    assert "12,472 are left" in meter.toolTip()


def test_a_full_context_says_what_happens_next(header: Header) -> None:
    header.set_context(15_730, 16_384)
    assert "oldest messages are left out" in header.context_meter.toolTip()


def test_without_a_loaded_model_there_is_no_meter_and_no_device(header: Header) -> None:
    header.set_context(0, 0)
    header.show_loaded(None)
    assert not header.context_meter.isVisible()
    assert not find(header, "device").isVisible()


def test_the_device_tells_how_much_is_on_the_gpu_and_a_click_on_it_why_not_more(qtbot: QtBot, header: Header) -> None:
    asked = heard(header.model_menu_requested)
    card: dict[str, Any] = {
        "device": "Radeon RX 7600",
        "backend": "cpu-zen4, vulkan",
        "layers": 36,
        "gpu_bytes": 5_600_000_000,
    }
    header.show_loaded(loaded(QWEN, gpu_layers=37, **card))
    assert find(header, "device").text() == "GPU, all layers"
    header.show_loaded(loaded(QWEN, gpu_layers=20, fallback="The free memory of the card holds 20 layers.", **card))
    assert find(header, "device").text() == "GPU, 20 of 36 layers"
    qtbot.mouseClick(find(header, "device"), Qt.MouseButton.LeftButton)
    sheet = find(header.window(), "device_sheet")
    assert find(sheet, "device_sheet_why").text() == "The free memory of the card holds 20 layers."
    assert "Device: Radeon RX 7600\nBackend: cpu-zen4, vulkan\nOn the GPU: 20 of 36 layers" in (
        sheet.accessibleDescription()
    )
    qtbot.mouseClick(find(sheet, "device_sheet_settings"), Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    assert not sheet.isVisible()


def test_a_narrow_window_folds_words_and_keeps_names(header: Header) -> None:
    header.show_model(QWEN)
    header.show_loaded(loaded(QWEN, device="CPU, 8 threads"))
    header.set_context(3912, 16384)
    header.set_width_class("medium")
    assert header.context_meter.figures() == "24 %"
    header.set_width_class("compact")
    assert header.context_meter.figures() == "24 %"
    assert find(header, "device").text() == "CPU"
    assert find(header, "device").toolTip() == "CPU, 8 threads"
    assert find(header, "list_button").isVisible()
    assert find(header, "new_chat_compact").isVisible()
    assert not find(header, "new_chat").isVisible()
    header.set_width_class("narrow")
    assert header.network_state.accessibleName() == "Network, no connections"
    assert "CPU, 8 threads" in header.model_button.toolTip()


def test_where_it_is_tight_the_size_goes_before_the_name(header: Header) -> None:
    header.show_model(SMALL)
    button = header.model_button
    assert button.shows_tag(button.sizeHint().width())
    assert not button.shows_tag(button.minimumSizeHint().width())


def test_widths_fold_at_the_breaks_of_the_grid() -> None:
    widths = {1280: "wide", 1120: "wide", 1119: "medium", 901: "medium", 900: "compact", 760: "compact", 759: "narrow"}
    assert {width: width_class(width) for width in widths} == widths


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        ("quiet", "", "Network, no connections"),
        ("active", "huggingface.co, 24 MB/s", "Network, huggingface.co, 24 MB/s"),
        ("offline", "", "Network, offline"),
        ("unreachable", "", "Network, no internet"),
    ],
)
def test_the_network_state_is_said_in_words(header: Header, kind: Kind, words: str, said: str) -> None:
    header.network_state.set_state(kind, words)
    assert header.network_state.accessibleName() == said
    assert header.network_state.toolTip()


def test_every_button_says_what_was_pressed(qtbot: QtBot, header: Header) -> None:
    for name, signal in (
        ("new_chat", header.new_chat_requested),
        ("model_button", header.model_menu_requested),
        ("panel_button", header.panel_toggled),
    ):
        said = heard(signal)
        click(qtbot, header, name)
        assert len(said) == 1, name


def test_the_more_menu_offers_a_stored_chat_what_it_can(header: Header) -> None:
    header.set_has_chat(False)
    names = ("more_rename", "more_export", "more_delete")
    assert not any(find(header, name, QAction).isEnabled() for name in names)
    header.set_has_chat(True)
    said = [heard(s) for s in (header.rename_requested, header.export_requested, header.delete_requested)]
    for name in names:
        find(header, name, QAction).trigger()
    assert [len(each) for each in said] == [1, 1, 1]


def test_other_pages_have_no_new_chat_and_no_panel_button(header: Header) -> None:
    header.set_page("models", "Models")
    assert find(header, "header_title").text() == "Models"
    assert not find(header, "new_chat").isVisible()
    assert not find(header, "panel_button").isVisible()
    assert not find(header, "more_export", QAction).isEnabled()


def test_everything_in_the_header_has_a_name(header: Header) -> None:
    assert not nameless(header)
