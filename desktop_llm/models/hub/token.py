"""The Hugging Face token: in the system's keyring, else in a file that only this person can read, and told which.

It is never among the settings, in a log, or on a command line. `keyring` comes in at the first question: it asks the
system, which may take a moment or ask the person, so the window asks in a task.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from desktop_llm.errors import BadRequest, UserError
from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.words import tr

T = TypeVar("T")
Place = Literal["keyring", "file"]

VARIABLE = "HF_TOKEN"
_SERVICE, _NAME = "desktop-llm", "huggingface.co"
_LONGEST = 512


class Keyring(Protocol):
    """What is needed of a keyring; `keyring`'s backends have it."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class TokenStore:
    """Keeps one token; any thread may ask. `file` is used where the system has no keyring that works.

    The keyring is asked once: a locked one would ask the person again at every request to the hub.
    """

    def __init__(self, file: Path, keyring: Keyring | None = None) -> None:
        self._file = file
        self._keyring = keyring
        self._known: tuple[str | None] | None = None
        self.silent = False  # whether the keyring, asked last, did not answer: it may hold a token all the same

    def read(self) -> str | None:
        """The token, or None."""
        if self._known is None:
            self._known = (self._kept(),)
        return self._known[0]

    def write(self, token: str) -> Place:
        """Keep this token; where it lies now. Raises BadRequest for what can't be one, UserError for a full disk."""
        token = token.strip()
        if not (token.isascii() and token.isprintable() and " " not in token and 0 < len(token) <= _LONGEST):
            raise BadRequest(
                tr(
                    "This is no Hugging Face token. Nothing was changed. "
                    "Copy it again from your account's page; it begins with hf_."
                )
            )
        self._known = None
        self._asked(lambda ring: ring.set_password(_SERVICE, _NAME, token))
        if self._in_keyring() != token:
            write_atomically(self._file, token.encode())
            return "file"
        self._file.unlink(missing_ok=True)
        return "keyring"

    def forget(self) -> None:
        """Remove the token from both places; raises UserError where one stays, which is told and used as before."""
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
                tr(
                    "The keyring of this system is locked or does not answer, so a token in it is still stored. "
                    "Unlock the keyring, then remove the token again."
                )
            )
        if stays:
            raise UserError(
                tr(
                    "The keyring of this system did not let go of the token, so it is still used. "
                    "Unlock the keyring and try again, or delete the entry “{service}” in it.",
                    service=_SERVICE,
                )
            )
        self._known = None

    def _kept(self) -> str | None:
        # The file goes first: it is only there since the keyring, which may hold an older one, did not work.
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if token := self._file.read_text(encoding="utf-8").strip():
                return token
        return self._in_keyring()

    def _in_keyring(self) -> str | None:
        return self._asked(lambda ring: ring.get_password(_SERVICE, _NAME)) or None

    def _asked(self, question: Callable[[Keyring], T]) -> T | None:
        """The keyring's answer; None where there is no keyring, or it is locked or fails, which `silent` tells."""
        import keyring
        from keyring.errors import NoKeyringError

        self.silent = False
        try:
            if self._keyring is None:
                self._keyring = keyring.get_keyring()
            return question(self._keyring)
        except NoKeyringError:
            return None
        except Exception:  # noqa: BLE001 - an edge: each system's keyring is a foreign program with errors of its own
            self.silent = True
            return None


def from_environment() -> str | None:
    """The token that a command line's environment brings along."""
    return os.environ.get(VARIABLE, "").strip() or None
