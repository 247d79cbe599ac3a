"""The person's settings in one small JSON file: typed, versioned, tolerant.

An invalid value is replaced by that field's default. If another version wrote the file, the fields that this version
knows are read. A file that was damaged, or that another version wrote, is kept beside the new one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError
from desktop_llm.files import cannot_write, unused, write_atomically
from desktop_llm.words import tr

VERSION = 1
MAX_BYTES = 1_000_000
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the app; None means that the app decides.

    While `offline` is on, nothing leaves this computer. `endpoint` is the address that models come from, None for
    Hugging Face itself. `model_folders` are searched for models beside the app's own folder. `presets` are the person's
    own, sampling values by name; `model_presets` names the preset of a model's chats, by the model's id. `window` holds
    plain JSON values that belong to the window (geometry, panes, the last conversation).
    """

    theme: str = "system"
    reading_scale: float = 1.0
    threads: int | None = None
    context_length: int | None = None
    default_collection: str = "My documents"
    offline: bool = False
    endpoint: str | None = None
    model_folders: tuple[str, ...] = ()
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    model_presets: dict[str, str] = field(default_factory=dict)
    window: dict[str, Any] = field(default_factory=dict)


# https everywhere, plain http only to this computer; net follows the same rule.
_ENDPOINT = re.compile(r"https://[^\s/]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?")


def is_endpoint(address: str) -> bool:
    """Whether models may come from this address."""
    return _ENDPOINT.fullmatch(address) is not None


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: value is None or (type(value) is int and low <= value <= high)


def _path(value: Any) -> bool:
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte of a file name
        return False


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _flat(value: Any) -> bool:
    """Whether this is a single value or a list of such; the window keeps nothing else."""
    return not any(isinstance(each, list | dict) for each in (value if isinstance(value, list) else [value]))


def _is_preset(item: tuple[str, Any]) -> bool:
    name, values = item
    return _text(name) and isinstance(values, dict)


_SENSIBLE: dict[str, Callable[[Any], bool]] = {
    "theme": lambda value: value in THEMES,
    "reading_scale": lambda value: type(value) in (int, float) and math.isfinite(value) and 0.5 <= value <= 3,
    "threads": _whole(1, 1024),
    "context_length": _whole(256, 16_777_216),
    "default_collection": _text,
    "offline": lambda value: type(value) is bool,
    "endpoint": lambda value: value is None or (_text(value) and is_endpoint(value)),
    "model_folders": lambda value: isinstance(value, list | tuple) and all(map(_path, value)),
    "presets": lambda value: isinstance(value, dict) and all(map(_is_preset, value.items())),
    "model_presets": lambda value: isinstance(value, dict) and all(map(_text, value.values())),
    "window": lambda value: isinstance(value, dict) and all(map(_flat, value.values())),
}


def load(path: Path) -> tuple[Settings, str | None]:
    """The settings in `path` as far as they make sense, otherwise defaults; and a sentence if something is wrong with
    the file, else None. Whoever saves settings afterwards calls `keep_aside` first.
    """
    try:
        content = _read(path)
    except FileNotFoundError:
        return Settings(), None
    except OSError as error:
        reason = error.strerror or tr("the system gave no reason")
        return Settings(), tr("The settings can't be read ({reason}), so the defaults are used.", reason=reason)
    except (ValueError, RecursionError):
        return Settings(), tr("The settings were damaged, so the defaults are used.")
    present = {name: value for name, value in content.items() if name in _SENSIBLE}
    known = {name: value for name, value in present.items() if _SENSIBLE[name](value)}
    problem = None
    if content.get("version") != VERSION:
        problem = tr("The settings are from another version of Desktop LLM; those that this one knows are used.")
    elif len(known) < len(present):
        names = ", ".join(sorted(present.keys() - known.keys()))
        problem = tr("Some settings made no sense, so their defaults are used: {names}.", names=names)
    if "model_folders" in known:
        known["model_folders"] = tuple(known["model_folders"])
    return Settings(**known), problem


def save(path: Path, settings: Settings) -> None:
    """Replace the file in one step. Raises UserError if that fails; the old file is then untouched."""
    content = {"version": VERSION, **dataclasses.asdict(settings)}
    write_atomically(path, json.dumps(content, indent=2).encode())


def _read(path: Path) -> dict[str, Any]:
    """The file's content; raises OSError or ValueError."""
    if path.exists() and not path.is_file():  # reading a pipe or a device may never end
        raise ValueError("not a file")
    with path.open("rb") as file:
        content = json.loads(file.read(MAX_BYTES))
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


def keep_aside(path: Path, settings: Settings) -> str:
    """Put the settings that `load` gave in the place of a file with a problem, and keep that file beside it; returns
    the sentence that says so."""
    kept = unused(path.with_name(f"settings.old-{time.strftime('%Y%m%d-%H%M%S')}.json"))
    try:
        path.rename(kept)
    except OSError as error:
        return cannot_write(path, error).message
    with contextlib.suppress(UserError):  # saved with the next change
        save(path, settings)
    return tr("The old file is kept as {file}.", file=kept)
