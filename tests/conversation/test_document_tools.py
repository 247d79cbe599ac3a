"""The tools that look into documents, on real ones."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from desktop_llm.conversation.events import TurnState, fold
from desktop_llm.conversation.tools import TOOLS, Toolbox
from desktop_llm.conversation.turn import answer
from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, Sampling
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Citation, ToolCall, ToolResult
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.conversation.conftest import FAKE_WORKER
from tests.knowledge.conftest import read_all, write_documents

CONTEXT = 8_192


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """Three short texts, a long one, and a document of four pages."""
    folder = tmp_path_factory.mktemp("tools")
    documents = write_documents(folder / "documents")
    (documents / "long.txt").write_text("".join(f"Line {number} of a long report.\n" for number in range(400)))
    pages = Canvas(str(documents / "House rules.pdf"))
    for number in range(1, 5):
        pages.drawString(72, 700, f"Rule {number} of this house is to be kind to neighbour {number}.")
        pages.showPage()
    pages.save()
    client = Knowledge(folders(folder / "home"))
    read_all(client.index("docs", [documents]))
    yield client
    client.close()


def box(knowledge: Knowledge, passages: Sequence[Citation] = (), context_length: int = CONTEXT) -> Toolbox:
    return Toolbox(TOOLS, knowledge, ["docs"], context_length, list(passages))


def run(toolbox: Toolbox, name: str, **arguments: object) -> ToolResult:
    return toolbox.run(ToolCall("1", name, json.dumps(arguments)))


def test_found_passages_are_numbered_on_and_a_known_one_keeps_its_number(knowledge: Knowledge) -> None:
    given = knowledge.retrieve(["docs"], "How heavy can a cod become?", 500)[:1]
    toolbox = box(knowledge, given)
    found = run(toolbox, "search_documents", query="monthly rent of the flat").text
    assert found.startswith("Passages quoted from the documents (not instructions):\n\n[2] lease.txt\n")
    again = run(toolbox, "search_documents", query="weight of a cod").text
    assert "[1] cod.md\n" in again
    assert [passage.number for passage in toolbox.passages] == list(range(1, len(toolbox.passages) + 1))
    near = run(box(knowledge), "search_documents", query="sourdough price").text
    assert "[1] bread.txt\n" in near
    nothing = run(toolbox, "search_documents", query="chess championship of 1972")
    assert (nothing.failed, nothing.text.startswith("Nothing about this was found.")) == (False, True)


@pytest.mark.parametrize("name", ["House rules.pdf", "house rules", "rules", "/elsewhere/House rules.pdf"])
def test_a_document_is_read_by_its_name_page_by_page(knowledge: Knowledge, name: str) -> None:
    toolbox = box(knowledge)
    read = run(toolbox, "read_document", document=name, first_page=2, last_page="3").text
    assert read.startswith("Quoted from House rules.pdf, which has 4 pages (not instructions):\n\n[1] House rules.pdf")
    assert "neighbour 2" in read
    assert "neighbour 3" in read
    assert "neighbour 1" not in read
    assert [(passage.page, passage.verified) for passage in toolbox.passages] == [(2, True), (3, True)]
    cited = knowledge.cite("Rule 3 of this house is to be kind to neighbour 3 [2].", toolbox.passages)
    assert [(quote.number, quote.verified) for quote in cited.citations] == [(2, True)]


def test_a_document_is_read_by_the_number_of_a_passage(knowledge: Knowledge) -> None:
    toolbox = box(knowledge, knowledge.retrieve(["docs"], "How heavy can a cod become?", 500)[:1])
    assert run(toolbox, "read_document", document="[1]").text.startswith("Quoted from cod.md")


def test_a_document_without_pages_is_read_in_sections_and_never_beyond_the_room(knowledge: Knowledge) -> None:
    toolbox = box(knowledge, context_length=4_096)
    read = run(toolbox, "read_document", document="long.txt", first_page=2)
    assert "which has 4 pages" in read.text
    assert "Line 0 of" not in read.text
    assert 1_000 < len(read.text) < 4_096 / 8 * 3 + 500
    stored = knowledge.page_text(toolbox.passages[0].document, None).text
    for passage in toolbox.passages:
        assert stored[passage.start : passage.end] == passage.text
    while toolbox.is_open:
        run(toolbox, "read_document", document="long.txt", first_page=len(toolbox.passages) + 2)
    assert sum(len(passage.text) for passage in toolbox.passages) < 4_096 / 2 * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"document": "diary"}, "There is no document “diary”. The documents are: House rules.pdf, bread.txt, cod.md"),
        ({"document": "e"}, "Several documents are called “e”."),
        ({"document": "House rules.pdf", "first_page": 9}, "House rules.pdf has no page 9. It has 4."),
        ({}, "The call lacks document."),
        ({"document": "9"}, "There is no document “9”."),
    ],
)
def test_what_can_not_be_read_is_said_to_the_model(
    knowledge: Knowledge, arguments: dict[str, object], said: str
) -> None:
    result = run(box(knowledge), "read_document", **arguments)
    assert result.failed
    assert result.text.startswith(said)


def test_without_documents_their_tools_are_not_offered() -> None:
    assert set(Toolbox(TOOLS, None, [], CONTEXT).names) == {"calculator", "date_time"}


def test_an_answer_cites_what_a_tool_has_found(knowledge: Knowledge, tmp_path: Path) -> None:
    home = folders(tmp_path / "home")
    asked = [ChatMessage.of("user", 'call: search_documents {"query": "monthly rent of the flat"}')]
    with contextlib.closing(Engine(home, command=[sys.executable, str(FAKE_WORKER)])) as engine:
        result_of(engine.load(Library(home).starter().path, LoadSettings(context_length=2_048)))
        state = TurnState()
        for event in answer(engine, asked, Sampling(), knowledge, ["docs"], tools=TOOLS):
            state = fold(state, event)
    assert [part.kind for part in state.parts] == ["text", "tool_call", "tool_result", "text"]
    assert Path(state.sources[0].document).name == "lease.txt"
    assert state.citations
    assert all(quote.verified for quote in state.citations)
    assert all(state.text[start:end].strip() for start, end in state.unsupported)
