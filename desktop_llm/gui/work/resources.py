"""The clients and stores that the controllers share, one of each for as long as the window lives."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop_llm.errors import UserError
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.store_lane import StoreLane
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.paths import Folders

if TYPE_CHECKING:  # imported later, so that the window paints sooner
    from desktop_llm.engine.engines import Engines
    from desktop_llm.knowledge.client import Knowledge
    from desktop_llm.models.download import Downloads
    from desktop_llm.models.fit import Forecaster, Machine
    from desktop_llm.models.hub import Account, Hub
    from desktop_llm.models.hub.token import TokenStore
    from desktop_llm.models.library import Library
    from desktop_llm.net import Net
    from desktop_llm.net.ledger import Ledger
    from desktop_llm.pictures.client import Pictures

# How long tasks may take to end before their workers are stopped.
GENTLY_S = 1.0


@dataclass(frozen=True)
class Resources:
    """The clients of the workers, the stores, and the threads that use them."""

    folders: Folders
    tasks: Tasks
    settings: SettingsKeeper
    chats: StoreLane
    engines: Engines
    knowledge: Knowledge
    library: Library
    net: Net
    ledger: Ledger

    @functools.cached_property
    def forecaster(self) -> Forecaster:
        """The forecaster for this computer; made on first use, outside the window's thread."""
        from desktop_llm.models.facts import Facts
        from desktop_llm.models.fit import Forecaster

        return Forecaster(Facts(self.folders.facts_db), self._machine)

    @functools.cached_property
    def token(self) -> TokenStore:
        """The Hugging Face token; use it in tasks only."""
        from desktop_llm.models.hub.token import TokenStore

        return TokenStore(self.folders.token_file)

    @functools.cached_property
    def hub(self) -> Hub:
        """The hub: Hugging Face, or the mirror named by the environment or else by the settings."""
        from desktop_llm.models.facts import Facts
        from desktop_llm.models.hub import Hub, chosen_endpoint

        endpoint = chosen_endpoint(self.settings.current.endpoint)
        return Hub(self.net, endpoint=endpoint, token=self.token.read, facts=Facts(self.folders.facts_db))

    @functools.cached_property
    def downloads(self) -> Downloads:
        """Every download into the models folder."""
        from desktop_llm.models.download import Downloads

        return Downloads(self.folders, self.net, self.hub, self.library)

    @functools.cached_property
    def pictures(self) -> Pictures:
        """The pictures of chats; use it in tasks only."""
        from desktop_llm.pictures.client import Pictures

        return Pictures(self.folders.pictures)

    def account_of(self, token: str) -> Account:
        """Ask the hub whose token this is; call it in a task only."""
        return self.hub.account(token)

    def close(self) -> None:
        """End the tasks, write what is still queued, and stop the workers, and with them any task that has not
        ended."""
        self.engines.stop()
        self.chats.close()
        self.tasks.close(0)  # so that no request to a server delays saving
        self.net.close()
        self.tasks.close(GENTLY_S)
        self.engines.end()
        self.knowledge.close()
        self.tasks.close()
        self.library.empty_trash()

    def _machine(self) -> Machine:
        """The machine as it is now, with the GPUs that the engine can use."""
        from desktop_llm.models.fit import Gpu, this_machine

        try:
            found = [device for device in self.engines.installation.devices() if device.kind == "gpu"]
        except UserError:  # the engine does not run here; loading a model will say so
            found = []
        return this_machine([Gpu(each.description, each.total_bytes, each.free_bytes, each.backend) for each in found])
