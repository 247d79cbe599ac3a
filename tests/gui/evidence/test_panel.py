"""The evidence panel, as a person uses and reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.evidence.cards import PassageCard
from desktop_llm.gui.evidence.page_view import PageView
from desktop_llm.gui.evidence.panel import EvidencePanel
from desktop_llm.gui.evidence.text_view import SURROUNDINGS, TextView
from desktop_llm.gui.widgets import ElidedLabel, Label
from desktop_llm.knowledge.client import Citation, PagePicture, PageText, Passage

W = TypeVar("W", bound=QWidget)
LEASE = "/documents/Lease_2024_signed.pdf"
NOTES = os.fsdecode(b"/documents/notes\xff.md")
ON_PAGE = Citation(1, LEASE, 4, 200, 260, "Either party may end this tenancy.", 0.91, verified=True)
ELSEWHERE = Citation(2, LEASE, 7, 10, 40, "A fee of half a month’s rent.", 0.7, verified=True)
IN_TEXT = Citation(3, NOTES, None, 5, 25, "Ring the landlord.", 0.4, verified=False)


@pytest.fixture
def panel(qtbot: QtBot) -> EvidencePanel:
    """The panel as wide as it is at first."""
    panel = EvidencePanel()
    qtbot.addWidget(panel)
    panel.resize(364, 752)
    panel.show()
    return panel


def find(parent: QWidget, kind: type[W], name: str) -> W:
    """The child with this object name, which must be there."""
    child = parent.findChild(kind, name)
    assert child is not None, name
    return child


def click(qtbot: QtBot, panel: EvidencePanel, name: str) -> None:
    """Click the button with this object name."""
    qtbot.mouseClick(find(panel, QAbstractButton, name), Qt.MouseButton.LeftButton)


def picture(width: int, boxes: tuple[tuple[float, float, float, float], ...] = (), pages: int = 12) -> PagePicture:
    """A white page, half as wide as it is high."""
    height = 2 * width
    return PagePicture(width, height, b"\xff" * (4 * width * height), boxes, pages)


def answering(panel: EvidencePanel, make: Callable[[int], PagePicture] = picture) -> list[tuple[Any, ...]]:
    """Answer every wish for a page at once; the wishes are in the list."""
    wishes: list[tuple[Any, ...]] = []

    def answer(document: str, page: int | None, width_px: int, start: int, end: int) -> None:
        wishes.append((document, page, width_px, start, end))
        if page is not None:
            panel.show_picture(make(width_px), document, page)

    panel.page_requested.connect(answer)
    return wishes


def test_a_citation_opens_its_page_with_the_passage_lit_in_the_middle(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel, lambda width: picture(width, ((width * 0.1, width, width * 0.8, width * 0.05),)))
    panel.set_citations([ON_PAGE, ELSEWHERE], 1)
    assert [wish[:2] + wish[3:] for wish in wishes] == [(LEASE, 4, 200, 260)]
    assert find(panel, Label, "evidence_page_number").text() == "4 of 12"
    assert find(panel, ElidedLabel, "evidence_document").text() == "Lease_2024_signed.pdf"
    assert find(panel, ElidedLabel, "evidence_found").text() == "Found word for word on this page"
    assert find(panel, Label, "evidence_relevance").text() == "relevance 0.91"

    view = find(panel, PageView, "evidence_page")
    qtbot.waitUntil(lambda: abs(view.lit_rect().center().y() - view.viewport().height() / 2) < 2)


def test_the_lit_passage_is_yellow_on_the_paper_and_the_rest_stays_white(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel, lambda width: picture(width, ((0, 0, width, 40), (0, 20, width, 40))))
    panel.set_citations([ON_PAGE], 1)
    view = find(panel, PageView, "evidence_page")
    view.verticalScrollBar().setValue(0)

    def colour_at(x: int, y: int) -> QColor:
        return view.viewport().grab().toImage().pixelColor(QPoint(x, y))

    qtbot.waitUntil(
        lambda: colour_at(50, 10) == colour_at(50, 30)
    )  # overlapping boxes aren't lit twice, the pulse is over
    assert colour_at(50, 10).blue() < 200 < colour_at(50, 10).red()
    assert colour_at(50, 200) == QColor("white")


def test_pages_are_turned_by_buttons_and_keys_and_the_light_goes_with_its_page(
    panel: EvidencePanel, qtbot: QtBot
) -> None:
    wishes = answering(panel)
    panel.set_citations([ON_PAGE], 1)
    click(qtbot, panel, "evidence_next")
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    qtbot.keyClick(find(panel, PageView, "evidence_page"), Qt.Key.Key_Left)
    click(qtbot, panel, "evidence_previous")
    assert [wish[1] for wish in wishes] == [4, 5, 6, 5, 4]
    assert [wish[3:] for wish in wishes] == [(200, 260), (0, 0), (0, 0), (0, 0), (200, 260)]


def test_there_is_no_page_before_the_first_and_after_the_last(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel, lambda width: picture(width, pages=1))
    panel.set_citations([Citation(1, LEASE, 1, 0, 5, "Lease", 0.9, verified=True)], 1)
    assert not find(panel, QAbstractButton, "evidence_previous").isEnabled()
    assert not find(panel, QAbstractButton, "evidence_next").isEnabled()
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert len(wishes) == 1


def test_a_late_answer_about_another_page_is_passed_over(panel: EvidencePanel) -> None:
    panel.set_citations([ON_PAGE, ELSEWHERE], 2)
    panel.show_picture(picture(100), LEASE, 4)
    assert not find(panel, PageView, "evidence_page").isVisible()
    panel.show_picture(picture(100), LEASE, 7)
    assert find(panel, PageView, "evidence_page").isVisible()


def test_zooming_asks_for_a_sharper_picture_and_keeps_the_page(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel)
    panel.set_citations([ON_PAGE], 1)
    first = wishes[0][2]
    click(qtbot, panel, "evidence_zoom_in")
    qtbot.waitUntil(lambda: len(wishes) == 2)
    assert wishes[1] == (LEASE, 4, pytest.approx(1.25 * first, abs=2), 200, 260)
    click(qtbot, panel, "evidence_zoom_out")
    qtbot.waitUntil(lambda: len(wishes) == 3)
    assert wishes[2][2] == pytest.approx(first, abs=2)


def test_a_text_is_shown_around_the_passage_with_the_passage_lit(panel: EvidencePanel) -> None:
    before = "😀 kept\r\nline\n" * 1000
    text = before + IN_TEXT.text + "\nand more.\n" * 400_000
    panel.set_citations([IN_TEXT], 3)
    panel.show_text(PageText(text, None, "Heading 2"), NOTES, None, len(before), len(before) + len(IN_TEXT.text))
    view = find(panel, TextView, "evidence_text")
    assert view.lit_text() == IN_TEXT.text
    assert len(view.toPlainText()) < len(before) + 2 * SURROUNDINGS
    assert view.viewport().rect().contains(view.cursorRect().center())
    assert find(panel, Label, "evidence_page_number").text() == "Heading 2"
    assert find(panel, ElidedLabel, "evidence_found").text() == "Not found: treat with care"
    assert not find(panel, QAbstractButton, "evidence_zoom_in").isVisible()


def test_a_megabyte_without_a_line_break_is_shown_too(panel: EvidencePanel) -> None:
    text = "x" * 1_000_000 + "needle" + "y" * 1_000_000
    panel.set_citations([IN_TEXT], 3)
    panel.show_text(PageText(text, None, ""), NOTES, None, 1_000_000, 1_000_006)
    assert find(panel, TextView, "evidence_text").lit_text() == "needle"


def test_a_card_says_number_document_and_page_and_opens_its_quote(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.set_citations([ON_PAGE, ELSEWHERE, IN_TEXT], 1)
    cards = [card for card in panel.findChildren(PassageCard) if card.isVisible()]
    assert [card.accessibleName() for card in cards] == [
        "Citation 1, Lease_2024_signed.pdf, page 4",
        "Citation 2, Lease_2024_signed.pdf, page 7",
        "Citation 3, not checked, notes?.md",
    ]
    assert [card.isChecked() for card in cards] == [True, False, False]
    with qtbot.waitSignal(panel.citation_selected) as selected:
        qtbot.mouseClick(cards[1], Qt.MouseButton.LeftButton)
    assert selected.args == [2]
    assert [card.isChecked() for card in cards] == [False, True, False]
    assert find(panel, Label, "evidence_page_number").text() == "7 of 12"


def test_arrow_keys_go_from_card_to_card_and_enter_opens(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.set_citations([ON_PAGE, ELSEWHERE], 1)
    first, second = (card for card in panel.findChildren(PassageCard) if card.isVisible())
    panel.activateWindow()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    qtbot.keyClick(first, Qt.Key.Key_Down)
    assert second.hasFocus()
    with qtbot.waitSignal(panel.citation_selected) as selected:
        qtbot.keyClick(second, Qt.Key.Key_Return)
    assert selected.args == [2]


def test_all_passages_given_to_the_model_are_listed(panel: EvidencePanel, qtbot: QtBot) -> None:
    sources = [Passage(n, LEASE, n, "", 0, 5, "Lease", 0.5) for n in range(1, 7)]
    wishes = answering(panel)
    panel.set_sources(sources)
    panel.set_citations([ON_PAGE], 1)
    tabs = find(panel, QTabBar, "evidence_segments")
    assert tabs.tabText(1) == "Passages  6"
    tabs.setCurrentIndex(1)
    cards = [card for card in panel.findChildren(PassageCard) if card.isVisible()]
    assert len(cards) == 6
    qtbot.mouseClick(cards[5], Qt.MouseButton.LeftButton)
    assert tabs.currentIndex() == 0
    assert wishes[-1][1] == 6


def test_a_hidden_panel_asks_for_its_page_when_it_is_shown(panel: EvidencePanel) -> None:
    panel.hide()
    wishes = answering(panel)
    panel.set_citations([ON_PAGE], 1)
    assert wishes == []
    panel.show()
    assert len(wishes) == 1


def test_the_file_can_be_opened_and_its_path_arrives_byte_for_byte(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.set_citations([IN_TEXT], 3)
    panel.set_error("The file is not there any more. The quote below is what was read.")
    assert "not there any more" in find(panel, Label, "evidence_message").text()
    with qtbot.waitSignal(panel.open_file_requested) as opened:
        click(qtbot, panel, "evidence_message_open")
    assert opened.args == [NOTES]


def test_a_picture_whose_pixels_are_not_what_it_says_is_refused(panel: EvidencePanel) -> None:
    panel.set_citations([ON_PAGE], 1)
    panel.show_picture(PagePicture(1000, 1000, b"\xff" * 12, (), 3), LEASE, 4)
    assert "damaged" in find(panel, Label, "evidence_message").text()


def test_escape_and_the_cross_close(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.set_citations([IN_TEXT], 3)
    panel.show_text(PageText("Dear diary. Ring the landlord.", None, ""), NOTES, None, 12, 30)
    for press in (
        lambda: qtbot.keyClick(find(panel, TextView, "evidence_text"), Qt.Key.Key_Escape),
        lambda: click(qtbot, panel, "evidence_close"),
    ):
        with qtbot.waitSignal(panel.closed):
            press()


def test_without_citations_the_panel_says_what_will_be_here(panel: EvidencePanel) -> None:
    panel.set_citations([ON_PAGE], 1)
    panel.set_citations([])
    assert panel.quote is None
    assert find(panel, QWidget, "evidence_empty").isVisible()
    assert not find(panel, QAbstractButton, "evidence_open").isEnabled()


def test_nothing_lies_outside_the_narrowest_panel(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.set_citations([ON_PAGE], 1)
    panel.resize(320, 432)
    qtbot.waitUntil(lambda: find(panel, QTabBar, "evidence_segments").width() < 300)
    for child in panel.findChildren(QAbstractButton):
        if child.isVisible():
            assert child.mapTo(panel, child.rect().topRight()).x() < 320
