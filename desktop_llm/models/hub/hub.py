"""Hugging Face as the app sees it: search, a repository's files, its card, and the header of a file that is not here.

Requests go through `net`, those of huggingface_hub too, so that all are refused while Offline is on, and recorded.
What the hub says is a stranger's word: it is shown as text, and nothing here is named by it.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

from desktop_llm.errors import BadRequest, TransferError, UserError
from desktop_llm.models.facts import Facts
from desktop_llm.models.gguf import Header, printable, read_header_from
from desktop_llm.models.hub.beginning import Beginning
from desktop_llm.models.hub.calls import attach
from desktop_llm.models.hub.endpoint import DEFAULT_ENDPOINT
from desktop_llm.models.hub.quantizations import HubFile, HubPart, by_size
from desktop_llm.models.hub.reading import BRANCH, HubModel, HubRepo, described, model_in, parts_in, repo_in
from desktop_llm.models.hub.references import Reference, is_repo_id, parse_reference
from desktop_llm.models.hub.sizes import Size, size_of
from desktop_llm.net import Incoming, Net, Response
from desktop_llm.net.answers import not_understood
from desktop_llm.net.rules import check_address
from desktop_llm.words import tr

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Hub", "HubFile", "HubModel", "HubPart", "HubRepo", "Reference", "Sort", "parse_reference"]

T = TypeVar("T")
Sort = Literal["trending", "downloads", "likes", "recent"]

CARD_BYTES = 256 << 10
AT_ONCE = 8
READ_S = 60.0  # for a header or a card, of which a slow line brings a megabyte in ten seconds
MOMENT_S = 4.0  # of waiting that nobody needs to be asked about
_PAGE = 25
_MOST_PAGES = 40  # of a search by size, which the hub can't do for us
_MOST_ASKED = 40  # files, one after the other; a repository has a dozen or two quantizations
_SORTS = {"trending": "trendingScore", "downloads": "downloads", "likes": "likes", "recent": "lastModified"}
_EXPAND = ["downloads", "gated", "gguf", "lastModified", "likes", "pipeline_tag", "tags"]
_NEXT = re.compile(r"<[^<>?]*\?([^<>]*)>;\s*rel=\"?next\b")
_FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n.*?^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
# What the library raises over an answer that is not of the agreed form.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Hub:
    """One hub; any thread may ask. `token` is asked for at each request and goes to the endpoint's host alone."""

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
        """Repositories with GGUF files, each once, a page at a time as they arrive; `size` may leave a page empty.

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
                raise not_understood(self.endpoint)
            new = [model for repo, model in models.items() if repo not in known]
            known.update(models)
            wanted = [model for model in new if size in ("", size_of(model.parameters))][:left]
            yield wanted
            left -= len(wanted)
            if left <= 0 or (models and not new):  # a mirror that knows no pages sends the first one again and again
                return

    def repo(self, repo_id: str, revision: str | None = None) -> HubRepo:
        """A repository's models at its newest, or the named, commit. Raises TransferError, BadRequest for no id."""
        if not is_repo_id(repo_id):
            raise BadRequest(
                tr(
                    "“{name}” is no name of a repository. Nothing was changed. Names look like Qwen/Qwen3-8B-GGUF.",
                    name=printable(repo_id)[:120],
                )
            )
        address = f"/api/models/{repo_id}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
        answer = self._asked(f"{address}?blobs=true", "list files")
        repo = self._understood(lambda: repo_in(answer, repo_id, revision))
        if repo.complete:
            return repo
        return repo_in(answer, repo_id, revision, self._tree(repo))

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
        try:
            with self._opened(repo_id, (revision, BRANCH), "README.md", "model card") as incoming:
                text = Beginning(incoming, self._read_s).read(CARD_BYTES).decode("utf-8", "replace")
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

    def described(self, repo: HubRepo, file: HubFile) -> HubFile:
        """The file with the sizes and checksums that only the addresses of its parts tell. Raises TransferError."""
        parts = tuple(part if part.size_bytes and part.sha256 else self._described(repo, part) for part in file.parts)
        size_bytes = sum(part.size_bytes for part in parts)
        return replace(file, parts=parts, size_bytes=size_bytes, sha256=parts[0].sha256)

    def measured(self, repo: HubRepo) -> HubRepo:
        """The repository with its files' sizes, also where only a file's address tells it. Raises TransferError.

        A file that the hub lists and does not have keeps 0, and so do those of more files than anyone chooses from.
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
            answer = self._answer(f"/api/models?{question}", "search models")
            rows = self._understood(partial(json.loads, answer.body))
            if not isinstance(rows, list):
                raise not_understood(self.endpoint)
            yield rows
            following = _NEXT.search(answer.headers.get("link", ""))
            question = following[1] if following else ""

    def _tree(self, repo: HubRepo) -> list[HubPart]:
        """What the repository's tree says of its files: some mirrors tell sizes and checksums only there."""
        for revision in repo.revisions:
            address = f"/api/models/{repo.model.repo}/tree/{quote(revision, safe='')}?recursive=true"
            with contextlib.suppress(TransferError):  # without it, the list that is there already serves as well
                return list(parts_in(self._asked(address, "list files")))
        return []

    def _asked(self, address: str, purpose: str) -> Any:
        """What the hub's API says."""
        return self._understood(partial(json.loads, self._answer(address, purpose).body))

    def _answer(self, address: str, purpose: str) -> Response:
        """What the hub's API answers; where it asks to wait for a moment, after that."""
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
        """A file at the first of these revisions that the hub has it at."""
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
        # One request that is left as soon as the header is there: it may take some MB, for a large vocabulary.
        asked = {"Range": "bytes=0-"}
        with self._opened(repo.model.repo, repo.revisions, part.path, "read header", asked) as incoming:
            name = printable(part.path.rpartition("/")[2])
            return read_header_from(cast(BinaryIO, Beginning(incoming, self._read_s)), part.size_bytes, name)

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
