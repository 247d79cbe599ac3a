"""What the files inside one file may cost: one count for all of them, however deep they lie."""

from __future__ import annotations

from dataclasses import dataclass, field

from desktop_llm.knowledge.limits import MAX_INNER_FILES, MAX_NESTING, MAX_PAGE_LENGTH, MAX_UNPACKED_BYTES


@dataclass(slots=True)
class Allowance:
    """What is left: files, bytes to unpack, characters of text, and levels of nesting.

    `around` holds the contents (sha256) of the files around the one that is being read: an archive may hold itself.
    """

    files: int = MAX_INNER_FILES
    bytes: int = MAX_UNPACKED_BYTES
    characters: int = MAX_PAGE_LENGTH
    levels: int = MAX_NESTING
    around: list[str] = field(default_factory=list)
