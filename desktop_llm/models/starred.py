"""Stores the repositories that the person starred, with enough facts to show them without asking the hub."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.models.hub import HubModel
from desktop_llm.words import tr

# Enough for a row in a list and a first forecast; the hub sends the rest when the repository is opened.
_KEPT = ("repo", "downloads", "likes", "license", "gated", "task", "architecture", "parameters", "context_length")


class Starred:
    """The stars in one small JSON file; any thread may ask, but only one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[HubModel, ...]:
        """The starred repositories, latest first; a damaged file is renamed and counts as empty.

        Raises UserError if the file exists but can't be read.
        """
        try:
            content = json.loads(self._path.read_bytes())
            return tuple(model for each in content["starred"] if (model := _model(each)) is not None)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UserError(
                tr(
                    "Your stars in {file} can't be read: {reason}.",
                    file=self._path,
                    reason=error.strerror or tr("the system gave no reason"),
                ),
                tr(
                    "The file is unchanged, and a star that you set now is not kept. "
                    "Check the folder's permissions, then start the app again."
                ),
            ) from error
        except (ValueError, LookupError, TypeError, RecursionError):
            with contextlib.suppress(OSError):
                self._path.replace(self._path.with_suffix(".broken.json"))
            return ()

    def write(self, models: Sequence[HubModel]) -> None:
        """Replace the stars in one step; if that fails, raises UserError and leaves the old file untouched."""
        starred = [{name: getattr(model, name) for name in _KEPT} for model in models]
        write_atomically(self._path, json.dumps({"starred": starred}, indent=2).encode())


def _model(entry: Any) -> HubModel | None:
    """Restore a repository; facts of an unexpected type count as unknown."""
    if not isinstance(entry, dict) or not isinstance(entry.get("repo"), str):
        return None
    usual = HubModel(entry["repo"])
    known = {name: entry[name] for name in _KEPT if type(entry.get(name)) is type(getattr(usual, name))}
    return HubModel(**known)
