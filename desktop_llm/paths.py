"""Finds the folders for data, models, cache and logs, and the app's installed files.

One environment variable (`DESKTOP_LLM_HOME`) moves all four folders. Folders are 0700: other accounts of the machine
have no business in them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.words import tr

APP_NAME = "desktop-llm"
HOME_VARIABLE = "DESKTOP_LLM_HOME"
STARTER_VARIABLE = "DESKTOP_LLM_STARTER"


@dataclass(frozen=True, slots=True)
class Folders:
    """The app's own folders. The data folder exists, and only this account can open them."""

    data: Path
    models: Path
    cache: Path
    logs: Path

    @property
    def home(self) -> Path:
        """The folder that holds all four; the data folder if there is no such folder."""
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
    def pictures(self) -> Path:
        return self.data / "pictures"

    @property
    def settings(self) -> Path:
        return self.data / "settings.json"

    @property
    def days(self) -> Path:
        return self.data / "days.json"

    @property
    def reserve(self) -> Path:
        return self.data / "reserve"

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
    """The folders under `home`, otherwise under `DESKTOP_LLM_HOME`, otherwise in the system's usual places; created if
    missing.

    Raises UserError if there is no data folder that can be read. Without one of the others the app works too, so they
    may stay missing on a full or read-only disk.
    """
    root = home or (Path(value) if (value := os.environ.get(HOME_VARIABLE)) else None)
    if root is not None:
        root = Path(os.path.expanduser(root)).absolute()  # noqa: PTH111 - Path.expanduser raises without a home folder
        found = Folders(root / "data", root / "models", root / "cache", root / "logs")
    else:
        import platformdirs  # only needed if no home is given

        dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        try:
            data = Path(dirs.user_data_dir)
            found = Folders(data, data / "models", Path(dirs.user_cache_dir), Path(dirs.user_log_dir))
        except RuntimeError as error:
            raise UserError(
                tr("This account has no home folder, so there is no place for the app's data."),
                tr("Nothing was changed. Choose a folder with --home or {variable}.", variable=HOME_VARIABLE),
            ) from error
    try:
        found.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.scandir(found.data).close()
    except OSError as error:
        raise UserError(
            tr("The folder {folder} can't be used: {reason}.", folder=found.data, reason=error.strerror),
            tr(
                "Nothing was changed. Check that it is a folder, that it belongs to you and that its disk is not full, "
                "or choose another one with --home or {variable}.",
                variable=HOME_VARIABLE,
            ),
        ) from error
    for folder in (found.models, found.cache, found.logs):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (found.data, found.models, found.cache, found.logs):
        with contextlib.suppress(OSError):
            if os.name == "posix" and folder.lstat().st_mode & 0o077 and not folder.is_symlink():
                folder.chmod(0o700)  # it was there already, open to other accounts
    return found


def person_home() -> Path:
    """The person's home folder, or the root of the file system if the account has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def asset(name: str) -> Path:
    """A file of `assets/`: beside the package in a checkout, inside it in a wheel, unpacked when frozen."""
    if frozen := getattr(sys, "_MEIPASS", None):
        return Path(frozen) / "assets" / name
    package = Path(__file__).parent
    inside = package / "assets" / name
    return inside if inside.exists() else package.parent / "assets" / name


def starter_folder() -> Path:
    """The folder of the starter chat model: beside the installed packages, so that every home finds the same file.

    `DESKTOP_LLM_STARTER` names another folder.
    """
    return Path(os.environ.get(STARTER_VARIABLE) or Path(sys.prefix, "share", APP_NAME))


def package_file(package: str, relative: str) -> Path | None:
    """A file of an installed package, found without importing the package; None if it is not installed."""
    if frozen := getattr(sys, "_MEIPASS", None):
        path = Path(frozen) / package / relative
        return path if path.exists() else None
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / relative
    return path if path.exists() else None
