"""Reads what a person pastes to name a model: an id, an id with a quantization, or an address from the browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from desktop_llm.models.hub.files import is_plain

_ID = re.compile(r"(?!.*(?:--|\.\.|\.git$))[A-Za-z0-9](?:[\w.-]{0,94}\w)?/\w(?:[\w.-]{0,94}\w)?", re.ASCII)
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_NOT_MODELS = ("api", "blog", "collections", "datasets", "docs", "models", "organizations", "papers", "posts", "spaces")


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository, and, if they were named, a file or quantization in it and a version of it."""

    repo: str
    file: str | None = None
    revision: str | None = None


def parse_reference(text: str, endpoint: str = "") -> Reference | None:
    """The repository that the text names, or None if the text is a search; addresses at `endpoint` count too."""
    text = text.strip().strip("<>\"'")
    if (path := _path_on_hub(text, endpoint)) is not None:
        return _of_path(path, _shown_file(text))
    if _is_address(text):
        return None
    repo, colon, file = text.partition(":")
    if not colon and text.lower().endswith(".gguf") and text.count("/") > 1:
        owner, name, file = text.split("/", 2)
        repo = f"{owner}/{name}"
    if not is_repo_id(repo) or (colon and not file):
        return None
    return Reference(repo, file or None) if not file or is_plain(file) else None


def is_repo_id(text: str) -> bool:
    """Whether this can be a repository's id under the hub's rules."""
    return bool(_ID.fullmatch(text)) and not text.lower().startswith(tuple(f"{name}/" for name in _NOT_MODELS))


def _is_address(text: str) -> bool:
    return "://" in text or text.partition("/")[0].lower() in _HOSTS


def _path_on_hub(text: str, endpoint: str) -> str | None:
    """The path of an address on Hugging Face or below the endpoint, which may have a path itself; else None."""
    host, path = _host_and_path(text)
    if host in _HOSTS:
        return path
    own_host, own_path = _host_and_path(endpoint)
    if not own_host or host != own_host or not path.startswith(f"{own_path.rstrip('/')}/"):
        return None
    return path.removeprefix(own_path.rstrip("/"))


def _host_and_path(text: str) -> tuple[str, str]:
    if "://" not in text:
        host, _, path = text.partition("/")
        return host.lower(), path
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", ""
    return (parts.hostname or "").lower(), unquote(parts.path)


def _shown_file(text: str) -> str | None:
    """The file in the query of a repository's page that shows a file's facts: `?show_file_info=model.gguf`."""
    (name,) = parse_qs(urlsplit(text).query).get("show_file_info", [""])[:1]
    return name if name.lower().endswith(".gguf") and is_plain(name) else None


def _of_path(path: str, shown: str | None) -> Reference | None:
    """Read `owner/name`, `owner/name:Q4_K_M`, `owner/name/tree/main`, `owner/name/blob/main/file.gguf`."""
    steps = path.strip("/").split("/")
    repo, _, file = "/".join(steps[:2]).removesuffix(".git").partition(":")
    if not is_repo_id(repo):
        return None
    rest = steps[2:]
    if len(rest) >= 2 and rest[0] in ("tree", "blob", "resolve", "raw"):
        inner = "/".join(rest[2:])
        revision = None if rest[1] == "main" else rest[1]
        named = inner if inner.lower().endswith(".gguf") and is_plain(inner) else shown
        return Reference(repo, named, revision)
    return Reference(repo, file or shown)
