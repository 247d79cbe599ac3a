"""What is selected across messages: two places, and the words between them."""

from __future__ import annotations

from collections.abc import Callable

from desktop_llm.gui.transcript.message_layout import MessageLayout
from desktop_llm.gui.transcript.parts import DocumentPart, Selection

Place = tuple[int, int, int]
"""Message index, part index, position in the part's document."""

_LAST = 1 << 30


class TranscriptSelection:
    """From where the mouse went down to where it is now."""

    def __init__(self) -> None:
        self._from: Place | None = None
        self._to: Place | None = None

    def clear(self) -> None:
        """Nothing is selected."""
        self._from = self._to = None

    def begin(self, place: Place) -> None:
        """Start here."""
        self._from = self._to = place

    def extend(self, place: Place) -> None:
        """Reach to here; without a start it starts here."""
        self._from = self._from or place
        self._to = place

    def select(self, start: Place, end: Place) -> None:
        """Exactly these."""
        self._from, self._to = start, end

    def select_all(self, messages: int) -> None:
        """Every word of every message."""
        self.select((0, 0, 0), (messages - 1, _LAST, _LAST))

    def is_empty(self) -> bool:
        """Whether there is nothing to copy."""
        return self._from is None or self._from == self._to

    def ends(self) -> tuple[Place, Place] | None:
        """First and last place in reading order."""
        if self._from is None or self._to is None or self._from == self._to:
            return None
        return min(self._from, self._to), max(self._from, self._to)

    def within(self, message: int, part: int, length: int) -> Selection:
        """What of a part is selected, as positions in its document."""
        if (ends := self.ends()) is None:
            return None
        first, last = ends
        if not first[:2] <= (message, part) <= last[:2]:
            return None
        start = first[2] if (message, part) == first[:2] else 0
        end = last[2] if (message, part) == last[:2] else length
        return (start, min(end, length)) if start < end else None

    def text(self, layout_of: Callable[[int], MessageLayout], plain_of: Callable[[int], str]) -> str:
        """The selected words; messages in the middle are not laid out for it."""
        if (ends := self.ends()) is None:
            return ""
        first, last = ends[0][0], ends[1][0]
        pieces = []
        for message in range(first, last + 1):
            whole = first < message < last or (ends[0] <= (message, 0, 0) and ends[1] >= (message, _LAST, _LAST))
            pieces.append(plain_of(message) if whole else self._text_in(message, layout_of(message)))
        return "\n\n".join(piece for piece in pieces if piece)

    def _text_in(self, message: int, layout: MessageLayout) -> str:
        pieces = []
        for index, part in enumerate(layout.parts):
            if isinstance(part, DocumentPart) and (selected := self.within(message, index, part.length())):
                pieces.append(part.text(selected))
        return "\n\n".join(pieces)
