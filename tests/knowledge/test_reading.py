"""Files into collections, as the app sees it: what is read, skipped, shared, refused, and how it is undone."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from desktop_llm.errors import BadRequest, Busy, NotFound
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.paths import Folders
from tests.knowledge.conftest import COD, LEASE, read_all


def reasons(knowledge: Knowledge) -> dict[str, str]:
    return {Path(failed.document).name: failed.reason for failed in knowledge.status("docs")[0].failed}


def test_a_folder_is_read_and_found_again(knowledge: Knowledge, documents: Path) -> None:
    report = read_all(knowledge.index("docs", [documents]))
    assert (report.state, report.documents, report.failed, report.skipped) == ("ready", 3, (), 0)
    (collection,) = knowledge.collections()
    assert (collection.name, collection.documents, dict(collection.formats)) == ("docs", 3, {"Text": 2, "Markdown": 1})
    assert [Path(document.path).name for document in knowledge.documents("docs")] == [
        "bread.txt",
        "cod.md",
        "lease.txt",
    ]
    assert knowledge.search(["docs"], "How heavy does a cod get?", 1)[0].document == str(documents / "cod.md")


def test_unchanged_files_are_skipped_and_changed_ones_read_again(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    (documents / "cod.md").write_text("Herring swim in schools of many thousands.")
    again = read_all(knowledge.index("docs", [documents]))
    assert (again.skipped, again.documents) == (2, 3)
    assert again.bytes == len("Herring swim in schools of many thousands.")
    texts = [passage.text for passage in knowledge.search(["docs"], "cod herring fish", 10)]
    assert not any("cod" in text for text in texts)
    assert any("Herring" in text for text in texts)


def test_the_same_content_in_two_folders_is_stored_once(
    knowledge: Knowledge, documents: Path, tmp_path: Path, data_folders: Folders
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "copy.txt").write_text(LEASE)
    read_all(knowledge.index("docs", [documents]))
    read_all(knowledge.index("docs", [other]))
    read_all(knowledge.index("more", [other]))
    with sqlite3.connect(data_folders.knowledge_db) as database:
        assert database.execute("SELECT count(*) FROM source").fetchone() == (3,)
    database.close()
    knowledge.remove_document("docs", str(documents))
    assert [Path(found.document).name for found in knowledge.search(["docs"], "rent", 5)] == ["copy.txt"]
    knowledge.remove("docs")
    assert [found.text for found in knowledge.search(["more"], "rent", 5)][:1] == [LEASE]


def test_each_file_that_cannot_be_read_has_its_reason_and_the_others_go_on(
    knowledge: Knowledge, documents: Path
) -> None:
    (documents / "empty.txt").touch()
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of a PDF")
    with (documents / "huge.txt").open("wb") as file:
        file.truncate(200_000_001)
    os.mkfifo(documents / "pipe.txt")
    (documents / "loop").symlink_to(documents)
    (documents / ".hidden").write_text("hidden")
    report = read_all(knowledge.index("docs", [documents, documents / "missing.txt", documents / "pipe.txt"]))
    assert report.documents == 3
    assert report.state == "attention"
    found = reasons(knowledge)
    assert set(found) == {"empty.txt", "broken.pdf", "huge.txt", "missing.txt", "pipe.txt"}
    assert found["empty.txt"] == "The file is empty"
    assert found["huge.txt"] == "Larger than 200 MB"
    assert found["missing.txt"] == "The file is not there"
    assert found["pipe.txt"] == "Not a file"
    assert found["broken.pdf"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(knowledge: Knowledge, documents: Path) -> None:
    (documents / "lease.txt").chmod(0)
    read_all(knowledge.index("docs", [documents]))
    assert reasons(knowledge) == {"lease.txt": "No permission to read this file"}


def test_a_name_that_is_not_text_survives_the_round_trip(knowledge: Knowledge, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9 \xff\n.txt")
    (folder / name).write_text(COD)
    read_all(knowledge.index("docs", [folder]))
    (passage,) = knowledge.search(["docs"], "cod", 1)
    assert passage.document == str(folder / name)
    assert knowledge.page_text(passage.document, passage.page).text == COD
    assert knowledge.remove_document("docs", passage.document).documents == 0


def test_closing_the_run_keeps_what_is_done_and_the_rest_waits(knowledge: Knowledge, documents: Path) -> None:
    for number in range(30):
        (documents / f"{number}.txt").write_text(f"{COD} Specimen {number} was seen near the island.")
    run = knowledge.index("docs", [documents])
    while next(run).done == 0:
        pass
    run.close()
    assert knowledge.collections()[0].state == "paused"
    assert knowledge.waiting() == ["docs"]
    report = read_all(knowledge.index("docs", []))
    assert (report.documents, report.state, knowledge.waiting()) == (33, "ready", [])


def test_a_run_can_be_paused_and_stopped_while_searches_are_answered(knowledge: Knowledge, documents: Path) -> None:
    for number in range(30):
        (documents / f"{number}.txt").write_text(f"{COD} Specimen {number} was seen near the island.")
    run = knowledge.index("docs", [documents])
    while next(run).done == 0:
        pass
    knowledge.pause("docs")
    while not next(run).paused:
        pass
    assert knowledge.search(["docs"], "rye bread", 1)
    assert knowledge.collections()[0].state == "paused"
    with pytest.raises(Busy):
        knowledge.remove("docs")
    knowledge.stop("docs")
    report = read_all(run)
    assert report.documents < 33
    assert knowledge.waiting() == []


def test_collections_are_made_renamed_and_removed(knowledge: Knowledge, documents: Path) -> None:
    knowledge.create("Papers")
    knowledge.create("chat:17")
    assert [(each.name, each.state) for each in knowledge.collections()] == [("Papers", "empty")]
    assert len(knowledge.collections(of_chats=True)) == 2
    read_all(knowledge.index("Papers", [documents]))
    knowledge.rename("Papers", "Archive")
    with pytest.raises(NotFound):
        knowledge.search(["Papers"], "rent")
    with pytest.raises(BadRequest):
        knowledge.create("Archive")
    with pytest.raises(BadRequest):
        knowledge.create("  ")
    knowledge.create("Two\nlines")
    assert read_all(knowledge.index("Two\nlines", [documents / "cod.md"])).collection == "Two lines"
    assert knowledge.remove("Two\nlines").documents == 1
    assert knowledge.remove("Archive").documents == 3
    assert knowledge.collections() == []


def test_removed_text_is_not_left_in_the_file(knowledge: Knowledge, documents: Path, data_folders: Folders) -> None:
    secret = "xylophonic"
    (documents / "secret.txt").write_text(f"The password of the safe is {secret}.")
    read_all(knowledge.index("docs", [documents]))
    knowledge.remove_document("docs", str(documents / "secret.txt"))
    knowledge.close()
    assert all(secret.encode() not in path.read_bytes() for path in data_folders.data.glob("knowledge.db*"))


def test_a_second_worker_on_the_same_data_is_refused(
    knowledge: Knowledge, documents: Path, data_folders: Folders
) -> None:
    read_all(knowledge.index("docs", [documents]))
    second = Knowledge(data_folders)
    try:
        with pytest.raises(Busy):
            second.collections()
    finally:
        second.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(data_folders: Folders, knowledge: Knowledge) -> None:
    database = sqlite3.connect(data_folders.knowledge_db)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(Exception, match="newer version"):
        knowledge.collections()


def test_a_damaged_database_is_told_in_a_sentence(data_folders: Folders, knowledge: Knowledge) -> None:
    data_folders.knowledge_db.write_bytes(b"not a database at all" * 500)
    assert knowledge.collections() == []
    assert "was lost" in knowledge.notice()
    (kept,) = data_folders.data.glob("knowledge-damaged-*/knowledge.db")
    assert kept.read_bytes().startswith(b"not a database at all")
