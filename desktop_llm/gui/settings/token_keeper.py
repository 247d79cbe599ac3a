"""Passes the access token between the Settings page and the keyring; in tasks, because the keyring can be slow."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from desktop_llm.errors import UserError
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.settings.network import NetworkSettings
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.models.hub import Account
from desktop_llm.models.hub.token import KeptToken, TokenStore, check_and_keep
from desktop_llm.words import tr


class TokenKeeper(QObject):
    """Signal: `changed` when the token was replaced or removed."""

    changed = Signal()

    def __init__(
        self, store: TokenStore, account_of: Callable[[str], Account], tasks: Tasks, section: NetworkSettings
    ) -> None:
        super().__init__(section)
        self._store, self._account_of, self._tasks, self._section = store, account_of, tasks, section
        section.token_entered.connect(self._on_entered)
        section.token_removed.connect(self._on_removed)
        if section.isVisible():
            self._look()
        else:  # asking the keyring loads 9 MB of libraries, so it waits until the setting is in view
            section.shown.connect(self._look, Qt.ConnectionType.SingleShotConnection)

    def _look(self) -> None:
        self._tasks.call(self._is_there, self._on_looked, lane="token")

    def _is_there(self) -> bool:
        return self._store.read() is not None

    def _on_looked(self, there: bool) -> None:
        unknown = tr("The keyring of this system is locked or does not answer, so a token in it is not used.")
        self._section.set_token(there, unknown if self._store.silent and not there else "")

    def _on_entered(self, token: str) -> None:
        keep = functools.partial(check_and_keep, token, self._store, self._account_of)
        self._section.set_busy(tr("Asking whose token this is…"))
        self._tasks.call(keep, self._on_kept, self._on_failed, lane="token")

    def _on_kept(self, kept: KeptToken) -> None:
        self._section.set_token(True, words_of(kept))
        self.changed.emit()

    def _on_removed(self) -> None:
        self._tasks.call(self._store.forget, self._on_forgotten, self._on_failed, lane="token")

    def _on_forgotten(self, _: None) -> None:
        self._section.set_token(False)
        self.changed.emit()

    def _on_failed(self, error: UserError) -> None:
        """Show the error; the earlier token is still kept."""
        shown = functools.partial(self._section.set_token, words=error.message)
        self._tasks.call(self._is_there, shown, lane="token")


def words_of(kept: KeptToken) -> str:
    """Say whose token it is, where it is kept, and whether it can read models."""
    if kept.place == "keyring":
        where = tr("The token is kept in the keyring of this system.")
    else:
        where = tr("This system has no keyring, so the token is kept in a file that only you can read.")
    if kept.doubt is not None:
        return f"{where} {tr('It could not be checked: {reason}', reason=kept.doubt.title)}"
    if kept.account is None or not kept.account.may_read:
        return f"{where} {tr('It may not read models that ask for permission: allow this on your account’s page.')}"
    return f"{tr('This is the token of {name}, and it may read models.', name=plain(kept.account.name))} {where}"
