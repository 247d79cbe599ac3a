"""The small widgets, as a person meets them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look.layouts import FlowLayout
from desktop_llm.gui.look.widgets import (
    Action,
    Banner,
    Button,
    ElidedLabel,
    EmptyState,
    IconButton,
    Label,
    Meter,
    Pill,
    PrimaryButton,
    SearchField,
    Switch,
    Tick,
    UndoBar,
)


def test_a_button_is_pressed_by_mouse_space_and_enter(qtbot: QtBot) -> None:
    button = Button("Pause", "pause", object_name="pause")
    qtbot.addWidget(button)
    presses: list[str] = []
    button.clicked.connect(lambda: presses.append("pressed"))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    qtbot.keyClick(button, Qt.Key.Key_Return)
    assert len(presses) == 3


def test_an_ampersand_on_a_button_is_an_ampersand(qtbot: QtBot) -> None:
    button = Button("House & lease")
    qtbot.addWidget(button)
    assert button.text() == button.accessibleName() == "House & lease"
    assert button.shortcut().isEmpty()


@pytest.mark.parametrize("kind", [Button, PrimaryButton, Switch, Tick])
def test_a_click_leaves_no_focus_on_controls(qtbot: QtBot, kind: type[Button | Switch | Tick]) -> None:
    widget = kind("Words")
    qtbot.addWidget(widget)
    assert widget.focusPolicy() == Qt.FocusPolicy.TabFocus


def test_an_icon_button_says_what_it_is(qtbot: QtBot) -> None:
    button = IconButton("copy", "Copy", "Copy (C)", object_name="message_copy")
    qtbot.addWidget(button)
    assert (button.objectName(), button.accessibleName(), button.toolTip()) == ("message_copy", "Copy", "Copy (C)")


def test_clicking_the_words_of_a_switch_turns_it(qtbot: QtBot) -> None:
    switch = Switch("Offline")
    qtbot.addWidget(switch)
    switch.resize(switch.sizeHint())
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton, pos=switch.rect().center())
    assert switch.isChecked()


def test_text_from_outside_is_never_markup(qtbot: QtBot) -> None:
    label = Label("<b>bold</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_a_cut_name_is_whole_in_its_tooltip(qtbot: QtBot) -> None:
    label = ElidedLabel("A very long name of a file that does not fit.pdf", mode=Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.grab()
    assert label.toolTip() == label.text()


def test_a_full_meter_is_a_full_bar_however_much_is_used(qtbot: QtBot) -> None:
    meter = Meter(accessible_name="Context")
    qtbot.addWidget(meter)
    meter.set_amount(20_000, 16_384)
    assert meter.fraction() == 1.0
    meter.set_amount(5, 0)
    assert meter.fraction() == 0.0


def test_a_pill_tells_its_state_in_words(qtbot: QtBot) -> None:
    pill = Pill("Fits", "success", "check")
    qtbot.addWidget(pill)
    pill.set_state("Too big", "danger", "x")
    assert pill.accessibleName() == pill.text() == "Too big"


def test_search_is_told_once_typing_pauses_and_esc_empties_the_field(qtbot: QtBot) -> None:
    field = SearchField("Search chats", object_name="chat_list_search")
    qtbot.addWidget(field)
    with qtbot.waitSignal(field.search_changed) as told:
        qtbot.keyClicks(field, "lease")
    assert told.args == ["lease"]
    with qtbot.waitSignal(field.search_changed) as told:
        qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert told.args == [""]


def test_a_banner_sends_the_name_of_the_action_pressed(qtbot: QtBot) -> None:
    banner = Banner("It stopped.", "Everything is kept.", (Action("continue", "Continue", kind="primary"),))
    banner.setObjectName("banner")
    qtbot.addWidget(banner)
    button = next(child for child in banner.findChildren(Button) if child.text() == "Continue")
    with qtbot.waitSignal(banner.action_triggered) as sent:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert sent.args == ["continue"]
    assert banner.accessibleName() == "It stopped. Everything is kept."


def test_an_empty_state_offers_what_to_do(qtbot: QtBot) -> None:
    state = EmptyState("cube", "Choose a model", "A model is one file.", (Action("open", "Open a file…"),))
    qtbot.addWidget(state)
    with qtbot.waitSignal(state.action_triggered) as sent:
        qtbot.mouseClick(state.findChild(Button), Qt.MouseButton.LeftButton)
    assert sent.args == ["open"]


def test_undo_is_offered_and_then_gone(qtbot: QtBot) -> None:
    pane = QWidget()
    qtbot.addWidget(pane)
    pane.resize(500, 400)
    bar = UndoBar(pane)
    pane.show()
    bar.show_message("Chat moved to trash.")
    assert bar.isVisible()
    assert bar.geometry().bottom() == 400 - 16 - 1
    with qtbot.waitSignal(bar.undo_requested):
        qtbot.mouseClick(bar.findChild(Button, "undo_bar_undo"), Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_only_an_undo_that_is_offered_on_screen_is_done_by_its_key(qtbot: QtBot) -> None:
    pane = QWidget()
    qtbot.addWidget(pane)
    bar = UndoBar(pane)
    pane.show()
    assert not bar.undo()
    bar.show_message("Saved.", undo=False)
    assert not bar.undo()
    bar.show_message("Chat moved to trash.")
    with qtbot.waitSignal(bar.undo_requested):
        assert bar.undo()
    assert not bar.isVisible()


def test_a_second_undo_message_closes_the_first(qtbot: QtBot) -> None:
    pane = QWidget()
    qtbot.addWidget(pane)
    bar = UndoBar(pane)
    pane.show()
    bar.show_message("First.")
    with qtbot.waitSignal(bar.closed):
        bar.show_message("Second.")
    assert bar.message() == "Second."


def test_a_flow_breaks_into_rows_when_it_is_narrow(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    flow = FlowLayout(holder)
    for name in ("one", "two", "three"):
        flow.addWidget(Button(name))
    wide, narrow = flow.heightForWidth(1000), flow.heightForWidth(100)
    assert narrow > 2 * wide


def test_a_column_of_widgets_repaints_in_the_dark(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    for widget in (Button("A", "copy"), Switch("S"), Tick("T"), Pill("P"), Meter(), Banner("B")):
        column.addWidget(widget)
    assert not holder.grab().isNull()
