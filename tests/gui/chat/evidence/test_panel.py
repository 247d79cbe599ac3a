"""The evidence panel, as a person uses and reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple, replace
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.evidence.cards import PassageCard
from desktop_llm.gui.chat.evidence.page_view import PageView
from desktop_llm.gui.chat.evidence.panel import EvidencePanel, PageRequest
from desktop_llm.gui.chat.evidence.text_view import SURROUNDINGS, TextView
from desktop_llm.gui.look.widgets import ElidedLabel, Label
from desktop_llm.knowledge.client import PagePicture, PageText
from desktop_llm.message import Citation

W = TypeVar("W", bound=QWidget)
LEASE = "/documents/Lease_2024_signed.pdf"
NOTES = os.fsdecode(b"/documents/notes\xff.md")
ON_PAGE = Citation(1, LEASE, 4, 200, 260, "Either party may end this tenancy.", 0.91, verified=True)
ELSEWHERE = Citation(2, LEASE, 7, 10, 40, "A fee of half a month’s rent.", 0.7, verified=True)
IN_TEXT = Citation(3, NOTES, None, 5, 25, "Ring the landlord.", 0.4, verified=False)


@pytest.fixture
def panel(qtbot: QtBot) -> EvidencePanel:
    """The panel at its initial width."""
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
    """Answer every request for a page at once; returns the list of requests."""
    wishes: list[tuple[Any, ...]] = []

    def answer(wanted: PageRequest) -> None:
        wishes.append(astuple(wanted))
        if wanted.page is not None:
            panel.show_picture(make(wanted.width_px), wanted.document, wanted.page)

    panel.page_requested.connect(answer)
    return wishes


def test_a_citation_opens_its_page_with_the_passage_lit_in_the_middle(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel, lambda width: picture(width, ((width * 0.1, width, width * 0.8, width * 0.05),)))
    panel.show_evidence([ON_PAGE, ELSEWHERE])
    assert [wish[:2] + wish[3:] for wish in wishes] == [(LEASE, 4, 200, 260)]
    assert find(panel, Label, "evidence_page_number").text() == "4 of 12"
    assert find(panel, ElidedLabel, "evidence_document").text() == "Lease_2024_signed.pdf"
    assert find(panel, ElidedLabel, "evidence_found").text() == "Quote found word for word on this page"
    assert find(panel, Label, "evidence_relevance").text() == "relevance 0.91"

    view = find(panel, PageView, "evidence_page")
    qtbot.waitUntil(lambda: abs(view.lit_rect().center().y() - view.viewport().height() / 2) < 2)


def test_the_lit_passage_is_yellow_on_the_paper_and_the_rest_stays_white(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel, lambda width: picture(width, ((0, 0, width, 40), (0, 20, width, 40))))
    panel.show_evidence([ON_PAGE])
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
    panel.show_evidence([ON_PAGE])
    click(qtbot, panel, "evidence_next")
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    qtbot.keyClick(find(panel, PageView, "evidence_page"), Qt.Key.Key_Left)
    click(qtbot, panel, "evidence_previous")
    assert [wish[1] for wish in wishes] == [4, 5, 6, 5, 4]
    assert [wish[3:] for wish in wishes] == [(200, 260), (0, 0), (0, 0), (0, 0), (200, 260)]


def test_there_is_no_page_before_the_first_and_after_the_last(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel, lambda width: picture(width, pages=1))
    panel.show_evidence([Citation(1, LEASE, 1, 0, 5, "Lease", 0.9, verified=True)])
    assert not find(panel, QAbstractButton, "evidence_previous").isEnabled()
    assert not find(panel, QAbstractButton, "evidence_next").isEnabled()
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert len(wishes) == 1


def test_a_late_answer_about_another_page_is_passed_over(panel: EvidencePanel) -> None:
    panel.show_evidence([ON_PAGE, ELSEWHERE], chosen=ELSEWHERE)
    panel.show_picture(picture(100), LEASE, 4)
    assert not find(panel, PageView, "evidence_page").isVisible()
    panel.show_picture(picture(100), LEASE, 7)
    assert find(panel, PageView, "evidence_page").isVisible()


def test_zooming_asks_for_a_sharper_picture_and_keeps_the_page(panel: EvidencePanel, qtbot: QtBot) -> None:
    wishes = answering(panel)
    panel.show_evidence([ON_PAGE])
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
    panel.show_evidence([IN_TEXT])
    panel.show_text(PageText(text, None, "Heading 2"), NOTES, None, len(before), len(before) + len(IN_TEXT.text))
    view = find(panel, TextView, "evidence_text")
    assert view.lit_text() == IN_TEXT.text
    assert len(view.toPlainText()) < len(before) + 2 * SURROUNDINGS
    assert view.viewport().rect().contains(view.cursorRect().center())
    assert find(panel, Label, "evidence_page_number").text() == "Heading 2"
    assert find(panel, ElidedLabel, "evidence_found").text() == "Not confirmed: treat with care"
    assert not find(panel, QAbstractButton, "evidence_zoom_in").isVisible()


def test_a_megabyte_without_a_line_break_is_shown_too(panel: EvidencePanel) -> None:
    text = "x" * 1_000_000 + "needle" + "y" * 1_000_000
    panel.show_evidence([IN_TEXT])
    panel.show_text(PageText(text, None, ""), NOTES, None, 1_000_000, 1_000_006)
    assert find(panel, TextView, "evidence_text").lit_text() == "needle"


def test_a_card_says_number_document_and_page_and_opens_its_quote(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.show_evidence([ON_PAGE, ELSEWHERE, IN_TEXT])
    cards = [card for card in panel.findChildren(PassageCard) if card.isVisible()]
    assert [card.accessibleName() for card in cards] == [
        "Citation 1, Lease_2024_signed.pdf, page 4",
        "Citation 2, Lease_2024_signed.pdf, page 7",
        "Citation 3, not checked, notes?.md",
    ]
    assert [card.isChecked() for card in cards] == [True, False, False]
    qtbot.mouseClick(cards[1], Qt.MouseButton.LeftButton)
    assert panel.quote == ELSEWHERE
    assert [card.isChecked() for card in cards] == [False, True, False]
    assert find(panel, Label, "evidence_page_number").text() == "7 of 12"


def test_arrow_keys_go_from_card_to_card_and_enter_opens(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.show_evidence([ON_PAGE, ELSEWHERE])
    first, second = (card for card in panel.findChildren(PassageCard) if card.isVisible())
    panel.activateWindow()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    qtbot.keyClick(first, Qt.Key.Key_Down)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Return)
    assert panel.quote == ELSEWHERE


def test_all_passages_given_to_the_model_are_listed(panel: EvidencePanel, qtbot: QtBot) -> None:
    sources = [Citation(n, LEASE, n, 0, 5, "Lease", 0.5, place="", verified=True) for n in range(1, 7)]
    wishes = answering(panel)
    panel.show_evidence([ON_PAGE], sources)
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
    panel.show_evidence([ON_PAGE])
    assert wishes == []
    panel.show()
    assert len(wishes) == 1


def test_the_file_can_be_opened_and_its_path_arrives_byte_for_byte(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.show_evidence([IN_TEXT])
    panel.set_error("The file is not there any more. The quote below is what was read.")
    assert "not there any more" in find(panel, Label, "evidence_message").text()
    with qtbot.waitSignal(panel.open_file_requested) as opened:
        click(qtbot, panel, "evidence_message_open")
    assert opened.args[0].document == NOTES


def test_a_picture_whose_pixels_are_not_what_it_says_is_refused(panel: EvidencePanel) -> None:
    panel.show_evidence([ON_PAGE])
    panel.show_picture(PagePicture(1000, 1000, b"\xff" * 12, (), 3), LEASE, 4)
    assert "damaged" in find(panel, Label, "evidence_message").text()


def test_escape_and_the_cross_close(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.show_evidence([IN_TEXT])
    panel.show_text(PageText("Dear diary. Ring the landlord.", None, ""), NOTES, None, 12, 30)
    for press in (
        lambda: qtbot.keyClick(find(panel, TextView, "evidence_text"), Qt.Key.Key_Escape),
        lambda: click(qtbot, panel, "evidence_close"),
    ):
        with qtbot.waitSignal(panel.closed):
            press()


def test_without_citations_the_panel_says_what_will_be_here(panel: EvidencePanel) -> None:
    panel.show_evidence([ON_PAGE])
    panel.show_evidence([])
    assert panel.quote is None
    assert find(panel, QWidget, "evidence_empty").isVisible()
    assert not find(panel, QAbstractButton, "evidence_open").isEnabled()


def test_a_file_that_may_be_run_is_offered_in_its_folder(panel: EvidencePanel) -> None:
    button = find(panel, QAbstractButton, "evidence_open")
    panel.show_evidence([ON_PAGE])
    assert button.accessibleName() == "Open the file"
    panel.show_evidence([replace(IN_TEXT, document="/documents/deploy.sh")])
    assert button.accessibleName() == "Show the file in its folder"
    assert "may be run" in button.toolTip()
    panel.set_error("It is damaged.")
    assert find(panel, QAbstractButton, "evidence_message_open").accessibleName() == "Show the file in its folder"


def test_nothing_lies_outside_the_narrowest_panel(panel: EvidencePanel, qtbot: QtBot) -> None:
    answering(panel)
    panel.show_evidence([ON_PAGE])
    panel.resize(320, 432)
    qtbot.waitUntil(lambda: find(panel, QTabBar, "evidence_segments").width() < 300)
    for child in panel.findChildren(QAbstractButton):
        if child.isVisible():
            assert child.mapTo(panel, child.rect().topRight()).x() < 320


def test_the_quote_of_each_sentence_is_lit_though_both_are_of_one_passage(panel: EvidencePanel) -> None:
    wishes = answering(panel)
    later = replace(ON_PAGE, start=300, end=320, text="Keys are handed back.")
    panel.show_evidence([ON_PAGE, later, ON_PAGE], chosen=later)
    assert wishes[-1][3:] == (300, 320)
    cards = [card for card in panel.findChildren(PassageCard) if card.isVisible()]
    assert [card.quote for card in cards] == [ON_PAGE, later]
    assert [card.isChecked() for card in cards] == [False, True]


def test_the_card_of_a_file_without_pages_says_where_its_quote_stands(panel: EvidencePanel) -> None:
    panel.show_evidence([replace(IN_TEXT, document="/documents/Diary.docx", place="Monday, line 3", verified=True)])
    (card,) = (card for card in panel.findChildren(PassageCard) if card.isVisible())
    assert card.accessibleName() == "Citation 3, Diary.docx, Monday, line 3"
    assert find(panel, Label, "evidence_page_number").text() == "Monday, line 3"
    assert find(panel, ElidedLabel, "evidence_found").text() == "Quote found word for word in this document"


def test_a_passage_is_found_and_only_a_quote_can_be_missed(panel: EvidencePanel) -> None:
    panel.show_evidence([], [IN_TEXT, ON_PAGE], IN_TEXT)
    assert find(panel, ElidedLabel, "evidence_found").text() == "Found in your documents"
    (first, _) = (card for card in panel.findChildren(PassageCard) if card.isVisible())
    assert first.accessibleName() == "Citation 3, notes?.md"
    panel.show_evidence([], [IN_TEXT, ON_PAGE], ON_PAGE)
    assert find(panel, ElidedLabel, "evidence_found").text() == "Quote found word for word on this page"
