"""Takes the access token out of the environment at the start.

Every child inherits the environment, and every program of this account can read the one that a process began with.
"""

from __future__ import annotations

import os

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # the first that is set counts
_taken: dict[str, str] = {}


def take_secrets() -> None:
    """Keep the tokens of the environment in this process alone: no child inherits them, /proc shows them no more."""
    _taken.clear()
    for name in VARIABLES:
        value = os.environ.get(name)
        if value is not None:
            if os.name == "posix":
                _blank(name, value)
            _taken[name] = os.environ.pop(name)


def token() -> str | None:
    """The token that the environment brought, if there is one."""
    found = (os.environ.get(name, _taken.get(name, "")).strip() for name in VARIABLES)
    return next(filter(None, found), None)


def _blank(name: str, value: str) -> None:
    """Overwrite the value where the system put it when the process started; unsetting it would leave it there."""
    import ctypes  # only needed if there is a token

    library = ctypes.CDLL(None)
    library.getenv.restype = ctypes.c_void_p
    if place := library.getenv(os.fsencode(name)):
        ctypes.memset(place, 0, len(os.fsencode(value)))
