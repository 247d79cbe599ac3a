"""Opens the panel with the settings of the open chat, and stores what is changed in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.chats.records import Conversation
from desktop_llm.gui.chat.conversations import ConversationsController
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.settings_keeper import SettingsKeeper

if TYPE_CHECKING:
    from desktop_llm.gui.chat.settings import ChatSettings
    from desktop_llm.gui.chat.settings.tools import ToolSettings


class ChatSettingsController(QObject):
    """Presets lie in the app's settings, all else with the chat. `collections` returns the names that a chat can use;
    the panel opens below `button`. Signal: `made` with the panel, once, before it is first shown.
    """

    made = Signal(QWidget)

    def __init__(
        self,
        conversations: ConversationsController,
        models: ChosenModelController,
        settings: SettingsKeeper,
        collections: Callable[[], Sequence[str]],
        button: QWidget,
    ) -> None:
        super().__init__(conversations)
        self._conversations, self._models, self._settings = conversations, models, settings
        self._collections, self._button = collections, button

    @functools.cached_property
    def panel(self) -> ChatSettings:
        """The panel, made when it is first needed."""
        from desktop_llm.gui.chat.settings import ChatSettings  # slow to import, and not needed at start

        panel = ChatSettings(self._button.window())
        panel.changed.connect(self._on_changed)
        panel.preset_saved.connect(self._on_preset_saved)
        panel.preset_renamed.connect(self._on_preset_renamed)
        panel.preset_removed.connect(self._on_preset_removed)
        panel.default_chosen.connect(self._on_default_chosen)
        panel.add_part("tools", self._tools)
        self._tools.changed.connect(self._on_tools)
        self._settings.changed.connect(self._show_presets)
        self.made.emit(panel)
        return panel

    @functools.cached_property
    def _tools(self) -> ToolSettings:
        from desktop_llm.gui.chat.settings.tools import ToolSettings

        return ToolSettings()

    def show(self) -> None:
        """Open the panel with the settings of the open chat."""
        self.panel.set_collections(self._collections())
        chat = self._conversations.current or self._not_yet_stored()
        self.panel.set_conversation(chat)
        self._tools.show_tools(chat.tools)
        self._tools.set_form(_has_form(chat.sampling))
        self._show_presets()
        self.panel.show_below(self._button)

    def _show_presets(self, _settings: object = None) -> None:
        model = self._models.model
        name = model.display_name if model is not None else ""
        settings = self._settings.current
        default = settings.model_presets.get(model.id, "") if model is not None else ""
        self.panel.set_presets(settings.presets, default, self._models.makers_sampling(model), name)

    def _not_yet_stored(self) -> Conversation:
        """A new chat with the settings it has so far; the first change stores it."""
        return Conversation("", "", 0.0, 0.0, collections=self._conversations.open_chat.collections)

    def _on_changed(self, fields: dict[str, Any]) -> None:
        if "sampling" in fields:
            self._tools.set_form(_has_form(fields["sampling"]))
        self._conversations.change(**fields)

    def _on_tools(self, tools: dict[str, bool]) -> None:
        self._conversations.change(tools=tools)

    def _on_preset_saved(self, name: str, values: Mapping[str, Any]) -> None:
        self._settings.change(presets={**self._settings.current.presets, name: dict(values)})

    def _on_preset_renamed(self, old: str, new: str) -> None:
        settings = self._settings.current
        own = {new if name == old else name: values for name, values in settings.presets.items()}
        defaults = {model: new if name == old else name for model, name in settings.model_presets.items()}
        self._settings.set(replace(settings, presets=own, model_presets=defaults))
        self.panel.follow_rename(old, new)

    def _on_preset_removed(self, name: str) -> None:
        settings = self._settings.current
        own = {other: values for other, values in settings.presets.items() if other != name}
        defaults = {model: other for model, other in settings.model_presets.items() if other != name}
        self._settings.set(replace(settings, presets=own, model_presets=defaults))

    def _on_default_chosen(self, name: str) -> None:
        if self._models.model is None:
            return
        defaults = {**self._settings.current.model_presets, self._models.model.id: name}
        self._settings.change(model_presets={model: preset for model, preset in defaults.items() if preset})


def _has_form(sampling: Mapping[str, Any]) -> bool:
    return bool(sampling.get("grammar") or sampling.get("json_schema"))
