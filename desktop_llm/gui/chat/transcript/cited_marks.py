"""The citation marks in the parts of a message: which quote stands behind each, and what came of its check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from desktop_llm.gui.chat.transcript.checked import CheckedSentence
from desktop_llm.gui.chat.transcript.grid_part import GridPart
from desktop_llm.gui.chat.transcript.parts import CitationPills, Part, Places, TextPart
from desktop_llm.gui.chat.transcript.table_part import TablePart
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.look.rich_text import Anchor, sentence_letters
from desktop_llm.message import Citation, marked_citations, places_of_marks


def marked_quotes(parts: Sequence[Part], view: MessageView) -> list[tuple[Part, Anchor, Citation | None]]:
    """Each citation mark of the answer's text, with its part and the quote behind it."""
    marks = _marks(parts)
    quotes = marked_citations([anchor.citation for _part, anchor in marks], view.citations)
    return [(part, anchor, quote) for (part, anchor), quote in zip(marks, quotes, strict=True)]


def checked_marks(parts: Sequence[Part], view: MessageView) -> list[tuple[Part, Anchor, CheckedSentence | None]]:
    """Each citation mark of the answer's text, with its part and the checked sentence before it."""
    marks = _marks(parts)
    own = [each for each in view.checked for _quote in each.check.quotes]
    places = places_of_marks([anchor.citation for _part, anchor in marks], view.citations if own else ())
    return [
        (part, anchor, own[at] if at is not None else None) for (part, anchor), at in zip(marks, places, strict=True)
    ]


def lit_places(parts: Sequence[Part], view: MessageView, quote: Citation | None) -> Places:
    """Where the marks stand that this quote is behind, and no others of its passage; None is behind none."""
    return [
        (part.document, anchor.start)
        for part, anchor, own in (marked_quotes(parts, view) if quote is not None else ())
        if own == quote and isinstance(part, TextPart | TablePart)
    ]


def mark_checked(parts: Sequence[Part], view: MessageView, pills: CitationPills, width: float) -> Iterator[None]:
    """Give each mark the sign of its verdict, and draw a line under what a passage contradicts, a part at a step."""
    for part, anchor, checked in checked_marks(parts, view):
        if checked is not None and isinstance(part, TextPart):
            check = checked.check
            pills.verdicts[part.document, anchor.start] = "accepted" if check.accepted else check.verdict
            part.document.markContentsDirty(anchor.start, 1)
    opposed = [
        sentence_letters(each.text)
        for each in view.checked
        if each.check.verdict == "contradicts" and not each.check.accepted
    ]
    for part in parts:
        if isinstance(part, TextPart):
            part.mark_contradicted(opposed)
            part.layout(width)  # a sign makes its mark wider
            yield None


def _marks(parts: Sequence[Part]) -> list[tuple[TextPart | TablePart | GridPart, Anchor]]:
    texts = [part for part in parts if isinstance(part, TextPart | TablePart | GridPart)]
    return [(part, anchor) for part in texts for anchor in part.anchors if anchor.citation]
