"""A document that costs too much lets the others go first, gets one more turn, and is then cut with a reason."""

from __future__ import annotations

import base64
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_llm.knowledge import readahead
from desktop_llm.knowledge.chunks import Chunk, PageContent, chunk_pages
from desktop_llm.knowledge.clock import Clock
from desktop_llm.knowledge.embed import DIMENSIONS, Embedder, Vectors, starter_files
from desktop_llm.knowledge.index import Nearest
from desktop_llm.knowledge.indexing import Controls, Indexing
from desktop_llm.knowledge.limits import FIRST, LARGER, Budget
from desktop_llm.knowledge.sources import ChunkRow, PageRow, Reason, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.suspects import Suspects
from desktop_llm.paths import Folders
from tests.knowledge.conftest import ended

FAKE_READER = [sys.executable, str(Path(__file__).with_name("fake_reader.py"))]
SMALL = (
    Budget(whole_s=1000.0, least_cpu_s=0.1, idle_s=0.4, pages=8, passages=10),
    Budget(whole_s=1000.0, least_cpu_s=0.1, idle_s=0.8, pages=15, passages=20),
)


class SlowEmbedder(Embedder):
    """Takes 0.03 s of the processor for a batch, whatever it is, and counts."""

    embedded = 0

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        until = time.process_time() + 0.03
        while time.process_time() < until:
            pass
        self.embedded += len(texts)
        return np.eye(DIMENSIONS, dtype=np.float32)[: len(texts)]


class Shelf:
    """A collection whose files are read by the fake reader within small budgets."""

    def __init__(self, store: Store, home: Folders, embedder: Embedder, folder: Path) -> None:
        self.store, self._home, self._embedder, self._folder = store, home, embedder, folder
        self._collection = store.create_collection("docs")

    def read(
        self, *, budgets: tuple[Budget, Budget] = SMALL, embedder: Embedder | None = None, **texts: str
    ) -> list[str]:
        """Read files with these texts; returns their names in the order in which they were done."""
        for name, text in texts.items():
            (self._folder / f"{name}.txt").write_text(text)
        nearest = Nearest(self._home.index, self.store, self._embedder.fingerprint)
        command = FAKE_READER
        run = Indexing(
            self.store,
            nearest,
            embedder or self._embedder,
            Controls(),
            self._collection,
            suspects=Suspects(self._home.data / "in-hand.json"),
            reader_command=command,
            budgets=budgets,
        )
        ended(run.find([self._folder]))
        order: list[str] = []
        for _ in self._both(run):
            for name, (status, _) in self.told().items():
                if status != "waiting" and name not in order:
                    order.append(name)
        return order

    def _both(self, run: Indexing) -> Iterator[object]:
        yield from run.steps()
        yield from run.late_steps()

    def told(self) -> dict[str, tuple[str, str]]:
        """Status and reason of each file."""
        from desktop_llm.knowledge import catalog

        documents = catalog.documents(self.store, self._collection)
        return {Path(each.path).stem: (each.status, each.reason) for each in documents}


@pytest.fixture
def shelf(data_folders: Folders, embedder: Embedder, tmp_path: Path) -> Iterator[Shelf]:
    folder = tmp_path / "shelf"
    folder.mkdir()
    store = Store(data_folders.knowledge_db)
    yield Shelf(store, data_folders, embedder, folder)
    store.close()


def test_what_costs_too_much_is_read_last_and_then_cut_with_its_reason(shelf: Shelf) -> None:
    budgets = (replace(SMALL[0], whole_s=1.0), replace(SMALL[1], whole_s=2.0))
    order = shelf.read(
        budgets=budgets, a_sleep="sleep", b_burn="burn", c_endless="endless", d_blank="blank", y="One.", z="Two."
    )
    assert order[:2] == ["y", "z"]
    told = shelf.told()
    start = "Partly read: it has 1,000,000 pages; reading stopped after page"
    end = "What was read can be searched. Split the file to read the rest."
    assert told["a_sleep"] == ("ready", f"{start} 3 because the reader no longer answered. {end}")
    assert told["b_burn"] == ("ready", f"{start} 3 because it took too long. {end}")
    assert told["c_endless"] == ("ready", f"{start} 15 because one document may have 15. {end}")
    assert told["d_blank"][0] == "failed"
    assert told["d_blank"][1].startswith("It has 1,000,000 pages; reading stopped after page 15")
    assert "Nothing of it was kept. Split the file" in told["d_blank"][1]


def test_a_mailbox_that_does_not_say_how_many_letters_it_has_is_cut_too(shelf: Shelf) -> None:
    assert shelf.read(a="mailbox", b="One.") == ["b", "a"]
    start = "Partly read: reading stopped after 15 passages because one document may have 15."
    assert shelf.told()["a"][1].startswith(start)


def test_a_bug_that_one_file_brings_out_costs_that_file_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread that reads ahead ended with it, and everybody waited for ever."""

    def broken(pages: Sequence[PageContent]) -> Iterator[Chunk]:
        if "secret" in pages[0].text:
            raise ZeroDivisionError(pages[0].text)
        return chunk_pages(pages)

    monkeypatch.setattr(readahead, "chunk_pages", broken)
    shelf.read(a="One.", b="secret", c="Two.")
    assert {name: status for name, (status, _) in shelf.told().items()} == {"a": "ready", "b": "failed", "c": "ready"}
    assert shelf.told()["b"][1] == "The reader could not understand this file"
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_text_of_too_many_passages_is_read_in_part_and_its_copy_says_so_too(shelf: Shelf) -> None:
    many = "\n\n".join(f"Paragraph {number}. " + f"Boat {number} lies in the harbour. " * 30 for number in range(40))
    assert shelf.read(long=many, short="One.")[0] == "short"
    status, reason = shelf.told()["long"]
    assert status == "ready"
    assert reason.startswith("Partly read: reading stopped after 20 passages because one document may have no more.")
    assert shelf.store.rows("SELECT count(*) FROM chunk WHERE text LIKE '%Boat%'") == [(20,)]


def test_what_takes_too_long_to_embed_is_read_last_and_the_rest_of_it_found_by_words(shelf: Shelf) -> None:
    long = "\n\n".join(f"Paragraph {number}. " + f"Boat {number} lies here. " * 30 for number in range(150))
    # The wall clock's time is over at once, so that what counts is what a busy machine can't change.
    many = replace(SMALL[1], whole_s=0.0, passages=200)
    budgets = (replace(many, least_cpu_s=0.2), replace(many, least_cpu_s=0.8))
    slow = SlowEmbedder(starter_files(), threads=1)
    assert shelf.read(budgets=budgets, embedder=slow, b=long, c=long, d="Short.") == ["d", "b", "c"]
    told = shelf.told()
    assert told["b"] == told["c"]
    assert told["b"][0] == "ready"
    found = re.fullmatch(r"All .* by its words, but only (\d+) of its 150 passages .* Split the file .*", told["b"][1])
    assert found is not None, told["b"][1]
    assert 0 < int(found[1]) < 150
    assert slow.embedded == int(found[1]) + 1, "what the first turn embedded was embedded again"
    assert shelf.store.rows("SELECT count(*) FROM vector") == [(slow.embedded,)]
    words = "SELECT count(*) FROM chunk_words WHERE chunk_words MATCH 'boat'"
    assert shelf.store.rows(words) == [(150,)]


def test_what_is_no_language_is_found_by_words_alone(shelf: Shelf) -> None:
    key = base64.b64encode(random.Random(3).randbytes(600)).decode()
    shelf.read(key=f"marker-7 {key}", words="A boat lies in the harbour.")
    assert shelf.told()["key"] == ("ready", "")
    query = "SELECT count(*) FROM vector JOIN chunk ON chunk.id = vector.chunk WHERE text LIKE "
    assert shelf.store.rows(query + "'%marker%'") == [(0,)]
    assert shelf.store.rows(query + "'%boat%'") == [(1,)]
    assert shelf.store.rows("SELECT count(*) FROM chunk_words WHERE chunk_words MATCH 'marker'") == [(1,)]


def test_a_reader_that_breaks_off_leaves_the_pages_before_it(shelf: Shelf) -> None:
    shelf.read(broken="break")
    status, reason = shelf.told()["broken"]
    assert status == "ready"
    assert "reading stopped after page 3 because the reader broke off there" in reason


def test_equal_passages_of_a_document_are_found_by_meaning_once(shelf: Shelf) -> None:
    text = "A boat lies in the harbour. " * 20
    shelf.read(same="\n\n".join([text] * 4))
    assert shelf.store.rows("SELECT count(*) FROM chunk_words WHERE chunk_words MATCH 'harbour'") == [(4,)]
    assert shelf.store.rows("SELECT count(*) FROM vector JOIN chunk ON chunk.id = chunk WHERE text LIKE '%boat%'") == [
        (1,)
    ]


def test_what_takes_too_long_to_store_is_stored_in_part(shelf: Shelf) -> None:
    chunks = [ChunkRow(0, start, start + 5, "", b"") for start in range(0, 15, 5)]
    row = SourceRow("0" * 64, "1", "Text", "", None, [PageRow(None, "boat boat boat ")], chunks)
    answers = iter([False, True])
    shelf.store.add_document(
        1, b"/a.txt", 1, 1, row, "fp", partly=lambda stored: Reason(f"{stored} of 3"), is_over=lambda: next(answers)
    )
    assert shelf.told() == {"a": ("ready", "2 of 3")}
    assert shelf.store.rows("SELECT count(*) FROM chunk_words WHERE chunk_words MATCH 'boat'") == [(2,)]
    assert shelf.store.damaged(1) == []


def test_the_clock_runs_while_a_document_is_in_hand_and_waits_for_a_busy_machine() -> None:
    now = 0.0
    clock = Clock(Budget(whole_s=0.0, least_cpu_s=4.0, idle_s=1, pages=1, passages=1))
    with clock.runs(lambda: now):
        now = 3.0
        assert clock.is_over(0.5)
        assert not clock.is_over()
    now = 100.0
    assert not clock.is_over()
    with clock.runs(lambda: now):
        now = 102.0
        assert clock.is_over()
    patient = Clock(Budget(whole_s=60.0, least_cpu_s=0.0, idle_s=1, pages=1, passages=1))
    with patient.runs(lambda: now):
        now = 200.0
        assert not patient.is_over()


def test_both_turns_together_stay_below_two_minutes() -> None:
    assert FIRST.whole_s + LARGER.whole_s <= 100
    assert FIRST.least_cpu_s + LARGER.least_cpu_s <= 15
    assert FIRST.idle_s + LARGER.idle_s <= 60
