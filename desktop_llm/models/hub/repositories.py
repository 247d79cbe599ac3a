"""Reads the hub's answers leniently: mirrors leave much out and name some things differently.

Sources: the answers of huggingface.co (`/api/models`, `…/tree`), and how huggingface_hub reads them. A missing value
is 0, "" or None, and a value of another type counts as missing. All of it comes from strangers.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from desktop_llm.errors import NotFound
from desktop_llm.models.hub.files import HubFile, HubPart, checked_sha256, group
from desktop_llm.models.hub.references import is_repo_id
from desktop_llm.models.names import printable
from desktop_llm.models.projector_names import best_of, fits, words_of
from desktop_llm.net import Incoming
from desktop_llm.words import tr

Size = Literal["", "small", "medium", "large", "huge"]

# Each class begins at this number of weights: phones and old laptops, most computers, a good graphics card, a
# workstation.
_BEGINS: dict[Size, float] = {"small": 0, "medium": 4e9, "large": 15e9, "huge": 45e9}
SIZES: tuple[Size, ...] = tuple(_BEGINS)
BRANCH = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TOTAL = re.compile(r"/(\d+)\s*$")
_SHA256_TAG = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?$')
_LANGUAGE = re.compile(r"[a-z]{2}")
_MOST_DIGITS = 19  # of a plausible file size; Python refuses to read much longer numbers
_LAST_S = 1 << 33  # in the year 2242; much later moments, and those before 1970, can't be shown as a date everywhere


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository; numbers are 0 and texts "" if the hub doesn't say, `updated_at` is in seconds since 1970."""

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
    """A repository's models at one commit, each by size; its projectors let a model see pictures.

    `revision` is the commit; if the hub names none, it is `branch`, the one that was asked for.
    """

    model: HubModel
    revision: str
    files: tuple[HubFile, ...]
    projectors: tuple[HubFile, ...]
    branch: str = BRANCH

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions to try for its files: some mirrors name a commit but know only the branch."""
        return tuple(dict.fromkeys((self.revision, self.branch)))

    @property
    def complete(self) -> bool:
        """Whether the hub gave the size and checksum of every file."""
        parts = [part for file in (*self.files, *self.projectors) for part in file.parts]
        return all(part.size_bytes and part.sha256 for part in parts)

    def projector_for(self, file: HubFile) -> HubFile | None:
        """The projector to download with this file: the best of those that name its model, or name none."""
        whole = [each for each in self.projectors if len(each.parts) == 1 and each.name != file.name]
        alone = len({words_of(each.label) for each in self.files}) == 1
        fitting = {each.name: each for each in whole if fits(each.name, file.label, alone=alone)}
        best = best_of({name: each.quantization for name, each in fitting.items()})
        return fitting[best] if best is not None else None

    def file(self, wanted: str) -> HubFile:
        """The file with this name or quantization; raises NotFound, which lists what there is."""
        found = _named(self.files, wanted)
        if found is not None:
            return found
        there = ", ".join(dict.fromkeys(file.quantization or file.name for file in self.files))
        there = there or tr("no GGUF model file")
        if _named(self.projectors, wanted) is not None:
            raise NotFound(
                tr(
                    "“{wanted}” lets a model of {repo} see pictures and is not a model by itself.",
                    repo=self.model.repo,
                    wanted=printable(wanted),
                ),
                tr("Nothing was downloaded. The models are: {there}.", there=there),
            )
        raise NotFound(
            tr("{repo} has no “{wanted}”.", repo=self.model.repo, wanted=printable(wanted)),
            tr("Nothing was downloaded. It has: {there}.", there=there),
        )


def size_of(parameters: int) -> Size:
    """The class of a model with this many weights; "" if the number is unknown (0)."""
    if not parameters:
        return ""
    return [size for size, begins in _BEGINS.items() if parameters >= begins][-1]


def model_in(row: object, asked: str = "") -> HubModel | None:
    """The repository that a row describes, or the one that was `asked` for if it names none; None without either."""
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
    """The repository that was `asked` for; `tree` fills in what the answer leaves out about its files.

    Raises ValueError if the answer does not describe a repository.
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
    """The part with the size and checksum that the answer to a request for its first byte gives.

    Only the hub's own ETag is a file's sha256; its storage makes ETags in another way.
    """
    tag = _SHA256_TAG.match(answer.origin_headers.get("x-linked-etag") or answer.origin_headers.get("etag", ""))
    return HubPart(part.path, part.size_bytes or _length(answer), part.sha256 or (tag[1] if tag else None))


def _length(answer: Incoming) -> int:
    """The length of the whole file, as the hub or its storage gives it."""
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
