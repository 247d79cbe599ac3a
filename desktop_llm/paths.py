"""Where everything of this app lies: data, models, cache, logs, and what was installed with it.

One environment variable (`DESKTOP_LLM_HOME`) moves all four folders. Folders are 0700: other accounts of the machine
have no business here.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.words import tr

APP_NAME = "desktop-llm"
HOME_VARIABLE = "DESKTOP_LLM_HOME"


@dataclass(frozen=True, slots=True)
class Folders:
    """The app's own folders; they exist and belong to the user alone."""

    data: Path
    models: Path
    cache: Path
    logs: Path

    @property
    def home(self) -> Path:
        """The one folder that holds all four, where there is one; else that of the data."""
        return self.data.parent if self.models.parent == self.data.parent else self.data

    @property
    def chats_db(self) -> Path:
        return self.data / "chats.db"

    @property
    def knowledge_db(self) -> Path:
        return self.data / "knowledge.db"

    @property
    def index(self) -> Path:
        return self.data / "index"

    @property
    def settings(self) -> Path:
        return self.data / "settings.json"

    @property
    def facts_db(self) -> Path:
        return self.data / "facts.db"

    @property
    def ledger_db(self) -> Path:
        return self.data / "ledger.db"

    @property
    def starred(self) -> Path:
        return self.data / "starred.json"

    @property
    def token_file(self) -> Path:
        return self.data / "hf-token"


def folders(home: Path | None = None) -> Folders:
    """The folders under `home`, else under `DESKTOP_LLM_HOME`, else where the system wants them; created if missing.

    Raises UserError where they can't be.
    """
    root = home or (Path(value) if (value := os.environ.get(HOME_VARIABLE)) else None)
    if root is not None:
        root = root.expanduser().absolute()
        found = Folders(root / "data", root / "models", root / "cache", root / "logs")
    else:
        import platformdirs  # not needed, and not waited for, where a home is given

        dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        data = Path(dirs.user_data_dir)
        found = Folders(data, data / "models", Path(dirs.user_cache_dir), Path(dirs.user_log_dir))
    for folder in (found.data, found.models, found.cache, found.logs):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                tr(
                    "The folder {folder} can't be made: {reason}. Nothing was changed. "
                    "Choose another one with --home or {variable}.",
                    folder=folder,
                    reason=error.strerror,
                    variable=HOME_VARIABLE,
                )
            ) from error
    return found


def asset(name: str) -> Path:
    """A file of `assets/`: beside the package in a checkout, inside it in a wheel, unpacked when frozen."""
    if frozen := getattr(sys, "_MEIPASS", None):
        return Path(frozen) / "assets" / name
    package = Path(__file__).parent
    inside = package / "assets" / name
    return inside if inside.exists() else package.parent / "assets" / name


def package_file(package: str, relative: str) -> Path | None:
    """A file of an installed package, found without importing it; None where it is not installed."""
    if frozen := getattr(sys, "_MEIPASS", None):
        path = Path(frozen) / package / relative
        return path if path.exists() else None
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / relative
    return path if path.exists() else None
