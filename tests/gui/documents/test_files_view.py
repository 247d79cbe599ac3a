"""The table of a collection's files."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from desktop_llm.gui.documents.files_table import SIZE, FilesModel
from desktop_llm.gui.documents.page import DocumentsPage
from tests.gui.documents.conftest import collection, document
from tests.gui.documents.test_page import click, find, shown_text


def opened(page: DocumentsPage, qtbot: QtBot) -> QTableView:
    """The table of "Wiki", opened from its card, with three files."""
    page.set_collections([collection("Wiki")])
    with qtbot.waitSignal(page.files_requested) as asked:
        click(qtbot, page, "collection_files")
    assert asked.args == ["Wiki"]
    page.set_documents(
        "Wiki",
        [
            document("/w/b.pdf"),
            document(
                "/w/a.pdf", status="failed", reason="Protected by a password", cause="password", pages=0, chunks=0
            ),
            document("/w/c.pdf", status="failed", reason="Took too long to read"),
        ],
    )
    return find(page, QTableView, "documents_files_table")


def rows(table: QTableView) -> list[list[str]]:
    """The table as it is read."""
    model = table.model()
    columns = range(model.columnCount())
    return [[str(model.index(row, column).data()) for column in columns] for row in range(model.rowCount())]


def test_failed_files_come_first_with_their_reason(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    assert rows(table) == [
        ["a.pdf", "Protected by a password", "–", "–", "120 kB"],
        ["c.pdf", "Took too long to read", "3", "12", "120 kB"],
        ["b.pdf", "Ready", "3", "12", "120 kB"],
    ]


def test_what_can_be_done_follows_what_is_chosen(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    assert "Remove from collection" not in shown_text(page)
    table.selectRow(0)
    assert "Give password" in shown_text(page)
    table.selectRow(1)
    assert "Try again" in shown_text(page)
    table.selectAll()
    text = shown_text(page)
    assert "3 documents, 3 chosen" in text
    assert "Try again" not in text
    assert "Show file" not in text
    with qtbot.waitSignal(page.remove_documents_requested) as removed:
        click(qtbot, page, "documents_files_remove")
    assert removed.args == ["Wiki", ["/w/a.pdf", "/w/c.pdf", "/w/b.pdf"]]


def test_the_delete_key_removes_and_escape_goes_back_to_the_cards(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    table.selectRow(2)
    with qtbot.waitSignal(page.remove_documents_requested) as removed:
        qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert removed.args == ["Wiki", ["/w/b.pdf"]]
    qtbot.keyClick(table, Qt.Key.Key_Escape)
    assert not table.isVisible()
    assert "Ask" in shown_text(page)


def test_typing_in_the_filter_leaves_only_what_matches(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    qtbot.keyClicks(find(page, QLineEdit, "documents_files_filter"), "password")
    qtbot.waitUntil(lambda: [row[0] for row in rows(table)] == ["a.pdf"])
    assert "1 of 3 documents" in shown_text(page)


def test_newer_documents_keep_what_was_chosen(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    table.selectRow(0)
    page.set_documents("Wiki", [document("/w/0.pdf", status="failed", reason="Empty"), document("/w/a.pdf")])
    chosen = [index.row() for index in table.selectionModel().selectedRows()]
    assert [rows(table)[row][0] for row in chosen] == ["a.pdf"]
    page.set_documents("Another", [])
    assert len(rows(table)) == 2


def test_twenty_thousand_files_are_shown_sorted_and_chosen(page: DocumentsPage, qtbot: QtBot) -> None:
    table = opened(page, qtbot)
    page.set_documents("Wiki", [document(f"/w/{n:05}.md", size_bytes=20_000 - n) for n in range(20_000)])
    table.sortByColumn(SIZE, Qt.SortOrder.AscendingOrder)
    assert table.model().index(0, 0).data() == "19999.md"
    table.selectionModel().select(
        table.model().index(7, 0),
        QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
    )
    assert "20,000 documents, 1 chosen" in shown_text(page)


def test_the_table_model_obeys_the_rules_of_qt(qtmodeltester: Any) -> None:
    model = FilesModel()
    model.set_documents([document("/w/a<b>.pdf"), document("/w/b.pdf", status="waiting")])
    qtmodeltester.check(model)
