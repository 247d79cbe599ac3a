"""What the person has set, as one small JSON file: typed, versioned, tolerant.

A value that makes no sense becomes that field's default; a file that makes no sense is kept beside the new one. The
file of a newer version is read as far as it is understood.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.words import tr

VERSION = 1
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the app; None means that the app decides.

    `offline` lets nothing leave this computer. `endpoint` is where models come from, None for Hugging Face itself.
    `model_folders` are looked through for models beside the app's own folder. `window` holds plain JSON values that
    belong to the window (geometry, panes, the last conversation).
    """

    theme: str = "system"
    reading_scale: float = 1.0
    threads: int | None = None
    context_length: int | None = None
    model_id: str | None = None
    default_collection: str = "My documents"
    offline: bool = False
    endpoint: str | None = None
    model_folders: tuple[str, ...] = ()
    window: dict[str, Any] = field(default_factory=dict)


# https everywhere, plain http to this computer alone; `net/rules.py` holds to the same rule.
_ENDPOINT = re.compile(r"https://[^\s/]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")


def is_endpoint(address: str) -> bool:
    """Whether models may come from this address."""
    return _ENDPOINT.fullmatch(address) is not None


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: value is None or (type(value) is int and low <= value <= high)


_SENSIBLE: dict[str, Callable[[Any], bool]] = {
    "theme": lambda value: value in THEMES,
    "reading_scale": lambda value: type(value) in (int, float) and math.isfinite(value) and 0.5 <= value <= 3,
    "threads": _whole(1, 1024),
    "context_length": _whole(256, 16_777_216),
    "model_id": lambda value: value is None or (isinstance(value, str) and bool(value)),
    "default_collection": lambda value: isinstance(value, str) and bool(value.strip()),
    "offline": lambda value: type(value) is bool,
    "endpoint": lambda value: value is None or (isinstance(value, str) and is_endpoint(value)),
    "model_folders": lambda value: isinstance(value, list | tuple) and all(isinstance(path, str) for path in value),
    "window": lambda value: isinstance(value, dict),
}


def load(path: Path) -> tuple[Settings, str | None]:
    """The settings in `path`, defaults where there are none; the sentence to show where the file was broken."""
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return Settings(), None
    except OSError as error:
        return Settings(), tr(
            "The settings in {file} could not be read: {reason}. Defaults are used for now.",
            file=path,
            reason=error.strerror,
        )
    except (ValueError, RecursionError):
        return Settings(), _keep_broken(path)
    known = {name: content[name] for name, sensible in _SENSIBLE.items() if name in content and sensible(content[name])}
    if "model_folders" in known:
        known["model_folders"] = tuple(known["model_folders"])
    return Settings(**known), None


def save(path: Path, settings: Settings) -> None:
    """Replace the file in one step; raises UserError where that can't be done, the old file untouched."""
    content = {"version": VERSION, **dataclasses.asdict(settings)}
    write_atomically(path, json.dumps(content, indent=2).encode())


def _keep_broken(path: Path) -> str:
    kept = path.with_name(f"settings.broken-{time.strftime('%Y%m%d-%H%M%S')}.json")
    try:
        path.replace(kept)
    except OSError as error:
        reason = cannot_write(path, error).message
        return tr("The settings file is broken, so defaults are used for now. {reason}", reason=reason)
    return tr("The settings file was broken, so defaults are used. The old file is kept as {file}.", file=kept)
