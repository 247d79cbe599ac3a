"""Documents on a disk that takes no more: searches go on, and changes are refused with a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.embed import Embedder, starter_files
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.spaces import Spaces
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders
from tests.faulty_disk import full_disk
from tests.knowledge.conftest import read_all


@pytest.fixture
def left(data_folders: Folders, documents: Path, tmp_path: Path) -> Path:
    """A data folder as a killed app leaves it: much is still in the log, and its index of it is gone."""
    client = Knowledge(data_folders)
    read_all(client.index("docs", [documents]))
    folder = tmp_path / "left"
    shutil.copytree(data_folders.data, folder, ignore=shutil.ignore_patterns("*-shm"))
    client.close()
    assert (folder / "knowledge.db-wal").stat().st_size
    return folder


def test_documents_are_found_on_a_full_disk_and_changed_again_when_there_is_space(
    left: Path, embedder: Embedder
) -> None:
    fingerprint = starter_files().fingerprint
    with full_disk():
        store = Store(left / "knowledge.db")
        nearest = Nearest(left / "index", store, fingerprint)
        spaces = Spaces(store, left / "index", embedder)
        found = Retriever(store, spaces).search([store.collection("docs")], "fish in Norway", 2)
        assert found[0].document.endswith("cod.md")
        assert "can't be checked" in nearest.problems(store.collection("docs"))[0]
        with pytest.raises(UserError, match="can't be written to, so nothing more can be stored") as refused:
            store.create_collection("more")
        assert refused.value.action == FREE_SPACE
        store.try_writing()
        assert store.read_only
    store.try_writing()
    store.create_collection("more")
    nearest.learn(store.collection("docs"))
    assert nearest.problems(store.collection("docs")) == []
    store.close()


def test_a_first_start_on_a_full_disk_has_no_collections(tmp_path: Path) -> None:
    with full_disk():
        store = Store(tmp_path / "knowledge.db")
        assert store.rows("SELECT * FROM collection") == []
        with pytest.raises(UserError, match="nothing more can be stored"):
            store.create_collection("docs")
    store.try_writing()
    store.create_collection("docs")
    store.close()
