"""The Activity page by itself: it shows models, downloads and documents, and sends requests."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import Loading
from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.jobs.job import Progress
from desktop_llm.knowledge.client import FailedDocument
from tests.gui.documents.conftest import collection, readings
from tests.gui.samples import GB, a_download, a_model, find, heard, nameless

RUNNING = a_download()
FULL = TransferError("The disk is full: 14.3 GB are needed and 9.1 GB are free.", cause="disk_full")
STOPPED = a_download("b", "Mistral Small 24B", "Q4_K_M", "failed", Progress(6 * GB, 14 * GB), error=FULL)
LOCKED = FailedDocument("/papers/Scan.pdf", "It is protected by a password.", "password")


@pytest.fixture
def page(qtbot: QtBot) -> ActivityPage:
    """The page in a wide window."""
    page = ActivityPage()
    qtbot.addWidget(page)
    page.resize(1208, 752)
    page.show()
    return page


def headings(page: ActivityPage) -> list[str]:
    """The titles of the visible sections."""
    return [
        label.text()
        for label in page.findChildren(QLabel)
        if label.isVisible() and label.text() in ("Model", "Downloads", "Documents")
    ]


def press(page: ActivityPage, name: str) -> None:
    """Click a button."""
    QTest.mouseClick(find(page, name), Qt.MouseButton.LeftButton)


def test_where_nothing_runs_the_page_says_what_will_be_there(page: ActivityPage) -> None:
    asked = heard(page.find_requested)
    assert find(page, "activity_empty").isVisible()
    press(page, "activity_empty_find")
    assert len(asked) == 1


def test_sections_come_with_what_goes_on_and_leave_with_it(page: ActivityPage) -> None:
    page.show_downloads([RUNNING])
    assert headings(page) == ["Downloads"]
    page.show_model(ModelState(a_model(), step=Loading(0.64)))
    page.show_readings([collection("Papers", state="reading"), collection("House")], {})
    assert headings(page) == ["Model", "Downloads", "Documents"]
    page.set_no_model()
    page.show_downloads([])
    page.show_readings([collection("Papers"), collection("House")], {})
    assert headings(page) == []
    assert find(page, "activity_empty").isVisible()


def test_downloads_are_paused_one_by_one_or_together(page: ActivityPage) -> None:
    page.show_downloads([RUNNING])
    asked, all_of_them = heard(page.downloads.acted), heard(page.pause_all_requested)
    press(page, "download_pause")
    press(page, "activity_pause_all")
    assert (asked, len(all_of_them)) == ([CardAction("pause", "a")], 1)
    page.show_downloads([STOPPED])
    assert not find(page, "activity_pause_all").isVisible()
    press(page, "download_free_space")
    assert asked[1:] == [CardAction("free_space", "b")]


def test_a_card_stays_where_it_is_when_its_download_stops(page: ActivityPage) -> None:
    page.show_downloads([RUNNING, STOPPED])
    cards = page.findChildren(QWidget, "download_card")
    page.show_downloads([a_download(state="paused"), STOPPED])
    assert page.findChildren(QWidget, "download_card") == cards


def test_a_reading_shows_how_far_it_is_and_can_be_paused(page: ActivityPage) -> None:
    page.show_readings([collection("Papers", state="reading")], readings("Papers"))
    asked = heard(page.readings.acted)
    assert find(page, "collection_progress_count").text() == "412 of 1,260 documents"
    press(page, "collection_pause")
    page.show_readings([collection("Papers", state="paused")], readings("Papers", "paused"))
    press(page, "collection_resume")
    assert asked == [CardAction("pause", "Papers"), CardAction("resume", "Papers")]


def test_a_reading_that_stopped_says_why(page: ActivityPage) -> None:
    papers = collection("Papers", state="paused", documents=0)
    page.show_readings([papers], readings("Papers", "failed", error=UserError("The disk is full.")))
    assert find(page, "collection_progress_note").text() == "The disk is full."
    page.show_readings([papers], readings("Papers", "paused", Progress()))
    assert find(page, "collection_progress_note").text() == ""


def test_files_of_a_chat_are_shown_while_they_are_read(page: ActivityPage) -> None:
    page.show_readings([], readings("chat:1"))
    assert headings(page) == ["Documents"]
    assert find(page, "collection_progress_count").text() == "412 of 1,260 documents"
    page.show_readings([], {})
    assert headings(page) == []


def test_files_that_could_not_be_read_each_offer_what_helps(page: ActivityPage) -> None:
    page.show_readings([collection("Papers", state="attention", failed=(LOCKED,))], {})
    asked = heard(page.readings.acted)
    press(page, "collection_failure_action")
    assert asked == [CardAction("password", "Papers", ("/papers/Scan.pdf",))]


def test_a_model_that_stopped_says_why_and_can_be_tried_again(page: ActivityPage) -> None:
    damaged = UserError("This model file is damaged: it ends too early.")
    page.show_model(ModelState(a_model("coder"), error=damaged))
    asked = heard(page.model.retry_requested)
    assert "ends too early" in find(page, "model_in_use_state").text()
    press(page, "model_in_use_action")
    assert asked == ["coder"]


def test_tab_goes_from_card_to_card_as_they_stand(page: ActivityPage) -> None:
    page.show_readings([collection("Papers", state="reading")], {})
    page.show_downloads([RUNNING])
    page.show_downloads([STOPPED, RUNNING])
    page.activateWindow()
    QCoreApplication.processEvents()  # shows the new rows
    find(page, "activity_pause_all").setFocus()
    passed = []
    for _ in range(9):
        QTest.keyClick(page.focusWidget(), Qt.Key.Key_Tab)
        passed.append(page.focusWidget().objectName())
    stopped = ["cancel", "free_space", "retry", "details"]
    downloads = [f"download_{name}" for name in (*stopped, "pause", "cancel")]
    assert passed == [*downloads, "collection_more", "collection_ask", "collection_pause"]


def test_what_can_be_pressed_has_names(page: ActivityPage) -> None:
    page.show_model(ModelState(a_model(), step=Loading(0.5)))
    page.show_downloads([RUNNING, STOPPED])
    page.show_readings([collection("Papers", state="reading")], {})
    assert not nameless(page)
