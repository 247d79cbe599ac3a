"""What a search tells about itself: every candidate, its ranks and scores, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.knowledge.client import Knowledge, SearchTrace, Standing
from desktop_llm.paths import folders
from tests.knowledge.conftest import COD, read_all

QUESTION = "How long is the notice period of the tenant?"
NOTICE = "The notice period of the tenant is {months} months, counted from the day on which the letter arrives."
FILES = {
    "a.txt": NOTICE.format(months="three"),
    "b.txt": NOTICE.format(months="six"),
    "copy of a.txt": "\n" + NOTICE.format(months="three") + "\n",
    "cod.md": COD,
    "pets.md": "A tenant may keep two cats.",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("traced")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    client = Knowledge(folders(folder / "home"))
    read_all(client.index("docs", [folder / name for name in FILES]))
    yield client
    client.close()


def results(trace: SearchTrace) -> dict[str, str]:
    return {Path(each.document).name: each.result for each in trace.candidates}


def test_every_candidate_has_a_result_and_the_used_ones_come_first(filled: Knowledge) -> None:
    passages, trace = filled.retrieve_traced(["docs"], QUESTION, 1000)
    assert passages == filled.retrieve(["docs"], QUESTION, 1000)
    places = [(each.document, each.page, each.start, each.end) for each in trace.candidates]
    assert places[: len(passages)] == [(each.document, each.page, each.start, each.end) for each in passages]
    found = results(trace)
    assert found["b.txt"] == "used"
    assert found["cod.md"] == "weak"
    assert sorted([found["a.txt"], found["copy of a.txt"]]) == ["same", "used"]
    assert sum(trace.counts().values()) == len(trace.candidates) == trace.searched == len(FILES)


def test_a_copy_names_the_row_whose_text_it_has(filled: Knowledge) -> None:
    _, trace = filled.retrieve_traced(["docs"], QUESTION, 1000)
    (copy,) = [each for each in trace.candidates if each.result == "same"]
    other = trace.candidates[copy.same_as - 1]
    assert {Path(copy.document).name, Path(other.document).name} == {"a.txt", "copy of a.txt"}


def test_a_budget_for_one_passage_tells_what_the_next_one_needs(filled: Knowledge) -> None:
    _, whole = filled.retrieve_traced(["docs"], QUESTION, 1000)
    first, second = (each for each in whole.candidates if each.result == "used")
    budget = first.tokens + second.tokens - 1
    _, trace = filled.retrieve_traced(["docs"], QUESTION, budget)
    assert [each.result for each in trace.candidates[:2]] == ["used", "cut"]
    assert (trace.budget, trace.used_tokens, trace.next_tokens) == (budget, first.tokens, second.tokens)


def test_a_question_about_nothing_in_the_documents_finds_all_candidates_too_weak(filled: Knowledge) -> None:
    passages, trace = filled.retrieve_traced(["docs"], "Who won the chess championship in 1972?", 1000)
    assert passages == []
    assert not trace.is_related
    assert trace.relevance < trace.threshold
    assert trace.counts()["weak"] + trace.counts()["same"] == len(trace.candidates) > 0


def test_a_way_without_a_hit_is_told_from_a_way_that_was_not_run(filled: Knowledge) -> None:
    _, trace = filled.retrieve_traced(["docs"], QUESTION, 1000)
    standing = {Path(each.document).name: each.standings for each in trace.candidates}
    assert standing["cod.md"]["words"] is None
    assert isinstance(standing["b.txt"]["words"], Standing)
    _, summary = filled.retrieve_traced(["docs"], "Please summarize these documents.", 1000)
    assert {each.result for each in summary.candidates} == {"used", "same"}


def test_a_trace_survives_being_stored(filled: Knowledge) -> None:
    _, trace = filled.retrieve_traced(["docs"], QUESTION, 1000)
    assert SearchTrace.from_json(json.loads(json.dumps(trace.to_json()))) == trace


def test_the_text_of_a_candidate_is_read_from_the_store(filled: Knowledge) -> None:
    _, trace = filled.retrieve_traced(["docs"], QUESTION, 1000)
    names = (Path(each.document).name for each in trace.candidates)
    told = dict(zip(names, filled.beginnings(trace.candidates), strict=True))
    assert told["b.txt"] == FILES["b.txt"]
    assert told["cod.md"] == COD


def test_documents_that_are_given_whole_say_so(filled: Knowledge) -> None:
    passages, trace = filled.retrieve_traced(["docs"], QUESTION, 1000, whole=True)
    assert trace.whole
    assert len(passages) == len(FILES)


def test_a_passage_names_the_other_documents_with_its_text(filled: Knowledge, tmp_path: Path) -> None:
    (named,) = [each for each in filled.retrieve(["docs"], QUESTION, 1000) if each.also_in]
    assert {Path(path).name for path in (named.document, *named.also_in)} == {"a.txt", "copy of a.txt"}
    cited = filled.cite(named.text, [named]).citations
    assert [each.also_in for each in cited] == [named.also_in]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cod.md").write_text(COD)
    read_all(filled.index("twins", [tmp_path]))
    (hit,) = filled.search(["twins"], "cod", 5)
    assert (hit.document, hit.also_in) == (str(tmp_path / "one" / "cod.md"), (str(tmp_path / "two" / "cod.md"),))
