"""The access token between the Settings page and the keyring, which may take its time: everything is a task."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.settings_network import NetworkSettings
from desktop_llm.gui.tasks import Tasks
from desktop_llm.models.hub.token import Place, TokenStore


class TokenKeeper(QObject):
    """Signal: `changed` when another token, or none, is kept."""

    changed = Signal()

    def __init__(self, store: TokenStore, tasks: Tasks, section: NetworkSettings) -> None:
        super().__init__(section)
        self._store, self._tasks, self._section = store, tasks, section
        section.token_entered.connect(self._on_entered)
        section.token_removed.connect(self._on_removed)
        self._look()

    def _look(self) -> None:
        self._tasks.call(self._is_there, self._on_looked, lane="token")

    def _is_there(self) -> bool:
        return self._store.read() is not None

    def _on_looked(self, there: bool) -> None:
        unknown = self.tr("The keyring of this system is locked or does not answer, so a token in it is not used.")
        self._section.set_token(there, unknown if self._store.silent and not there else "")

    def _on_entered(self, token: str) -> None:
        self._tasks.call(functools.partial(self._store.write, token), self._on_kept, self._on_failed, lane="token")

    def _on_kept(self, place: Place) -> None:
        self._section.set_token(
            True,
            self.tr("The token is kept in the keyring of this system.")
            if place == "keyring"
            else self.tr("This system has no keyring, so the token is kept in a file that only you can read."),
        )
        self.changed.emit()

    def _on_removed(self) -> None:
        self._tasks.call(self._store.forget, self._on_forgotten, self._on_failed, lane="token")

    def _on_forgotten(self, _: None) -> None:
        self._section.set_token(False)
        self.changed.emit()

    def _on_failed(self, error: UserError) -> None:
        """The token that was there before is still there."""
        shown = functools.partial(self._section.set_token, words=error.message)
        self._tasks.call(self._is_there, shown, lane="token")
