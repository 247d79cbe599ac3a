"""Knowledge of a temporary data folder: the real worker, the real reader, the real embedding model."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.knowledge.client import IndexProgress, IndexReport, Knowledge
from desktop_llm.knowledge.embed import Embedder, starter_files
from desktop_llm.paths import Folders, folders

LEASE = (
    "The monthly rent is 1,250 euros and is due on the third working day of each month.\n\n"
    "Either party may end the lease with three months' notice in writing. The landlord is Maria Jensen."
)
COD = "The Atlantic cod lives in cold water along the coasts of Norway. It can weigh up to 96 kilograms."
BREAD = "Sourdough bread rises slowly because wild yeast and lactic bacteria ferment the flour overnight."


@pytest.fixture
def data_folders(home: Path) -> Folders:
    return folders(home)


@pytest.fixture
def knowledge(data_folders: Folders) -> Iterator[Knowledge]:
    client = Knowledge(data_folders)
    yield client
    client.close()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder(starter_files(), threads=2)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder with three short texts."""
    return write_documents(tmp_path / "documents")


def write_documents(folder: Path) -> Path:
    """The three texts in a new folder."""
    folder.mkdir()
    for name, text in (("lease.txt", LEASE), ("cod.md", COD), ("bread.txt", BREAD)):
        (folder / name).write_text(text)
    return folder


def read_all(run: Generator[IndexProgress, None, IndexReport]) -> IndexReport:
    """Run to the end; the report."""
    report = ended(run)
    assert isinstance(report, IndexReport)
    return report


def ended(steps: Iterator[Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
