"""The part of the panel that lets the model use tools in this chat: a switch for all, and one for each."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.conversation.tool_words import tool_name
from desktop_llm.conversation.tools import CALCULATE, DATE, NEEDS_DOCUMENTS, READ, SEARCH, TOOLS
from desktop_llm.gui.chat.settings.section import Section
from desktop_llm.gui.look import icons
from desktop_llm.gui.look.widgets import Label, Switch
from desktop_llm.words import tr

_ICONS = {SEARCH: "search", READ: "filetext", CALCULATE: "calculator", DATE: "clock"}


class ToolSettings(Section):
    """Signal: `changed` with a conversation's `tools`. Those that are off because all are keep their own switch."""

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__("tools", tr("Tools"))
        self._on = Switch(object_name="chat_settings_tools", accessible_name=tr("Tools"))
        self.row.addWidget(self._on)
        self.column.addWidget(
            Label(
                tr("The model may use these while it answers. The answer shows each step; nothing is sent anywhere."),
                "small",
                "text_secondary",
                wrap=True,
                object_name="chat_settings_tools_note",
            )
        )
        self._useless = Label(
            tr("The answers of this chat have a set form, in which the model can't ask for tools."),
            "small",
            "warning_text",
            wrap=True,
            object_name="chat_settings_tools_form",
        )
        self.column.addWidget(self._useless)
        self._rows = {name: _ToolRow(name) for name in TOOLS}
        for name, row in self._rows.items():
            self.column.addWidget(row)
            row.switch.toggled.connect(functools.partial(self._on_toggled, name))
        self._on.toggled.connect(functools.partial(self._on_toggled, "on"))
        self._tools: dict[str, bool] = {}
        self._form_is_set = False
        self.show_tools({})

    def set_form(self, is_set: bool) -> None:
        """Say whether a grammar or a JSON Schema binds the answers of the chat."""
        self._form_is_set = is_set
        self.show_tools(self._tools)

    def show_tools(self, tools: Mapping[str, bool]) -> None:
        """Show what a chat has switched on."""
        self._tools = dict(tools)
        is_on = self._tools.get("on") is True
        _set(self._on, is_on)
        for name, row in self._rows.items():
            _set(row.switch, self._tools.get(name) is not False)
            row.setEnabled(is_on)
        self._useless.setVisible(is_on and self._form_is_set)

    def _on_toggled(self, name: str, is_on: bool) -> None:
        self.show_tools({**self._tools, name: is_on})
        self.changed.emit(dict(self._tools))


class _ToolRow(QWidget):
    """The icon and the name of a tool, what it reaches, and its switch."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._icon = _ICONS[name]
        self.switch = Switch(object_name=f"chat_settings_tool_{name}", accessible_name=tool_name(name))
        reaches = tr("the documents of this chat") if name in NEEDS_DOCUMENTS else tr("reaches nothing")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label(tool_name(name), "ui"))
        words.addWidget(Label(reaches, "small", "text_secondary"))
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 2, 0, 2)
        row.addLayout(words, 1)
        row.addWidget(self.switch)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon."""
        painter = QPainter(self)
        ink = "text_secondary" if self.isEnabled() else "text_disabled"
        icons.paint_icon(painter, self._icon, ink, QRect(0, 6, 16, 16))
        painter.end()

    def minimumSizeHint(self) -> QSize:
        """Room for both lines."""
        return QSize(160, super().minimumSizeHint().height())


def _set(switch: Switch, is_on: bool) -> None:
    switch.blockSignals(True)
    switch.setChecked(is_on)
    switch.blockSignals(False)
