"""Finds the models of other apps on this computer, in the folders of those apps, so that they can be used in place.

Nothing there is written, renamed or deleted. Looking for an app that isn't installed only costs a check for a folder
that doesn't exist. Folders that can't be read and lists that make no sense are skipped. Each function describes the
layout that its app used in 2026.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.models.library.records import Origin

_MAX_DEPTH = 6
_MAX_LIST_BYTES = 1 << 20
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_OLLAMA_SERVICE = Path("/usr/share/ollama/.ollama/models")
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_YAML_LINE = re.compile(r"(\w+):\s*(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model; `name` is the name that its app shows, or empty if the app shows the file's name."""

    path: Path
    name: str = ""
    repo: str = ""
    sha256: str | None = None
    origin: Origin = "folder"


@dataclass(frozen=True, slots=True)
class Places:
    """The home folder and the environment, which decide where apps keep their files."""

    home: Path
    environ: Mapping[str, str]

    def variable(self, name: str) -> Path | None:
        """The folder that an environment variable names, or None if it is not set."""
        value = self.environ.get(name)
        return Path(value).expanduser() if value else None

    def data(self) -> tuple[Path, ...]:
        """The folders for app data on Linux, macOS and Windows (local, roaming); only those of this system exist."""
        return (
            self.variable("XDG_DATA_HOME") or self.home / ".local" / "share",
            self.home / "Library" / "Application Support",
            self.variable("LOCALAPPDATA") or self.home / "AppData" / "Local",
            self.variable("APPDATA") or self.home / "AppData" / "Roaming",
        )

    def config(self) -> Path:
        """The folder for app settings on Linux."""
        return self.variable("XDG_CONFIG_HOME") or self.home / ".config"


def models_elsewhere(places: Places, folders: Sequence[Path]) -> Iterator[ModelFile]:
    """Every model file in the folders of known apps, then in the folders that the person added."""
    yield from lm_studio(places)
    yield from ollama(places)
    yield from gpt4all(places)
    yield from jan(places)
    yield from hugging_face(places)
    for folder in folders:
        yield from (ModelFile(path) for path in _gguf_files(folder.expanduser()))


def lm_studio(places: Places) -> Iterator[ModelFile]:
    """Models at `models/AUTHOR/REPO/FILE.gguf` in LM Studio's home, and in the download folder named in its settings.

    The settings are in its home or, in other versions, in the system's folder for settings.
    """
    homes = [places.home / ".lmstudio", places.home / ".cache" / "lm-studio"]
    homes += _named(_read(places.home / ".lmstudio-home-pointer").strip())
    settings = homes + [folder / "LM Studio" for folder in (places.config(), *places.data())]
    downloads = [path for place in settings for path in _named(_json(place / "settings.json").get("downloadsFolder"))]
    for folder in [home / "models" for home in homes] + downloads:
        for path in _gguf_files(folder):
            author_repo = path.relative_to(folder).parts[:-1]
            repo = "/".join(author_repo) if len(author_repo) == 2 else ""
            yield ModelFile(path, repo=repo, origin="lm_studio")


def ollama(places: Places) -> Iterator[ModelFile]:
    """Models that Ollama's manifests list: `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON that names blobs.

    One of the blobs is the model; its name is its checksum and has no suffix. Templates and parameters are other blobs,
    which this app doesn't need, because the model file contains its own template.
    """
    named = places.variable("OLLAMA_MODELS")
    for folder in [named] if named else [places.home / ".ollama" / "models", _OLLAMA_SERVICE]:
        for manifest in _files(folder / "manifests", 5):
            parts = manifest.relative_to(folder / "manifests").parts
            digest = _ollama_digest(_json(manifest)) if len(parts) == 4 else None
            blob = folder / "blobs" / f"sha256-{digest}"
            if digest and is_there(blob):
                yield ModelFile(blob, _ollama_name(*parts), _ollama_repo(*parts), digest, "ollama")


def gpt4all(places: Places) -> Iterator[ModelFile]:
    """GPT4All's models, all in one folder: the default one or the one in its settings.

    Unfinished downloads are recognized by their names. GPT4All's Python package keeps its models in a separate cache.
    """
    folders = [folder / "nomic.ai" / "GPT4All" for folder in places.data()] + [places.home / ".cache" / "gpt4all"]
    for folder in (places.config(), *places.data()):
        for line in _read(folder / "nomic.ai" / "GPT4All.ini").splitlines():
            folders += _named(line.removeprefix("modelPath=")) if line.startswith("modelPath=") else []
    for folder in folders:
        for path in _gguf_files(folder):
            if not path.name.startswith("incomplete-"):
                yield ModelFile(path, origin="gpt4all")


def jan(places: Places) -> Iterator[ModelFile]:
    """Jan's models: `llamacpp/models/…/model.yml` names a file anywhere on the disk; older models are in `models`."""
    roots = [folder / "Jan" for folder in places.data()] + [places.home / ".config" / "Jan"]
    data = [root / "data" for root in roots] + _named(places.environ.get("JAN_DATA_FOLDER"))
    data += [folder for root in roots for folder in _named(_json(root / "settings.json").get("data_folder"))]
    for folder in data:
        for listed in _files(folder / "llamacpp" / "models", _MAX_DEPTH):
            model = _yaml(listed) if listed.name == "model.yml" else {}
            path = folder / model.get("model_path", "")
            if "model_path" in model and is_there(path):
                name = model.get("name") or listed.parent.name
                yield ModelFile(path, name, origin="jan", sha256=_sha256(model.get("model_sha256", "")))
    for folder in [folder / "models" for folder in data] + [places.home / "jan" / "models"]:
        yield from (ModelFile(path, origin="jan") for path in _gguf_files(folder))


def hugging_face(places: Places) -> Iterator[ModelFile]:
    """Models in the Hugging Face cache, at `models--AUTHOR--REPO/snapshots/COMMIT/FILE`.

    Each FILE links to a blob whose name is the file's checksum. We open the link, because the parts of a split model
    find each other by name and blobs don't have these names. Hugging Face's own library reads the cache's layout; if it
    gives up on a repository because of one broken link, we read the links ourselves.
    """
    home = places.variable("HF_HOME") or (places.variable("XDG_CACHE_HOME") or places.home / ".cache") / "huggingface"
    folder = places.variable("HF_HUB_CACHE") or places.variable("HUGGINGFACE_HUB_CACHE") or home / "hub"
    files = {
        path: repo.name.removeprefix("models--").replace("--", "/", 1)
        for repo in _folders(folder)
        if repo.name.startswith("models--")
        for path in _gguf_files(repo / "snapshots")
    }
    blobs: dict[Path, str] = {}
    if files:  # importing the library takes time; skip it if the cache has no models
        from desktop_llm.models.hub.huggingface import cached_blobs

        with contextlib.suppress(OSError):
            blobs = cached_blobs(folder)
    for path, repo in files.items():
        blob = blobs.get(path) or (path.readlink().name if path.is_symlink() else "")
        yield ModelFile(path, repo=repo, sha256=_sha256(blob), origin="huggingface")


def is_there(path: Path) -> bool:
    """Whether this is a file; False if we have no permission to look."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _ollama_digest(manifest: Mapping[str, Any]) -> str | None:
    layers = manifest.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == _OLLAMA_MODEL:
            match = _DIGEST.fullmatch(str(layer.get("digest")))
            return match[1] if match else None
    return None


def _ollama_name(host: str, namespace: str, model: str, tag: str) -> str:
    """The name as `ollama list` shows it, without the default host and namespace."""
    if host != "registry.ollama.ai":
        return f"{host}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace == "library" else f"{namespace}/{model}:{tag}"


def _ollama_repo(host: str, namespace: str, model: str, _tag: str) -> str:
    return f"{namespace}/{model}" if host in ("hf.co", "huggingface.co") else ""


def _gguf_files(folder: Path) -> Iterator[Path]:
    return (path for path in _files(folder, _MAX_DEPTH) if path.suffix.lower() == ".gguf")


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The files below a folder, sorted by name; hidden folders and links to folders are skipped."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in entries:
        if _is_folder(entry):
            if depth > 1 and not entry.name.startswith("."):
                yield from _files(Path(entry.path), depth - 1)
        elif _is_file(entry):
            yield Path(entry.path)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if _is_folder(entry))
    except (OSError, ValueError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _read(path: Path) -> str:
    """The text of a small list or settings file of another app; empty if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_LIST_BYTES).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _yaml(path: Path) -> dict[str, str]:
    """The plain `key: value` lines of a YAML file; we need nothing else from these files."""
    lines = (_YAML_LINE.fullmatch(line) for line in _read(path).splitlines())
    return {match[1]: match[2].strip("'\"") for match in lines if match}


def _sha256(text: str) -> str | None:
    return text if _SHA256.fullmatch(text) else None


def _named(value: object) -> list[Path]:
    """The folder that a setting names, in a list that is empty if the setting is no absolute path."""
    return [Path(value)] if isinstance(value, str) and Path(value).is_absolute() else []
