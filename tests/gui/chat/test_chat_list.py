"""The list of chats, as a person reads, searches and uses it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QListView
from pytestqt.qtbot import QtBot

from desktop_llm.chats.records import Conversation
from desktop_llm.conversation.open_chat import Answering
from desktop_llm.gui.chat.chat_list import ChatList
from tests.gui.samples import a_chat, find, heard, nameless

CHATS = (
    a_chat("a", "House rules", 20, pinned=True),
    a_chat("b", "Notice period and fees", collections=("House",)),
    a_chat("c", "Explain this query", state="answering"),
    a_chat("d", "Letter to the tax office", 1, state="interrupted"),
    a_chat("e", "Sourdough timing", 4),
    a_chat("f", "Interview questions", 800),
)


@pytest.fixture
def chats(qtbot: QtBot) -> ChatList:
    chats = ChatList()
    qtbot.addWidget(chats)
    chats.resize(240, 600)
    chats.show()
    chats.set_conversations(CHATS)
    return chats


def view_of(chats: ChatList) -> QListView:
    view = find(chats, "chat_list")
    assert isinstance(view, QListView)
    return view


def rows(chats: ChatList) -> list[str]:
    model = view_of(chats).model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def index_of(chats: ChatList, title: str) -> QModelIndex:
    return view_of(chats).model().index(rows(chats).index(title), 0)


def click(qtbot: QtBot, chats: ChatList, title: str) -> None:
    view = view_of(chats)
    place = view.visualRect(index_of(chats, title)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_chats_stand_below_the_day_of_their_last_change(chats: ChatList) -> None:
    shown = rows(chats)
    assert shown[:2] == ["Pinned", "House rules"]
    assert shown.index("Today") < shown.index("Notice period and fees") < shown.index("Explain this query")
    assert shown[shown.index("Yesterday") + 1] == "Letter to the tax office"
    assert shown[shown.index("Last 7 days") + 1] == "Sourdough timing"
    assert shown[-2].endswith(tuple("0123456789")), "a month of another year says the year"


def test_a_clock_that_jumped_does_not_shuffle_the_chats(chats: ChatList) -> None:
    usual = a_chat("", "").updated_at
    moments = {"last": 0.0, "third": usual, "second": 4e9, "first": usual - 86_400 * 3}
    chats.set_conversations([replace(a_chat(name, name), updated_at=moments[name]) for name in moments])
    assert rows(chats) == ["Today", "last", "third", "second", "Last 7 days", "first"]


def test_a_click_opens_a_chat_and_a_heading_does_nothing(qtbot: QtBot, chats: ChatList) -> None:
    opened = heard(chats.conversation_selected)
    click(qtbot, chats, "Sourdough timing")
    click(qtbot, chats, "Today")
    assert opened == ["e"]


def test_arrows_skip_the_headings_and_enter_opens(qtbot: QtBot, chats: ChatList) -> None:
    opened = heard(chats.conversation_selected)
    view = view_of(chats)
    view.setFocus()
    view.setCurrentIndex(index_of(chats, "House rules"))
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert opened == ["b"]


def test_rows_say_what_goes_on_in_them(chats: ChatList) -> None:
    spoken = {t: index_of(chats, t).data(Qt.ItemDataRole.AccessibleTextRole) for t in rows(chats)}
    assert spoken["Explain this query"] == "Explain this query, answering"
    assert spoken["Letter to the tax office"] == "Letter to the tax office, interrupted"
    assert spoken["Notice period and fees"] == "Notice period and fees, uses documents"
    assert spoken["House rules"] == "House rules, pinned"


def test_f2_renames_in_place(qtbot: QtBot, chats: ChatList) -> None:
    renamed = heard(chats.rename_requested)
    view = view_of(chats)
    view.setCurrentIndex(index_of(chats, "Sourdough timing"))
    qtbot.keyClick(view, Qt.Key.Key_F2)
    field = find(chats, "chat_list_rename", QLineEdit)
    assert field.selectedText() == "Sourdough timing"
    qtbot.keyClicks(field, "Bread")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(renamed))
    assert renamed == [("e", "Bread")]
    assert "Bread" in rows(chats)


def test_an_empty_title_leaves_the_old_one(qtbot: QtBot, chats: ChatList) -> None:
    renamed = heard(chats.rename_requested)
    chats.begin_rename("e")
    field = find(chats, "chat_list_rename", QLineEdit)
    field.clear()
    with qtbot.waitSignal(field.destroyed):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert renamed == []
    assert "Sourdough timing" in rows(chats)


def test_delete_asks_to_delete_the_chat_with_the_focus(qtbot: QtBot, chats: ChatList) -> None:
    deleted = heard(chats.delete_requested)
    view = view_of(chats)
    view.setCurrentIndex(index_of(chats, "Sourdough timing"))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert deleted == ["e"]


def test_the_context_menu_offers_everything(qtbot: QtBot, chats: ChatList) -> None:
    said = [heard(s) for s in (chats.pin_requested, chats.export_requested, chats.delete_requested)]
    for title in ("Sourdough timing", "House rules"):
        menu = view_of(chats).menu_for(index_of(chats, title))  # type: ignore[attr-defined]
        for name in ("pin", "export", "delete"):
            find(menu, f"chat_menu_{name}", QAction).trigger()
        menu.close()
    assert said == [[("e", True), ("a", False)], ["e", "a"], ["e", "a"]]


def test_typing_searches_once_the_typing_pauses(qtbot: QtBot, chats: ChatList) -> None:
    searched = heard(chats.search_changed)
    qtbot.keyClicks(chats.search, "fees")
    qtbot.waitUntil(lambda: bool(searched))
    assert searched == ["fees"]


def test_a_search_without_results_says_so(qtbot: QtBot, chats: ChatList) -> None:
    qtbot.keyClicks(chats.search, "zebra")
    chats.set_conversations([])
    assert "zebra" in find(chats, "chat_list_empty").accessibleName()
    assert not view_of(chats).isVisible()
    chats.set_conversations(CHATS)
    assert view_of(chats).isVisible()


def test_no_chats_yet_says_so(chats: ChatList) -> None:
    chats.set_conversations([])
    assert find(chats, "chat_list_empty").accessibleName().startswith("No chats yet")


def test_down_goes_from_the_search_to_the_first_chat(qtbot: QtBot, chats: ChatList) -> None:
    chats.search.setFocus()
    qtbot.keyClick(chats.search, Qt.Key.Key_Down)
    assert view_of(chats).hasFocus()
    assert view_of(chats).currentIndex().data() == "House rules"


def many(count: int) -> list[Conversation]:
    return [a_chat(str(number), days_ago=number / 24) for number in range(count)]


def test_new_content_keeps_the_focus_and_the_scroll_position(qtbot: QtBot, chats: ChatList) -> None:
    crowd = many(300)
    chats.set_conversations(crowd)
    view = view_of(chats)
    view.setCurrentIndex(index_of(chats, "Chat 200"))
    view.scrollTo(view.currentIndex())
    scrolled = view.verticalScrollBar().value()
    chats.set_conversations([replace(crowd[0], title="Changed"), *crowd[1:]])
    assert (view.currentIndex().data(), view.verticalScrollBar().value()) == ("Chat 200", scrolled)
    chats.set_conversations([a_chat("new", "New one"), *crowd])
    assert (view.currentIndex().data(), view.verticalScrollBar().value()) == ("Chat 200", scrolled)
    assert scrolled > 0


def test_the_open_chat_is_brought_into_view(chats: ChatList) -> None:
    chats.set_conversations(many(300))
    chats.set_selected("250")
    view = view_of(chats)
    assert view.viewport().rect().contains(view.visualRect(index_of(chats, "Chat 250")))


def test_every_row_has_the_same_height_for_thousands_of_chats(chats: ChatList) -> None:
    chats.set_conversations(many(5000))
    view = view_of(chats)
    assert view.uniformItemSizes()
    assert {view.visualRect(view.model().index(row, 0)).height() for row in (0, 1, 2, 2000, 5000)} == {34}


def test_a_chat_being_answered_is_marked_while_it_is(chats: ChatList) -> None:
    chats.set_answering(Answering(frozenset({"e"})))
    role = Qt.ItemDataRole.AccessibleTextRole
    assert index_of(chats, "Sourdough timing").data(role).endswith("answering")
    chats.set_answering(Answering())
    assert not index_of(chats, "Sourdough timing").data(role).endswith("answering")


def test_everything_in_the_list_has_a_name(chats: ChatList) -> None:
    assert not nameless(chats)
