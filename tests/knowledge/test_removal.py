"""A long document is removed in slices: at once nobody finds it, and searches go before the next slice."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.knowledge.recovery import damage
from desktop_llm.knowledge.service import Service
from desktop_llm.knowledge.sources import ChunkRow, PageRow, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders
from desktop_llm.workers.child import Request
from desktop_llm.workers.protocol import path_to_wire

WORD = "zanzibar"
PASSAGES = 1_500
TABLES = ("source", "page", "chunk", "vector", "document")


@pytest.fixture
def service(data_folders: Folders) -> Service:
    service = Service(data_folders)
    add(service.store, "/long.pdf")
    return service


def add(store: Store, path: str, collection: str = "Books") -> None:
    """Store a document of many passages."""
    known = dict(store.rows("SELECT name, id FROM collection"))
    number = known.get(collection) or store.create_collection(collection)
    text = f"The {WORD} sails at noon. "
    pages = [PageRow(page, text * 10) for page in range(1, PASSAGES // 10 + 1)]
    vector = bytes(768)
    chunks = [
        ChunkRow(page, start, start + len(text), "", vector if not start else b"")
        for page in range(len(pages))
        for start in range(0, len(text) * 10, len(text))
    ]
    row = SourceRow("0" * 64, "1", "PDF", "Long", len(pages), pages, chunks)
    store.add_document(number, path.encode(), 1, 1, row, "made")


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has, and in how many passages the word is found."""
    counts = {table: store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    query = "SELECT count(*) FROM chunk_words WHERE chunk_words MATCH ?"
    return counts | {"words": store.rows(query, WORD)[0][0]}


def removal(path: str = "/long.pdf") -> Request:
    return Request(1, "remove_document", {"collection": "Books", "path": path_to_wire(Path(path))}, b"")


def test_a_long_document_leaves_in_slices_and_with_every_trace(service: Service, data_folders: Folders) -> None:
    store, left = service.store, []
    for _ in service.remove_document(removal()):
        assert service.status({"collection": "Books"})["reports"][0]["chunks"] == 0  # type: ignore[index]
        left.append(rows(store)["chunk"])
    assert max(before - after for before, after in zip([PASSAGES, *left], left, strict=False)) <= PASSAGES / 5
    assert rows(store) == dict.fromkeys((*TABLES, "words"), 0)
    service.close()
    assert WORD.encode() not in data_folders.knowledge_db.read_bytes()


def test_what_a_death_in_the_middle_leaves_is_no_damage_and_goes_when_there_is_time(
    service: Service, data_folders: Folders
) -> None:
    steps = service.remove_document(removal())
    while rows(service.store)["chunk"] > PASSAGES / 2:
        next(steps)
    service.abandon()  # as a death would: nothing is sealed
    assert damage(data_folders.knowledge_db, data_folders.index, None) == ""
    again = Service(data_folders)
    add(again.store, "/copy.pdf", "Copies")  # the same content, while half of it is still there
    while again.tidy():
        pass
    copies = again.store.collection("Copies")
    assert again.store.damaged(copies) == []
    assert (rows(again.store)["source"], rows(again.store)["chunk"], rows(again.store)["words"]) == (1, *[PASSAGES] * 2)
    again.close()


def test_a_collection_is_removed_in_slices_too(service: Service) -> None:
    steps = service.remove(Request(1, "remove", {"collection": "Books"}, b""))
    next(steps)
    assert service.collections({"of_chats": True}) == {"collections": []}
    assert len(list(steps)) > PASSAGES / 250
    assert rows(service.store) == dict.fromkeys((*TABLES, "words"), 0)
    service.close()
