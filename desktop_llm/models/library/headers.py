"""Headers of model files, read once for each content: also those that were refused, with the sentence why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop_llm import __version__
from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.facts import Facts, Stamp
from desktop_llm.models.gguf import Header, read_header
from desktop_llm.words import from_json, to_json

_FACT = "header"


class Headers:
    """Reads and remembers; of a model in parts the stamp is that of all parts, the path that of the first."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def read(self, stamps: Mapping[Path, Stamp]) -> dict[Path, Header | ModelFileError]:
        """The checked header of each file, or why it was refused."""
        known = self._facts.known(_FACT, stamps)
        found = {path: header for path, value in known.items() if (header := _header(value)) is not None}
        measured = {path: _measured(path) for path in stamps if path not in found}
        lasting = {path: (stamps[path], value) for path, (header, value) in measured.items() if value is not None}
        if lasting:
            self._facts.note(_FACT, lasting)
        return found | {path: header for path, (header, _) in measured.items()}


def _measured(path: Path) -> tuple[Header | ModelFileError, dict[str, Any] | None]:
    """The header, and what to keep of it: nothing where the disk or a permission stood in the way this time."""
    try:
        header = read_header(path)
    except ModelFileError as error:
        passing = isinstance(error.__cause__, OSError)
        told = {"refused": to_json(error.message), "unsupported": isinstance(error, UnsupportedModel)}
        return error, None if passing else {"version": __version__, **told}
    return header, {"version": __version__, "header": header.to_json()}


def _header(value: Mapping[str, Any]) -> Header | ModelFileError | None:
    """None for what another version of this app measured: it may know more architectures, or ask for more."""
    if value.get("version") != __version__:
        return None
    if "refused" in value:
        kind = UnsupportedModel if value.get("unsupported") else ModelFileError
        return kind(from_json(value["refused"]))
    try:
        return Header.from_json(value["header"])
    except (TypeError, KeyError):
        return None
