"""Why reading ended before the end of a document, and what a person is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.limits import MAX_TEXT_LENGTH, Budget
from desktop_llm.knowledge.sources import Reason
from desktop_llm.words import tr

# "time": the document's time is over; "idle", "memory": a limit of the reader; "died": the reader's own end; "pages",
# "text", "passages": too many of them; "missing": pages that the document says it has, but that are not in the file.
Why = Literal["time", "idle", "memory", "died", "pages", "text", "passages", "missing"]
# A larger budget helps against these; and what ended the reader may have been no fault of the document.
ANOTHER_TURN = frozenset({"time", "idle", "pages", "passages", "died"})


@dataclass(frozen=True, slots=True)
class Cut:
    """Where reading ended and why: after page `read` of `total`; None for formats without pages.

    A mailbox numbers its messages and does not say how many there are, so `total` alone may be None, too.
    """

    why: Why
    read: int | None
    total: int | None
    details: str = ""


def partly(cut: Cut, budget: Budget, passages: int) -> Reason:
    """What is said about a document of which a part was read and kept, in so many passages."""
    if cut.why == "missing":
        text = tr(
            "Partly read: it says that it has {total:,} pages, but none is there after page {read:,}. "
            "What was read can be searched. The file may be damaged.",
            total=cut.total,
            read=cut.read,
        )
    elif cut.read is None or cut.total is None:
        text = tr(
            "Partly read: reading stopped after {count:,} passages because {why}. "
            "What was read can be searched. Split the file to read the rest.",
            count=passages,
            why=_because(cut.why, budget),
        )
    else:
        text = tr(
            "Partly read: it has {total:,} pages; reading stopped after page {read:,} because {why}. "
            "What was read can be searched. Split the file to read the rest.",
            total=cut.total,
            read=cut.read,
            why=_because(cut.why, budget),
        )
    return Reason(text, "partly", passing=cut.why == "died")


def without(left_out: str) -> Reason:
    """What is said about a document that was read but for what the sentence `left_out` names."""
    return Reason(tr("Partly read: {left_out} The rest can be searched.", left_out=left_out), "partly")


def partly_by_meaning(found: int, total: int) -> Reason:
    """What is said about a document of which only `found` of `total` passages could be embedded in time."""
    text = tr(
        "All of it can be found by its words, but only {found:,} of its {total:,} passages by their meaning, because "
        "it took too long. Split the file to have all of it found by meaning.",
        found=found,
        total=total,
    )
    return Reason(text, "partly")


def given_up(cut: Cut, budget: Budget) -> DocumentError:
    """The error for a document of which nothing could be kept."""
    text = tr("Nothing of it was kept. Split the file, or save it in another format, and add it again.")
    why = _because(cut.why, budget)
    if cut.why == "died":
        title = tr("The reader stopped while reading this file.")
        return DocumentError(title, text, cause="died", details=cut.details)
    if cut.read and cut.total:
        title = tr(
            "It has {total:,} pages; reading stopped after page {read:,} because {why}, and no text was found by then.",
            total=cut.total,
            read=cut.read,
            why=why,
        )
    else:
        title = tr("Reading was given up because {why}.", why=why)
    return DocumentError(title, text, cause="too_large", details=cut.details)


def _because(why: Why, budget: Budget) -> str:
    match why:
        case "time":
            return tr("it took too long")
        case "idle":
            return tr("the reader no longer answered")
        case "memory":
            return tr("it needs more memory than one document may use")
        case "pages":
            return tr("one document may have {limit:,}", limit=budget.pages)
        case "text":
            return tr("one document may have {limit} million characters", limit=MAX_TEXT_LENGTH // 1_000_000)
        case "passages":
            return tr("one document may have no more")
        case _:
            return tr("the reader broke off there")
