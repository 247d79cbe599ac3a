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
    _focus(stops[place], forward=forward)
    return True


def focus_round(sheet: QWidget, *, forward: bool) -> bool:
    """Move the focus to what stands before or behind it on a sheet that it does not leave: round at the ends."""
    stops, place = _places(sheet)
    if stops:
        start = place if place is not None else -1 if forward else 0
        _focus(stops[(start + (1 if forward else -1)) % len(stops)], forward=forward)
    return True


def _places(root: QWidget) -> tuple[list[QWidget], int | None]:
    """Where the focus can be inside a page, sheet or window, and where it is."""
    focused = root.window().focusWidget()
    stops = [widget for widget in _laid_out(root) if widget is focused or _is_stop(widget)]
    return stops, next((place for place, widget in enumerate(stops) if widget is focused), None)


def _leave(page: QWidget, *, forward: bool) -> bool:
    """Go to what stands in the window behind the page or before it; round at the window's ends.

    Qt's own order may lead back into the page. Nor is it walked here: PySide takes each widget that
    `nextInFocusChain` returns for a child of the one it was asked of, and for deleted together with it.
    """
    stops, _place = _places(page.window())
    inside = [place for place, widget in enumerate(stops) if widget is page or page.isAncestorOf(widget)]
    others = stops[inside[-1] + 1 :] + stops[: inside[0]]
    if others:
        _focus(others[0 if forward else -1], forward=forward)
    return bool(others)


def _focus(widget: QWidget, *, forward: bool) -> None:
    """Give it the focus, and scroll to it as Qt's own Tab does."""
    widget.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget)
        around = around.parentWidget()


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
