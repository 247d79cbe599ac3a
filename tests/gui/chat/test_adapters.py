"""The adapters in the settings of a chat: what each row shows, and what a person can do with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QSlider
from pytestqt.qtbot import QtBot

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.chats.store import ChatStore
from desktop_llm.gui.chat.adapters.mix import AdapterRow, rows_of
from desktop_llm.gui.chat.adapters.rows import AdapterRows
from desktop_llm.gui.chat.feed import view_of
from desktop_llm.gui.look.widgets import Switch
from desktop_llm.message import Text
from desktop_llm.models.library import Library
from desktop_llm.models.library.adapters import take_in
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import folders
from tests.gui.samples import find, heard
from tests.models.adapter_files import adapter, base_model

HAPPY = AdapterRow(ChatAdapter("happy", "Happy tone", 0.7), "LoRA, 41 MB, for Qwen3 8B")
FORMAL = AdapterRow(ChatAdapter("formal", "Formal", 1.0, on=False), "LoRA, 87 MB, for Qwen3 8B")
GERMAN = AdapterRow(ChatAdapter("german", "Legal German", 0.4), unusable="for Gemma 3 4B, not this model")
Q = "blk.0.attn_q.weight"


@pytest.fixture
def rows(qtbot: QtBot) -> AdapterRows:
    widget = AdapterRows()
    qtbot.addWidget(widget)
    widget.resize(364, 400)
    widget.show()
    return widget


def mix(qtbot: QtBot, mixes: list[tuple[ChatAdapter, ...]], count: int = 1) -> dict[str, tuple[float, bool]]:
    """The mix that was told last, once so many were told."""
    qtbot.waitUntil(lambda: len(mixes) == count)
    return {one.id: (one.scale, one.on) for one in mixes[-1]}


def test_a_switch_and_a_slider_change_the_mix_and_what_is_off_keeps_its_number(qtbot: QtBot, rows: AdapterRows) -> None:
    rows.show_rows([HAPPY, FORMAL])
    mixes = heard(rows.changed)
    qtbot.mouseClick(find(rows, "chat_adapter_1", Switch), Qt.MouseButton.LeftButton)
    assert mix(qtbot, mixes) == {"happy": (0.7, False)}
    assert not find(rows, "chat_adapter_1_scale", QDoubleSpinBox).isEnabled()
    qtbot.mouseClick(find(rows, "chat_adapter_2", Switch), Qt.MouseButton.LeftButton)
    assert mix(qtbot, mixes, 2) == {"happy": (0.7, False), "formal": (1.0, True)}
    slider = find(rows, "chat_adapter_2_scale_slider", QSlider)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert mix(qtbot, mixes, 3) == {"happy": (0.7, False), "formal": (0.0, True)}


def test_one_for_another_model_says_why_and_can_only_be_switched_off(qtbot: QtBot, rows: AdapterRows) -> None:
    rows.show_rows([GERMAN, HAPPY])
    assert find(rows, "chat_adapter_2_reason", QLabel).text() == "for Gemma 3 4B, not this model"
    mixes = heard(rows.changed)
    switch = find(rows, "chat_adapter_2", Switch)
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert mix(qtbot, mixes) == {"happy": (0.7, True), "german": (0.4, False)}
    assert not switch.isEnabled()


def test_a_change_a_moment_before_the_panel_closes_is_told(qtbot: QtBot, rows: AdapterRows) -> None:
    rows.show_rows([HAPPY])
    mixes = heard(rows.changed)
    find(rows, "chat_adapter_1_scale", QDoubleSpinBox).setValue(1.25)
    rows.hide()
    assert mix(qtbot, mixes) == {"happy": (1.25, True)}


def test_without_adapters_it_says_what_one_is(rows: AdapterRows) -> None:
    rows.show_rows([])
    assert find(rows, "chat_adapters_none", QLabel).isVisible()


def test_the_rows_tell_what_is_here_and_what_the_chosen_model_can_use(home: Path, tmp_path: Path) -> None:
    library = Library(folders(home), Places(tmp_path, {}))
    model = library.import_file(base_model(tmp_path / "tiny.gguf")).model
    take_in(library, adapter(tmp_path / "cheerful.gguf", {Q: (16, 8)}))
    other = {"general.name": "SQL", "general.base_model.0.name": "Gemma 3 4B"}
    take_in(library, adapter(tmp_path / "sql.gguf", {Q: (64, 8)}, entries=other))
    chosen = ChatAdapter("cheerful", "Cheerful", 0.3)
    cheerful, sql, gone = rows_of(library, model, [chosen, ChatAdapter("gone", "Gone", 1.0)])
    assert (cheerful.adapter, cheerful.unusable) == (chosen, "")
    assert cheerful.about.startswith("LoRA, ")
    assert cheerful.about.endswith(", for Tiny")
    assert (sql.adapter.on, sql.unusable) == (False, "for Gemma 3 4B, not this model")
    assert gone.unusable == "not here any more"


def test_an_answer_tells_its_mix_in_its_details_and_what_it_had_to_do_without(tmp_path: Path) -> None:
    gone = ChatAdapter("gone", "Gone", 1.0, problem="Gone was removed.")
    with ChatStore(tmp_path / "chats.db") as store:
        chat = store.create()
        question = store.add(chat.id, None, "user", [Text("How are you?")])
        stored = store.add(
            chat.id, question.id, "assistant", [Text("Fine!")], model_name="Qwen3 8B", adapters=(HAPPY.adapter, gone)
        )
    view = view_of(stored)
    assert view.foot_tip == "Qwen3 8B\nwith Happy tone 0.70"
    assert (view.notice, view.notice_text) == ("Gone was removed.", "The chat goes on without it.")
