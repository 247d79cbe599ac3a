"""The mouse over a transcript: selecting, pressing links and citations, hovering, scrolling sideways."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from desktop_llm.gui.transcript.code_part import CodePart
from desktop_llm.gui.transcript.documents import Anchor
from desktop_llm.gui.transcript.parts import DocumentPart, Part
from desktop_llm.gui.transcript.selection import Place
from desktop_llm.gui.transcript.table_part import TablePart

if TYPE_CHECKING:
    from desktop_llm.gui.transcript.transcript import Transcript


class Hit(NamedTuple):
    """What lies under a point: a message, a part of it, and the point in the part's coordinates."""

    message: int
    number: int
    part: Part
    point: QPointF


class Mouse:
    """Turns mouse events of the viewport into what is done with the transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._selecting = False
        self._pressed: Anchor | None = None
        self.hovered = -1

    def forget(self) -> None:
        """Other messages are shown now."""
        self.hovered, self._selecting, self._pressed = -1, False, None

    def hit(self, point: QPointF) -> Hit | None:
        """What lies under a point of the viewport."""
        index = self._transcript.message_at(point.y())
        if index < 0:
            return None
        layout, corner = self._transcript.layout_at(index), self._transcript.corner_of(index)
        number = layout.part_at(point.y() - corner.y())
        if number < 0:
            return None
        return Hit(index, number, layout.parts[number], point - corner - QPointF(0, layout.tops[number]))

    def anchor_at(self, point: QPointF) -> tuple[int, Anchor] | None:
        """The link or citation under a point, with its message."""
        hit = self.hit(point)
        if hit is None or not isinstance(hit.part, DocumentPart):
            return None
        anchor = hit.part.anchor_at(hit.point)
        return (hit.message, anchor) if anchor is not None else None

    def _place_at(self, point: QPointF) -> Place | None:
        """The nearest position in words."""
        hit = self.hit(point)
        if hit is None:
            return None
        if isinstance(hit.part, DocumentPart):
            return hit.message, hit.number, hit.part.position_at(hit.point)
        above = [pair for pair in self._transcript.layout_at(hit.message).documents() if pair[0] < hit.number]
        return (hit.message, above[-1][0], above[-1][1].length()) if above else (hit.message, hit.number, 0)

    def press(self, event: QMouseEvent) -> None:
        """Start a selection, or press a link."""
        found = self.anchor_at(event.position())
        self._pressed = found[1] if found else None
        place = self._place_at(event.position())
        if place is not None:
            extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._transcript.select_from(place, extend=extend)
            self._selecting = True

    def move(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the mouse."""
        if not self._selecting:
            self._hover(event.position())
            return
        place = self._place_at(event.position())
        if place is not None:
            self._transcript.select_from(place, extend=True)
        self._scroll_at_edge(event.position().y())

    def release(self, event: QMouseEvent) -> None:
        """End the selection, or open what was pressed."""
        self._selecting = False
        if self._transcript.has_selection():
            return
        found = self.anchor_at(event.position())
        if found is not None and found[1] == self._pressed:
            self._transcript.activate(*found)
            return
        hit = self.hit(event.position())
        if hit is not None and isinstance(hit.part, CodePart) and hit.part.fold_rect().contains(hit.point):
            hit.part.toggle_fold()
            self._transcript.relayout(hit.message)

    def double_click(self, event: QMouseEvent) -> None:
        """Select a word."""
        hit = self.hit(event.position())
        if hit is not None and isinstance(hit.part, DocumentPart):
            start, end = hit.part.word_at(hit.point)
            self._transcript.select_from((hit.message, hit.number, start))
            self._transcript.select_from((hit.message, hit.number, end), extend=True)

    def _scroll_at_edge(self, y: float) -> None:
        bar, height = self._transcript.verticalScrollBar(), self._transcript.viewport().height()
        if y < 0 or y > height:
            bar.setValue(bar.value() + round(y if y < 0 else y - height))

    def _hover(self, point: QPointF) -> None:
        hit, found = self.hit(point), self.anchor_at(point)
        over_words = hit is not None and isinstance(hit.part, DocumentPart) and hit.part.contains_words(hit.point)
        shape = Qt.CursorShape.IBeamCursor if over_words else Qt.CursorShape.ArrowCursor
        self._transcript.viewport().setCursor(Qt.CursorShape.PointingHandCursor if found else shape)
        if found is not None:
            self._transcript.light_citation(found[0], found[1].citation)
        else:
            self._transcript.light_citation(-1, 0)
        self.hover_message(hit.message if hit else -1)

    def hover_message(self, index: int) -> None:
        """The buttons of a message come and go with the mouse."""
        if index != self.hovered:
            self.hovered = index
            self._transcript.place_feet()

    def wheel(self, event: QWheelEvent) -> bool:
        """Scroll code and tables sideways (or with Shift); False for up and down, which is the scroll area's."""
        delta = event.angleDelta()
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        sideways = delta.x() or (delta.y() if shifted else 0)
        if not sideways or abs(sideways) < abs(delta.y()):
            return False
        hit = self.hit(event.position())
        if hit is not None and isinstance(hit.part, CodePart | TablePart) and hit.part.scroll(-sideways / 2):
            self._transcript.viewport().update()
        event.accept()
        return True

    def tip(self, point: QPointF) -> str:
        """What a tooltip says about a point."""
        found = self.anchor_at(point)
        if found is not None and found[1].citation:
            return self._transcript.layout_at(found[0]).pills.tip(found[1].citation)
        if found is not None:
            return found[1].href
        hit = self.hit(point)
        return hit.part.tip if hit is not None else ""
