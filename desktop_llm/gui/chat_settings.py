"""The settings of one chat: instructions, how words are chosen, and which collections it may ask."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QRegularExpression, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.engine.client import Sampling
from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.popup import SHADOW, Popup
from desktop_llm.gui.scrolled import transparent_area
from desktop_llm.gui.slider_row import SliderRow
from desktop_llm.gui.widgets import IconButton, Label, Tick
from desktop_llm.gui.widgets.painting import set_names
from desktop_llm.knowledge.client import CHAT_PREFIX

_WIDTH, _HEAD = 364, 48
_TYPING_PAUSE_MS = 400
_USUAL = Sampling()


class ChatSettings(Popup):
    """Signal: `changed` with the fields of the Conversation that are to be stored.

    `sampling` holds only what differs from the usual; what this sheet does not show stays in it untouched.
    """

    changed = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, object_name="chat_settings", accessible_name="")
        self.setAccessibleName(self.tr("Settings of this chat"))
        self._conversation: Conversation | None = None
        self._sampling: dict[str, Any] = {}
        self._available: tuple[str, ...] = ()
        self._ticked: tuple[str, ...] = ()
        self._ticks: list[Tick] = []
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_PAUSE_MS)
        self._build_fields()
        self._lay_out()
        self._connect()
        self.set_conversation(None)

    def set_conversation(self, conversation: Conversation | None) -> None:
        """Show the settings of this chat; a chat that is not stored yet has none to change."""
        self._typing.stop()
        self._conversation = conversation
        self._sampling = dict(conversation.sampling) if conversation else {}
        self._instructions.blockSignals(True)
        self._instructions.setPlainText(conversation.system_prompt if conversation else "")
        self._instructions.blockSignals(False)
        self._show_sampling()
        self._ticked = conversation.collections if conversation else ()
        self._show_collections()
        self._fields.setVisible(conversation is not None)
        self._reset.setVisible(conversation is not None)
        self._not_yet.setVisible(conversation is None)

    def set_collections(self, names: Sequence[str]) -> None:
        """The collections that can be ticked."""
        self._available = tuple(names)
        self._show_collections()

    def _build_fields(self) -> None:
        self._not_yet = Label(
            self.tr("This chat has no message yet. Its settings can be changed after the first one."),
            "ui",
            "text_secondary",
            wrap=True,
            object_name="chat_settings_not_yet",
        )
        self._instructions = QPlainTextEdit()
        self._instructions.setPlaceholderText(self.tr("For example: answer in short sentences."))
        self._instructions.setTabChangesFocus(True)
        self._instructions.setFixedHeight(92)
        set_names(self._instructions, "chat_settings_instructions", self.tr("Instructions"))
        self._temperature = SliderRow(
            self.tr("Temperature"),
            0,
            2,
            _USUAL.temperature,
            object_name="chat_settings_temperature",
            decimals=2,
            step=0.05,
        )
        self._top_p = SliderRow(
            self.tr("Top-p"), 0.05, 1, _USUAL.top_p, object_name="chat_settings_top_p", decimals=2, step=0.05
        )
        self._top_p.set_note(self.tr("Only the likeliest words that together reach this share are chosen from."))
        self._seed = _digits("chat_settings_seed", self.tr("Seed"), self.tr("random"))
        self._max_tokens = _digits("chat_settings_max_tokens", self.tr("Longest answer"), self.tr("no limit"))
        self._reset = IconButton("undo", self.tr("Reset all settings of this chat"), object_name="chat_settings_reset")
        self._close = IconButton("x", self.tr("Close"), self.tr("Close (Esc)"), object_name="chat_settings_close")

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(15, 9, 7, 5)
        head.setSpacing(2)
        head.addWidget(Label(self.tr("Settings of this chat"), "heading"), 1)
        head.addWidget(self._reset)
        head.addWidget(self._close)
        self._body = QWidget()
        self._body.setProperty("page", True)
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(15, 4, 15, 16)
        self._fields = QWidget()
        self._fill_fields(QVBoxLayout(self._fields))
        self._column.addWidget(self._not_yet)
        self._column.addWidget(self._fields)
        self._column.addStretch(1)
        self._area = transparent_area(self._body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SHADOW + 1, SHADOW, SHADOW + 1, SHADOW + 1)
        outer.setSpacing(0)
        outer.addLayout(head)
        outer.addWidget(self._area, 1)

    def _fill_fields(self, column: QVBoxLayout) -> None:
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(Label(self.tr("Instructions"), "ui_strong"))
        column.addWidget(self._instructions)
        column.addWidget(Label(self.tr("Given to the model before every question."), "small", "text_secondary"))
        column.addSpacing(10)
        column.addWidget(self._temperature)
        column.addSpacing(8)
        column.addWidget(self._top_p)
        column.addSpacing(8)
        for text, field in ((self.tr("Seed"), self._seed), (self.tr("Longest answer, in tokens"), self._max_tokens)):
            row = QHBoxLayout()
            row.addWidget(Label(text, "ui_strong"), 1)
            row.addWidget(field)
            column.addLayout(row)
        column.addSpacing(10)
        self._documents_heading = Label(self.tr("Documents to use"), "ui_strong")
        column.addWidget(self._documents_heading)
        self._tick_column = QVBoxLayout()
        self._tick_column.setSpacing(2)
        column.addLayout(self._tick_column)

    def _connect(self) -> None:
        self._instructions.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._on_typed)
        self._temperature.changed.connect(self._on_temperature)
        self._top_p.changed.connect(self._on_top_p)
        self._seed.editingFinished.connect(self._on_seed)
        self._max_tokens.editingFinished.connect(self._on_max_tokens)
        self._reset.clicked.connect(self._on_reset)
        self._close.clicked.connect(self.close_popup)
        self.closed.connect(self._on_closed)

    def _show_sampling(self) -> None:
        value = self._sampling.get
        self._temperature.set_value(value("temperature", _USUAL.temperature))
        self._top_p.set_value(value("top_p", _USUAL.top_p))
        for field, name in ((self._seed, "seed"), (self._max_tokens, "max_tokens")):
            field.setText("" if value(name) is None else str(value(name)))
        self._show_note()

    def _show_note(self) -> None:
        if self._temperature.value() == 0:
            note = self.tr("Always the likeliest word.")
        else:
            note = self.tr("Low keeps to the likely words, high takes more risks.")
        self._temperature.set_note(note)

    def _show_collections(self) -> None:
        for tick in self._ticks:
            self._tick_column.removeWidget(tick)
            tick.setParent(None)
            tick.deleteLater()
        shown = [name for name in self._ticked if name not in self._available and not name.startswith(CHAT_PREFIX)]
        self._ticks = [self._tick(name, number) for number, name in enumerate([*self._available, *shown])]
        for tick in self._ticks:
            self._tick_column.addWidget(tick)
        self._documents_heading.setVisible(bool(self._ticks))

    def _tick(self, name: str, number: int) -> Tick:
        tick = Tick(plain(name), object_name=f"chat_settings_collection_{number}")
        tick.setToolTip(plain(name))
        tick.setChecked(name in self._ticked)
        tick.toggled.connect(functools.partial(self._on_ticked, name))
        return tick

    def _emit(self, **fields: object) -> None:
        if self._conversation is not None:
            self.changed.emit(fields)

    def _set_sampling(self, name: str, value: float | int | None) -> None:
        """Keep one value; the usual one is not kept, so that it follows what is usual."""
        before = dict(self._sampling)
        if value is None or value == getattr(_USUAL, name):
            self._sampling.pop(name, None)
        else:
            self._sampling[name] = value
        if self._sampling != before:
            self._emit(sampling=dict(self._sampling))

    def _on_typed(self) -> None:
        text = self._instructions.toPlainText().strip()
        self._emit(system_prompt=text)

    def _on_closed(self) -> None:
        if self._typing.isActive():
            self._typing.stop()
            self._on_typed()

    def _on_temperature(self, value: float) -> None:
        self._show_note()
        self._set_sampling("temperature", round(value, 2))

    def _on_top_p(self, value: float) -> None:
        self._set_sampling("top_p", round(value, 2))

    def _on_seed(self) -> None:
        self._set_sampling("seed", int(self._seed.text()) if self._seed.text() else None)

    def _on_max_tokens(self) -> None:
        tokens = int(self._max_tokens.text() or 0)
        self._set_sampling("max_tokens", tokens or None)

    def _on_ticked(self, name: str, ticked: bool) -> None:
        others = tuple(other for other in self._ticked if other != name)
        self._ticked = (*others, name) if ticked else others
        self._emit(collections=self._ticked)

    def _on_reset(self) -> None:
        self._typing.stop()
        self._sampling = {}
        self._show_sampling()
        self._instructions.blockSignals(True)
        self._instructions.clear()
        self._instructions.blockSignals(False)
        self._emit(system_prompt="", sampling={})

    def first_focus(self) -> QWidget:
        """The instructions, where they can be changed."""
        return self._instructions if self._conversation else self._close

    def sizeHint(self) -> QSize:
        """364 wide and as high as its content."""
        height = self._column.totalHeightForWidth(_WIDTH - 2) + _HEAD + 1
        return QSize(_WIDTH + 2 * SHADOW, height + 2 * SHADOW)


def _digits(object_name: str, accessible_name: str, placeholder: str) -> QLineEdit:
    """A field for a whole number that may be left empty."""
    field = QLineEdit()
    field.setPlaceholderText(placeholder)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setFixedWidth(120)
    field.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9]{0,9}"), field))
    set_names(field, object_name, accessible_name)
    return field
