"""How far an answer looked into the documents, and what each file gave when all of them are read.

Plain values: the turn tells them, and the store keeps them as JSON, so a run that was cut off can go on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from desktop_llm.message import Citation

PASSAGES, EVERY_FILE, EVERY_FILE_IF_ASKED = "passages", "every_file", "every_file_if_asked"
READING, PAUSED, STOPPED, DONE = "reading", "paused", "stopped", "done"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far an answer looked: `done` of `total` files.

    By the way "passages", the best ones (`passages` of them) come from `done` files. By the way "every_file", `done`
    were read whole, `found_in` of them have a result, and `failed` are the paths of those that could not be read; then
    `state` is reading, paused, stopped or done, `fraction` the share of the text that was read, and `current` the file
    in hand with its part. `asks_for_all`:
    the question is one about all files.
    """

    way: str
    done: int
    total: int
    passages: int = 0
    state: str = DONE
    results: int = 0
    found_in: int = 0
    failed: tuple[str, ...] = ()
    fraction: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    current: str = ""
    part: int = 0
    parts: int = 0
    asks_for_all: bool = False

    @property
    def unread(self) -> int:
        """The files that were not read although they could be."""
        return self.total - self.done - len(self.failed)

    def to_json(self) -> dict[str, Any]:
        """The coverage as it is stored with the answer."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Coverage | None:
        """The coverage that `to_json` wrote; None if there is none, or it is damaged."""
        try:
            return cls(**{**data, "failed": tuple(str(path) for path in data["failed"])})
        except (KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result in one file: the answer in few words and the place that has it. `confirmed` if the place was found to
    say it, and to be about what was asked.
    """

    answer: str
    citation: Citation
    confirmed: bool


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a file gave that was read whole; `sha256` is the content that was read. For a summary there is a `note`,
    whose marks `[n]` name the citations of the findings, in place of answers.
    """

    path: str
    sha256: str
    findings: tuple[Finding, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The result as it is stored beside the answer."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FileRead | None:
        """The result that `to_json` wrote; None if it is damaged: the file is then read again."""
        try:
            found = tuple(
                Finding(str(each["answer"]), Citation.from_json(each["citation"]), bool(each["confirmed"]))
                for each in data["findings"]
            )
            return cls(str(data["path"]), str(data["sha256"]), found, str(data["note"]))
        except (KeyError, TypeError):
            return None
