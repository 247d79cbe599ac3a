"""Keeps the Hugging Face token in the system's keyring, else in a file that only this person can read, and says which.

It is never among the settings, in a log, or on a command line. `keyring` is imported when it is first needed.
The system may take a moment or ask the person, so the window reads the token in a task.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from desktop_llm import environment
from desktop_llm.errors import BadRequest, TransferError, UserError
from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.models.hub.huggingface import Account
from desktop_llm.words import tr

T = TypeVar("T")
Place = Literal["keyring", "file"]

_SERVICE, _NAME = "desktop-llm", "huggingface.co"
_LONGEST = 512
_CHOICE = "PYTHON_KEYRING_BACKEND"
_LINUX = ("keyring.backends.SecretService.Keyring", "keyring.backends.kwallet.DBusKeyring")
_BACKENDS = {
    "darwin": ("keyring.backends.macOS.Keyring",),
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
}


@dataclass(frozen=True, slots=True)
class KeptToken:
    """Where a token is kept, and whose it is; if that could not be checked, it is None and `doubt` says why."""

    place: Place
    account: Account | None
    doubt: TransferError | None = None


class Keyring(Protocol):
    """The methods of a keyring that we need; `keyring`'s backends have them."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class TokenStore:
    """Keeps one token; any thread may ask. `file` is used if the system has no keyring that works.

    The keyring is asked once: a locked one would ask the person again at every request to the hub.
    """

    def __init__(self, file: Path, keyring: Keyring | None = None) -> None:
        self._file = file
        self._keyring = keyring
        self._known: tuple[str | None] | None = None
        self.silent = False  # whether the keyring failed to answer last time: it may still hold a token

    def read(self) -> str | None:
        """The token, or None."""
        if self._known is None:
            self._known = (self._kept(),)
        return self._known[0]

    def write(self, token: str) -> Place:
        """Keep this token; returns its place. Raises BadRequest if it can't be a token, UserError for a full disk."""
        token = _well_formed(token)
        self._known = None
        self._asked(lambda ring: ring.set_password(_SERVICE, _NAME, token))
        if self._in_keyring() != token:
            write_atomically(self._file, token.encode())
            return "file"
        self._file.unlink(missing_ok=True)
        return "keyring"

    def forget(self) -> None:
        """Remove the token from both places; raises UserError if one is left, which is then used as before."""
        try:
            self._file.unlink()
            self._known = None
        except FileNotFoundError:
            pass
        except OSError as error:
            raise cannot_write(self._file, error) from error
        if self._in_keyring() is not None:
            self._asked(lambda ring: ring.delete_password(_SERVICE, _NAME))
        stays = self._in_keyring() is not None
        if self.silent:
            raise UserError(
                tr("The keyring of this system is locked or does not answer, so a token in it is still stored."),
                tr("Unlock the keyring, then remove the token again."),
            )
        if stays:
            raise UserError(
                tr("The keyring of this system did not let go of the token, so it is still used."),
                tr("Unlock the keyring and try again, or delete the entry “{service}” in it.", service=_SERVICE),
            )
        self._known = None

    def _kept(self) -> str | None:
        # The file comes first: it exists only because the keyring, which may hold an older token, did not work.
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if token := self._file.read_text(encoding="utf-8").strip():
                return token
        return self._in_keyring()

    def _in_keyring(self) -> str | None:
        return self._asked(lambda ring: ring.get_password(_SERVICE, _NAME)) or None

    def _asked(self, question: Callable[[Keyring], T]) -> T | None:
        """The keyring's answer; None if there is no keyring, or if it is locked or fails, which sets `silent`."""
        from keyring.errors import NoKeyringError

        self.silent = False
        try:
            if self._keyring is None:
                self._keyring = this_system_s_keyring()
            return question(self._keyring)
        except NoKeyringError:
            return None
        except Exception:  # noqa: BLE001 - an edge: each system's keyring is a foreign program with errors of its own
            self.silent = True
            return None


def this_system_s_keyring() -> Keyring:
    """The keyring of this system, or the one that `PYTHON_KEYRING_BACKEND` names; raises NoKeyringError.

    `keyring.get_keyring` would import every backend of every installed package to choose one; macOS's looks for its
    library with a compiler and a linker, whichever come first in PATH.
    """
    from keyring.errors import NoKeyringError

    named = os.environ.get(_CHOICE)
    for name in [named] if named else _BACKENDS.get(sys.platform, _LINUX):
        module, _, kind = name.rpartition(".")
        with contextlib.suppress(ImportError, RuntimeError):
            backend = getattr(importlib.import_module(module), kind)
            if backend.priority is not None:  # raises RuntimeError if the system has no such keyring
                ring: Keyring = backend()
                return ring
    raise NoKeyringError


def check_and_keep(token: str, store: TokenStore, account_of: Callable[[str], Account]) -> KeptToken:
    """Ask the hub whose token it is, then keep it. A token that could not be checked is kept too.

    Raises BadRequest if it can't be a token, TransferError (cause "unauthorized") if the hub does not accept it, and
    UserError for a full disk; the token that was there before is still there.
    """
    token = _well_formed(token)
    try:
        account, doubt = account_of(token), None
    except TransferError as error:
        if error.cause == "unauthorized":
            raise
        account, doubt = None, error
    return KeptToken(store.write(token), account, doubt)


def _well_formed(token: str) -> str:
    token = token.strip()
    if token.isascii() and token.isprintable() and " " not in token and 0 < len(token) <= _LONGEST:
        return token
    raise BadRequest(
        tr("This is not a Hugging Face token."),
        tr("Nothing was changed. Copy it again from your account's page; it begins with hf_."),
    )


def from_environment() -> str | None:
    """The token that the environment brought, if there is one, for the command line."""
    return environment.token()
