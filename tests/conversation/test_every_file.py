"""Answers from every file of a collection: real files, the real knowledge worker, a model that notes what is marked."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.conversation import every_file
from desktop_llm.conversation.coverage import Coverage, FileRead, Finding
from desktop_llm.conversation.events import Covering, TurnState, fold
from desktop_llm.conversation.every_file import read_every_file
from desktop_llm.conversation.every_file_evidence import Matter, findings
from desktop_llm.conversation.every_file_list import Results, as_csv
from desktop_llm.engine.client import Engine, LoadSettings, TextDelta
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Citation
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.conversation.conftest import FAKE_WORKER
from tests.knowledge.conftest import read_all

QUESTION = "List every town that has a site"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOWNS = ("Aarhus", "Bari", "Chur", "Dornbirn", "Evora")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five files with a town each, one that names two of these once more, and one about something else."""
    folder = tmp_path_factory.mktemp("shelf") / "Sites"
    folder.mkdir()
    for town in TOWNS:
        (folder / f"{town.lower()}.md").write_text(f"# {town}\n\nThe {town} site makes lamps.\n\nNote: {town}\n")
    (folder / "two.md").write_text("The site in Bari is open. The site in Chur is shut.\n\nNote: Bari\nNote: Chur.\n")
    (folder / "garden.md").write_text("Tomatoes grow by the wall.\n\nNote: Tomatoes\n")
    return folder


@pytest.fixture(scope="module")
def knowledge(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    with contextlib.closing(Knowledge(folders(tmp_path_factory.mktemp("home")))) as client:
        read_all(client.index("Sites", [shelf]))
        yield client


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    command = [sys.executable, str(FAKE_WORKER)]
    with contextlib.closing(Engine(folders(home), command=command)) as engine:
        result_of(engine.load(Library(folders(home)).starter().path, LoadSettings(context_length=2_048)))
        yield engine


def asked(engine: Engine, knowledge: Knowledge, question: str = QUESTION, **options: object) -> TurnState:
    state = TurnState()
    for event in read_every_file(engine, question, knowledge, ["Sites"], **options):  # type: ignore[arg-type]
        state = fold(state, event)
    return state


def coverage_of(state: TurnState) -> Coverage:
    assert state.coverage is not None
    return state.coverage


def rows(text: str) -> list[str]:
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ") and "Result" not in line]


def test_every_file_is_read_and_equal_results_are_one_row_with_all_their_places(
    engine: Engine, knowledge: Knowledge
) -> None:
    state = asked(engine, knowledge)
    assert rows(state.text.partition("not confirmed")[0]) == list(TOWNS)
    assert state.text.startswith("**5 results** in 6 files. 7 of 7 files read.")
    assert (coverage_of(state).done, coverage_of(state).total, coverage_of(state).fraction) == (7, 7, 1.0)
    bari = next(line for line in state.text.splitlines() if line.startswith("| Bari"))
    assert "bari.md [2], two.md [" in bari
    assert state.finished is not None
    assert state.finished.finish_reason == "stop"


def test_each_mark_has_a_quote_of_its_own_that_stands_in_the_file(
    engine: Engine, knowledge: Knowledge, shelf: Path
) -> None:
    state = asked(engine, knowledge)
    assert [quote.number for quote in state.citations] == list(range(1, len(state.citations) + 1))
    for quote in state.citations:
        assert f"[{quote.number}]" in state.text
        assert knowledge.page_text(quote.document, quote.page).text[quote.start : quote.end] == quote.text
    first = state.citations[0]
    assert (Path(first.document), first.verified) == (shelf / "aarhus.md", True)


def test_what_is_about_something_else_is_shown_as_not_confirmed(engine: Engine, knowledge: Knowledge) -> None:
    state = asked(engine, knowledge)
    confirmed, _, rest = state.text.partition("Noted, but not confirmed")
    assert "Tomatoes" not in confirmed
    assert rows(rest) == ["Tomatoes"]
    assert [state.text[start:end] for start, end in state.unsupported] == ["Tomatoes"]
    assert [quote.verified for quote in state.citations if "garden" in quote.document] == [False]


def test_what_stands_nowhere_is_left_out_and_a_word_of_the_question_is_no_answer(
    knowledge: Knowledge, shelf: Path
) -> None:
    path = str(shelf / "bari.md")
    notes = ["New York", "site", "Bari.", "bari"]
    found = findings(knowledge, Matter.of(QUESTION), path, knowledge.file_pieces(path), notes)
    assert [each.answer for each in found] == ["The Bari site makes lamps.", "Bari"]
    assert all(each.confirmed and each.citation.verified for each in found)


def test_a_year_in_the_question_belongs_to_the_answer(knowledge: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "turnover.md"
    path.write_text(
        "The turnover of the site was 3 million in 2020.\n\nThe turnover of the site was 5 million in 2021.\n"
    )
    read_all(knowledge.index("Turnover", [path]))
    pieces = knowledge.file_pieces(str(path))
    found = findings(knowledge, Matter.of("List the turnover of 2021"), str(path), pieces, ["3 million", "5 million"])
    assert [(each.answer, each.confirmed) for each in found] == [("3 million", False), ("5 million", True)]


def test_rows_come_while_files_are_read_and_the_count_never_falls(engine: Engine, knowledge: Knowledge) -> None:
    events = list(read_every_file(engine, QUESTION, knowledge, ["Sites"]))
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert rows(streamed) == list(TOWNS)
    told = [event.coverage for event in events if isinstance(event, Covering)]
    assert [each.fraction for each in told] == sorted(each.fraction for each in told)
    assert {Path(each.current).name for each in told if each.current} >= {"aarhus.md", "garden.md"}


def test_the_marks_of_rows_have_their_places_while_others_are_read(engine: Engine, knowledge: Knowledge) -> None:
    state = TurnState()
    for event in read_every_file(engine, QUESTION, knowledge, ["Sites"]):
        state = fold(state, event)
        if isinstance(event, TextDelta):
            marks = [int(number) for number in re.findall(r"\[(\d+)\]", state.text)]
            assert marks == [place.number for place in state.sources]


def test_the_table_goes_to_other_programs_and_no_cell_is_a_formula() -> None:
    place = Citation(0, "/home/ada/=Sites.md", 2, 0, 9, "The site\nin Bari", 1.0, True)
    results = Results()
    results.add(FileRead("/a", "", (Finding("=Bari", place, True), Finding("Tomatoes, red", place, False))))
    assert list(csv.reader(io.StringIO(as_csv(results))))[1:] == [
        ["'=Bari", "/home/ada/=Sites.md", "2", "The site in Bari", "yes"],
        ["Tomatoes, red", "/home/ada/=Sites.md", "2", "The site in Bari", "no"],
    ]


def test_a_run_that_was_stopped_keeps_its_results_and_goes_on_where_it_ended(
    engine: Engine, knowledge: Knowledge
) -> None:
    kept: list[FileRead] = []
    stopped = asked(engine, knowledge, keep=lambda read, _: kept.append(read), is_stopped=lambda: len(kept) >= 3)
    assert coverage_of(stopped).state == "stopped"
    assert "Stopped at 3 of 7 files. 4 were not read, so the list may be incomplete." in stopped.text
    assert rows(stopped.text) == ["Aarhus", "Bari", "Chur"]
    again = [FileRead.from_json(read.to_json()) for read in kept]
    read_now: list[FileRead] = []
    whole = asked(engine, knowledge, before=again, keep=lambda read, _: read_now.append(read))
    assert len(read_now) == 4
    assert whole.text == asked(engine, knowledge).text


def test_a_file_that_could_not_be_read_is_named_and_not_counted(
    engine: Engine, knowledge: Knowledge, shelf: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 broken")
    read_all(knowledge.index("Broken", [broken, shelf / "aarhus.md"]))
    state = TurnState()
    for event in read_every_file(engine, QUESTION, knowledge, ["Broken"]):
        state = fold(state, event)
    assert (coverage_of(state).done, coverage_of(state).total) == (1, 2)
    assert "One file could not be read and is not in the list: broken.pdf." in state.text


def test_a_long_file_is_read_in_parts_to_its_end(
    engine: Engine, knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every_file, "PART_TOKENS", 120)
    lines = [
        f"The site of Town{letter} is number {letter} here; nothing else is known of it.\nNote: Town{letter}\n"
        for letter in LETTERS
    ]
    (tmp_path / "long.txt").write_text("\n".join(lines))
    read_all(knowledge.index("Long", [tmp_path / "long.txt"]))
    state, parts = TurnState(), set()
    for event in read_every_file(engine, QUESTION, knowledge, ["Long"]):
        state = fold(state, event)
        parts.add(coverage_of(state).part if state.coverage else 0)
    assert rows(state.text) == [f"Town{letter}" for letter in LETTERS]
    assert max(parts) > 2


def test_a_piece_that_is_too_long_for_the_model_is_cut_until_it_fits(
    engine: Engine, knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.txt").write_text("Note: lamps of the site\n" + "\n".join(f"line {n} of it" for n in range(2_500)))
    read_all(knowledge.index("Run", [tmp_path / "run.txt"]))
    monkeypatch.setattr(every_file, "PART_TOKENS", 100_000)
    monkeypatch.setattr(every_file, "_PART_SHARE", 100.0)
    state = TurnState()
    for event in read_every_file(engine, QUESTION, knowledge, ["Run"]):
        state = fold(state, event)
    assert coverage_of(state).done == 1
    assert rows(state.text) == ["lamps of the site"]
