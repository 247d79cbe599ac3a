"""Search details in the evidence panel, as a person uses and reads them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QPlainTextEdit, QTabBar
from pytestqt.qtbot import QtBot

from desktop_llm.conversation.search_details import PromptPart, SearchDetails
from desktop_llm.gui.chat.evidence.candidates_table import CandidatesTable
from desktop_llm.gui.chat.evidence.panel import EvidencePanel
from desktop_llm.gui.look.widgets import ElidedLabel, Label
from desktop_llm.knowledge.client import SearchTrace, Standing, TracedCandidate
from tests.gui.chat.evidence.test_panel import find

LEASE = "/documents/Lease.pdf"
WAYS = {"meaning": Standing(1, 0.842), "words": None}
CANDIDATES = (
    TracedCandidate(LEASE, 4, "", 0, 9, 412, 0.9, "used", standings=WAYS),
    TracedCandidate("/documents/Rules.pdf", 3, "", 0, 9, 318, 0.5, "cut", standings=WAYS),
    TracedCandidate("/documents/Draft.pdf", 4, "", 0, 9, 410, 0.9, "same", 1, WAYS),
    TracedCandidate(LEASE, 12, "", 0, 9, 377, 0.1, "weak", standings=WAYS),
)
TRACE = SearchTrace("the notice period", CANDIDATES, 2104, 0.2, 600, 0.8, 0.3, 0.2, rewritten=True)
PROMPT = (PromptPart("instructions", "<|system|>", 24), PromptPart("message", "How long?", 31))


@pytest.fixture
def panel(qtbot: QtBot) -> EvidencePanel:
    panel = EvidencePanel()
    qtbot.addWidget(panel)
    panel.resize(720, 752)
    panel.show()
    panel.show_details()
    panel.details.show_details(SearchDetails(TRACE, PROMPT), ["Three months."] * 4, "How long?")
    return panel


def shown(panel: EvidencePanel) -> list[str]:
    """The visible cells of each row, joined."""
    table = find(panel, CandidatesTable, "xray_table")
    columns = [at for at in range(table.rows.columnCount()) if not table.isColumnHidden(at)]
    return [
        " | ".join(str(table.rows.index(row, at).data()).replace("\n", " ") for at in columns)
        for row in range(table.rows.rowCount())
    ]


def test_every_candidate_tells_its_ranks_and_what_came_of_it(panel: EvidencePanel) -> None:
    first, budget, cut, same, weak = shown(panel)
    assert first == "1.  Lease.pdf  page 4 Three months. | 1 0.842 | no hit | not run | 412 | Used"
    assert "412 of 600 used. The next one needs 318." in budget
    assert cut.endswith("Cut by budget")
    assert same.endswith("Same as 1")
    assert weak.endswith("Too weak")
    assert find(panel, ElidedLabel, "xray_query").text() == "the notice period"
    assert find(panel, Label, "xray_query_made").text() == "made from your message"


def test_the_counts_of_the_filter_add_up_and_it_shows_what_it_says(panel: EvidencePanel) -> None:
    bar = find(panel, QTabBar, "xray_filter")
    counts = [int(bar.tabText(at).split()[-1]) for at in range(bar.count())]
    assert counts[0] == sum(counts[1:]) == 4
    bar.setCurrentIndex(4)
    (row,) = shown(panel)
    assert row.startswith("4.  Lease.pdf  page 12")


def test_enter_opens_the_page(panel: EvidencePanel, qtbot: QtBot) -> None:
    table = find(panel, CandidatesTable, "xray_table")
    table.selectRow(2)
    with qtbot.waitSignal(panel.page_requested) as asked:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert asked.args is not None
    (wanted,) = asked.args
    assert (wanted.document, wanted.page) == ("/documents/Rules.pdf", 3)


def test_a_narrow_panel_joins_the_ways_of_searching(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.resize(480, 752)
    qtbot.waitUntil(lambda: "Meaning 1, 0.842 Words no hit Wording not run" in shown(panel)[0])


def test_the_prompt_is_folded_by_part_and_copied_whole(panel: EvidencePanel, qtbot: QtBot) -> None:
    assert find(panel, ElidedLabel, "xray_prompt_tokens").text().startswith("55 tokens")
    text = find(panel, QPlainTextEdit, "xray_text_message")
    assert not text.isVisible()
    qtbot.mouseClick(find(panel, QAbstractButton, "xray_part_message"), Qt.MouseButton.LeftButton)
    assert text.isVisible()
    assert text.toPlainText() == "How long?"
    qtbot.mouseClick(find(panel, QAbstractButton, "xray_prompt_copy"), Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "<|system|>How long?"


def test_what_was_not_kept_and_an_answer_without_documents_say_so(panel: EvidencePanel) -> None:
    said = find(panel, Label, "xray_state")
    panel.details.show_details(SearchDetails(None, PROMPT), [], "")
    assert said.text() == "This answer used no documents."
    assert find(panel, QAbstractButton, "xray_prompt_copy").isVisible()
    panel.details.show_details(None, [], "")
    assert said.text().startswith("The search of this answer was not kept.")
    assert not find(panel, QAbstractButton, "xray_prompt_copy").isVisible()
