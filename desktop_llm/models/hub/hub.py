"""Hugging Face for the app: search, a repository's files, its card, and the header of a remote file.

All requests, including those of huggingface_hub, go through `net`, which records them and refuses them while Offline
is on. The hub's answers are a stranger's words: they are shown as text, and nothing here is named after them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, takewhile
from typing import Any, BinaryIO, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

from desktop_llm.errors import BadRequest, TransferError, UserError
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header, read_header_from
from desktop_llm.models.hub.files import HubFile, HubPart, by_size
from desktop_llm.models.hub.huggingface import Account, account_of, base_models_in
from desktop_llm.models.hub.references import is_repo_id
from desktop_llm.models.hub.repositories import (
    BRANCH,
    HubModel,
    HubRepo,
    Size,
    described,
    model_in,
    parts_in,
    repo_in,
    size_of,
)
from desktop_llm.models.names import printable
from desktop_llm.net import Incoming, Net, Response, causes
from desktop_llm.net.rules import check_address, host_of
from desktop_llm.words import tr

T = TypeVar("T")
Sort = Literal["trending", "downloads", "likes", "recent"]

DEFAULT_ENDPOINT = "https://huggingface.co"
ENDPOINT_VARIABLE = "HF_ENDPOINT"
CARD_BYTES = 256 << 10
AT_ONCE = 8
READ_S = 60.0  # for a header or a card; a slow line takes ten seconds for a megabyte
MOMENT_S = 4.0  # the longest wait that a person need not be asked about
_PAGE = 25
_MOST_PAGES = 40  # pages of a search by size, which the hub can't do for us
_MOST_ASKED = 40  # files asked about one after the other; a repository has a dozen or two quantizations
_SORTS = {"trending": "trendingScore", "downloads": "downloads", "likes": "likes", "recent": "lastModified"}
_EXPAND = ["downloads", "gated", "gguf", "lastModified", "likes", "pipeline_tag", "tags"]
_NEXT = re.compile(r"<[^<>?]*\?([^<>]*)>;\s*rel=\"?next\b")
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
# The library raises these for an answer in an unexpected form.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def chosen_endpoint(setting: str | None) -> str:
    """The address in HF_ENDPOINT, else the one in the settings, else Hugging Face's own.

    The environment wins because it is set for one start, the settings for all.
    """
    return (given_endpoint() or setting or DEFAULT_ENDPOINT).rstrip("/")


def given_endpoint() -> str:
    """The address in HF_ENDPOINT; empty if it is not set."""
    return os.environ.get(ENDPOINT_VARIABLE, "").strip()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The maker's description of a model, as Markdown, and the models it was made from.

    It is a stranger's text: show it without pictures and with inert links.
    """

    text: str = ""
    base_models: tuple[str, ...] = ()


class Hub:
    """One hub; any thread may use it. `token` is called for each request; only the endpoint's host gets the token."""

    def __init__(
        self,
        net: Net,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        token: Callable[[], str | None] = lambda: None,
        facts: Facts | None = None,
        read_s: float = READ_S,
    ) -> None:
        self._net = net
        self._read_s = read_s
        self._token = token
        self._facts = facts
        self.endpoint = endpoint.rstrip("/")

    def search(
        self,
        query: str,
        *,
        sort: Sort = "trending",
        license: str = "",
        task: str = "",
        language: str = "",
        size: Size = "",
        limit: int = 100,
    ) -> Generator[list[HubModel], None, None]:
        """Yield repositories with GGUF files page by page, each repository once; with `size`, a page may be empty.

        Raises TransferError.
        """
        filters = ["gguf", f"license:{license}" if license else "", language]
        asked = {"search": query.strip(), "pipeline_tag": task, "filter": list(filter(None, filters))}
        params = {name: value for name, value in asked.items() if value}
        page = _PAGE if size else min(limit, _PAGE)
        pages = self._pages({**params, "sort": _SORTS[sort], "limit": page, "expand": _EXPAND})
        left, known = limit, set[str]()
        for rows in islice(takewhile(bool, pages), _MOST_PAGES):
            models = {model.repo: model for row in rows if (model := model_in(row)) is not None}
            if not models and not any(isinstance(row, dict) for row in rows):
                raise causes.NOT_UNDERSTOOD.error(host=host_of(self.endpoint))
            new = [model for repo, model in models.items() if repo not in known]
            known.update(models)
            wanted = [model for model in new if size in ("", size_of(model.parameters))][:left]
            yield wanted
            left -= len(wanted)
            if left <= 0 or (models and not new):  # a mirror without pages sends the first one again and again
                return

    def repo(self, repo_id: str, revision: str | None = None) -> HubRepo:
        """A repository's models at the named commit, else the newest. Raises TransferError, BadRequest for a bad id."""
        if not is_repo_id(repo_id):
            raise BadRequest(
                tr("“{name}” is not the name of a repository.", name=printable(repo_id)[:120]),
                tr("Nothing was changed. Names look like Qwen/Qwen3-8B-GGUF."),
            )
        address = f"/api/models/{repo_id}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
        answer = self._asked(f"{address}?blobs=true", "list files")
        repo = self._understood(lambda: repo_in(answer, repo_id, revision))
        if repo.complete:
            return repo
        return repo_in(answer, repo_id, revision, self._tree(repo))

    def repos(self, repo_ids: Sequence[str], within_s: float) -> Iterator[HubRepo | UserError]:
        """Ask for several repositories, some at once; yields them in the given order, a failed one as its error.

        All of them have arrived or failed soon after `within_s`.
        """
        end = time.monotonic() + within_s

        def one(repo_id: str) -> HubRepo | UserError:
            try:
                with self._net.purpose("list files", max(0.0, end - time.monotonic())):
                    return self.repo(repo_id)
            except UserError as error:
                return error

        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hub")
        try:
            yield from pool.map(one, repo_ids)
        finally:
            # Don't wait for requests that still run: their time limit ends them, or the net does when it is closed.
            pool.shutdown(wait=False, cancel_futures=True)

    def card(self, repo_id: str, revision: str) -> ModelCard:
        """The card at this commit: only the beginning of a long one, and an empty one if there is none.

        Raises TransferError.
        """
        try:
            with self._opened(repo_id, (revision, BRANCH), "README.md", "model card") as incoming:
                read = _Beginning(incoming, self._read_s).read(CARD_BYTES)
        except TransferError as error:
            if error.cause == "not_found":
                return ModelCard()
            raise
        content = read.decode("utf-8", "replace").removeprefix("\ufeff")
        text = _FRONT_MATTER.sub("", content)
        return ModelCard(text.strip(), base_models_in(content) if text != content else ())

    def header(self, repo: HubRepo, file: HubFile) -> Header:
        """The checked header of a file on the hub, read from the file's beginning, only once for each content.

        A model in parts has it in its first part. Raises TransferError or ModelFileError.
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

    def described(self, repo: HubRepo, file: HubFile) -> HubFile:
        """The file with sizes and checksums; asks its parts' addresses if need be. Raises TransferError."""
        parts = tuple(part if part.size_bytes and part.sha256 else self._described(repo, part) for part in file.parts)
        size_bytes = sum(part.size_bytes for part in parts)
        return replace(file, parts=parts, size_bytes=size_bytes, sha256=parts[0].sha256)

    def measured(self, repo: HubRepo) -> HubRepo:
        """The repository with its files' sizes; asks the files' addresses if need be. Raises TransferError.

        A file that the hub lists but does not have keeps size 0, and so do files after the first forty.
        """

        def one(file: HubFile) -> HubFile:
            try:
                return self.described(repo, file)
            except TransferError as error:
                if error.cause != "not_found":
                    raise
                return file

        if all(file.size_bytes for file in repo.files):
            return repo
        return replace(repo, files=by_size([*map(one, repo.files[:_MOST_ASKED]), *repo.files[_MOST_ASKED:]]))

    def location(self, repo_id: str, revision: str, path: str) -> tuple[str, dict[str, str]]:
        """The address of a file at a commit, and the headers to ask with; asks nothing itself."""
        url = f"{self.endpoint}/{quote(repo_id)}/resolve/{quote(revision, safe='')}/{quote(path)}"
        return url, self._authorization()

    def page(self, repo_id: str) -> str:
        """The address of a repository's page, to open in a browser and accept its licence there."""
        return f"{self.endpoint}/{quote(repo_id)}"

    def account(self, token: str) -> Account:
        """Whose token this is and whether it may read. Raises TransferError, cause "unauthorized" for a bad token."""
        check_address(self.endpoint)
        with self._net.purpose("check token"):
            return self._understood(lambda: account_of(token, self.endpoint, self._net))

    def _pages(self, params: Mapping[str, Any]) -> Iterator[list[Any]]:
        """Yield the rows of the list, page by page. Of the next page's address only the query is used, never the host.

        A foreign host would get the token, and a mirror's pages may name the original hub.
        """
        question = urlencode(params, doseq=True)
        while question:
            answer = self._answer(f"/api/models?{question}", "search models")
            rows = self._understood(partial(json.loads, answer.body))
            if not isinstance(rows, list):
                raise causes.NOT_UNDERSTOOD.error(host=host_of(self.endpoint))
            yield rows
            following = _NEXT.search(answer.headers.get("link", ""))
            question = following[1] if following else ""

    def _tree(self, repo: HubRepo) -> list[HubPart]:
        """The files in the repository's tree: some mirrors give sizes and checksums only there."""
        for revision in repo.revisions:
            address = f"/api/models/{repo.model.repo}/tree/{quote(revision, safe='')}?recursive=true"
            with contextlib.suppress(TransferError):  # without the tree, the list that we have already will do
                return list(parts_in(self._asked(address, "list files")))
        return []

    def _asked(self, address: str, purpose: str) -> Any:
        """The parsed JSON of the hub's API."""
        return self._understood(partial(json.loads, self._answer(address, purpose).body))

    def _answer(self, address: str, purpose: str) -> Response:
        """The answer of the hub's API; waits a moment and asks again if the hub says so."""
        url = f"{self.endpoint}{address}"
        try:
            return self._net.get(url, headers=self._authorization(), purpose=purpose)
        except TransferError as error:
            if error.cause != "rate_limited" or error.retry_after_s is None or error.retry_after_s > MOMENT_S:
                raise
            time.sleep(error.retry_after_s)
        return self._net.get(url, headers=self._authorization(), purpose=purpose)

    def _authorization(self) -> dict[str, str]:
        token = self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    @contextlib.contextmanager
    def _opened(
        self, repo_id: str, revisions: Iterable[str], path: str, purpose: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[Incoming]:
        """Open a file at the first of these revisions that the hub has it at."""
        left = list(dict.fromkeys(revisions))
        with contextlib.ExitStack() as stack:
            while left:
                url, own = self.location(repo_id, left.pop(0), path)
                try:
                    incoming = stack.enter_context(
                        self._net.open(url, headers={**own, **(headers or {})}, purpose=purpose)
                    )
                except TransferError as error:
                    if error.cause != "not_found" or not left:
                        raise
                else:
                    break
            yield incoming

    def _described(self, repo: HubRepo, part: HubPart) -> HubPart:
        asked = {"Range": "bytes=0-0"}
        with self._opened(repo.model.repo, repo.revisions, part.path, "list files", asked) as incoming:
            return described(part, incoming)

    def _read_header(self, repo: HubRepo, part: HubPart) -> Header:
        # One request, dropped once the header is here: a large vocabulary makes it some MB long.
        asked = {"Range": "bytes=0-"}
        with self._opened(repo.model.repo, repo.revisions, part.path, "read header", asked) as incoming:
            name = printable(part.path.rpartition("/")[2])
            return read_header_from(cast(BinaryIO, _Beginning(incoming, self._read_s)), part.size_bytes, name)

    def _understood(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except _MALFORMED as error:
            raise causes.NOT_UNDERSTOOD.error(host=host_of(self.endpoint)) from error


class _Beginning:
    """The beginning of an answer's body as a file that is read forward, within a time limit for the whole."""

    def __init__(self, incoming: Incoming, within_s: float) -> None:
        self._incoming = incoming
        self._end = time.monotonic() + within_s

    def read(self, size: int) -> bytes:
        """Read that many bytes, fewer only at the end. Raises TransferError, also if they come too slowly."""
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size and (count := self._incoming.read_into(view[filled:], self._left_s())):
            filled += count
        return bytes(view[:filled])

    def _left_s(self) -> float:
        if (left := self._end - time.monotonic()) <= 0:
            raise causes.TOO_SLOW.error(host=host_of(self._incoming.url))
        return left
