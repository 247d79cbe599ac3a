"""The switches for tools in the settings of a chat."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_llm.conversation.tools import TOOLS, tools_of
from desktop_llm.gui.chat.settings.tools import ToolSettings
from tests.gui.samples import a_chat, find, heard, nameless


def test_tools_are_off_then_all_on_and_each_can_be_left_out(qtbot: QtBot) -> None:
    part = ToolSettings()
    qtbot.addWidget(part)
    part.resize(360, 300)
    part.show()
    part.show_tools(a_chat("a").tools)
    all_tools, calculator = find(part, "chat_settings_tools"), find(part, "chat_settings_tool_calculator")
    assert not all_tools.isChecked()
    assert not calculator.isEnabled()
    changed = heard(part.changed)
    qtbot.mouseClick(all_tools, Qt.MouseButton.LeftButton)
    assert tools_of(a_chat("a", tools=changed[-1])) == TOOLS
    qtbot.mouseClick(calculator, Qt.MouseButton.LeftButton)
    assert "calculator" not in tools_of(a_chat("a", tools=changed[-1]))
    qtbot.mouseClick(all_tools, Qt.MouseButton.LeftButton)
    assert tools_of(a_chat("a", tools=changed[-1])) == ()
    assert not calculator.isChecked(), "it keeps its own switch"
    assert nameless(part) == []


def test_a_set_form_of_the_answers_is_said_to_leave_no_room_for_tools(qtbot: QtBot) -> None:
    part = ToolSettings()
    qtbot.addWidget(part)
    part.show()
    note = find(part, "chat_settings_tools_form")
    part.set_form(True)
    assert not note.isVisible(), "no tool is on"
    part.show_tools({"on": True})
    assert note.isVisible()
    part.set_form(False)
    assert not note.isVisible()
