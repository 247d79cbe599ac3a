"""The library as every command opens it: with the folders that the person named in the settings."""

from __future__ import annotations

from desktop_llm import settings
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders


def library(home: Folders) -> Library:
    """The models on this computer."""
    return Library(home, model_folders=lambda: settings.load(home.settings)[0].model_folders)
