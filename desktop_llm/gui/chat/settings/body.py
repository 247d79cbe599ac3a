"""The scrolled part of the panel: its sections and rows, and which of them are shown."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from desktop_llm.engine.client import SAMPLING_LIMITS, Sampling
from desktop_llm.gui.chat.settings.answer_form import AnswerForm
from desktop_llm.gui.chat.settings.catalogue import choosing, idle, repeating
from desktop_llm.gui.chat.settings.preset_choice import PresetChoice
from desktop_llm.gui.chat.settings.rows import DigitsRow, NumberRow, Row
from desktop_llm.gui.chat.settings.sampler_order import SamplerOrder
from desktop_llm.gui.chat.settings.section import Section
from desktop_llm.gui.chat.settings.stop_strings import StopStrings
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.setting_rows import SliderRow
from desktop_llm.gui.look.widgets import Label, Tick
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr

Place = Literal["thinking", "tools", "adapters"]


class Body(QWidget):
    """Signals: `changed` with fields of Sampling and their values; `undo_requested` with a field; `ticked` with the
    name of a collection and whether it is used now.

    `choice` and `instructions` are for the panel; the simple level shows them, the other one shows every row.
    """

    changed = Signal(dict)
    undo_requested = Signal(str)
    ticked = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("page", True)
        self._ticks: list[Tick] = []
        self._not_yet = Label(
            tr("This chat has no message yet. Its settings can be changed after the first one."),
            "ui",
            "text_secondary",
            wrap=True,
            object_name="chat_settings_not_yet",
        )
        self._none_found = Label(
            tr("No setting has this name."), "ui", "text_secondary", wrap=True, object_name="setting_none_found"
        )
        self.choice = PresetChoice()
        self.instructions = QPlainTextEdit()
        self.instructions.setPlaceholderText(tr("For example: answer in short sentences."))
        self.instructions.setTabChangesFocus(True)
        self.instructions.setFixedHeight(72)
        set_names(self.instructions, "chat_settings_instructions", tr("Instructions"))
        self._build_rows()
        self._lay_out()
        self._connect()

    def show_values(self, now: Sampling, usual: Sampling) -> None:
        """Show the values in use and, in dots, where they differ from the preset's."""
        self._temperature.set_range(0, 2, usual.temperature)
        self._temperature.set_value(now.temperature)
        self._show_note()
        reasons = idle(now)
        for name, row in self._numbers.items():
            row.show_value(getattr(now, name), getattr(usual, name), SAMPLING_LIMITS[name])
            row.set_idle(reasons.get(name, ""))
        self._seed.show_value(now.seed, usual.seed)
        self._max_tokens.show_value(now.max_tokens, usual.max_tokens)
        self._order.show_order(now.order, usual.order)
        self._stops.show_texts(now.stop, usual.stop)
        self._form.show_form(now.grammar, now.json_schema)

    def show_collections(self, names: Sequence[str], ticked: Sequence[str]) -> None:
        """Show the collections that can be ticked."""
        for tick in self._ticks:
            self._documents.column.removeWidget(tick)
            tick.setParent(None)
            tick.deleteLater()
        self._ticks = [self._tick(name, number, name in ticked) for number, name in enumerate(names)]
        for tick in self._ticks:
            self._documents.column.addWidget(tick)

    def show_level(self, *, stored: bool, everything: bool, wanted: str, only_changed: bool) -> None:
        """Show what belongs to the level; of all settings, those with the `wanted` words in their names."""
        self._not_yet.setVisible(not stored)
        for widget in (self.choice, self._sections["instructions"], self._temperature):
            widget.setVisible(stored and not everything)
        found = self._show_found(stored and everything, wanted.casefold().split(), only_changed)
        searching = everything and (bool(wanted.strip()) or only_changed)
        self._none_found.setVisible(stored and searching and not found)
        self._middle.setVisible(stored and not searching)
        self._documents.setVisible(stored and not everything and bool(self._ticks))

    def add_part(self, place: Place, part: QWidget) -> None:
        """Put a widget into the place for thinking, tools or adapters, between the settings and the documents."""
        self._places[place].addWidget(part)

    def finish(self) -> None:
        """Take what was typed a moment ago."""
        self._stops.finish()
        self._form.finish()

    # --- building -------------------------------------------------------------------------------------------------

    def _build_rows(self) -> None:
        self._temperature = SliderRow(
            tr("Temperature"), 0, 2, 0.7, object_name="chat_settings_temperature", decimals=2, step=0.05
        )
        self._temperature.setContentsMargins(0, 2, 0, 12)
        self._numbers = {setting.field: NumberRow(setting) for setting in (*choosing(), *repeating())}
        self._seed = DigitsRow("seed", tr("Seed"), tr("same seed, same answer"), tr("random"), "chance repeatable")
        self._max_tokens = DigitsRow(
            "max_tokens", tr("Longest answer"), tr("in tokens"), tr("no limit"), "length limit stop max tokens"
        )
        self._order, self._stops, self._form = SamplerOrder(), StopStrings(), AnswerForm()
        self._rows: dict[str, tuple[Row, ...]] = {
            "choosing": tuple(self._numbers[setting.field] for setting in choosing()),
            "repeating": tuple(self._numbers[setting.field] for setting in repeating()),
            "chance": (self._seed, self._order),
            "form": (self._max_tokens, self._stops),
        }

    def _lay_out(self) -> None:
        self._sections = {
            "instructions": Section("instructions", tr("Instructions"), tr("before every question")),
            "choosing": Section("choosing", tr("Which words may come"), tr("samplers")),
            "repeating": Section("repeating", tr("Against repeating"), tr("penalties")),
            "chance": Section("chance", tr("Chance and order")),
            "form": Section("form", tr("Length and form")),
        }
        self._sections["instructions"].column.addWidget(self.instructions)
        for name, rows in self._rows.items():
            for row in rows:
                self._sections[name].column.addWidget(row)
        self._sections["form"].column.addWidget(self._form)
        self._documents = Section("documents", tr("Documents to use"))
        column = QVBoxLayout(self)
        column.setContentsMargins(15, 2, 15, 8)
        column.setSpacing(0)
        for widget in (self._not_yet, self._none_found, self.choice, *self._sections.values(), self._parts()):
            column.addWidget(widget)
        column.insertWidget(column.indexOf(self._sections["instructions"]) + 1, self._temperature)
        column.addWidget(self._documents)
        column.addStretch(1)

    def _parts(self) -> QWidget:
        """The places for what other parts of the window put here."""
        self._middle = QWidget()
        self._places: dict[str, QVBoxLayout] = {}
        middle = QVBoxLayout(self._middle)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        for place in ("thinking", "tools", "adapters"):
            self._places[place] = QVBoxLayout()
            middle.addLayout(self._places[place])
        return self._middle

    def _connect(self) -> None:
        self._temperature.changed.connect(self._on_temperature)
        for name, row in self._numbers.items():
            row.changed.connect(functools.partial(self._on_number, name))
            row.undo_requested.connect(functools.partial(self.undo_requested.emit, name))
        for name, digits in (("seed", self._seed), ("max_tokens", self._max_tokens)):
            digits.changed.connect(functools.partial(self._on_digits, name))
            digits.undo_requested.connect(functools.partial(self.undo_requested.emit, name))
        self._order.changed.connect(functools.partial(self._on_list, "order"))
        self._stops.changed.connect(functools.partial(self._on_list, "stop"))
        self._order.undo_requested.connect(functools.partial(self.undo_requested.emit, "order"))
        self._stops.undo_requested.connect(functools.partial(self.undo_requested.emit, "stop"))
        self._form.changed.connect(self._on_form)

    def _tick(self, name: str, number: int, ticked: bool) -> Tick:
        tick = Tick(plain(name), object_name=f"chat_settings_collection_{number}")
        set_tip(tick, plain(name))
        tick.setChecked(ticked)
        tick.toggled.connect(functools.partial(self.ticked.emit, name))
        return tick

    # --- showing and changing -------------------------------------------------------------------------------------

    def _show_found(self, everything: bool, wanted: Sequence[str], only_changed: bool) -> bool:
        """Show the rows with these words, and the sections with such rows; returns whether there are any."""
        any_found = False
        for name, rows in self._rows.items():
            shown = [
                row
                for row in rows
                if all(word in row.words for word in wanted) and (row.is_changed or not only_changed)
            ]
            for row in rows:
                row.setVisible(row in shown)
            fits = name == "form" and self._form.fits(wanted) and (self._form.is_bound() or not only_changed)
            if name == "form":
                self._form.setVisible(fits)
            self._sections[name].setVisible(everything and (bool(shown) or fits))
            any_found = any_found or bool(shown) or fits
        return any_found

    def _show_note(self) -> None:
        if self._temperature.value() == 0:
            note = tr("Always the likeliest word.")
        else:
            note = tr("Low keeps to the likely words, high takes more risks.")
        self._temperature.set_note(note)

    def _on_temperature(self, value: float) -> None:
        self._show_note()
        self.changed.emit({"temperature": round(value, 2)})

    def _on_number(self, name: str, value: float) -> None:
        whole = self._numbers[name].setting.decimals == 0
        self.changed.emit({name: int(value) if whole else round(value, 3)})

    def _on_digits(self, name: str, value: int) -> None:
        unset = value < 0 or (value == 0 and name == "max_tokens")
        self.changed.emit({name: None if unset else value})

    def _on_list(self, name: str, value: tuple[str, ...]) -> None:
        self.changed.emit({name: list(value)})

    def _on_form(self, used_grammar: str, used_schema: str) -> None:
        self.changed.emit({"grammar": used_grammar, "json_schema": used_schema})
