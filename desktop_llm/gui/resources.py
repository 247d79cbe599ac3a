"""What the window works with, handed to its controllers: one of each, for the life of the window."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop_llm.errors import UserError
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.store_lane import StoreLane
from desktop_llm.gui.tasks import Tasks
from desktop_llm.paths import Folders

if TYPE_CHECKING:  # the window paints before it needs them
    from desktop_llm.engine.client import Engine
    from desktop_llm.knowledge.client import Knowledge
    from desktop_llm.models.download import Downloads
    from desktop_llm.models.fit import Forecaster, Machine
    from desktop_llm.models.hub import Hub
    from desktop_llm.models.hub.token import TokenStore
    from desktop_llm.models.ledger import Ledger
    from desktop_llm.models.library import Library
    from desktop_llm.net import Net

# How long what runs may take to end by itself before its worker is ended under it.
GENTLY_S = 1.0


@dataclass(frozen=True)
class Resources:
    """The clients of the workers, the stores, and the threads they are used from."""

    folders: Folders
    tasks: Tasks
    settings: SettingsKeeper
    chats: StoreLane
    engine: Engine
    knowledge: Knowledge
    library: Library
    net: Net
    ledger: Ledger

    @functools.cached_property
    def forecaster(self) -> Forecaster:
        """What models need here and how fast they are; made when first asked for, off the window's thread."""
        from desktop_llm.models.facts import Facts
        from desktop_llm.models.fit import Forecaster

        return Forecaster(Facts(self.folders.facts_db), self._machine)

    @functools.cached_property
    def token(self) -> TokenStore:
        """Keeps the Hugging Face token; asked in tasks only."""
        from desktop_llm.models.hub.token import TokenStore

        return TokenStore(self.folders.token_file)

    @functools.cached_property
    def hub(self) -> Hub:
        """Hugging Face, or the mirror that the environment, else the settings, name."""
        from desktop_llm.models.facts import Facts
        from desktop_llm.models.hub import Hub, chosen_endpoint

        endpoint = chosen_endpoint(self.settings.current.endpoint)
        return Hub(self.net, endpoint=endpoint, token=self.token.read, facts=Facts(self.folders.facts_db))

    @functools.cached_property
    def downloads(self) -> Downloads:
        """Every download into the models folder."""
        from desktop_llm.models.download import Downloads

        return Downloads(self.folders, self.net, self.hub, self.library)

    def close(self) -> None:
        """End what runs, save what waits, end the workers; what does not end by itself ends with its worker."""
        self.engine.stop()
        self.chats.close()
        self.tasks.close(0)  # nothing that waits for an answer from outside holds up what saves
        self.net.close()
        self.tasks.close(GENTLY_S)
        self.engine.end()
        self.knowledge.close()
        self.tasks.close()
        self.library.empty_trash()

    def _machine(self) -> Machine:
        """The machine as it is now, with the GPUs that the engine can use."""
        from desktop_llm.models.fit import Gpu, this_machine

        try:
            found = [device for device in self.engine.devices() if device.kind == "gpu"]
        except UserError:  # the engine does not run here; that is said where a model is loaded
            found = []
        return this_machine([Gpu(each.description, each.total_bytes, each.free_bytes, each.backend) for each in found])
