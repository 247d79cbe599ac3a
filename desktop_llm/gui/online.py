"""Lifts the offline switch for one thing that the person asked for, and puts it back afterwards."""

from __future__ import annotations

from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.net import Net


class OnlineOnce:
    """Counts what goes on with the switch lifted; the last one to end puts the switch back where the settings say.

    One for the whole window: whoever counted alone would end what another one goes on with.
    """

    def __init__(self, net: Net, settings: SettingsKeeper) -> None:
        self._net, self._settings = net, settings
        self._held: set[object] = set()

    def lift(self, reason: object) -> None:
        """Let connections out for `reason`."""
        self._held.add(reason)
        self._net.offline = False

    def end(self, reason: object) -> None:
        """It ended; may be called for what never lifted anything."""
        if reason in self._held:
            self._held.discard(reason)
            if not self._held:
                self._net.offline = self._settings.current.offline
