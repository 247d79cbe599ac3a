"""The table of a collection's files."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QLineEdit, QTableView

from desktop_llm.gui.documents.files import SIZE, FilesModel
from desktop_llm.workers.protocol import path_from_wire
from tests.gui.documents.conftest import Documents, collection, document
from tests.gui.documents.test_page import click, find, shown_text


def opened(documents: Documents) -> QTableView:
    """The table of "Wiki", opened from its card, with three files."""
    documents.show(collection("Wiki"))
    documents.worker.files = [
        document("/w/b.pdf"),
        document("/w/a.pdf", status="failed", reason="Protected by a password", cause="password", pages=0, chunks=0),
        document("/w/c.pdf", status="failed", reason="Took too long to read"),
    ]
    click(documents.qtbot, documents.page, "collection_files")
    table = find(documents.page, QTableView, "documents_files_table")
    documents.qtbot.waitUntil(lambda: table.model().rowCount() == 3)
    return table


def removed(documents: Documents, count: int) -> list[str]:
    """Wait until so many files were removed from "Wiki"; returns their paths."""
    documents.asked("remove_document", count)
    asked = documents.worker.asked["remove_document"]
    assert {each["collection"] for each in asked} == {"Wiki"}
    return [str(path_from_wire(each["path"])) for each in asked]


def rows(table: QTableView) -> list[list[str]]:
    """The table's text, row by row."""
    model = table.model()
    columns = range(model.columnCount())
    return [[str(model.index(row, column).data()) for column in columns] for row in range(model.rowCount())]


def test_failed_files_come_first_with_their_reason(documents: Documents) -> None:
    table = opened(documents)
    assert rows(table) == [
        ["a.pdf", "Protected by a password", "–", "–", "120 kB"],
        ["c.pdf", "Took too long to read", "3", "12", "120 kB"],
        ["b.pdf", "Ready", "3", "12", "120 kB"],
    ]


def test_a_file_read_in_part_shows_its_reason_after_those_that_failed(documents: Documents) -> None:
    model = FilesModel()
    partly = document("/w/long.pdf", reason="Partly read: it has 100,000 pages", cause="partly")
    model.set_documents([document("/w/a.pdf"), partly, document("/w/z.pdf", status="failed", reason="Empty")])
    shown = [str(model.index(row, 1).data()) for row in range(3)]
    assert shown == ["Empty", "Partly read: it has 100,000 pages", "Ready"]


def test_what_can_be_done_follows_what_is_chosen(documents: Documents) -> None:
    page, qtbot = documents.page, documents.qtbot
    table = opened(documents)
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
    click(qtbot, page, "documents_files_remove")
    assert removed(documents, 3) == ["/w/a.pdf", "/w/c.pdf", "/w/b.pdf"]


def test_the_delete_key_removes_and_escape_goes_back_to_the_cards(documents: Documents) -> None:
    page, qtbot = documents.page, documents.qtbot
    table = opened(documents)
    table.selectRow(2)
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert removed(documents, 1) == ["/w/b.pdf"]
    qtbot.keyClick(table, Qt.Key.Key_Escape)
    assert not table.isVisible()
    assert "Ask" in shown_text(page)


def test_typing_in_the_filter_leaves_only_what_matches(documents: Documents) -> None:
    page, qtbot = documents.page, documents.qtbot
    table = opened(documents)
    qtbot.keyClicks(find(page, QLineEdit, "documents_files_filter"), "password")
    qtbot.waitUntil(lambda: [row[0] for row in rows(table)] == ["a.pdf"])
    assert "1 of 3 documents" in shown_text(page)


def test_newer_documents_keep_what_was_chosen(documents: Documents) -> None:
    page = documents.page
    table = opened(documents)
    table.selectRow(0)
    page.set_documents("Wiki", [document("/w/0.pdf", status="failed", reason="Empty"), document("/w/a.pdf")])
    chosen = [index.row() for index in table.selectionModel().selectedRows()]
    assert [rows(table)[row][0] for row in chosen] == ["a.pdf"]
    page.set_documents("Another", [])
    assert len(rows(table)) == 2


def test_twenty_thousand_files_are_shown_sorted_and_chosen(documents: Documents) -> None:
    page = documents.page
    table = opened(documents)
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
