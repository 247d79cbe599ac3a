"""Tab moves through a page in a window in the order of both layouts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look.tab_order import focus_neighbour


class Page(QWidget):
    """A page that Tab leaves at its ends."""

    def focusNextPrevChild(self, forward: bool) -> bool:
        return focus_neighbour(self, forward=forward)


class Window(QWidget):
    """A window with "before", a page with "first" and "last", and "behind", created in another order than laid out."""

    def __init__(self) -> None:
        super().__init__()
        self.behind, self.page, self.before = QPushButton("behind"), Page(), QPushButton("before")
        self.last, self.first = QPushButton("last"), QPushButton("first")
        self.action = QMenu(self.before).addAction("more")
        row = QHBoxLayout(self.page)
        for button in (self.first, self.last):
            row.addWidget(button)
        row = QHBoxLayout(self)
        for widget in (self.before, self.page, self.behind):
            row.addWidget(widget)


@pytest.fixture
def window(qtbot: QtBot) -> Window:
    window = Window()
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    return window


def press_tab(window: Window, *, back: bool = False) -> str:
    """Press Tab; returns the name of the widget with the focus."""
    modifier = Qt.KeyboardModifier.ShiftModifier if back else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab, modifier)
    focused = window.focusWidget()
    assert isinstance(focused, QPushButton)
    return focused.text()


def test_tab_goes_through_the_page_and_out_at_its_ends(window: Window) -> None:
    window.first.setFocus()
    assert [press_tab(window), press_tab(window)] == ["last", "behind"]
    window.last.setFocus()
    assert [press_tab(window, back=True), press_tab(window, back=True)] == ["first", "before"]


def test_what_tab_comes_to_is_scrolled_into_view(qtbot: QtBot) -> None:
    area, content = QScrollArea(), QWidget()
    column = QVBoxLayout(content)
    buttons = [QPushButton(str(number)) for number in range(40)]
    for button in buttons:
        column.addWidget(button)
    area.setWidget(content)
    page = Page()
    QVBoxLayout(page).addWidget(area)
    qtbot.addWidget(page)
    page.resize(200, 200)
    page.show()
    page.activateWindow()
    buttons[0].setFocus()
    focus_neighbour(page, forward=True)
    assert area.verticalScrollBar().value() == 0
    buttons[-2].setFocus()
    focus_neighbour(page, forward=True)
    assert not buttons[-1].visibleRegion().isEmpty()


def test_out_of_a_page_at_the_windows_end_it_goes_round(window: Window) -> None:
    window.behind.hide()
    window.last.setFocus()
    assert press_tab(window) == "before"


def test_a_page_that_is_all_there_is_is_gone_round(window: Window) -> None:
    for button in (window.before, window.behind):
        button.hide()
    window.last.setFocus()
    assert press_tab(window) == "first"


def test_what_was_passed_stays_when_another_widget_goes(window: Window) -> None:
    window.behind.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    window.last.setFocus()
    assert press_tab(window) == "before"
    window.behind.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert (window.before.text(), window.action.text()) == ("before", "more")
