"""A damaged or lost knowledge.db or index is told and mended; the damaged file is kept."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.service import Service
from desktop_llm.knowledge.store import Damaged, Store
from desktop_llm.paths import Folders
from desktop_llm.sqlite_files import suspect_mark
from tests.knowledge.conftest import read_all
from tests.knowledge.damages import DAMAGES, Contents, Damage, contents, prepare, try_one
from tests.knowledge.test_faults import worker_process

TRIES = 1


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folders, Contents]:
    home = prepare(tmp_path_factory.mktemp("prepared"))
    service = Service(home)
    expected = contents(service)
    service.close()
    return home, expected


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_told_and_mended(prepared: tuple[Folders, Contents], tmp_path: Path, damage: Damage) -> None:
    home, expected = prepared
    for number in range(TRIES):
        outcome = try_one(home, tmp_path / str(number), expected, damage, random.Random(number))
        assert outcome.is_right, outcome


def test_a_clean_end_leaves_one_whole_file(knowledge: Knowledge, data_folders: Folders, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.close()
    alone = documents / "alone.db"
    shutil.copyfile(data_folders.knowledge_db, alone)
    with sqlite3.connect(alone) as copy:
        assert copy.execute("SELECT count(*) FROM document WHERE status = 'ready'").fetchone() == (3,)
    copy.close()
    assert knowledge.notice() == ""


def test_a_lost_file_is_said_and_its_documents_can_be_read_again(
    knowledge: Knowledge, data_folders: Folders, documents: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.close()
    data_folders.knowledge_db.write_bytes(b"")
    assert [(each.name, each.state) for each in knowledge.collections()] == [("docs", "paused")]
    said = knowledge.notice()
    assert "(it is empty or missing). 3 of 3 documents have to be read again" in said
    assert knowledge.verify("docs").notice == said
    assert read_all(knowledge.index("docs", [])).documents == 3
    assert knowledge.search(["docs"], "How heavy does a cod get?", 1)[0].document == str(documents / "cod.md")
    assert knowledge.notice() == ""


def test_the_folders_of_a_lost_file_are_still_remembered(
    knowledge: Knowledge, data_folders: Folders, documents: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.txt"
    alone.write_text("The ferry leaves at noon.")
    read_all(knowledge.index("docs", [documents], exclude=["*.md"]))
    read_all(knowledge.index("docs", [documents / "cod.md", alone]))
    knowledge.set_folder("docs", documents, watched=False)
    worker_process().kill()  # so that nothing is noted at the end
    knowledge.close()
    data_folders.knowledge_db.unlink()
    assert "Its folder is still remembered and is looked through again." in knowledge.notice()
    (folder,) = knowledge.status("docs")[0].folders
    assert (folder.path, folder.exclude, folder.watched) == (str(documents), ("*.md",), False)
    (documents / "new.txt").write_text("Nobody has seen this before.")
    report = read_all(knowledge.index("docs", (), look="changes"))
    assert (report.documents, report.removed, report.failed) == (5, 0, ())


def test_a_lost_list_of_collections_is_said(knowledge: Knowledge, data_folders: Folders, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.close()
    data_folders.knowledge_db.unlink()
    (data_folders.data / "knowledge-seal.json").unlink()
    assert knowledge.collections() == []
    assert "and with it the list of your collections. Your documents themselves are untouched" in knowledge.notice()
    assert knowledge.notice(seen=True)
    assert knowledge.notice() == ""


def test_damage_while_the_file_is_open_is_not_sealed(
    knowledge: Knowledge, data_folders: Folders, documents: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    with sqlite3.connect(data_folders.knowledge_db) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'document'").fetchone()
    database.close()
    with data_folders.knowledge_db.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xff" * 4096)
    knowledge.close()
    assert "damaged" in knowledge.notice()
    assert len(knowledge.documents("docs")) == 3
    assert list(data_folders.data.glob("knowledge-damaged-*/knowledge.db"))


def test_damage_that_a_check_finds_is_mended_by_the_running_worker(
    knowledge: Knowledge, data_folders: Folders, documents: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    with sqlite3.connect(data_folders.knowledge_db) as database:
        database.execute("UPDATE page SET text = replace(text, 'cod', 'cow')")
    database.close()
    (problem,) = knowledge.verify("docs").failed
    assert problem.reason == "The stored text of one document is not what was read; read it again."
    assert "1 of 3 documents have to be read again" in knowledge.notice()
    assert knowledge.search(["docs"], "How long does bread rise?", 1)[0].document == str(documents / "bread.txt")
    assert read_all(knowledge.index("docs", [])).documents == 3
    assert knowledge.verify("docs").failed == ()
    assert knowledge.search(["docs"], "How heavy does a cod get?", 1)[0].document == str(documents / "cod.md")


def test_whoever_works_with_a_damaged_file_when_it_is_let_go_is_told_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "knowledge.db")
    store.close()
    with pytest.raises(Damaged, match="is damaged"):
        store.rows("SELECT 1")
    with pytest.raises(Damaged, match="is damaged"), store.transaction():
        pass
    assert not suspect_mark(tmp_path / "knowledge.db").exists()
