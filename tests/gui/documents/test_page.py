"""The Documents page, as a person uses and reads it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QDialog, QFileDialog, QHeaderView, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents.search import ResultsView
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import Banner, ElidedLabel, Label, Pill
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.work.collection_card import CollectionCard
from desktop_llm.knowledge.client import Folder
from desktop_llm.workers.protocol import path_to_wire
from tests.gui.documents.conftest import Documents, collection, failure, passage, readings
from tests.gui.samples import heard

W = TypeVar("W", bound=QWidget)


def find(parent: QWidget, kind: type[W], name: str) -> W:
    """The child with this object name, which must be there."""
    child = parent.findChild(kind, name)
    assert child is not None, name
    return child


def card(page: DocumentsPage, name: str) -> CollectionCard:
    """The card of a collection."""
    return next(card for card in page.findChildren(CollectionCard) if card.collection.name == name)


def click(qtbot: QtBot, parent: QWidget, name: str) -> None:
    """Click the button with this object name, which must be visible."""
    button = find(parent, QAbstractButton, name)
    assert button.isVisible(), f"{name} is not to be seen"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def shown_text(parent: QWidget) -> str:
    """All the words a person can read inside a widget."""
    kinds: tuple[type[Any], ...] = (Label, ElidedLabel, Pill, IconText)
    labels = [label.text() for kind in kinds for label in parent.findChildren(kind) if label.isVisible()]
    buttons = [button.text() for button in parent.findChildren(QAbstractButton) if button.isVisible()]
    return " | ".join(labels + buttons)


def test_a_ready_collection_says_what_it_holds(page: DocumentsPage) -> None:
    page.show_collections([collection("House & lease")], {})
    text = shown_text(card(page, "House & lease"))
    for words in ("House & lease", "Ready", "48", "612", "2,104", "PDF 31, Word 9", "Ask", "Add files", "Files"):
        assert words in text


def test_without_collections_the_page_says_what_it_is_for_and_offers_to_begin(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    documents.show()
    click(qtbot, page, "documents_empty_create")
    dialog = find(page, QDialog, "collection_name")
    qtbot.keyClicks(find(dialog, QLineEdit, "collection_name_field"), "Recipes")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert documents.asked("create") == {"collection": "Recipes"}


def test_a_name_that_is_taken_is_refused_with_a_reason(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> None:
    documents.show(collection("Recipes"))
    click(qtbot, page, "new_collection")
    dialog = find(page, QDialog, "collection_name")
    field, confirm = find(dialog, QLineEdit, "collection_name_field"), find(dialog, QWidget, "collection_name_confirm")
    assert not confirm.isEnabled()
    qtbot.keyClicks(field, "recipes")
    assert "already" in find(dialog, Label, "collection_name_problem").text()
    assert not confirm.isEnabled()
    field.clear()
    qtbot.keyClicks(field, "chat:1")
    assert not confirm.isEnabled()


def test_reading_is_shown_in_the_same_card_without_building_it_again(page: DocumentsPage, qtbot: QtBot) -> None:
    page.show_collections([collection("Papers", state="reading")], {})
    before = card(page, "Papers")
    now = readings("Papers")["Papers"].progress
    page.show_collections([collection("Papers", state="reading")], readings("Papers", progress=replace(now, failed=3)))
    text = shown_text(before)
    for words in (
        "412 of 1,260 documents",
        "about 11 min left",
        "Vaswani_2017_attention.pdf",
        "74 passages/s",
        "3 problems",
    ):
        assert words in text
    later = readings("Papers", progress=replace(now, done=413))
    page.show_collections([collection("Papers", state="reading", documents=413)], later)
    assert card(page, "Papers") is before
    assert "413 of 1,260 documents" in shown_text(before)


def test_reading_can_be_paused_resumed_and_stopped(lone_page: DocumentsPage, qtbot: QtBot) -> None:
    page = lone_page
    asked = heard(page.acted)
    page.show_collections([collection("Papers", state="reading")], readings("Papers"))
    click(qtbot, page, "collection_pause")
    page.show_collections([collection("Papers", state="reading")], readings("Papers", "paused"))
    assert "Paused" in shown_text(card(page, "Papers"))
    assert "left" not in shown_text(card(page, "Papers"))
    click(qtbot, page, "collection_resume")
    page.show_collections([collection("Papers", state="reading")], readings("Papers"))
    click(qtbot, page, "collection_stop")
    assert asked == [CardAction(name, "Papers") for name in ("pause", "resume", "stop")]


def test_reading_that_was_cut_off_can_be_resumed(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> None:
    page.show_collections([collection("Papers", state="reading")], readings("Papers"))
    documents.show(collection("Papers", state="paused"))
    assert "Reading is paused" in shown_text(card(page, "Papers"))
    click(qtbot, page, "collection_resume")
    assert documents.asked("index") == {"collection": "Papers", "paths": [], "password": None}


def test_when_reading_ends_the_card_shows_the_facts_again(page: DocumentsPage) -> None:
    page.show_collections([collection("Papers", state="reading")], readings("Papers"))
    page.show_collections([collection("Papers", documents=1260)], {})
    text = shown_text(card(page, "Papers"))
    assert "1,260" in text
    assert "Ready" in text
    assert "left" not in text


def test_files_that_could_not_be_read_have_a_reason_and_the_thing_to_do(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    failed = (
        failure("/w/Contract_scan.pdf", "Pictures of pages, no text", "no_text"),
        failure("/w/Payroll.pdf", "Protected by a password", "password"),
        failure("/w/Handbook.pdf", "The file is not there", "missing"),
        failure("/w/slow.pdf", "Took too long to read"),
        failure("/w/fifth.pdf", "Empty"),
    )
    page.show_collections([collection("Wiki", state="attention", documents=885, failed=failed)], {})
    text = shown_text(card(page, "Wiki"))
    assert "5 of 890 files could not be read." in text
    assert "The other 885 are ready and in use." in text
    assert "Contract_scan.pdf" in text
    assert "Pictures of pages, no text" in text
    assert "fifth.pdf" not in text  # four at most; the table has all of them
    assert "Show all 5" in text
    buttons = [
        button for button in page.findChildren(QAbstractButton) if button.objectName() == "collection_failure_action"
    ]
    assert [button.text() for button in buttons] == ["Show file", "Give password", "Remove", "Try again"]
    asked = heard(page.acted)
    for index in (2, 3):
        qtbot.mouseClick(buttons[index], Qt.MouseButton.LeftButton)
    assert asked == [
        CardAction("remove_files", "Wiki", ("/w/Handbook.pdf",)),
        CardAction("retry", "Wiki", ("/w/slow.pdf",)),
    ]
    assert documents.asked("remove_document")["collection"] == "Wiki"
    assert documents.asked("index")["paths"] == [path_to_wire(Path("/w/slow.pdf"))]


MISSING = Folder("/mnt/archive", missing=True, problem="/mnt/archive is not there. All 48 files stay searchable.")
GONE = Folder("/w/letters", gone=60, problem="60 files disappeared at once. They are kept until you say so.")


def test_a_watched_folder_says_so_and_watching_can_be_paused(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    documents.show(collection("Work", folders=(Folder("/w/archive"), Folder("/w/more")), words=61_230))
    text = shown_text(card(page, "Work"))
    for words in ("Watching", "/w/archive and one more folder", "passages, 61,230 words", "31 MB"):
        assert words in text
    assert "Ready" not in text
    click(qtbot, page, "collection_unwatch")
    documents.asked("set_folder", times=2)
    assert {(each["path"], each["watched"]) for each in documents.worker.asked["set_folder"]} == {
        (path_to_wire(Path("/w/archive")), False),
        (path_to_wire(Path("/w/more")), False),
    }
    documents.show(collection("Work", folders=(Folder("/w/archive", watched=False),)))
    assert "Not watched" in shown_text(card(page, "Work"))


def test_a_changed_collection_tells_the_minutes(page: DocumentsPage) -> None:
    page.show_collections([collection("Work", changed_at=time.time() - 130)], {})
    assert "2 min ago" in shown_text(card(page, "Work"))


def test_a_missing_folder_can_be_looked_for_and_chosen_anew(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    documents.show(collection("Work", state="attention", folders=(MISSING,)))
    shown = card(page, "Work")
    assert "Folder is missing" in shown_text(shown)
    assert MISSING.problem in shown_text(shown)
    choose, again = (link for link in shown.findChildren(QAbstractButton, "collection_failure_action"))
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    assert documents.asked("changes") == {"collection": "Work"}
    qtbot.mouseClick(choose, Qt.MouseButton.LeftButton)
    find(page, QFileDialog, "documents_file_dialog").filesSelected.emit(["/media/archive"])
    new = path_to_wire(Path("/media/archive"))
    assert documents.asked("relocate") == {"collection": "Work", "path": path_to_wire(Path("/mnt/archive")), "new": new}


def test_files_that_vanished_at_once_are_kept_or_taken_out(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    documents.show(collection("Work", state="attention", folders=(GONE,)))
    keep, take_out = card(page, "Work").findChildren(QAbstractButton, "collection_failure_action")
    assert [keep.text(), take_out.text()] == ["Keep", "Take out"]
    qtbot.mouseClick(keep, Qt.MouseButton.LeftButton)
    assert documents.asked("decide") == {"collection": "Work", "keep": True}


def test_late_changes_are_explained(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> None:
    note = "The system watches at most 8,192 folders. Changes are looked for every 10 min instead."
    documents.show(collection("Work", folders=(Folder("/w", note=note),)))
    assert note in shown_text(card(page, "Work"))
    click(qtbot, card(page, "Work"), "collection_failure_action")
    qtbot.waitUntil(lambda: "a change is taken in within 10 minutes" in shown_text(page))


def test_a_password_is_asked_for_and_given_with_its_file(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    path = os.fsdecode(b"/w/Gehalt\xff.pdf")
    page.show_collections([collection("Wiki", failed=(failure(path, "Wrong password", "password"),))], {})
    click(qtbot, page, "collection_failure_action")
    dialog = find(page, QDialog, "document_password")
    field = find(dialog, QLineEdit, "document_password_field")
    assert field.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, "geheim")
    click(qtbot, dialog, "document_password_confirm")
    given = documents.asked("index")
    assert given == {"collection": "Wiki", "paths": [path_to_wire(Path(path))], "password": "geheim"}


def test_try_all_again_names_every_failed_file(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> None:
    failed = tuple(failure(f"/w/{n}.pdf", "Took too long to read") for n in range(6))
    documents.show(collection("Wiki", failed=failed))
    click(qtbot, page, "collection_retry_all")
    assert documents.asked("index")["paths"] == [path_to_wire(Path(f"/w/{n}.pdf")) for n in range(6)]


def test_asking_starts_from_the_card(documents: Documents, page: DocumentsPage, qtbot: QtBot) -> None:
    page.show_collections([collection("A"), collection("B")], {})
    asked = heard(documents.controller.ask_requested)
    click(qtbot, card(page, "B"), "collection_ask")
    assert asked == ["B"]


def test_f2_renames_and_the_menu_removes_after_a_question(
    documents: Documents, page: DocumentsPage, qtbot: QtBot
) -> None:
    documents.show(collection("Recipes"))
    qtbot.keyClick(find(page, QAbstractButton, "collection_ask"), Qt.Key.Key_F2)
    dialog = find(page, QDialog, "collection_name")
    field = find(dialog, QLineEdit, "collection_name_field")
    assert field.text() == "Recipes"
    field.setText("Cooking")
    click(qtbot, dialog, "collection_name_confirm")
    assert documents.asked("rename") == {"collection": "Recipes", "name": "Cooking"}

    action = page.findChild(QAction, "collection_menu_remove")
    assert action is not None
    action.trigger()
    question = find(page, QDialog, "remove_collection")
    assert "files themselves are not touched" in shown_text(question)
    click(qtbot, question, "remove_collection_confirm")
    assert documents.asked("remove") == {"collection": "Recipes"}


def test_a_renamed_or_removed_collection_leaves_no_card_behind(page: DocumentsPage) -> None:
    page.show_collections([collection("A"), collection("B")], {})
    page.show_collections([collection("B"), collection("C")], {})
    names = [shown.collection.name for shown in page.findChildren(CollectionCard) if shown.isVisible()]
    assert sorted(names) == ["B", "C"]


def test_an_interrupted_reading_can_be_taken_up_and_other_notices_leave_the_offer_alone(
    lone_page: DocumentsPage, qtbot: QtBot
) -> None:
    page = lone_page
    page.show_collections([collection("A", state="paused"), collection("B", state="paused")], {})
    page.set_interrupted(["A", "B"])
    page.set_notice("The disk is full.", "Everything read so far is kept.", "danger")
    banner = find(page, Banner, "documents_interrupted")
    qtbot.waitUntil(banner.isVisible)
    assert "Reading was interrupted." in shown_text(banner)
    asked = heard(page.acted)
    click(qtbot, page, "documents_interrupted_resume")
    assert asked == [CardAction("resume", "A"), CardAction("resume", "B")]
    assert not banner.isVisible()
    assert find(page, Banner, "documents_notice").isVisible()
    click(qtbot, page, "documents_notice_dismiss")
    assert not find(page, Banner, "documents_notice").isVisible()


def test_what_was_lost_is_said_when_the_window_opens(documents: Documents, qtbot: QtBot) -> None:
    documents.worker.notice = "3 of 120 documents have to be read again."
    documents.collections.start()
    qtbot.waitUntil(lambda: "3 of 120 documents have to be read again." in shown_text(documents.page))
    assert "The stored text of your documents was damaged." in shown_text(documents.page)
    assert documents.worker.asked["notice"] == [{"seen": True}]


def test_what_damage_made_unread_is_read_again_by_itself(documents: Documents) -> None:
    documents.worker.notice = "3 of 120 documents have to be read again."
    documents.worker.waiting = ["Papers", "chat:1"]
    documents.collections.start()
    documents.asked("index", times=2)
    assert [(each["collection"], each["paths"]) for each in documents.worker.asked["index"]] == [
        ("Papers", []),
        ("chat:1", []),
    ]


def test_a_reading_that_a_quit_cut_off_is_not_taken_up_by_itself(documents: Documents, qtbot: QtBot) -> None:
    documents.worker.waiting = ["Papers"]
    documents.collections.start()
    qtbot.waitUntil(lambda: "Papers" in documents.collections.readings)
    assert documents.collections.readings["Papers"].state == "paused"
    assert documents.worker.asked["index"] == []


def test_a_file_read_in_part_counts_once_and_its_place_can_be_shown(documents: Documents, page: DocumentsPage) -> None:
    failed = (failure("/w/long.pdf", "Partly read: it has 100,000 pages", "partly"), failure("/w/fifth.pdf", "Empty"))
    page.show_collections([collection("Wiki", state="attention", documents=9, failed=failed)], {})
    text = shown_text(card(page, "Wiki"))
    assert "2 of 10 files could not be read in full." in text
    assert "The other 8 are ready and in use." in text
    assert "Show file" in text


def test_a_search_shows_passages_in_place_and_opens_one(page: DocumentsPage, qtbot: QtBot) -> None:
    shown = [collection("House & lease"), collection("Papers", state="reading")]
    page.show_collections(shown, readings("Papers"))
    with qtbot.waitSignal(page.search_requested) as searched:
        qtbot.keyClicks(find(page, QLineEdit, "documents_search"), "notice period")
    assert searched.args == ["notice period"]
    found = passage("/lease/Lease_2024.pdf", "The notice period begins on the first day.")
    page.set_search_results("notice", [])  # late, for an earlier query
    page.set_search_results("notice period", [found])
    rows = find(page, ResultsView, "documents_results")
    assert rows.isVisible()
    model = rows.model()
    assert model.index(0, 0).data() == "Lease_2024.pdf, page 4: The notice period begins on the first day."
    summary = find(page, Label, "documents_search_summary").text()
    assert "1 passage" in summary
    assert "still being read (412 of 1,260)" in summary.replace("\u2068", "").replace("\u2069", "")
    qtbot.keyClick(find(page, QLineEdit, "documents_search"), Qt.Key.Key_Down)
    with qtbot.waitSignal(page.passage_activated) as opened:
        qtbot.keyClick(rows, Qt.Key.Key_Return)
    assert opened.args == [found]


def test_a_search_without_a_hit_says_so_and_can_be_cleared(page: DocumentsPage, qtbot: QtBot) -> None:
    page.show_collections([collection("House & lease")], {})
    with qtbot.waitSignal(page.search_requested):
        qtbot.keyClicks(find(page, QLineEdit, "documents_search"), "parking")
    page.set_search_results("parking", [])
    text = shown_text(page)
    assert "Nothing found for “parking”" in text
    assert "Searched 48 documents." in text
    click(qtbot, page, "documents_search_nothing_clear")
    qtbot.waitUntil(card(page, "House & lease").isVisible)


def test_cards_stand_in_two_columns_and_in_one_where_it_is_narrow(page: DocumentsPage, qtbot: QtBot) -> None:
    page.show_collections([collection("A"), collection("B")], {})
    qtbot.waitUntil(lambda: card(page, "A").x() < card(page, "B").x())
    page.resize(852, 552)
    qtbot.waitUntil(lambda: card(page, "A").x() == card(page, "B").x())
    assert card(page, "A").y() < card(page, "B").y()


def test_nothing_is_cut_with_a_name_of_200_characters(page: DocumentsPage, qtbot: QtBot) -> None:
    name = "Sammlung " * 22
    page.show_collections([collection(name, state="attention", failed=(failure("/" + "f" * 200, "Empty"),))], {})
    page.resize(592, 480)
    qtbot.waitUntil(lambda: card(page, name).width() < 592)
    for button in card(page, name).findChildren(QAbstractButton):
        if button.isVisible():
            right = button.mapTo(page, button.rect().topRight()).x()
            assert right < page.width()


def test_everything_that_takes_the_keyboard_has_a_name(documents: Documents, page: DocumentsPage) -> None:
    page.show_collections([collection("Recipes", failed=(failure("/a.pdf", "Empty"),))], {})
    page.show_files("Recipes")
    documents.controller.ask_for_collection()
    kinds = (QAbstractButton, QLineEdit, QAbstractItemView, QDialog)
    widgets = [widget for kind in kinds for widget in page.findChildren(kind)]
    of_qt = ("QLineEditIconButton", "QTableCornerButton")  # the parts that Qt makes inside its own widgets
    own = [
        widget for widget in widgets if widget.metaObject().className() not in of_qt and not is_hidden_header(widget)
    ]
    assert len(own) > 20
    assert [widget for widget in own if not widget.objectName() or not widget.accessibleName()] == []


def is_hidden_header(widget: QWidget) -> bool:
    """Whether this is the header with the table's row numbers, which nobody sees."""
    return isinstance(widget, QHeaderView) and widget.orientation() == Qt.Orientation.Vertical


def test_every_button_of_a_card_names_its_collection_to_a_screen_reader(page: DocumentsPage) -> None:
    page.show_collections([collection("Recipes")], {})
    names = [button.accessibleName() for button in card(page, "Recipes").findChildren(QAbstractButton)]
    assert all("Recipes" in name for name in names)


def test_a_card_says_that_its_folder_is_watched_or_missing(lone_page: DocumentsPage) -> None:
    here = replace(collection("Papers", documents=3), folders=(Folder("/w/papers"),))
    lone_page.show_collections([here], {})
    assert "Watching" in shown_text(card(lone_page, "Papers"))
    lone_page.show_collections([replace(here, folders=(Folder("/w/papers", missing=True),))], {})
    assert "Folder is missing" in shown_text(card(lone_page, "Papers"))
