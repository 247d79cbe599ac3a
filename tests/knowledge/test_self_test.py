"""A collection tests its own search: which of its passages come back for words taken from them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from desktop_llm.knowledge.client import Knowledge, Probe, SelfTest, likely_range
from desktop_llm.steps import Run, result_of
from tests.knowledge.conftest import read_all

NOTES = {
    "boats.txt": "The harbour master of Lindau keeps the spare keys of all moored sailing boats in a green cabinet.",
    "garden.txt": "Tomatoes planted before the middle of May need a fleece against late frost in cold gardens.",
    "choir.txt": "The choir rehearses on Thursdays and sings the requiem of Cherubini in the cathedral next autumn.",
}


def _folder(tmp_path: Path, notes: dict[str, str]) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in notes.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_passages_that_are_unlike_all_come_first_and_the_outcome_is_kept(knowledge: Knowledge, tmp_path: Path) -> None:
    read_all(knowledge.index("Notes", [_folder(tmp_path, NOTES)]))
    assert knowledge.kept_self_test("Notes") is None
    run = Run(knowledge.self_test("Notes", 10))
    assert list(run) == [(0, 3), (1, 3), (2, 3)]
    found = run.result
    assert sorted(Path(probe.document).name for probe in found.probes) == sorted(NOTES)
    assert [probe.rank for probe in found.probes] == [1, 1, 1]
    assert (found.found(1), found.found(5, "rank_by_words"), found.documents) == (3, 3, 3)
    for probe in found.probes:
        text = NOTES[Path(probe.document).name]
        assert all(word in text.lower() for word in probe.question.split())
        assert probe.question.lower() not in text.lower()  # the rarest word, the answer, is left out
    assert knowledge.kept_self_test("Notes") == found


def test_a_near_copy_that_comes_first_is_named(knowledge: Knowledge, tmp_path: Path) -> None:
    lease = "The tenant of the flat in Elm Street pays a deposit of {} euros before moving in."
    copies = {f"lease-{number}.txt": lease.format(number) for number in range(900, 912)}
    read_all(knowledge.index("Leases", [_folder(tmp_path, copies)]))
    found = result_of(knowledge.self_test("Leases", 12))
    late = [probe for probe in found.probes if probe.rank != 1]
    assert late
    assert any("says nearly the same and comes first" in probe.reason for probe in late)


def test_removing_a_document_forgets_the_test_that_held_its_words(knowledge: Knowledge, tmp_path: Path) -> None:
    folder = _folder(tmp_path, NOTES)
    read_all(knowledge.index("Notes", [folder]))
    result_of(knowledge.self_test("Notes", 10))
    knowledge.remove_document("Notes", str(folder / "choir.txt"))
    assert knowledge.kept_self_test("Notes") is None


def test_shares_count_what_came_early_enough() -> None:
    probe = Probe("q", "/a.txt", None, "", 0, 1, "words", 1, 3, 0)
    probes = (probe, dataclasses.replace(probe, rank=4), dataclasses.replace(probe, rank=0))
    found = SelfTest("Notes", probes, 1, 0.1, 0.0)
    assert [found.found(within) for within in (1, 5, 10)] == [1, 2, 2]
    assert [found.found(5, way) for way in ("rank_by_meaning", "rank_by_words")] == [3, 0]


def test_the_likely_range_is_wilsons() -> None:
    # 54 of 60: the values of the formula in Wilson (1927) by hand.
    low, high = likely_range(54, 60)
    assert low == pytest.approx(0.7985, abs=2e-4)
    assert high == pytest.approx(0.9534, abs=2e-4)
    assert likely_range(0, 0) == (0.0, 1.0)
    assert likely_range(10, 10)[1] == 1.0
