"""Hugging Face as the app sees it: search, a repository's files, its card, and the header of a file that is not here.

Requests are made by huggingface_hub on the client of `net`, so that its requests too are refused while Offline is on
and recorded. What the hub says is a stranger's word: it is shown as text, and nothing here is named by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

from desktop_llm.errors import BadRequest, NotFound, TransferError, UserError
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header, printable, read_header_from
from desktop_llm.models.hub.calls import QUIET, attach
from desktop_llm.models.hub.quantizations import HubFile, HubPart, checked_sha256, group
from desktop_llm.models.hub.references import Reference, is_repo_id, parse_reference
from desktop_llm.net import Incoming, Net
from desktop_llm.net.answers import not_understood
from desktop_llm.net.rules import check_address, host_of
from desktop_llm.words import tr

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

__all__ = ["Hub", "HubFile", "HubModel", "HubPart", "HubRepo", "Reference", "Sort", "parse_reference"]

T = TypeVar("T")
Sort = Literal["trending", "downloads", "likes", "recent"]

DEFAULT_ENDPOINT = "https://huggingface.co"
ENDPOINT_VARIABLE = "HF_ENDPOINT"
CARD_BYTES = 256 << 10
AT_ONCE = 8
READ_S = 60.0  # for a header or a card, of which a slow line brings a megabyte in ten seconds
_PAGE = 25
_SORTS = {"trending": "trendingScore", "downloads": "downloads", "likes": "likes", "recent": "lastModified"}
_EXPAND = ["downloads", "gated", "gguf", "lastModified", "likes", "pipeline_tag", "tags"]
_NEXT = re.compile(r"<[^<>?]*\?([^<>]*)>;\s*rel=\"?next\b")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n.*?^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
# What the library raises over an answer that is not of the agreed form.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository; numbers are 0 and texts "" where the hub doesn't say, `updated_at` is in seconds since 1970."""

    repo: str
    downloads: int
    likes: int
    license: str
    gated: bool
    updated_at: float | None
    task: str
    languages: tuple[str, ...]
    tags: tuple[str, ...]
    architecture: str
    parameters: int
    context_length: int

    @property
    def author(self) -> str:
        return self.repo.partition("/")[0]

    @property
    def name(self) -> str:
        return self.repo.partition("/")[2]


@dataclass(frozen=True, slots=True)
class HubRepo:
    """A repository's models at one commit, each by size; projectors let a model of it see pictures."""

    model: HubModel
    revision: str
    files: tuple[HubFile, ...]
    projectors: tuple[HubFile, ...]

    def file(self, wanted: str) -> HubFile:
        """The file of this name or quantization; raises NotFound with what there is."""
        folded = wanted.casefold()
        for file in self.files:
            paths = [part.path for part in file.parts]
            names = [file.quantization, *paths, *(path.rpartition("/")[2] for path in paths)]
            if folded in map(str.casefold, names):
                return file
        there = ", ".join(dict.fromkeys(file.quantization or file.name for file in self.files))
        raise NotFound(
            tr(
                "{repo} has no “{wanted}”. Nothing was downloaded. It has: {there}.",
                repo=self.model.repo,
                wanted=printable(wanted),
                there=there or tr("no GGUF model file"),
            )
        )


class Hub:
    """One hub; any thread may ask. `token` is asked for at each request and goes to the endpoint's host alone."""

    def __init__(
        self,
        net: Net,
        *,
        endpoint: str | None = None,
        token: Callable[[], str | None] = lambda: None,
        facts: Facts | None = None,
        read_s: float = READ_S,
    ) -> None:
        self._net = net
        self._read_s = read_s
        self._token = token
        self._facts = facts
        self.endpoint = (endpoint or os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT).rstrip("/")

    def search(
        self,
        query: str,
        *,
        sort: Sort = "trending",
        license: str = "",
        task: str = "",
        language: str = "",
        limit: int = 100,
    ) -> Generator[list[HubModel], None, None]:
        """Repositories with GGUF files, a page at a time as they arrive. Raises TransferError."""
        filters = ["gguf", f"license:{license}" if license else "", language]
        asked = {"search": query.strip(), "pipeline_tag": task, "filter": list(filter(None, filters))}
        params = {name: value for name, value in asked.items() if value}
        pages = self._pages({**params, "sort": _SORTS[sort], "limit": min(limit, _PAGE), "expand": _EXPAND})
        left = limit
        while left > 0 and (rows := next(pages, [])):
            models = [model for row in rows[:left] if (model := _listed_model(row)) is not None]
            if not models:
                raise not_understood(self.endpoint)
            left -= len(rows)
            yield models

    def repo(self, repo_id: str, revision: str | None = None) -> HubRepo:
        """A repository's models at its newest, or the named, commit. Raises TransferError, BadRequest for no id."""
        if not is_repo_id(repo_id):
            raise BadRequest(
                tr(
                    "“{name}” is no name of a repository. Nothing was changed. Names look like Qwen/Qwen3-8B-GGUF.",
                    name=printable(repo_id)[:120],
                )
            )
        with self._net.purpose("list files"):
            return self._understood(
                lambda: _repo(self._api().model_info(repo_id, revision=revision, files_metadata=True))
            )

    def repos(self, repo_ids: Sequence[str], within_s: float) -> Iterator[HubRepo | UserError]:
        """Several repositories, some at once, in the given order; a failure takes the place of its repository.

        All are there, or have failed, within `within_s` and a moment.
        """
        end = time.monotonic() + within_s

        def one(repo_id: str) -> HubRepo | UserError:
            try:
                with self._net.purpose("list files", max(0.0, end - time.monotonic())):
                    return self.repo(repo_id)
            except UserError as error:
                return error

        attach(self._net)
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hub")
        try:
            yield from pool.map(one, repo_ids)
        finally:
            # What still runs ends with its time, or at once when the net is closed; nobody waits for it here.
            pool.shutdown(wait=False, cancel_futures=True)

    def card(self, repo_id: str, revision: str) -> str:
        """What the maker says of the model, as Markdown without the data before it; "" where there is nothing.

        Of a long one only the beginning. It is a stranger's text: to be shown without pictures and with inert links.
        """
        url, headers = self.location(repo_id, revision, "README.md")
        try:
            with self._net.open(url, headers=headers, purpose="model card") as incoming:
                text = _Remote(incoming, self._read_s).read(CARD_BYTES).decode("utf-8", "replace")
        except TransferError as error:
            if error.cause == "not_found":
                return ""
            raise
        return _FRONT_MATTER.sub("", text).strip()

    def header(self, repo: HubRepo, file: HubFile) -> Header:
        """The checked header of a file that is not here, read from its beginning; once for each content.

        Of a model in parts that of the first part. Raises TransferError or ModelFileError.
        """
        first = file.parts[0]
        key = f"header of {first.sha256}"
        if self._facts and first.sha256 and (known := self._facts.measured(key)):
            with contextlib.suppress(KeyError, TypeError):  # written by another version
                return Header.from_json(known)
        header = self._read_header(repo, first)
        if self._facts and first.sha256:
            self._facts.note_measured(key, header.to_json())
        return header

    def location(self, repo_id: str, revision: str, path: str) -> tuple[str, dict[str, str]]:
        """The address of a file at a commit, and the headers to ask with; asks nothing itself."""
        url = f"{self.endpoint}/{quote(repo_id)}/resolve/{quote(revision, safe='')}/{quote(path)}"
        return url, self._authorization()

    def page(self, repo_id: str) -> str:
        """The address of a repository's page, for the browser: its licence is accepted there."""
        return f"{self.endpoint}/{quote(repo_id)}"

    def account(self, token: str) -> str:
        """The name of the account that a token belongs to. Raises TransferError, cause "unauthorized" for a bad one."""
        with self._net.purpose("check token"):
            answer = self._understood(lambda: self._api(token).whoami())
        return printable(str(answer.get("name") or ""))

    def _pages(self, params: Mapping[str, Any]) -> Iterator[list[Any]]:
        """The rows of the list, page by page. Of a next page's address only the question is taken, never the host:

        another one than ours would get the token, and a mirror's pages may name the original.
        """
        question = urlencode(params, doseq=True)
        while question:
            url = f"{self.endpoint}/api/models?{question}"
            answer = self._net.get(url, headers=self._authorization(), purpose="search models")
            rows = self._understood(partial(json.loads, answer.body))
            if not isinstance(rows, list):
                raise not_understood(self.endpoint)
            yield rows
            following = _NEXT.search(answer.headers.get("link", ""))
            question = following[1] if following else ""

    def _authorization(self) -> dict[str, str]:
        token = self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _read_header(self, repo: HubRepo, part: HubPart) -> Header:
        url, headers = self.location(repo.model.repo, repo.revision, part.path)
        # One request that is left as soon as the header is there: it may take some MB, for a large vocabulary.
        asked = {**headers, "Range": "bytes=0-"}
        with self._net.open(url, headers=asked, purpose="read header") as incoming:
            name = printable(part.path.rpartition("/")[2])
            return read_header_from(cast(BinaryIO, _Remote(incoming, self._read_s)), part.size_bytes, name)

    def _api(self, token: str | None = None) -> HfApi:
        check_address(self.endpoint)
        attach(self._net)
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=token or self._token() or False)

    def _understood(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except _MALFORMED as error:
            raise not_understood(self.endpoint) from error


class _Remote:
    """The beginning of an answer's body as a file to read forward, all within so many seconds."""

    def __init__(self, incoming: Incoming, within_s: float) -> None:
        self._incoming = incoming
        self._end = time.monotonic() + within_s

    def read(self, size: int) -> bytes:
        """That many bytes, fewer only at the end. Raises TransferError, also where they come too slowly."""
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size and (count := self._incoming.read_into(view[filled:], self._left_s())):
            filled += count
        return bytes(view[:filled])

    def _left_s(self) -> float:
        from desktop_llm.net.failures import too_slow  # and the HTTP library, which is there by now

        if (left := self._end - time.monotonic()) <= 0:
            raise too_slow(host_of(self._incoming.url))
        return left


def _listed_model(row: object) -> HubModel | None:
    """A row of the list; None where it is not of the agreed form, so that one bad row spoils no page."""
    os.environ.update(QUIET)
    from huggingface_hub import ModelInfo

    try:
        return _model(ModelInfo(**cast(dict[str, Any], row)))  # type: ignore[no-untyped-call]
    except _MALFORMED:
        return None


def _model(info: ModelInfo) -> HubModel:
    if not is_repo_id(info.id):
        raise ValueError(info.id)
    tags = tuple(text for tag in info.tags or () if (text := _text(tag)))
    shape = info.gguf or {}
    return HubModel(
        repo=info.id,
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        license=_license(info, tags),
        gated=bool(info.gated),
        updated_at=info.last_modified.timestamp() if info.last_modified else None,
        task=_text(info.pipeline_tag),
        languages=tuple(tag for tag in tags if _LANGUAGE.fullmatch(tag)),
        tags=tags,
        architecture=_text(shape.get("architecture")),
        parameters=_count(shape.get("total")),
        context_length=_count(shape.get("context_length")),
    )


def _license(info: ModelInfo, tags: Sequence[str]) -> str:
    name = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
    if name == "other" and info.card_data is not None:
        return _text(info.card_data.get("license_name")) or name
    return name


def _repo(info: ModelInfo) -> HubRepo:
    if not _COMMIT.fullmatch(info.sha or ""):
        raise ValueError("no commit")
    files, projectors = group(
        HubPart(
            file.rfilename,
            _count(file.size),
            checked_sha256(file.lfs.sha256 if file.lfs else None),
        )
        for file in info.siblings or ()
    )
    return HubRepo(_model(info), cast(str, info.sha), files, projectors)


def _text(value: object) -> str:
    return printable(value)[:200] if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0
