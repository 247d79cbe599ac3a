"""What the hub's answers say, read with patience: mirrors leave much out and say some things in other words.

Sources: the answers of huggingface.co (`/api/models`, `…/tree`), and what huggingface_hub makes of them. What is
missing is 0, "" or None; what is of another form counts as missing. All of it is a stranger's word.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from desktop_llm.errors import NotFound
from desktop_llm.models.gguf import printable
from desktop_llm.models.hub.quantizations import HubFile, HubPart, checked_sha256, group
from desktop_llm.models.hub.references import is_repo_id
from desktop_llm.net import Incoming
from desktop_llm.words import tr

BRANCH = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TOTAL = re.compile(r"/(\d+)\s*$")
_SHA256_TAG = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?$')
_LANGUAGE = re.compile(r"[a-z]{2}")
_MOST_DIGITS = 19  # of a number that a file's size can be; Python refuses to read much longer ones
_LAST_S = 1 << 33  # in the year 2242; no calendar has the day of a much later moment, or of one before 1970


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository; numbers are 0 and texts "" where the hub doesn't say, `updated_at` is in seconds since 1970."""

    repo: str
    downloads: int = 0
    likes: int = 0
    license: str = ""
    gated: bool = False
    updated_at: float | None = None
    task: str = ""
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    architecture: str = ""
    parameters: int = 0
    context_length: int = 0

    @property
    def author(self) -> str:
        return self.repo.partition("/")[0]

    @property
    def name(self) -> str:
        return self.repo.partition("/")[2]


@dataclass(frozen=True, slots=True)
class HubRepo:
    """A repository's models at one commit, each by size; projectors let a model of it see pictures.

    `revision` is the commit; where the hub names none it is `branch`, that which was asked for.
    """

    model: HubModel
    revision: str
    files: tuple[HubFile, ...]
    projectors: tuple[HubFile, ...]
    branch: str = BRANCH

    @property
    def revisions(self) -> tuple[str, ...]:
        """Under which its files may be found: some mirrors name a commit and know only the branch."""
        return tuple(dict.fromkeys((self.revision, self.branch)))

    @property
    def complete(self) -> bool:
        """Whether the hub told size and checksum of every file."""
        parts = [part for file in (*self.files, *self.projectors) for part in file.parts]
        return all(part.size_bytes and part.sha256 for part in parts)

    def file(self, wanted: str) -> HubFile:
        """The file of this name or quantization; raises NotFound with what there is."""
        found = _named(self.files, wanted)
        if found is not None:
            return found
        there = ", ".join(dict.fromkeys(file.quantization or file.name for file in self.files))
        there = there or tr("no GGUF model file")
        if _named(self.projectors, wanted) is not None:
            raise NotFound(
                tr(
                    "“{wanted}” lets a model of {repo} see pictures and is no model by itself. "
                    "Nothing was downloaded. The models are: {there}.",
                    repo=self.model.repo,
                    wanted=printable(wanted),
                    there=there,
                )
            )
        raise NotFound(
            tr(
                "{repo} has no “{wanted}”. Nothing was downloaded. It has: {there}.",
                repo=self.model.repo,
                wanted=printable(wanted),
                there=there,
            )
        )


def model_in(row: object, asked: str = "") -> HubModel | None:
    """The repository that a row is about, by default the one that was `asked` for; None where there is none."""
    told = row if isinstance(row, dict) else {}
    repo = next((name for name in (told.get("id"), told.get("modelId"), asked) if _is_id(name)), None)
    if repo is None:
        return None
    tags = tuple(text for tag in _rows(told.get("tags")) if (text := _text(tag)))
    shape = _fields(told.get("gguf"))
    return HubModel(
        repo=repo,
        downloads=_count(told.get("downloads")),
        likes=_count(told.get("likes")),
        license=_license(told, tags),
        gated=bool(told.get("gated")),
        updated_at=_moment(told.get("lastModified")),
        task=_text(told.get("pipeline_tag")),
        languages=tuple(tag for tag in tags if _LANGUAGE.fullmatch(tag)),
        tags=tags,
        architecture=_text(shape.get("architecture")),
        parameters=_count(shape.get("total")),
        context_length=_count(shape.get("context_length")),
    )


def repo_in(answer: object, asked: str, revision: str | None, tree: Sequence[HubPart] = ()) -> HubRepo:
    """The repository that was `asked` for; `tree` adds what the answer leaves out of its files.

    Raises ValueError where the answer is not about a repository.
    """
    told = _fields(answer)
    model = model_in(told, asked if isinstance(told.get("siblings"), list) else "")
    if model is None:
        raise ValueError("no repository")
    commit = told.get("sha")
    branch = revision or BRANCH
    at = commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else branch
    parts = {part.path: part for part in parts_in(told.get("siblings"))}
    for part in tree:
        known = parts.get(part.path, part)
        parts[part.path] = HubPart(part.path, known.size_bytes or part.size_bytes, known.sha256 or part.sha256)
    return HubRepo(model, at, *group(parts.values()), branch)


def parts_in(rows: object) -> Iterator[HubPart]:
    """The files in a repository's description (`rfilename`) or in its tree (`path`)."""
    for row in map(_fields, _rows(rows)):
        path = row.get("rfilename") or row.get("path")
        if isinstance(path, str) and row.get("type", "file") == "file":
            large = _fields(row.get("lfs"))
            yield HubPart(path, _count(row.get("size")) or _count(large.get("size")), _sha256_in(large))


def described(part: HubPart, answer: Incoming) -> HubPart:
    """The part with what the answer for its first byte tells of size and checksum.

    Only the hub itself names its files by sha256; the ETags of its storage are made otherwise.
    """
    tag = _SHA256_TAG.match(answer.origin_headers.get("x-linked-etag") or answer.origin_headers.get("etag", ""))
    return HubPart(part.path, part.size_bytes or _length(answer), part.sha256 or (tag[1] if tag else None))


def _length(answer: Incoming) -> int:
    """The length of the whole file, as the hub or its storage tells it."""
    partial = _TOTAL.search(answer.headers.get("content-range", ""))
    whole = answer.headers.get("content-length", "") if answer.status == 200 else ""
    told = answer.origin_headers.get("x-linked-size") or (partial[1] if partial else whole)
    return _count(int(told)) if told.isdecimal() and len(told) <= _MOST_DIGITS else 0


def _named(files: Sequence[HubFile], wanted: str) -> HubFile | None:
    folded = wanted.casefold().removesuffix(".gguf")
    for file in files:
        paths = [part.path for part in file.parts]
        names = [file.quantization, *paths, *(path.rpartition("/")[2] for path in paths)]
        if folded in [name.casefold().removesuffix(".gguf") for name in names]:
            return file
    return None


def _sha256_in(large: Mapping[str, Any]) -> str | None:
    """The checksum of a large file: `sha256` in a description, `oid` in a tree, also with its kind before it."""
    told = large.get("sha256") or large.get("oid")
    return checked_sha256(told.lower().removeprefix("sha256:")) if isinstance(told, str) else None


def _license(told: Mapping[str, Any], tags: Sequence[str]) -> str:
    card = _fields(told.get("cardData"))
    tagged = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
    name = tagged or _text(card.get("license"))
    return (_text(card.get("license_name")) or name) if name == "other" else name


def _moment(value: object) -> float | None:
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() if moment else -1.0
        return seconds if 0 <= seconds < _LAST_S else None
    return None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_repo_id(value)


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return printable(value)[:200] if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else 0
