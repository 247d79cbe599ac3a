"""Keyword search among more chunks than are ranked: what finds by itself, and what finds together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.candidates import Scope
from desktop_llm.knowledge.keywords import query_words
from desktop_llm.knowledge.sources import ChunkRow, PageRow, SourceRow
from desktop_llm.knowledge.store import Store

CHUNKS = 17_000
BOTH, ALL = 16_001, 16_501  # far behind the first thousands of chunks that hold one of the words


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two collections: of "large", a quarter of the chunks has "meadow", another "river", and a tenth "gate"; "small"
    was read after it and has three chunks.
    """
    opened = Store(tmp_path_factory.mktemp("large") / "knowledge.db")
    lines = []
    for number in range(CHUNKS):
        words = ["meadow" if number % 4 == 0 else "river" if number % 4 == 1 else "hill"]
        words += ["gate"] if number % 10 == 0 else []
        lines.append(" ".join([*words, "lies", "there", str(number)]))
    lines[BOTH] = "the river beside a meadow lies there"
    lines[ALL] = "the gate of the meadow beside a river lies there"
    _add(opened, opened.create_collection("large"), lines)
    _add(opened, opened.create_collection("small"), ["river and meadow", "river alone", "hill alone"])
    yield opened
    opened.close()


def _add(store: Store, collection: int, lines: list[str]) -> None:
    text, chunks, start = "\n".join(lines), [], 0
    for line in lines:
        chunks.append(ChunkRow(0, start, start + len(line), "", b""))
        start += len(line) + 1
    name = f"{collection}"
    source = SourceRow(name * 64, "1", "Text", "", None, [PageRow(None, text)], chunks)
    store.add_document(collection, f"/made/{name}.txt".encode(), 1, 1, source, "none")


def found(store: Store, collection: str, question: str) -> list[str]:
    """The texts that the words of a question find, best first."""
    scope = Scope([store.collection(collection)])
    scores = candidates.by_keywords(store, scope, candidates.weighed(store, query_words(question)), 50)
    texts = {each.chunk: each.text for each in candidates.read(store, scope, scores)}
    return [texts[chunk] for chunk in sorted(scores, key=lambda chunk: -scores[chunk])]


def test_words_that_are_too_common_find_together(store: Store) -> None:
    assert set(found(store, "large", "river meadow")) == {
        "the river beside a meadow lies there",
        "the gate of the meadow beside a river lies there",
    }


def test_common_words_raise_what_a_rare_one_finds(store: Store) -> None:
    first, *others = found(store, "large", "Is there a gate by the river in the meadow?")
    assert first == "the gate of the meadow beside a river lies there"
    assert all("gate" in text for text in others)


def test_one_common_word_finds_some_of_its_chunks(store: Store) -> None:
    texts = found(store, "large", "meadow")
    assert len(texts) == 50
    assert all("meadow" in text for text in texts)


def test_a_large_collection_hides_nothing_of_a_small_one(store: Store) -> None:
    assert found(store, "small", "river meadow") == ["river and meadow", "river alone"]
