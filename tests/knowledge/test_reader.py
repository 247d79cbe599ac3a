"""The reader as a process of its own: documents in, pages and pictures out, and little to lose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desktop_llm.errors import BadRequest, DocumentError
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker
from tests.knowledge.readers.making import pdf, word, word_of


@pytest.fixture(scope="module")
def shared() -> Iterator[Worker]:
    worker = Worker(["reader"], Part("The reader"))
    yield worker
    worker.close()


# The worker outlives a single test, so it has to be there before a test's leftovers are counted.
@pytest.fixture(autouse=True, scope="module")
def _started(shared: Worker) -> None:
    shared.call("read", {"name": "a.txt", "password": None}, b"ready")


def test_pages_come_one_by_one_and_the_summary_at_the_end(shared: Worker) -> None:
    steps = shared.request("read", {"name": "a.pdf", "password": None}, pdf(["One."], ["Two."]))
    pages = [next(steps), next(steps)]
    assert pages[1].data == {
        "page": 2,
        "total": 2,
        "headings": [],
        "lines": False,
        "tables": [],
        "place": "",
        "recognised": False,
    }
    assert pages[1].body == b"Two."
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.data == {"format": "PDF", "title": "a", "pages": 2, "said": None, "left_out": ""}


def test_headings_cross_the_wire(shared: Worker) -> None:
    first = next(shared.request("read", {"name": "a.docx", "password": None}, word())).data
    assert first["headings"][1] == [7, 1, "Rent"]
    assert first["page"] is None


def test_a_reason_crosses_the_wire_and_the_reader_goes_on(shared: Worker) -> None:
    for name, data, reason in (
        ("a.pdf", pdf(["x"], password="sesame"), "Protected by a password"),
        ("deep.docx", word_of("<w:sdt>" * 50_000 + "</w:sdt>" * 50_000), "Damaged: its parts are nested too deeply"),
        ("a.txt", b"", "Empty"),
    ):
        with pytest.raises(DocumentError, match=f"^{reason}$"):
            shared.call("read", {"name": name, "password": None}, data)
    assert shared.call("read", {"name": "a.txt", "password": None}, b"fine").data["format"] == "Text"


def test_a_page_is_drawn_with_its_passage(shared: Worker) -> None:
    request = {"name": "a.pdf", "page": 1, "width_px": 300, "start": 0, "end": 5, "password": None}
    answer = shared.call("draw", request, pdf(["Hello there"]))
    assert (answer.data["width"], answer.data["height"], answer.data["pages"]) == (300, 450, 1)
    assert len(answer.data["boxes"]) == 1
    assert len(answer.body) == 300 * 450 * 4


def test_only_pdfs_and_pictures_are_drawn(shared: Worker) -> None:
    with pytest.raises(BadRequest, match=r"Only pages of a PDF and pictures"):
        shared.call("draw", {"name": "a.txt", "page": 1, "width_px": 300, "start": 0, "end": 5}, b"text")


def test_a_stopped_reading_leaves_the_reader_ready(shared: Worker) -> None:
    steps = shared.request("read", {"name": "a.pdf", "password": None}, pdf(*(["text"] for _ in range(50))))
    next(steps)
    steps.close()
    assert shared.call("read", {"name": "a.txt", "password": None}, b"next").data["format"] == "Text"
