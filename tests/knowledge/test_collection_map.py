"""A collection's passages in a plane: like passages near each other, topics named by their words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop_llm.knowledge import collection_map
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.collection_map import FEWEST, Placed, placed
from desktop_llm.knowledge.embed import DIMENSIONS
from desktop_llm.knowledge.sources import ChunkRow, PageRow, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.steps import result_of
from tests.knowledge.conftest import read_all

SUBJECTS = ("sailing harbour anchor", "violin orchestra concert", "tomato garden compost")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store(tmp_path / "knowledge.db")) as opened:
        yield opened


def _fill(store: Store, passages: int) -> int:
    """A collection whose passages are about three subjects in turn, one file for each ten."""
    collection = store.create_collection("Things")
    chance = np.random.default_rng(1)
    middles = chance.standard_normal((len(SUBJECTS), DIMENSIONS))
    for file in range(-(-passages // 10)):
        count = min(10, passages - 10 * file)
        texts = [f"{SUBJECTS[(10 * file + at) % 3]} number{file}x{at}" for at in range(count)]
        rows = []
        for at, text in enumerate(texts):
            vector = middles[(10 * file + at) % 3] + 0.5 * chance.standard_normal(DIMENSIONS)
            vector /= np.linalg.norm(vector)
            rows.append(ChunkRow(at, 0, len(text), "", vector.astype(np.float16).tobytes()))
        pages = [PageRow(at + 1, text) for at, text in enumerate(texts)]
        read = SourceRow(f"{file:064}", "1", "Text", "", count, pages, rows)
        store.add_document(collection, f"/notes/{file}.txt".encode(), 1, 1, read, "made")
    return collection


def _map(store: Store, passages: int) -> Placed:
    return result_of(placed(store, _fill(store, passages), "made"))


def test_passages_about_one_subject_stand_together_under_its_words(store: Store) -> None:
    found = _map(store, 150)
    assert len(found.topics) == 3
    assert sum(topic.passages for topic in found.topics) >= 130
    named = sorted(" ".join(sorted(topic.name.split(", "))) for topic in found.topics)
    assert named == sorted(" ".join(sorted(subject.split())) for subject in SUBJECTS)
    subject_of = np.array([(int(chunk) - 1) % 3 for chunk in found.chunks])
    for topic in range(3):
        mine = found.points[found.labels == topic]
        assert len(set(subject_of[found.labels == topic])) == 1
        others = [found.points[found.labels == other].mean(axis=0) for other in range(3) if other != topic]
        within = np.linalg.norm(mine - mine.mean(axis=0), axis=1).mean()
        assert within < min(float(np.linalg.norm(mine.mean(axis=0) - other)) for other in others)


def test_the_same_passages_give_the_same_picture_within_its_frame(store: Store) -> None:
    first = _map(store, 90)
    again = result_of(placed(store, 1, "made"))
    assert np.array_equal(first.points, again.points)
    assert first.topics == again.topics
    assert first.points.min() == pytest.approx(-1)
    assert first.points.max() == pytest.approx(1)


def test_few_passages_have_no_map(store: Store) -> None:
    found = _map(store, FEWEST - 1)
    assert (len(found.chunks), found.topics, found.total) == (0, (), FEWEST - 1)


def test_of_a_large_collection_an_even_sample_is_drawn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_map, "MOST", 60)
    found = _map(store, 200)
    assert (len(found.chunks), found.total) == (60, 200)
    assert found.chunks.min() < 40
    assert found.chunks.max() > 160


def test_what_a_question_finds_stands_on_the_map_of_documents_that_were_read(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for at in range(FEWEST):
        (folder / f"{at}.txt").write_text(f"Boat {at} has {SUBJECTS[0]} and {at + 2} sails.", encoding="utf-8")
    read_all(knowledge.index("Boats", [folder]))
    shown = knowledge.map("Boats")
    assert (len(shown.chunks), shown.total) == (FEWEST, FEWEST)
    found = knowledge.find_on_map("Boats", "How many sails has boat 7?", k=3)
    assert found[0].passage.document == str(folder / "7.txt")
    assert found[0].chunk in shown.chunks
    opened = knowledge.passage("Boats", found[0].chunk)
    assert opened is not None
    assert opened.text == found[0].passage.text
    assert knowledge.passage("Boats", 10**6) is None
