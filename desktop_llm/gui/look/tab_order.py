"""Tab order by the layout of a page; Qt's own is the order in which widgets were made."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractScrollArea, QLayout, QScrollArea, QWidget

_BY_TAB = Qt.FocusPolicy.TabFocus


def focus_neighbour(page: QWidget, *, forward: bool) -> bool:
    """Move the focus to the next or previous widget of the page, and at its ends out of the page.

    Returns False, which leaves it to Qt, if the page does not have the focus or is being hidden.
    """
    if page.isHidden():
        return False
    stops, place = _places(page)
    if place is None:
        return False
    place += 1 if forward else -1
    if not 0 <= place < len(stops):
        return _leave(page, forward=forward)
    _focus(stops[place], forward=forward)
    return True


def focus_round(sheet: QWidget, *, forward: bool) -> bool:
    """Move the focus to the next or previous widget of a sheet, and from its end to its start; it never leaves the
    sheet."""
    stops, place = _places(sheet)
    if stops:
        start = place if place is not None else -1 if forward else 0
        _focus(stops[(start + (1 if forward else -1)) % len(stops)], forward=forward)
    return True


def _places(root: QWidget) -> tuple[list[QWidget], int | None]:
    """The widgets of a page, sheet or window that take the focus, and the index of the one that has it."""
    focused = root.window().focusWidget()
    stops = [widget for widget in _laid_out(root, focused) if widget is focused or _is_stop(widget)]
    return stops, next((place for place, widget in enumerate(stops) if widget is focused), None)


def _leave(page: QWidget, *, forward: bool) -> bool:
    """Move the focus to the widget after or before the page in the window, going round at the window's ends.

    Qt's own order may lead back into the page. It can't be walked either: PySide treats each widget that
    `nextInFocusChain` returns as a child of the other one, to be deleted together with it.
    """
    stops, _place = _places(page.window())
    inside = [place for place, widget in enumerate(stops) if widget is page or page.isAncestorOf(widget)]
    others = stops[inside[-1] + 1 :] + stops[: inside[0]]
    if others:
        _focus(others[0 if forward else -1], forward=forward)
    return bool(others)


def _focus(widget: QWidget, *, forward: bool) -> None:
    """Focus a widget, and scroll to it as Qt's own Tab does."""
    widget.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget)
        around = around.parentWidget()


def _is_stop(widget: QWidget) -> bool:
    by_tab = (widget.focusPolicy() & _BY_TAB) == _BY_TAB and widget.focusProxy() is None
    return by_tab and widget.isVisible() and widget.isEnabled()


def _laid_out(widget: QWidget, focused: QWidget | None) -> Iterator[QWidget]:
    """The widget and its descendants: those in its layout first, then those that lie over them.

    Hidden ones are left out, except the one that has the focus and those around it.
    """
    yield widget
    if isinstance(widget, QScrollArea):
        content = widget.widget()
        yield from _laid_out(content, focused) if content is not None else ()
    elif not isinstance(widget, QAbstractScrollArea):
        layout = widget.layout()
        inside = list(_in_layout(layout)) if layout is not None else []
        over = [each for each in widget.children() if isinstance(each, QWidget) and each not in inside]
        for child in (*inside, *over):
            if child.isHidden() and child is not focused and (focused is None or not child.isAncestorOf(focused)):
                continue
            if not child.isWindow():
                yield from _laid_out(child, focused)


def _in_layout(layout: QLayout) -> Iterator[QWidget]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        if (widget := item.widget()) is not None:
            yield widget
        elif (inner := item.layout()) is not None:
            yield from _in_layout(inner)
