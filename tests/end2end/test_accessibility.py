"""A screen reader finds a name for each control it can stop at, on every page and in every sheet and menu."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication

from tests.end2end.person import Person, until

ROLE = QAccessible.Role
CONTROLS = {
    ROLE.Button,
    ROLE.ButtonMenu,
    ROLE.CheckBox,
    ROLE.ComboBox,
    ROLE.EditableText,
    ROLE.Link,
    ROLE.List,
    ROLE.ListItem,
    ROLE.MenuItem,
    ROLE.PageTab,
    ROLE.PageTabList,
    ROLE.ProgressBar,
    ROLE.RadioButton,
    ROLE.Slider,
    ROLE.SpinBox,
    ROLE.Table,
    ROLE.Tree,
}


def shown(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """The interface and everything visible below it, as a screen reader walks."""
    if interface.isValid() and not interface.state().invisible:
        yield interface
        for index in range(interface.childCount()):
            child = interface.child(index)
            if child is not None:
                yield from shown(child)


def controls(person: Person) -> dict[str, list[str]]:
    """The names of the window's visible controls, by their role; "" for a control without one."""
    found: dict[str, list[str]] = {}
    root = QAccessible.queryAccessibleInterface(person.window)
    for interface in shown(root):
        if interface.role() in CONTROLS:
            widget = interface.object()
            name = interface.text(QAccessible.Text.Name)
            where = f"{type(widget).__name__} in {path_of(widget)}"
            found.setdefault(interface.role().name, []).append(name or f"nameless: {where}")
    return found


def path_of(widget: QObject | None) -> str:
    """The object names from the window down to a widget, for the person who looks for it."""
    names = []
    while widget is not None:
        names.append(widget.objectName())
        widget = widget.parent()
    return " ".join(filter(None, reversed(names)))


def nameless(person: Person) -> list[str]:
    """The visible controls that have no name for a screen reader."""
    return [f"{role} {name}" for role, names in controls(person).items() for name in names if "nameless" in name]


@pytest.mark.parametrize("page", ["chats", "models", "documents", "activity", "settings", "welcome"])
def test_every_control_of_a_page_has_a_name(person: Person, page: str) -> None:
    person.wiring.show_page(page)
    QApplication.processEvents()
    assert sum(map(len, controls(person).values())) > 5
    assert nameless(person) == []


def test_every_control_of_a_page_with_something_on_it_has_a_name(person: Person) -> None:
    person.new_chat()
    person.ask("Write a list of two colours, then a table of them, then a line of Python.")
    person.wiring.collections.create("A shelf")
    until(lambda: "A shelf" in person.wiring.collections.names)
    for page in ("chats", "documents"):
        person.wiring.show_page(page)
        QApplication.processEvents()
        assert nameless(person) == []


@pytest.mark.parametrize("sheet", ["model menu", "chat settings", "network", "evidence", "drop"])
def test_every_control_of_a_sheet_has_a_name(person: Person, sheet: str) -> None:
    wiring = person.wiring
    steps: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "model menu": (wiring.picker.open, lambda: wiring.picker.menu.close_popup()),
        "chat settings": (wiring.chat_settings.show, lambda: wiring.chat_settings.panel.close_popup()),
        "network": (wiring.network.open, lambda: wiring.network.panel.close_popup()),
        "evidence": (wiring.commands.show_evidence, lambda: wiring.chats.show_panel(False)),
        "drop": (lambda: wiring.drop_overlay.ask([__file__]), lambda: wiring.drop_overlay.cancel()),
    }
    before = sum(map(len, controls(person).values()))
    open_sheet, close_sheet = steps[sheet]
    open_sheet()
    QApplication.processEvents()
    try:
        assert sum(map(len, controls(person).values())) > before
        assert nameless(person) == []
    finally:
        close_sheet()


def test_every_line_of_the_more_menu_has_a_name(person: Person) -> None:
    menu = person.find("more_button").menu()
    lines = QAccessible.queryAccessibleInterface(menu)
    names = [lines.child(index).text(QAccessible.Text.Name) for index in range(lines.childCount())]
    assert "All keys" in " ".join(names)
    assert all(name for name, action in zip(names, menu.actions(), strict=True) if not action.isSeparator()), (
        "a line has no name"
    )
