"""The panel with the settings of one chat: presets, instructions, how words are chosen, what form an answer has."""

from desktop_llm.gui.chat.settings.body import Place
from desktop_llm.gui.chat.settings.panel import ChatSettings

__all__ = ["ChatSettings", "Place"]
