"""Searches that are limited to some documents, by options and in the question's own words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from desktop_llm.errors import NotFound
from desktop_llm.knowledge.client import Knowledge, Only
from desktop_llm.knowledge.filters import in_question
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders, folders
from tests.knowledge.conftest import read_all

NOW = datetime(2024, 5, 15, 12, 0).astimezone()  # a Wednesday
FILES = {
    "Contracts/lease.txt": ("The rent of the flat is 900 euros a month.", "2023-03-01"),
    "Contracts/Old/lease-2019.txt": ("The rent of the flat was 700 euros a month.", "2019-03-01"),
    "Home office/plan.md": ("# Plan\n\nThe rent of a desk is 90 euros a month.", "2024-05-08"),
    "Prices/rent.csv": ("flat,rent\nGarden Street,1100\nRiver Street,1200\n", "2024-05-14"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """A data folder with one collection, "rents"."""
    folder = tmp_path_factory.mktemp("filters")
    for name, (text, day) in FILES.items():
        path = folder / "Papers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.utime(path, (datetime.fromisoformat(day).timestamp(),) * 2)
    data = folders(folder / "home")
    client = Knowledge(data)
    read_all(client.index("rents", [folder / "Papers"]))
    client.close()
    return data


@pytest.fixture(scope="module")
def client(home: Folders) -> Iterator[Knowledge]:
    """A client of it."""
    opened = Knowledge(home)
    opened.collections()  # starts its worker
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def store(client: Knowledge, home: Folders) -> Iterator[Store]:
    """Its database."""
    opened = Store(home.knowledge_db)
    yield opened
    opened.close()


def found(client: Knowledge, only: Only | None, question: str = "rent of the flat") -> set[str]:
    client.only = only
    return {Path(each.document).name for each in client.search(["rents"], question)}


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (Only(file="lease.txt"), {"lease.txt"}),
        (Only(file="LEASE*"), {"lease.txt", "lease-2019.txt"}),
        (Only(file="Old/lease-2019.txt"), {"lease-2019.txt"}),
        (Only(folder="contracts"), {"lease.txt", "lease-2019.txt"}),
        (Only(folder="Contracts/Old"), {"lease-2019.txt"}),
        (Only(type="csv"), {"rent.csv"}),
        (Only(type="spreadsheets"), {"rent.csv"}),
        (Only(type="notes", folder="home office"), {"plan.md"}),
        (Only(since=datetime(2023, 1, 1).timestamp(), before=datetime(2024, 1, 1).timestamp()), {"lease.txt"}),
    ],
)
def test_a_search_finds_in_what_is_left(client: Knowledge, only: Only, names: set[str]) -> None:
    assert found(client, only) == names
    passages = client.retrieve(["rents"], "What is the rent of the flat?", 1000)
    assert {Path(each.document).name for each in passages} <= names


def test_filters_that_leave_nothing_are_said(client: Knowledge) -> None:
    with pytest.raises(NotFound) as raised:
        found(client, Only(folder="invoices", told="--folder invoices"))
    assert str(raised.value.title) == "No document is left to search."
    assert str(raised.value.text) == "None of 4 documents fits: --folder invoices."


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What does a flat cost in the folder contracts?", {"lease.txt", "lease-2019.txt"}),
        ("What does the Old folder say about the rent?", {"lease-2019.txt"}),
        ("Was kostet der Tisch im Ordner „Home office“?", {"plan.md"}),
        ("Which rents are in the spreadsheets?", {"rent.csv"}),
        ("What do last week's notes say about desks?", {"plan.md"}),
        ("What rents are in the files of yesterday?", {"rent.csv"}),
    ],
)
def test_a_question_limits_itself(store: Store, question: str, names: set[str]) -> None:
    collection = store.collection("rents")
    sources = in_question(store, [collection], question, NOW)
    rows = store.rows("SELECT source, path FROM document")
    assert {Path(os.fsdecode(path)).name for source, path in rows if source in (sources or ())} == names


@pytest.mark.parametrize(
    "question",
    [
        "What is the rent of the flat?",
        "Which folder do I put it in?",
        "How many mails did they send yesterday?",
        "What is said in the presentations?",  # there is none
        "What was the weather last week?",
    ],
)
def test_other_questions_search_everything(store: Store, question: str) -> None:
    assert in_question(store, [store.collection("rents")], question, NOW) is None
