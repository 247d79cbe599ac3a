"""What the comparison of a sentence with passages comes to: the evidence for it, or why it was refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a sentence is not supported. All but `TOO_LITTLE` say that the evidence closest to it says otherwise."""

    FIGURE = "figure"  # another number, amount or unit
    DATE = "date"  # another date or time, or past for future
    NAME = "name"
    NEGATION = "negation"
    SUBJECT = "subject"  # said of something or somebody else, such as another row of a table or item of a list
    ORDER = "order"  # of two events, of cause and effect, of what is more and what is less
    ROLES = "roles"  # who does what to whom, whose it is, from where to where
    BOUND = "bound"  # at least for at most, all for some
    CERTAINTY = "certainty"  # a fact for a belief, a duty for what is allowed
    TOO_LITTLE = "too little in common"


@dataclass(frozen=True, slots=True)
class Support:
    """The span of a passage that says what a clause says, and how much of the clause's words it has (0 to 1)."""

    passage: int
    start: int
    end: int
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The evidence for each clause of a sentence, or the reason why there is none.

    `against` is the span of a passage that says otherwise; None if the sentence is supported or nothing comes close.
    """

    supports: tuple[Support, ...] = ()
    reason: Reason | None = None
    against: Support | None = None

    @property
    def contradicts(self) -> bool:
        """Whether a passage says something else of the very same matter."""
        return self.against is not None
