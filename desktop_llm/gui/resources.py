"""What the window works with, handed to its controllers: one of each, for the life of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.store_lane import StoreLane
from desktop_llm.gui.tasks import Tasks
from desktop_llm.paths import Folders

if TYPE_CHECKING:  # the window paints before it needs them
    from desktop_llm.engine.client import Engine
    from desktop_llm.knowledge.client import Knowledge
    from desktop_llm.models.library import Library

# How long what runs may take to end by itself before its worker is ended under it.
GENTLY_S = 1.0


@dataclass(frozen=True, slots=True)
class Resources:
    """The clients of the workers, the stores, and the threads they are used from."""

    folders: Folders
    tasks: Tasks
    settings: SettingsKeeper
    chats: StoreLane
    engine: Engine
    knowledge: Knowledge
    library: Library

    def close(self) -> None:
        """End what runs, save what waits, end the workers; what does not end by itself ends with its worker."""
        self.engine.stop()
        self.chats.close()
        self.tasks.close(GENTLY_S)
        self.engine.close()
        self.knowledge.close()
        self.tasks.close()
