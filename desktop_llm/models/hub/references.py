"""What a person pastes to name a model: an id, an id with a quantization, or an address from the browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from desktop_llm.models.hub.quantizations import is_plain

_ID = re.compile(r"(?!.*(?:--|\.\.|\.git$))[A-Za-z0-9](?:[\w.-]{0,94}\w)?/\w(?:[\w.-]{0,94}\w)?", re.ASCII)
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_NOT_MODELS = ("api", "blog", "collections", "datasets", "docs", "models", "organizations", "papers", "posts", "spaces")


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository, and where named a file or quantization in it and a version of it."""

    repo: str
    file: str | None = None
    revision: str | None = None


def parse_reference(text: str, endpoint: str = "") -> Reference | None:
    """The repository that the text names, or None where it is a search; addresses of `endpoint` count too."""
    text = text.strip().strip("<>\"'")
    host, path = _host_and_path(text)
    if host:
        known = host in _HOSTS or (endpoint and host == (urlsplit(endpoint).hostname or ""))
        return _of_path(path) if known else None
    repo, colon, file = text.partition(":")
    if not is_repo_id(repo) or (colon and not file):
        return None
    return Reference(repo, file or None) if not file or is_plain(file) else None


def is_repo_id(text: str) -> bool:
    """Whether this can be a repository's id, by the hub's rules."""
    return bool(_ID.fullmatch(text)) and not text.lower().startswith(tuple(f"{name}/" for name in _NOT_MODELS))


def _host_and_path(text: str) -> tuple[str, str]:
    if "://" in text:
        try:
            parts = urlsplit(text)
        except ValueError:
            return "", ""
        return (parts.hostname or "").lower(), unquote(parts.path)
    host, _, path = text.partition("/")
    return (host.lower(), path) if host.lower() in _HOSTS else ("", "")


def _of_path(path: str) -> Reference | None:
    """From `owner/name`, `owner/name:Q4_K_M`, `owner/name/tree/main`, `owner/name/blob/main/file.gguf`."""
    steps = path.strip("/").split("/")
    repo, _, file = "/".join(steps[:2]).removesuffix(".git").partition(":")
    if not is_repo_id(repo):
        return None
    rest = steps[2:]
    if len(rest) >= 2 and rest[0] in ("tree", "blob", "resolve", "raw"):
        inner = "/".join(rest[2:])
        revision = None if rest[1] == "main" else rest[1]
        named = inner if inner.lower().endswith(".gguf") and is_plain(inner) else None
        return Reference(repo, named, revision)
    return Reference(repo, file or None)
