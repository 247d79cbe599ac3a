"""What a kill, a damaged index and a broken reader cost: at most the file in hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop_llm.errors import WorkerDied
from desktop_llm.knowledge.client import IndexReport, Knowledge
from desktop_llm.knowledge.embed import Embedder
from desktop_llm.knowledge.folders import Look
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.indexing import Controls, Indexing
from desktop_llm.knowledge.service import Service
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.suspects import Suspects
from desktop_llm.paths import Folders, folders
from desktop_llm.workers.child import Request
from tests.knowledge.conftest import BREAD, COD, LEASE, ended, read_all
from tests.knowledge.damages import read

KILLS = 4
FILES = 40
FAKE_READER = [sys.executable, str(Path(__file__).with_name("fake_reader.py"))]


def worker_process() -> psutil.Process:
    children = psutil.Process().children()
    return next(child for child in children if "knowledge" in child.cmdline())


def stored(home: Folders) -> dict[tuple[bytes, str], bytes]:
    store = Store(home.knowledge_db)
    rows = store.rows(
        "SELECT document.path, chunk.text, vector.data FROM document JOIN chunk ON chunk.source = document.source "
        "JOIN vector ON vector.chunk = chunk.id"
    )
    store.close()
    assert len(rows) == len({row[:2] for row in rows})
    return {(path, text): data for path, text, data in rows}


def test_four_kills_leave_the_same_as_an_uninterrupted_run(data_folders: Folders, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(FILES):
        text = (LEASE, COD, BREAD)[number % 3]
        (folder / f"{number:03}.txt").write_text(f"Entry {number}. {text}")
    client = Knowledge(data_folders)
    for kill in range(KILLS):
        run = client.index("docs", [folder] if kill == 0 else [])
        while next(run).done < 1 + kill % 3:
            pass
        worker_process().kill()
        with pytest.raises(WorkerDied, match=r"documents stopped unexpectedly .* Everything read so far is kept"):
            read_all(run)
        assert client.waiting() == ["docs"]
    read_all(client.index("docs", []))
    for each in client.verify("docs").failed:  # it was in hand at two kills, and waits until somebody adds it again
        client.remove_document("docs", each.document)
    assert read_all(client.index("docs", [folder])).documents == FILES
    assert read_all(client.index("docs", [folder])).skipped == FILES
    assert client.verify("docs").state == "ready"
    client.close()

    calm = folders(tmp_path / "calm")
    client = Knowledge(calm)
    read_all(client.index("docs", [folder]))
    client.close()
    interrupted, uninterrupted = stored(data_folders), stored(calm)
    assert interrupted.keys() == uninterrupted.keys()
    for key, data in interrupted.items():
        np.testing.assert_allclose(
            np.frombuffer(data, np.float16), np.frombuffer(uninterrupted[key], np.float16), atol=2e-3
        )


def test_a_document_at_which_the_worker_died_twice_is_set_aside_and_the_others_are_read(
    knowledge: Knowledge, documents: Path
) -> None:
    deadly = documents / "aaa.txt"
    deadly.write_text("\n\n".join(f"Boat {number} lies in the harbour. " * 20 for number in range(200)))
    for _ in range(2):
        run = knowledge.index("docs", [documents])
        while not next(run).current.endswith("aaa.txt"):
            pass
        worker_process().kill()
        with pytest.raises(WorkerDied):
            read_all(run)
    report = read_all(knowledge.index("docs", []))
    assert report.documents == 3
    (failed,) = report.failed
    assert failed.document == str(deadly)
    assert "ended the part that reads documents twice, so it was set aside" in failed.reason
    deadly.write_text("Short.")
    assert read_all(knowledge.index("docs", [documents])).documents == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel ends a stopped process with its parent")
def test_a_stopped_reader_does_not_outlive_its_worker(knowledge: Knowledge, documents: Path) -> None:
    for number in range(30):
        (documents / f"{number}.txt").write_text(f"{COD} Specimen {number}.")
    run = knowledge.index("docs", [documents])
    while next(run).done == 0:
        pass
    worker = worker_process()
    (reader,) = worker.children()
    reader.suspend()
    worker.kill()
    assert psutil.wait_procs([reader], timeout=5) == ([reader], [])
    with pytest.raises(WorkerDied):
        read_all(run)


def only_folder(index: Path) -> Path:
    (folder,) = (index / "1").iterdir()
    return folder


def remove(index: Path) -> None:
    shutil.rmtree(index)


def empty(index: Path) -> None:
    for path in only_folder(index).iterdir():
        if path.is_dir():
            shutil.rmtree(path)


DAMAGES: list[Callable[[Path], object]] = [
    remove,
    lambda index: (only_folder(index) / "chroma.sqlite3").write_bytes(b"garbage" * 2000),
    empty,
    lambda index: (only_folder(index) / "opening").touch(),
]


def found(service: Service) -> list[str]:
    answer = service.search({"collections": ["docs"], "queries": ["cod"], "k": 3})
    assert isinstance(answer, dict)
    return [passage["text"] for passage in answer["results"][0]]


def test_a_damaged_index_is_noticed_answers_go_on_and_it_is_made_anew(data_folders: Folders, documents: Path) -> None:
    service = Service(data_folders)  # in this process: a worker for each damage would take seconds to start
    read(service, "docs", documents)
    expected = found(service)
    for damage in DAMAGES:
        service.close()
        damage(data_folders.index)
        service = Service(data_folders)
        assert found(service) == expected
        assert ended(service.rebuild(Request(1, "rebuild", {"collection": "docs"}, b"")))["state"] == "ready"
        report = service.verify({"collection": "docs"})
        assert isinstance(report, dict)
        assert (report["state"], report["failed"]) == ("ready", [])
        assert found(service) == expected
    service.close()


@pytest.fixture
def store(data_folders: Folders) -> Iterator[Store]:
    store = Store(data_folders.knowledge_db)
    store.create_collection("docs")
    yield store
    store.close()


@pytest.fixture
def read_by(data_folders: Folders, store: Store, embedder: Embedder) -> Callable[..., IndexReport]:
    """Looks through what was added before, adds a folder, and reads with a reader: the fake one, or the real one."""
    nearest = Nearest(data_folders.index, store, embedder.fingerprint)
    suspects = Suspects(data_folders.data / "in-hand.json")

    def run(reader: list[str] | None, *folders: Path) -> IndexReport:
        reading = Indexing(store, nearest, embedder, Controls(), 1, suspects=suspects, reader_command=reader)
        ended(reading.find(folders))
        look = Look(store, 1)
        list(look.steps())
        reading.expect(look)
        list(look.settle())
        list(reading.steps())
        if reading.has_late:
            list(reading.late_steps())
        return reading.report()

    return run


@pytest.fixture
def broken_reading(documents: Path, read_by: Callable[..., IndexReport]) -> dict[str, str]:
    """The reasons after a run in which one file kills the reader and one is nonsense to it."""
    (documents / "dies.txt").write_text("die")
    (documents / "nonsense.txt").write_text("nonsense")
    report = read_by(FAKE_READER, documents)
    assert report.documents == 3
    return {Path(failed.document).name: failed.reason for failed in report.failed}


def test_a_reader_that_dies_costs_one_file(broken_reading: dict[str, str]) -> None:
    assert broken_reading == {
        "dies.txt": "The reader stopped while reading this file. Nothing of it was kept. "
        "Split the file, or save it in another format, and add it again.",
        "nonsense.txt": "The reader could not understand this file",
    }


def test_a_file_whose_reader_was_killed_is_read_whole_by_the_next_look(
    tmp_path: Path, store: Store, read_by: Callable[..., IndexReport]
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("cut.txt", "same.txt"):
        (folder / name).write_text("break here, said the captain of the walrus boat")
    (folder / "dies.txt").write_text("die like this, said the mate of the walrus boat")
    said = {Path(each.document).name: each.reason for each in read_by(FAKE_READER, folder).failed}
    assert said["cut.txt"] == said["same.txt"]
    assert "stopped after page 3 because the reader broke off there" in said["cut.txt"]
    assert "The reader stopped while reading this file." in said["dies.txt"]
    report = read_by(None)
    assert (report.failed, report.documents, report.updated) == ((), 3, 2)
    in_use = "SELECT DISTINCT text FROM chunk JOIN document ON document.source = chunk.source ORDER BY text"
    assert [text for (text,) in store.rows(in_use)] == [
        "break here, said the captain of the walrus boat",
        "die like this, said the mate of the walrus boat",
    ]
    assert store.damaged(1) == []


def test_a_file_that_always_kills_its_reader_is_left_alone_after_three_looks(
    tmp_path: Path, read_by: Callable[..., IndexReport]
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "dies.txt").write_text("die")
    (folder / "cut.txt").write_text("break")
    read_by(FAKE_READER, folder)
    assert [read_by(FAKE_READER).updated for _ in range(3)] == [2, 2, 0]
