"""What a kill, a damaged index and a broken reader cost: at most the file in hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop_llm.errors import WorkerDied
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.embed import Embedder
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.indexing import Controls, Reading
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders, folders
from tests.knowledge.conftest import BREAD, COD, LEASE, ended, read_all

KILLS = 10
FILES = 120
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


def test_ten_kills_leave_the_same_as_an_uninterrupted_run(data_folders: Folders, tmp_path: Path) -> None:
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
        with pytest.raises(WorkerDied):
            read_all(run)
        assert client.waiting() == ["docs"]
    assert read_all(client.index("docs", [])).documents == FILES
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


def only_folder(index: Path) -> Path:
    (folder,) = (index / "1").iterdir()
    return folder


DAMAGES: list[Callable[[Path], object]] = [
    shutil.rmtree,
    lambda index: (only_folder(index) / "chroma.sqlite3").write_bytes(b"garbage" * 2000),
    lambda index: [shutil.rmtree(path) for path in only_folder(index).iterdir() if path.is_dir()],
    lambda index: (only_folder(index) / "opening").touch(),
]


def test_a_damaged_index_is_noticed_answers_go_on_and_it_is_made_anew(data_folders: Folders, documents: Path) -> None:
    client = Knowledge(data_folders)
    read_all(client.index("docs", [documents]))
    expected = [passage.text for passage in client.search(["docs"], "cod", 3)]
    for damage in DAMAGES:
        client.close()
        damage(data_folders.index)
        client = Knowledge(data_folders)
        assert [passage.text for passage in client.search(["docs"], "cod", 3)] == expected
        assert read_all(client.rebuild("docs")).state == "ready"
        report = client.verify("docs")
        assert (report.state, report.failed) == ("ready", ())
        assert [passage.text for passage in client.search(["docs"], "cod", 3)] == expected
    client.close()


@pytest.fixture
def broken_reading(
    data_folders: Folders, documents: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The reasons after a run in which one file kills the reader and one is nonsense to it."""
    (documents / "dies.txt").write_text("die")
    (documents / "nonsense.txt").write_text("nonsense")
    store = Store(data_folders.knowledge_db)
    nearest = Nearest(data_folders.index, store, embedder.fingerprint)
    reading = Reading(store, nearest, embedder, Controls(), store.create_collection("docs"), reader_command=FAKE_READER)
    ended(reading.find([documents]))
    list(reading._read_all(reading._waiting()))
    report = reading.report()
    store.close()
    assert report.documents == 3
    return {Path(failed.document).name: failed.reason for failed in report.failed}


def test_a_reader_that_dies_costs_one_file(broken_reading: dict[str, str]) -> None:
    assert broken_reading == {
        "dies.txt": "The reader stopped while reading this file",
        "nonsense.txt": "The reader could not make sense of this file",
    }
