"""The repositories that the person starred, and what was known of each, so that showing them asks nobody."""

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

# What a row of a list and a first forecast need; the rest comes with the repository when it is opened.
_KEPT = ("repo", "downloads", "likes", "license", "gated", "task", "architecture", "parameters", "context_length")


class Starred:
    """One small JSON file; any thread may ask, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[HubModel, ...]:
        """The starred repositories, the latest first; a file that makes no sense is kept beside and counts as none.

        Raises UserError where the file is there and can't be read now.
        """
        try:
            content = json.loads(self._path.read_bytes())
            return tuple(model for each in content["starred"] if (model := _model(each)) is not None)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UserError(
                tr(
                    "Your stars in {file} can't be read: {reason}. The file is unchanged, and a star that you set now "
                    "is not kept. Check the folder's permissions, then start the app again.",
                    file=self._path,
                    reason=error.strerror or tr("the system gave no reason"),
                )
            ) from error
        except (ValueError, LookupError, TypeError, RecursionError):
            with contextlib.suppress(OSError):
                self._path.replace(self._path.with_suffix(".broken.json"))
            return ()

    def write(self, models: Sequence[HubModel]) -> None:
        """Replace them in one step; raises UserError where that can't be done, the old file untouched."""
        starred = [{name: getattr(model, name) for name in _KEPT} for model in models]
        write_atomically(self._path, json.dumps({"starred": starred}, indent=2).encode())


def _model(entry: Any) -> HubModel | None:
    """The repository; facts of another form count as unknown."""
    if not isinstance(entry, dict) or not isinstance(entry.get("repo"), str):
        return None
    usual = HubModel(entry["repo"])
    known = {name: entry[name] for name in _KEPT if type(entry.get(name)) is type(getattr(usual, name))}
    return HubModel(**known)
