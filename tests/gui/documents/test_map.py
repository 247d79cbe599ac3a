"""The map of a collection: asked for, pointed at, clicked, questioned and told in words when there is none."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QListWidget, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.map_canvas import MapCanvas
from desktop_llm.gui.documents.map_view import MapView
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.look.widgets import Label
from desktop_llm.knowledge.client import CollectionMap, FoundOnMap, Topic
from tests.gui.documents.conftest import collection, passage
from tests.gui.documents.test_page import find, shown_text


def drawn(columns: int = 10) -> CollectionMap:
    """A square of points: the left half is one topic, the right half another, the last point in none."""
    chunks, xs, ys, labels = CollectionMap.columns()
    for at in range(columns * columns):
        column, row = at % columns, at // columns
        chunks.append(1000 + at)
        xs.append(2 * column / (columns - 1) - 1)
        ys.append(2 * row / (columns - 1) - 1)
        labels.append(-1 if at == columns * columns - 1 else int(column >= columns // 2))
    topics = (Topic("notice, tenancy, end", 50, 6), Topic("heating, boiler, kWh", 49, 3))
    return CollectionMap(topics, len(chunks), chunks, xs, ys, labels)


@pytest.fixture
def view(qtbot: QtBot) -> MapView:
    made = MapView()
    qtbot.addWidget(made)
    made.resize(1000, 640)
    made.show()
    made.show_map(drawn(), 9)
    return made


def canvas(view: MapView) -> MapCanvas:
    return find(view, MapCanvas, "map_canvas")


def test_the_map_is_asked_for_when_its_tab_comes_to_the_front(lone_page: DocumentsPage, qtbot: QtBot) -> None:
    lone_page.show_collections([collection("House")], {})
    lone_page.show_files("House")
    tabs = find(lone_page, QTabBar, "collection_tabs")
    with qtbot.waitSignal(lone_page.opened.map_shown) as asked:
        qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(2).center())
    assert asked.args == ["House"]
    assert "Placing the passages" in shown_text(lone_page)
    lone_page.opened.map.show_map(drawn(), 9)
    assert "100 passages of 9 documents." in shown_text(lone_page)


def test_the_point_under_the_mouse_is_shown_on_a_card_and_a_click_opens_it(view: MapView, qtbot: QtBot) -> None:
    place = 44
    point = canvas(view).at(place).toPoint()
    with qtbot.waitSignal(view.pointed) as pointed:
        qtbot.mouseMove(canvas(view), point)
    assert pointed.args == [1044]
    view.show_passage(1044, passage("/docs/lease.pdf", "Three months’ notice in writing."))
    assert "Three months’ notice" in find(view, Label, "map_card_text").text()
    assert find(view, QWidget, "map_card").isVisible()
    with qtbot.waitSignal(view.opened) as opened:
        qtbot.mouseClick(canvas(view), Qt.MouseButton.LeftButton, pos=point)
    assert opened.args == [1044]
    qtbot.mouseMove(canvas(view), point + QPoint(25, 25))
    assert not find(view, QWidget, "map_card").isVisible()


def test_a_card_of_a_passage_that_is_no_longer_pointed_at_is_not_shown(view: MapView) -> None:
    view.show_passage(1044, passage("/docs/lease.pdf", "Too late."))
    assert not find(view, QWidget, "map_card").isVisible()


def test_a_question_lights_what_it_found_and_the_keys_go_there(view: MapView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.asked) as asked:
        qtbot.keyClicks(find(view, QLineEdit, "map_question"), "notice period")
    assert asked.args == ["notice period"]
    view.show_found(
        [
            FoundOnMap(1011, passage("/docs/lease.pdf", "Notice.")),
            FoundOnMap(1077, passage("/docs/letter.docx", "You gave notice.")),
            FoundOnMap(-1, passage("/docs/lease.pdf", "Not in the sample.")),
        ]
    )
    assert find(view, Label, "map_result").text() == "3 passages found, in 2 files"
    topics = find(view, QListWidget, "map_topics")
    assert "1 found" in topics.item(0).text()
    qtbot.keyClick(canvas(view), Qt.Key.Key_2)
    assert find(view, Label, "map_card_text").text() == "You gave notice."
    with qtbot.waitSignal(view.opened) as opened:
        qtbot.keyClick(canvas(view), Qt.Key.Key_Return)
    assert opened.args == [1077]
    qtbot.keyClick(canvas(view), Qt.Key.Key_Escape)
    assert not find(view, Label, "map_result").isVisible()


def test_arrow_keys_go_to_the_next_point_and_zooming_keeps_what_is_below_the_mouse(view: MapView, qtbot: QtBot) -> None:
    map_canvas = canvas(view)
    with qtbot.waitSignal(view.pointed):
        qtbot.mouseMove(map_canvas, map_canvas.at(44).toPoint())
    with qtbot.waitSignal(view.pointed) as pointed:
        qtbot.keyClick(map_canvas, Qt.Key.Key_Right)
    assert pointed.args == [1045]
    before = map_canvas.at(44)
    map_canvas.zoom(3, before)
    assert (map_canvas.at(44) - before).manhattanLength() < 1
    assert (map_canvas.at(45) - map_canvas.at(44)).x() > 100
    qtbot.keyClick(map_canvas, Qt.Key.Key_0)
    assert (map_canvas.at(44) - before).manhattanLength() < 1


def test_a_chosen_topic_stays_chosen_and_escape_lets_it_go(view: MapView, qtbot: QtBot) -> None:
    topics = find(view, QListWidget, "map_topics")
    topics.setCurrentRow(1)
    view.show_found([FoundOnMap(1077, passage("/docs/letter.docx", "You gave notice."))])
    assert topics.currentRow() == 1
    assert topics.selectedItems()
    qtbot.keyClick(topics, Qt.Key.Key_Escape)
    assert not topics.selectedItems()


def test_without_a_map_it_is_said_why_and_what_to_do(view: MapView, qtbot: QtBot) -> None:
    view.show_map(CollectionMap((), 12, *CollectionMap.columns()), 2)
    assert "Fewer than 30 passages: too few for a map." in shown_text(view)
    view.show_error("Memory ran out. Documents and search work as before.")
    assert "Memory ran out." in shown_text(view)
    with qtbot.waitSignal(view.wanted):
        qtbot.mouseClick(find(view, QWidget, "map_empty_again"), Qt.MouseButton.LeftButton)
