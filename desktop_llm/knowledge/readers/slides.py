"""Slides as pages: their shapes in the order in which people read them, and a place that names the slide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_llm.knowledge.readers import Page
from desktop_llm.knowledge.readers.blocks import Block, page_with
from desktop_llm.words import tr

# The order of more shapes than this is that of the file.
_MOST_PLACED = 400

Box = tuple[int, int, int, int]  # left, top, right, bottom, in any unit


@dataclass(slots=True)
class Shape:
    """A shape with text: its blocks, and where it stands if that is known."""

    blocks: list[Block]
    box: Box | None = None
    title: bool = False


def slide_page(
    shapes: Iterable[Shape], tail: Iterable[Block], number: int, total: int, *, hidden: bool = False
) -> tuple[Page, str]:
    """A slide as a page, its title first and `tail` (notes, comments) last; and the title by itself."""
    shapes = list(shapes)
    titles = [shape for shape in shapes if shape.title]
    others = in_reading_order([shape for shape in shapes if not shape.title])
    page = page_with([*(block for shape in [*titles, *others] for block in shape.blocks), *tail], number)
    title = " ".join(titles[0].blocks[0].text.split()) if titles else ""
    place = tr("Slide {number} (hidden)", number=number) if hidden else tr("Slide {number}", number=number)
    headings = ((0, 1, f"{place}: {title}" if title else place),) if page.text else ()
    return Page(number, page.text, headings, total=total, tables=page.tables), title


def in_reading_order(shapes: list[Shape]) -> list[Shape]:
    """Shapes in the order of reading: cut into columns where a gap goes through from top to bottom, else into rows.

    Shapes without a place come first, in their order.
    """
    unplaced = [shape for shape in shapes if shape.box is None]
    placed = [shape for shape in shapes if shape.box is not None]
    if len(placed) > _MOST_PLACED:
        return shapes
    return [*unplaced, *_cut(placed)]


def _cut(shapes: list[Shape]) -> list[Shape]:
    if len(shapes) < 2:
        return shapes
    groups = _groups(shapes, 0)
    if len(groups) == 1:
        groups = _rows(shapes)
    if len(groups) == 1:
        return sorted(shapes, key=lambda shape: ((shape.box or (0, 0))[1], (shape.box or (0, 0))[0]))
    return [shape for group in groups for shape in _cut(group)]


def _rows(shapes: list[Shape]) -> list[list[Shape]]:
    """The shapes in rows; rows below each other whose shapes stand in the same columns are one."""
    rows: list[list[Shape]] = []
    for row in _groups(shapes, 1):
        if rows and len(_groups(rows[-1], 0)) > 1 and len(_groups(rows[-1] + row, 0)) > 1:
            rows[-1] = rows[-1] + row
        else:
            rows.append(row)
    return rows


def _groups(shapes: list[Shape], axis: int) -> list[list[Shape]]:
    """The shapes in groups that do not overlap along an axis (0: from left to right, 1: from top to bottom)."""

    def edges(shape: Shape) -> tuple[int, int]:
        box = shape.box or (0, 0, 0, 0)
        # A tenth of overlap is a matter of margins.
        margin = (box[axis + 2] - box[axis]) // 10
        return box[axis] + margin, box[axis + 2] - margin

    groups: list[list[Shape]] = []
    end = None
    for shape in sorted(shapes, key=edges):
        first, last = edges(shape)
        if end is None or first >= end:
            groups.append([])
        groups[-1].append(shape)
        end = last if end is None else max(end, last)
    return groups
