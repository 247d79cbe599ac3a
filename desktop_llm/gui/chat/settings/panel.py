"""The panel "Settings of this chat": what it shows, and what it says when the person changes something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.conversation import presets
from desktop_llm.engine.client import Sampling
from desktop_llm.gui.chat.settings.body import Body, Place
from desktop_llm.gui.chat.settings.foot import Foot
from desktop_llm.gui.look.layouts import transparent_area
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.widgets import Button, IconButton, Label, SearchField, Segments
from desktop_llm.knowledge.client import CHAT_PREFIX
from desktop_llm.words import tr

_WIDTH, _HEIGHT, _LOW = 394, 760, 150
_TYPING_PAUSE_MS = 400
_SIMPLE, _ALL = range(2)
_ELSEWHERE = {"thinking", "alternatives"}  # fields of Sampling that other parts of the window set
_KEPT_WITH_A_PRESET = {"seed", "max_tokens", "stop", "grammar", "json_schema", *_ELSEWHERE}


class ChatSettings(Popup):
    """Signals: `changed` with the fields of the Conversation to store; `preset_saved` with a name and its values;
    `preset_renamed` with the old and the new name; `preset_removed` with a name; `default_chosen` with the preset of
    new chats with the model, "" for none.

    Of `sampling`, the panel changes the values that differ from the preset and the name of the preset; what else is
    kept there stays.
    """

    changed = Signal(dict)
    preset_saved = Signal(str, dict)
    preset_renamed = Signal(str, str)
    preset_removed = Signal(str)
    default_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, object_name="chat_settings", accessible_name="")
        self.setAccessibleName(tr("Settings of this chat"))
        self._conversation: Conversation | None = None
        self._sampling: dict[str, Any] = {}
        self._undone: dict[str, Any] | None = None
        self._own: Mapping[str, presets.Values] = {}
        self._default, self._model = "", ""
        self._makers: presets.Values = {}
        self._available: tuple[str, ...] = ()
        self._ticked: tuple[str, ...] = ()
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_PAUSE_MS)
        self._undo_head = IconButton("undo", tr("Undo all changes"), object_name="chat_settings_reset")
        self._close = IconButton("x", tr("Close"), tr("Close (Esc)"), object_name="chat_settings_close")
        self._level = Segments(
            (tr("Simple"), tr("All settings")), object_name="chat_settings_level", accessible_name=tr("Level")
        )
        self._find = SearchField(tr("Find a setting"), object_name="setting_find")
        self._only_changed = Button("", "filter", object_name="setting_only_changed")
        self._only_changed.setCheckable(True)
        self._body, self._foot = Body(), Foot()
        self._lay_out()
        self._connect()
        self.set_conversation(None)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def set_conversation(self, conversation: Conversation | None) -> None:
        """Show the settings of this chat; they can't be changed before the chat is stored."""
        self._typing.stop()
        self._forget_undone()
        self._conversation = conversation
        self._sampling = dict(conversation.sampling) if conversation else {}
        self._body.instructions.blockSignals(True)
        self._body.instructions.setPlainText(conversation.system_prompt if conversation else "")
        self._body.instructions.blockSignals(False)
        self._ticked = conversation.collections if conversation else ()
        self._foot.end_naming()
        self._show_values()
        self._show_collections()

    def set_presets(self, own: Mapping[str, presets.Values], default: str, makers: presets.Values, model: str) -> None:
        """Set the person's presets, the preset of new chats with the chosen model, what its makers recommend, and its
        name.
        """
        self._own, self._default, self._makers, self._model = own, default, makers, model
        self._show_values()

    def set_collections(self, names: Sequence[str]) -> None:
        """Set the collections that can be ticked."""
        self._available = tuple(names)
        self._show_collections()

    def follow_rename(self, old: str, new: str) -> None:
        """Go on with a preset under its new name."""
        if self._sampling.get(presets.KEY) == old:
            self._store({**self._sampling, presets.KEY: new})

    def add_part(self, place: Place, part: QWidget) -> None:
        """Put a widget into the place for thinking, tools or adapters, between the settings and the documents."""
        self._body.add_part(place, part)

    @property
    def _preset(self) -> str:
        return presets.in_use(self._sampling, self._default, self._own)

    @property
    def _usual(self) -> Sampling:
        return presets.usual(self._preset, self._own, self._makers)

    def _changes(self) -> dict[str, Any]:
        """The chat's own values that differ from the preset's."""
        usual, known = self._usual, Sampling.known(self._sampling)
        own = [name for name in self._sampling if name in Sampling.__slots__ and name not in _ELSEWHERE]
        return {name: getattr(known, name) for name in own if getattr(known, name) != getattr(usual, name)}

    def _show_values(self) -> None:
        usual, changes = self._usual, self._changes()
        values = {name: getattr(usual, name) for name in Sampling.__slots__}
        self._body.show_values(Sampling.known({**values, **changes}), usual)
        count = len(changes)
        self._body.choice.show_presets(tuple(self._own), self._preset, count, self._model, self._default)
        self._only_changed.set_content(tr("Changed ({count})", count=count))
        self._only_changed.setEnabled(bool(count) or self._only_changed.isChecked())
        self._undo_head.setEnabled(bool(count))
        self._foot.show_changes(count, may_save=bool(count) or self._preset in self._own, own=tuple(self._own))

    def _show_level(self) -> None:
        stored, everything = self._conversation is not None, self._level.currentIndex() == _ALL
        for widget in (self._level, self._undo_head, self._foot):
            widget.setVisible(stored)
        self._finding.setVisible(stored and everything)
        self._body.show_level(
            stored=stored,
            everything=everything,
            wanted=self._find.text(),
            only_changed=self._only_changed.isChecked(),
        )

    def _show_collections(self) -> None:
        gone = [name for name in self._ticked if name not in self._available and not name.startswith(CHAT_PREFIX)]
        self._body.show_collections((*self._available, *gone), self._ticked)
        self._show_level()

    # --- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(2)
        title.addWidget(Label(tr("Settings of this chat"), "heading"), 1)
        title.addWidget(self._undo_head)
        title.addWidget(self._close)
        levels = QHBoxLayout()
        levels.setContentsMargins(0, 0, 4, 0)
        levels.addWidget(self._level)
        self._finding = QWidget()
        finding = QHBoxLayout(self._finding)
        finding.setContentsMargins(0, 2, 0, 2)
        finding.setSpacing(4)
        finding.addWidget(self._find, 1)
        finding.addWidget(self._only_changed)
        head = QVBoxLayout()
        head.setContentsMargins(15, 9, 11, 2)
        head.setSpacing(4)
        head.addLayout(title)
        head.addLayout(levels)
        head.addWidget(self._finding)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SHADOW + 1, SHADOW, SHADOW + 1, SHADOW + 1)
        outer.setSpacing(0)
        outer.addLayout(head)
        outer.addWidget(transparent_area(self._body), 1)
        outer.addWidget(self._foot)

    def _connect(self) -> None:
        body, foot = self._body, self._foot
        body.instructions.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self._on_typed)
        body.changed.connect(self._on_changed)
        body.undo_requested.connect(self._on_undo)
        body.ticked.connect(self._on_ticked)
        body.choice.chosen.connect(self._on_preset)
        body.choice.default_requested.connect(self.default_chosen)
        body.choice.rename_requested.connect(foot.begin_naming)
        body.choice.remove_requested.connect(self.preset_removed)
        self._level.currentChanged.connect(self._on_level)
        self._find.textChanged.connect(self._show_level)
        self._only_changed.toggled.connect(self._show_level)
        self._undo_head.clicked.connect(self._on_undo_all)
        foot.undo_requested.connect(self._on_undo_all)
        foot.bring_back_requested.connect(self._on_bring_back)
        foot.saved.connect(self._on_saved)
        foot.renamed.connect(self.preset_renamed)
        self._close.clicked.connect(self.close_popup)
        self.closed.connect(self._on_closed)

    # --- changes ----------------------------------------------------------------------------------------------------

    def _emit(self, **fields: object) -> None:
        if self._conversation is not None:
            self.changed.emit(fields)

    def _store(self, sampling: dict[str, Any]) -> None:
        """Use and store the chat's own values."""
        if sampling != self._sampling:
            self._sampling = sampling
            self._show_values()
            self._emit(sampling=dict(sampling))

    def _on_changed(self, values: Mapping[str, Any]) -> None:
        """Keep these values. The preset's are not kept, so that the chat follows later changes of it."""
        self._forget_undone()
        sampling, usual = dict(self._sampling), self._usual
        for name, value in values.items():
            sampling.pop(name, None)
            if (tuple(value) if isinstance(value, list) else value) != getattr(usual, name):
                sampling[name] = value
        self._store(sampling)

    def _on_undo(self, name: str) -> None:
        self._on_changed({name: getattr(self._usual, name)})

    def _on_undo_all(self) -> None:
        undone = dict(self._sampling)
        self._forget_undone()
        undoable = set(Sampling.__slots__) - _ELSEWHERE
        self._store({name: value for name, value in undone.items() if name not in undoable})
        self._undone = undone
        self._foot.offer_back()

    def _on_bring_back(self) -> None:
        undone = self._undone
        self._forget_undone()
        if undone is not None:
            self._store(undone)

    def _forget_undone(self) -> None:
        self._undone = None
        self._foot.forget()

    def _on_preset(self, name: str) -> None:
        """Use a preset: its values count from now on, in place of those that the chat had itself."""
        self._forget_undone()
        replaced = {presets.KEY, *Sampling.__slots__} - _KEPT_WITH_A_PRESET
        sampling = {each: value for each, value in self._sampling.items() if each not in replaced}
        if name != (self._default or presets.BALANCED):
            sampling[presets.KEY] = name
        self._store(sampling)
        self._show_values()

    def _on_saved(self, name: str) -> None:
        values = {**presets.values_of(self._preset, self._own), **self._sampling}
        saved = (
            set(Sampling.__slots__) - _ELSEWHERE - {"seed"}
        )  # a preset with a seed would give the same answer in every chat
        self.preset_saved.emit(name, {each: value for each, value in values.items() if each in saved})
        others = {each: value for each, value in self._sampling.items() if each not in saved}
        self._store({**others, presets.KEY: name})

    def _on_level(self) -> None:
        self._show_level()
        if not self._level.hasFocus():  # what had it may be hidden now
            self.first_focus().setFocus()

    def _on_typed(self) -> None:
        self._emit(system_prompt=self._body.instructions.toPlainText().strip())

    def _on_ticked(self, name: str, ticked: bool) -> None:
        others = tuple(other for other in self._ticked if other != name)
        self._ticked = (*others, name) if ticked else others
        self._emit(collections=self._ticked)

    def _on_closed(self) -> None:
        self._body.finish()
        self._foot.end_naming()
        if self._typing.isActive():
            self._typing.stop()
            self._on_typed()

    # --- keys and size ----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take Ctrl+F for the search here before the window's own."""
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Find):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Find a setting on Ctrl+F."""
        if event.matches(QKeySequence.StandardKey.Find) and self._conversation is not None:
            self._level.setCurrentIndex(_ALL)
            self._find.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self._find.selectAll()
            event.accept()
            return
        super().keyPressEvent(event)

    def first_focus(self) -> QWidget:
        """The instructions or the search field, or the Close button if nothing can be changed yet."""
        if self._conversation is None:
            return self._close
        return self._body.instructions if self._level.currentIndex() == _SIMPLE else self._find

    def sizeHint(self) -> QSize:
        """394 px wide, and as high as the window allows; low if there is nothing to change yet."""
        height = _HEIGHT if self._conversation is not None else _LOW
        return QSize(_WIDTH + 2 * SHADOW, height + 2 * SHADOW)
