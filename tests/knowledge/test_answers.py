"""Search, retrieval, quotes and pages, with the real model over real text."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from desktop_llm.errors import BadRequest, DocumentError, NotFound
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import Message
from tests.knowledge.conftest import BREAD, COD, LEASE, read_all, write_documents


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """Three documents, read once for all tests that change nothing."""
    folder = tmp_path_factory.mktemp("filled")
    write_documents(folder / "documents")
    client = Knowledge(folders(folder / "home"))
    read_all(client.index("docs", [folder / "documents"]))
    yield client
    client.close()


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What do I pay each month?", "lease.txt"),
        ("How heavy can a cod become?", "cod.md"),
        ("Why does sourdough need so long?", "bread.txt"),
    ],
)
def test_a_question_finds_its_passage(filled: Knowledge, question: str, name: str) -> None:
    passages = filled.retrieve(["docs"], question, 500)
    assert Path(passages[0].document).name == name
    assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))
    assert all(0 <= passage.score <= 1 for passage in passages)


@pytest.mark.parametrize("question", ["Who won the chess championship in 1972?", "Какая погода завтра в Москве?"])
def test_a_question_about_something_else_gets_no_passages(filled: Knowledge, question: str) -> None:
    assert filled.retrieve(["docs"], question, 500) == []


def test_a_question_about_the_whole_document_gets_its_beginning(filled: Knowledge) -> None:
    passages = filled.retrieve(["docs"], "Please summarize these documents.", 500)
    assert {Path(passage.document).name for passage in passages} == {"lease.txt", "cod.md", "bread.txt"}


def test_passages_keep_to_the_token_budget(filled: Knowledge) -> None:
    assert len(filled.retrieve(["docs"], "Summary of everything, please", 75)) == 1


@pytest.mark.parametrize(
    "query", ['"', "AND OR NOT", "rent*", "col:umn", "(", "-", "NEAR(a b)", "'; DROP TABLE chunk", "\0", "🐟" * 900]
)
def test_no_query_breaks_the_search(filled: Knowledge, query: str) -> None:
    filled.search(["docs"], query, 3)


def test_an_empty_query_and_an_unknown_collection_are_refused(filled: Knowledge) -> None:
    with pytest.raises(BadRequest):
        filled.search(["docs"], "  ")
    with pytest.raises(NotFound):
        filled.search(["nothing"], "rent")


def test_every_passage_is_a_span_of_its_stored_page(filled: Knowledge) -> None:
    for passage in filled.search(["docs"], "rent cod bread", 10):
        assert filled.page_text(passage.document, passage.page).text[passage.start : passage.end] == passage.text


def test_languages_without_spaces_are_found_by_their_words(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "rent.txt").write_text("每月的租金是一千二百元，应在每月三日之前支付。")
    (tmp_path / "fish.txt").write_text("大西洋鳕鱼生活在挪威沿海的冷水中。")
    read_all(knowledge.index("docs", [tmp_path / "rent.txt", tmp_path / "fish.txt"]))
    assert Path(knowledge.search(["docs"], "鳕鱼在哪里？", 2)[0].document).name == "fish.txt"
    assert Path(knowledge.retrieve(["docs"], "租金是多少？", 500)[0].document).name == "rent.txt"


def test_an_answer_is_cited_with_exact_spans(filled: Knowledge) -> None:
    passages = filled.retrieve(["docs"], "What do I pay each month?", 500)
    answer = "The monthly rent is 1,250 euros, due on the third working day [7]. The house has a green roof."
    cited = filled.cite(answer, passages)
    assert cited.text == (
        "The monthly rent is 1,250 euros, due on the third working day [1]. The house has a green roof."
    )
    (citation,) = cited.citations
    assert citation.verified
    assert citation.text == "The monthly rent is 1,250 euros and is due on the third working day of each month."
    assert LEASE[citation.start : citation.end] == citation.text
    assert [cited.text[start:end] for start, end in cited.unsupported] == ["The house has a green roof."]


def test_a_quote_that_differs_from_what_is_stored_is_not_verified(filled: Knowledge) -> None:
    (passage,) = filled.search(["docs"], "How heavy can a cod become?", 1)
    forged = dataclasses.replace(passage, text=passage.text.replace("96", "97"))
    (citation,) = filled.cite("The Atlantic cod can weigh up to 97 kilograms [1].", [forged]).citations
    assert not citation.verified


def test_a_passage_that_is_not_on_its_page_any_more_is_found_but_not_verified(
    knowledge: Knowledge, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "cod.txt").write_text(COD)
    read_all(knowledge.index("docs", [tmp_path]))
    assert [passage.verified for passage in knowledge.search(["docs"], "How heavy can a cod become?", 1)] == [True]
    with contextlib.closing(sqlite3.connect(folders(home).knowledge_db)) as database, database:
        database.execute("UPDATE page SET text = replace(text, '96', '97')")
    assert [passage.verified for passage in knowledge.search(["docs"], "How heavy can a cod become?", 1)] == [False]


def test_a_page_is_drawn_with_the_passage_lit(knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "two pages.pdf"
    canvas = Canvas(str(path))
    for text in (COD, BREAD):
        canvas.drawString(72, 700, text[:80])
        canvas.showPage()
    canvas.save()
    read_all(knowledge.index("docs", [path]))
    passage = knowledge.search(["docs"], "sourdough bread", 1)[0]
    assert passage.page == 2
    picture = knowledge.page_picture(passage.document, 2, 400, passage.start, passage.end)
    assert (picture.width, picture.pages) == (400, 2)
    assert len(picture.pixels) == 4 * picture.width * picture.height
    x, y, width, height = picture.boxes[0]
    assert 0 < x < x + width < picture.width
    assert 0 < y < y + height < picture.height
    path.write_bytes(path.read_bytes() + b"\n% changed")
    with pytest.raises(DocumentError, match="changed"):
        knowledge.page_picture(passage.document, 2, 400)


def test_only_files_that_were_read_can_be_opened(filled: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("private")
    with pytest.raises(NotFound):
        filled.page_text(str(tmp_path / "other.txt"), None)
    with pytest.raises(NotFound):
        filled.page_picture(str(tmp_path / "other.txt"), 1, 100)


class Told:
    """A worker that only keeps what it is told."""

    alive = True

    def __init__(self) -> None:
        self.answering: list[bool] = []

    def call(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> Message:
        self.answering.append((data or {})["active"])
        return Message(0, "done")

    def request(
        self, kind: str, data: dict[str, Any] | None = None, body: bytes = b""
    ) -> Generator[Message, None, Message]:
        yield from ()
        return self.call(kind, data, body)

    def close(self) -> None:
        """There is nothing to end."""


def test_reading_gives_way_until_the_last_of_several_answers_has_ended(home: Path) -> None:
    told = Told()
    client = Knowledge(folders(home), worker=told)
    for active in (True, True, False):
        client.answering(active)
    assert told.answering == [True]
    client.answering(False)
    assert told.answering == [True, False]
