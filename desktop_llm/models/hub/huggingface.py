"""The uses of huggingface_hub: asking whose a token is, reading a model card's metadata, and scanning its cache.

The library is imported at its first use and set up to send nothing by itself. Its requests go through `net` alone.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.models.hub.references import is_repo_id
from desktop_llm.models.names import printable
from desktop_llm.net import Net

# The library reads these once, when it is imported. Without them it would tell its makers' server which program
# runs, fetch files by sockets of its own (xet), and send a token that it found on this computer.
QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
}
_READING_ROLES = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Account:
    """The owner of a token, and whether the token may read models that are not open to everybody."""

    name: str
    may_read: bool


def account_of(token: str, endpoint: str, net: Net) -> Account:
    """Ask the hub whose token this is. Raises TransferError, or a ValueError or the like for a strange answer."""
    os.environ.update(QUIET)
    from huggingface_hub import HfApi, set_client_factory

    set_client_factory(net.client)
    answer = HfApi(endpoint=endpoint, token=token).whoami()
    return Account(printable(answer["name"]), _may_read(answer.get("auth", {}).get("accessToken", {})))


def base_models_in(card: str) -> tuple[str, ...]:
    """The models that a model was made from, by its card's metadata; none if the metadata make no sense."""
    os.environ.update(QUIET)
    import huggingface_hub

    broken = importlib.import_module("yaml").YAMLError  # by name, since it comes without types
    try:
        named = huggingface_hub.ModelCard(card, ignore_metadata_errors=True).data.get("base_model")
    except (broken, ValueError, TypeError, RecursionError):
        return ()
    names = named if isinstance(named, list) else [named]
    return tuple(name for name in names if isinstance(name, str) and is_repo_id(name))


def cached_blobs(cache: Path) -> dict[Path, str]:
    """The GGUF files in huggingface_hub's cache, each with the name of its blob: the checksum of a large file.

    A repository that the library calls corrupted is left out as a whole. Raises OSError if the folder can't be read.
    """
    os.environ.update(QUIET)
    from huggingface_hub import scan_cache_dir

    real = cache.resolve()  # the library names its files by the real path
    return {
        cache / file.file_path.relative_to(real): file.blob_path.name
        for repo in scan_cache_dir(cache).repos
        for revision in repo.revisions
        for file in revision.files
        if file.file_name.lower().endswith(".gguf")
    }


def _may_read(token: Mapping[str, Any]) -> bool:
    """Whether the token may read: a fine-grained token names its permissions, the older kinds have a role."""
    fine = token.get("fineGrained")
    if not isinstance(fine, dict):
        return token.get("role") in _READING_ROLES
    scopes = [scope.get("permissions", ()) for scope in fine.get("scoped", ())]
    return bool(fine.get("canReadGatedRepos")) or any("repo.content.read" in permissions for permissions in scopes)
