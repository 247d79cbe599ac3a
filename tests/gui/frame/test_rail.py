"""The rail, as a person uses it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop_llm.gui.frame.rail import Rail
from tests.gui.samples import find, heard, nameless


def test_a_click_asks_for_the_page(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    asked = heard(rail.page_requested)
    for name in ("models", "documents", "activity", "settings", "chats"):
        qtbot.mouseClick(find(rail, f"rail_{name}"), Qt.MouseButton.LeftButton)
    assert asked == ["models", "documents", "activity", "settings", "chats"]


def test_the_page_shown_is_the_one_marked(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    rail.set_page("documents")
    marked = [name for name in ("chats", "models", "documents", "settings") if find(rail, f"rail_{name}").isChecked()]
    assert marked == ["documents"]


def test_a_second_click_on_the_page_shown_leaves_it_marked(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    qtbot.mouseClick(find(rail, "rail_chats"), Qt.MouseButton.LeftButton)
    assert find(rail, "rail_chats").isChecked()


def test_arrows_move_inside_the_one_tab_stop_and_enter_opens(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    rail.show()
    rail.activateWindow()
    asked = heard(rail.page_requested)
    find(rail, "rail_chats").setFocus()
    qtbot.waitUntil(find(rail, "rail_chats").hasFocus)
    qtbot.keyClick(find(rail, "rail_chats"), Qt.Key.Key_Down)
    assert find(rail, "rail_models").hasFocus()
    assert find(rail, "rail_chats").focusPolicy() == Qt.FocusPolicy.NoFocus
    qtbot.keyClick(find(rail, "rail_models"), Qt.Key.Key_Return)
    assert asked == ["models"]
    qtbot.keyClick(find(rail, "rail_models"), Qt.Key.Key_Up)
    qtbot.keyClick(find(rail, "rail_chats"), Qt.Key.Key_Up)
    assert find(rail, "rail_settings").hasFocus()


def test_compact_keeps_names_and_tooltips(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    rail.set_compact(True)
    assert rail.width() == 48
    item = find(rail, "rail_models")
    assert (item.accessibleName(), item.toolTip()) == ("Models", "Models (Ctrl+2)")
    rail.set_compact(False)
    assert rail.width() == 72
    assert not nameless(rail)


def test_the_number_on_activity_is_said_too(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    item = find(rail, "rail_activity")
    assert (item.accessibleName(), item.toolTip()) == ("Activity", "Activity (Ctrl+J)")
    plain = painted(rail)
    rail.set_activity(3, "2 running, 1 stopped")
    assert item.accessibleName() == "Activity, 2 running, 1 stopped"
    assert item.toolTip() == "Activity, 2 running, 1 stopped (Ctrl+J)"
    assert painted(rail) != plain
    rail.set_activity(0, "")
    assert item.accessibleName() == "Activity"
    assert painted(rail) == plain


def test_from_ten_on_the_number_stays_the_same(qtbot: QtBot) -> None:
    rail = Rail()
    qtbot.addWidget(rail)
    rail.set_activity(9, "9 running")
    nine = painted(rail)
    rail.set_activity(10, "10 running")
    ten = painted(rail)
    rail.set_activity(250, "250 running")
    assert painted(rail) == ten != nine


def painted(rail: Rail) -> QImage:
    """A picture of the Activity item."""
    image: QImage = find(rail, "rail_activity").grab().toImage()
    return image
