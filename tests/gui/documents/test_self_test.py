"""The self-test of a collection: run, watched, read and kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents.self_test_view import SelfTestView
from desktop_llm.knowledge.client import Probe, SelfTest
from tests.gui.documents.conftest import collection
from tests.gui.documents.test_page import click, find, shown_text


def probe(document: str, rank: int, reason: str = "") -> Probe:
    """A question about the second page of a document."""
    return Probe(f"spare keys {rank}", document, 2, "", 10, 60, "words", rank, 1, 1, reason)


TEST = SelfTest(
    "House",
    (
        *[probe("/docs/handbook.pdf", 1)] * 7,
        probe("/docs/handbook.pdf", 3, "Other passages fit as well."),
        probe("/docs/lift.pdf", 1),
        probe("/docs/lift.pdf", 0, "draft.pdf says nearly the same and comes first."),
    ),
    12,
    9.0,
    1_700_000_000.0,
)


@pytest.fixture
def view(qtbot: QtBot) -> SelfTestView:
    made = SelfTestView()
    qtbot.addWidget(made)
    made.resize(1000, 640)
    made.show()
    return made


def test_before_the_first_test_it_says_what_will_be_asked_and_offers_to_run(view: SelfTestView, qtbot: QtBot) -> None:
    assert "Not tested yet." in shown_text(view)
    with qtbot.waitSignal(view.wanted) as wanted:
        click(qtbot, view, "selftest_empty_run")
    assert wanted.args == [60]
    find(view, QComboBox, "selftest_count").setCurrentIndex(0)
    with qtbot.waitSignal(view.wanted) as wanted:
        click(qtbot, view, "selftest_run")
    assert wanted.args == [20]


def test_while_it_runs_it_counts_and_can_be_stopped(view: SelfTestView, qtbot: QtBot) -> None:
    view.show_running(37, 60)
    assert "Asking 38 of 60" in shown_text(view)
    assert not find(view, QWidget, "selftest_run").isVisible()
    with qtbot.waitSignal(view.stopped):
        click(qtbot, view, "selftest_stop")


def test_the_outcome_shows_shares_documents_and_misses(view: SelfTestView, qtbot: QtBot) -> None:
    view.show_test(TEST)
    figures = find(view, QWidget, "selftest_figures").accessibleName()
    assert figures == "8 of 10 among the first 1, 9 of 10 among the first 5, 9 of 10 among the first 10"
    chart = find(view, QWidget, "selftest_chart").accessibleDescription()
    assert chart == "lift.pdf: 1 / 2, handbook.pdf: 7 / 8"  # the worst first
    words = shown_text(view)
    for told in (
        "1 not found, 1 late",
        "draft.pdf says nearly the same and comes first.",
        "lift.pdf, page 2",
        "3. place",
        "10 questions from 12 documents",
        "Run again",
    ):
        assert told in words
    with qtbot.waitSignal(view.passage_wanted) as wanted:
        click(qtbot, view, "selftest_show_passage")
    assert wanted.args == [TEST.probes[-1]]


def test_an_outcome_without_misses_or_questions_says_so(view: SelfTestView) -> None:
    view.show_test(SelfTest("House", TEST.probes[:3], 1, 1.0, 1.0))
    assert "Every passage came first." in shown_text(view)
    view.show_test(SelfTest("House", (), 1, 1.0, 1.0))
    assert "There is nothing to ask." in shown_text(view)
    view.show_error("The part that reads documents stopped.")
    assert "The part that reads documents stopped." in shown_text(view)


def test_the_last_test_is_asked_for_when_the_tab_comes_to_the_front(lone_page: DocumentsPage, qtbot: QtBot) -> None:
    lone_page.show_collections([collection("House")], {})
    lone_page.show_files("House")
    tabs = find(lone_page, QTabBar, "collection_tabs")
    with qtbot.waitSignal(lone_page.opened.self_test_shown) as asked:
        qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(1).center())
    assert asked.args == ["House"]
    lone_page.opened.self_test.show_test(TEST)
    assert "1 not found, 1 late" in shown_text(lone_page)
