"""How the real hub answers: its list, a repository's description and tree, who a token belongs to, and the files."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from tests.hub.content import Blob, Repo, is_large, metadata
from tests.hub.exchange import Exchange

if TYPE_CHECKING:
    from tests.hub.server import LocalHub

PAGE_LIMIT = 1_000
_SORT_FIELDS = {"lastModified", "createdAt", "trendingScore", "downloads", "likes"}


def route(hub: LocalHub, exchange: Exchange) -> None:
    """Answer as the real hub does."""
    path = exchange.path
    if path == "/api/models":
        _list(hub, exchange)
    elif path == "/api/whoami-v2":
        _whoami(hub, exchange)
    elif path.startswith("/api/models/"):
        _api(hub, exchange, path.removeprefix("/api/models/").split("/"))
    elif path.startswith("/cdn/"):
        _cdn(hub, exchange)
    elif "/resolve/" in path:
        _resolve(hub, exchange)
    else:
        exchange.send(404, b"Not Found")


def _list(hub: LocalHub, exchange: Exchange) -> None:
    asked = {name: values[-1] for name, values in exchange.query.items()}
    found = [repo for repo in hub.repos.values() if not repo.private and _fits(repo, exchange.query)]
    if (sort := asked.get("sort", "trendingScore")) in _SORT_FIELDS:
        found.sort(key=lambda repo: repo.facts[sort], reverse=True)
    first = int(base64.b64decode(asked["cursor"])) if "cursor" in asked else 0
    limit = min(int(asked.get("limit", PAGE_LIMIT)), PAGE_LIMIT)
    page = [repo.info(exchange.query.get("expand", [])) for repo in found[first : first + limit]]
    headers = {}
    if first + limit < len(found):
        cursor = quote(base64.b64encode(str(first + limit).encode()).decode())
        rest = "&".join(part for part in urlsplit(exchange.target).query.split("&") if "cursor=" not in part)
        headers["Link"] = f'<{hub.url}/api/models?{rest}&cursor={cursor}>; rel="next"'
    exchange.send_json(page, headers)


def _whoami(hub: LocalHub, exchange: Exchange) -> None:
    if (name := hub.tokens.get(exchange.token)) is None:
        exchange.refuse(401, "", "Invalid credentials in Authorization header")
        return
    access = {"accessToken": {"displayName": "desktop", "role": "read"}}
    exchange.send_json({"type": "user", "name": name, "auth": {"type": "access_token", **access}})


def _api(hub: LocalHub, exchange: Exchange, parts: list[str]) -> None:
    repo = _readable(hub, exchange, "/".join(parts[:2]))
    if repo is None:
        return
    what, rest = (parts[2], parts[3:]) if len(parts) > 2 else ("", [])
    revision = rest[0] if rest else ""
    if repo.at(revision) is None:
        exchange.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    elif what in ("", "revision"):
        expand, blobs = exchange.query.get("expand", []), "blobs" in exchange.query
        exchange.send_json(repo.info(expand, blobs=blobs, revision=revision))
    elif what in ("tree", "paths-info"):
        _tree(exchange, repo, revision, what)
    else:
        exchange.send(404, b"Not Found")


def _tree(exchange: Exchange, repo: Repo, revision: str, what: str) -> None:
    _, files = repo.at(revision) or ("", {})
    names = list(files)
    if what == "paths-info":
        names = [name for name in parse_qs(exchange.body.decode()).get("paths", []) if name in files]
    rows = [{"type": "file", "path": name, **metadata(name, files[name], "oid")} for name in names]
    exchange.send_json(rows)


def _resolve(hub: LocalHub, exchange: Exchange) -> None:
    repo_id, _, rest = exchange.path.removeprefix("/").partition("/resolve/")
    revision, _, name = rest.partition("/")
    repo = _readable(hub, exchange, repo_id, content=True)
    if repo is None:
        return
    found = repo.at(revision)
    if found is None:
        exchange.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return
    commit, files = found
    if name not in files:
        exchange.refuse(404, "EntryNotFound", "Entry not found")
        return
    _send_entry(hub, exchange, commit, name, files[name])


def _send_entry(hub: LocalHub, exchange: Exchange, commit: str, name: str, blob: Blob) -> None:
    known = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
    if not is_large(name, blob):
        _send_bytes(exchange, blob, {**known, "ETag": f'"{blob.sha256[:40]}"'})
        return
    linked = {"X-Linked-ETag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size_bytes)}
    place = f"{hub.cdn_url}/cdn/{blob.sha256}?signature={len(hub.seen)}"
    exchange.send(302, b"Found", {**known, **linked, "Location": place})


def _cdn(hub: LocalHub, exchange: Exchange) -> None:
    wanted = exchange.path.removeprefix("/cdn/")
    every = (files for repo in hub.repos.values() for files in repo.commits.values())
    blob = next((blob for files in every for blob in files.values() if blob.sha256 == wanted), None)
    if blob is None:
        exchange.send(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
        return
    _send_bytes(exchange, blob, {"ETag": f'"{blob.sha256}"', "Accept-Ranges": "bytes"})


def _send_bytes(exchange: Exchange, blob: Blob, headers: dict[str, str]) -> None:
    size = blob.size_bytes
    asked = exchange.range(size)
    if (condition := exchange.headers.get("if-range")) and condition != headers["ETag"]:
        asked = None
    if asked and asked[0] >= size:
        exchange.send(416, b"", {"Content-Range": f"bytes */{size}"})
        return
    start, end = asked or (0, size)
    headers |= {"Content-Type": "application/octet-stream", "Content-Length": str(end - start)}
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    exchange.start(206 if asked else 200, headers)
    if exchange.method == "GET":
        exchange.send_blob(blob, start, end)


def _readable(hub: LocalHub, exchange: Exchange, repo_id: str, *, content: bool = False) -> Repo | None:
    """The repository if this token may see it; if not, sends the refusal and returns None."""
    repo, token = hub.repos.get(repo_id), exchange.token
    if token and token not in hub.tokens:
        exchange.refuse(401, "", "Invalid credentials in Authorization header")
    elif repo is None or (repo.private and token not in repo.granted):
        exchange.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
    elif content and repo.gated and token not in repo.granted:
        words = f"Access to model {repo_id} is restricted."
        exchange.refuse(403 if token else 401, "GatedRepo", words)
    else:
        return repo
    return None


def _fits(repo: Repo, query: Mapping[str, list[str]]) -> bool:
    words = " ".join(query.get("search", [])).lower().split()
    named = all(word in repo.id.lower() for word in words)
    tagged = set(query.get("filter", [])) <= {*repo.facts["tags"], repo.facts["pipeline_tag"]}
    task, author = query.get("pipeline_tag", [""])[0], query.get("author", [""])[0]
    return named and tagged and task in ("", repo.facts["pipeline_tag"]) and author in ("", repo.facts["author"])
