"""Tab in the order in which a page is laid out; Qt alone goes by the order in which widgets were made."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractScrollArea, QLayout, QScrollArea, QWidget

_BY_TAB = Qt.FocusPolicy.TabFocus


def focus_neighbour(page: QWidget, *, forward: bool) -> bool:
    """Move the focus to what stands before or behind it on the page; at the page's ends, out of it."""
    stops, place = _places(page)
    if place is None:
        return False
    place += 1 if forward else -1
    if not 0 <= place < len(stops):
        return _leave(page, forward=forward)
    stops[place].setFocus(_reason(forward=forward))
    return True


def focus_round(sheet: QWidget, *, forward: bool) -> bool:
    """Move the focus to what stands before or behind it on a sheet that it does not leave: round at the ends."""
    stops, place = _places(sheet)
    if stops:
        start = place if place is not None else -1 if forward else 0
        stops[(start + (1 if forward else -1)) % len(stops)].setFocus(_reason(forward=forward))
    return True


def _places(page: QWidget) -> tuple[list[QWidget], int | None]:
    """Where the focus can be on a page, and where it is."""
    focused = page.window().focusWidget()
    stops = [widget for widget in _laid_out(page) if widget is focused or _is_stop(widget)]
    return stops, next((place for place, widget in enumerate(stops) if widget is focused), None)


def _leave(page: QWidget, *, forward: bool) -> bool:
    """Qt's own order may lead back into the page from here: go on along it until the page is left."""
    focused = page.window().focusWidget()
    widget: QWidget | None = focused
    while widget is not None and (widget is page or page.isAncestorOf(widget) or not _is_stop(widget)):
        widget = widget.nextInFocusChain() if forward else widget.previousInFocusChain()
        if widget is focused:
            return False
    if widget is not None:
        widget.setFocus(_reason(forward=forward))
    return widget is not None


def _reason(*, forward: bool) -> Qt.FocusReason:
    return Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason


def _is_stop(widget: QWidget) -> bool:
    by_tab = (widget.focusPolicy() & _BY_TAB) == _BY_TAB and widget.focusProxy() is None
    return by_tab and widget.isVisible() and widget.isEnabled()


def _laid_out(widget: QWidget) -> Iterator[QWidget]:
    """The widget and what is in it: first by its layout, then what lies over that."""
    yield widget
    if isinstance(widget, QScrollArea):
        content = widget.widget()
        yield from _laid_out(content) if content is not None else ()
    elif not isinstance(widget, QAbstractScrollArea):
        layout = widget.layout()
        inside = list(_in_layout(layout)) if layout is not None else []
        over = [each for each in widget.children() if isinstance(each, QWidget) and each not in inside]
        for child in (*inside, *over):
            if not child.isWindow():
                yield from _laid_out(child)


def _in_layout(layout: QLayout) -> Iterator[QWidget]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        if (widget := item.widget()) is not None:
            yield widget
        elif (inner := item.layout()) is not None:
            yield from _in_layout(inner)
