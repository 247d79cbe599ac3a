"""Folders of a collection: what is new, changed, moved and gone is taken in, and nothing else is read again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from desktop_llm.errors import BadRequest, NotFound
from desktop_llm.knowledge.client import IndexReport, Knowledge, LookFor
from desktop_llm.knowledge.patterns import Patterns, literal
from desktop_llm.paths import Folders
from tests.knowledge.conftest import BREAD, COD, LEASE, read_all
from tests.knowledge.readers.making import pdf

OLD_NS = 1_700_000_000_000_000_000


def names(knowledge: Knowledge) -> set[str]:
    return {Path(document.path).name for document in knowledge.documents("docs")}


def look(knowledge: Knowledge, kind: LookFor = "changes") -> IndexReport:
    return read_all(knowledge.index("docs", (), look=kind))


def counts(report: IndexReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.moved, report.removed


def texts(knowledge: Knowledge, query: str) -> list[str]:
    return [passage.text for passage in knowledge.search(["docs"], query, 10)]


def test_a_folder_is_looked_through_again_and_only_what_changed_is_read(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    (documents / "lease.txt").unlink()
    (documents / "new").mkdir()
    (documents / "cod.md").rename(documents / "new" / "fish.md")
    (documents / "bread.txt").write_text("Rye bread keeps for a week.")
    (documents / "whale.txt").write_text("Blue whales sing at 188 decibels.")
    assert knowledge.changes("docs").changed == 4
    report = look(knowledge)
    assert counts(report) == (1, 1, 1, 1)
    assert report.bytes == len("Rye bread keeps for a week.") + len("Blue whales sing at 188 decibels.")
    assert names(knowledge) == {"fish.md", "bread.txt", "whale.txt"}
    assert set(texts(knowledge, "rent bread whales cod")) == {COD, "Rye bread keeps for a week."} | {
        "Blue whales sing at 188 decibels."
    }
    assert knowledge.changes("docs").changed == 0
    assert knowledge.verify("docs").failed == ()


def test_a_file_with_another_time_and_the_same_content_is_not_read_again(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    os.utime(documents / "cod.md", ns=(OLD_NS, OLD_NS))
    report = look(knowledge)
    assert (report.updated, report.skipped, report.chunks) == (1, 2, 3)
    assert knowledge.changes("docs").changed == 0
    assert knowledge.verify("docs").failed == ()


def test_files_named_by_themselves_are_followed_too(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents / "cod.md", documents / "lease.txt"]))
    (documents / "cod.md").unlink()
    (documents / "lease.txt").write_text("The rent is 5 euros.")
    assert counts(look(knowledge)) == (0, 1, 0, 1)
    assert texts(knowledge, "rent cod bread") == ["The rent is 5 euros."]


def test_a_folder_that_is_not_there_keeps_its_files(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    documents.rename(documents.with_name("away"))
    report = look(knowledge)
    assert (report.documents, report.state) == (3, "attention")
    (folder,) = report.folders
    assert folder.missing
    assert folder.problem == f"{documents} is not there. All 3 files stay searchable as last read."
    assert texts(knowledge, "rent")[0] == LEASE
    documents.with_name("away").rename(documents)
    report = look(knowledge)
    assert (report.state, report.folders[0].problem, counts(report)) == ("ready", "", (0, 0, 0, 0))


def many(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.txt").write_text(f"Note {number} is about the harbour.")


def test_many_files_that_disappear_at_once_are_kept_until_somebody_decides(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    many(tmp_path / "notes", 80)
    read_all(knowledge.index("docs", [tmp_path / "notes"]))
    for number in range(60):
        (tmp_path / "notes" / f"{number}.txt").unlink()
    for _ in range(2):
        report = look(knowledge)
        assert (report.documents, report.removed, report.folders[0].gone) == (80, 0, 60)
    assert "60 files disappeared at once" in report.folders[0].problem
    kept = knowledge.decide("docs", keep=True)
    assert (kept.state, kept.documents, kept.folders[0].problem) == ("ready", 80, "")
    assert look(knowledge).documents == 80
    (tmp_path / "notes" / "3.txt").write_text("Note 3 is back.")
    (tmp_path / "notes" / "70.txt").unlink()
    assert counts(look(knowledge)) == (0, 1, 0, 1)
    (tmp_path / "notes" / "3.txt").unlink()
    assert counts(look(knowledge)) == (0, 0, 0, 1)


def test_many_files_that_are_gone_are_taken_out_once_a_person_says_so(knowledge: Knowledge, tmp_path: Path) -> None:
    many(tmp_path / "notes", 60)
    read_all(knowledge.index("docs", [tmp_path / "notes"]))
    kept = tmp_path / "notes" / "0.txt"
    for file in set((tmp_path / "notes").iterdir()) - {kept}:
        file.unlink()
    look(knowledge)
    report = knowledge.decide("docs", keep=False)
    assert (report.documents, report.state) == (1, "ready")
    assert texts(knowledge, "harbour note") == [kept.read_text()]


def test_a_folder_renamed_inside_is_recognised_and_nothing_is_read(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    many(tmp_path / "all" / "notes", 60)
    read_all(knowledge.index("docs", [tmp_path / "all"]))
    (tmp_path / "all" / "notes").rename(tmp_path / "all" / "letters")
    report = look(knowledge)
    assert (counts(report), report.bytes, report.documents) == ((0, 0, 60, 0), 0, 60)
    assert {Path(document.path).parent.name for document in knowledge.documents("docs")} == {"letters"}


def test_patterns_say_what_is_read_and_leaving_out_wins(knowledge: Knowledge, documents: Path) -> None:
    (documents / "old").mkdir()
    (documents / "old" / "barn.txt").write_text("The barn is red.")
    read_all(knowledge.index("docs", [documents], include=["*.txt"], exclude=["old/**"]))
    assert names(knowledge) == {"lease.txt", "bread.txt"}
    (documents / "ship.md").write_text("The ship is white.")
    assert knowledge.changes("docs").changed == 0
    knowledge.set_folder("docs", documents, include=["**/*.{MD,text}"])
    assert counts(look(knowledge)) == (2, 0, 0, 2)
    assert names(knowledge) == {"cod.md", "ship.md"}
    with pytest.raises(BadRequest, match="has an open bracket"):
        knowledge.set_folder("docs", documents, exclude=["a[b"])
    assert knowledge.changes("docs").folders[0].exclude == ("old/**",)


def test_a_file_that_a_person_adds_although_a_pattern_leaves_it_out_stays(
    knowledge: Knowledge, documents: Path
) -> None:
    read_all(knowledge.index("docs", [documents], exclude=["*.md"]))
    read_all(knowledge.index("docs", [documents / "cod.md"]))
    assert counts(look(knowledge)) == (0, 0, 0, 0)
    assert "cod.md" in names(knowledge)


def test_what_a_person_takes_out_of_a_folder_does_not_come_back(knowledge: Knowledge, documents: Path) -> None:
    (documents / "a[1]{x}*.txt").write_text("A name full of signs.")
    (documents / "a1x.txt").write_text("A plain name.")
    read_all(knowledge.index("docs", [documents]))
    knowledge.remove_document("docs", str(documents / "a[1]{x}*.txt"))
    knowledge.remove_document("docs", str(documents / "cod.md"))
    assert counts(look(knowledge, "all")) == (0, 0, 0, 0)
    assert names(knowledge) == {"lease.txt", "bread.txt", "a1x.txt"}
    knowledge.remove_document("docs", str(documents))
    assert counts(look(knowledge, "all")) == (0, 0, 0, 0)
    assert knowledge.status("docs")[0].folders == ()


def test_links_are_followed_within_the_folder_once_and_named_if_they_lead_out(
    knowledge: Knowledge, documents: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("The vault is behind the painting.")
    (documents / "out").symlink_to(tmp_path / "elsewhere")
    (documents / "circle").symlink_to(documents)
    (documents / "again.md").symlink_to(documents / "cod.md")
    (documents / ".store").mkdir()
    (documents / ".store" / "kept.txt").write_text("Kept where links lead.")
    (documents / "current").symlink_to(documents / ".store")
    (documents / "self").symlink_to(documents / "self")
    report = read_all(knowledge.index("docs", [documents]))
    assert names(knowledge) == {"lease.txt", "bread.txt", "cod.md", "kept.txt"}
    assert report.folders[0].links == ("out",)
    assert counts(look(knowledge)) == (0, 0, 0, 0)


def test_an_old_reading_stays_until_the_new_one_is_whole(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    (documents / "lease.txt").write_text("The rent is 7 euros now.")
    look(knowledge, "gone")  # notes the change and reads nothing
    assert LEASE in texts(knowledge, "monthly rent")
    read_all(knowledge.index("docs", ()))
    assert texts(knowledge, "monthly rent")[0] == "The rent is 7 euros now."


def test_a_changed_file_that_cannot_be_read_keeps_its_last_reading_until_it_can(
    knowledge: Knowledge, documents: Path
) -> None:
    read_all(knowledge.index("docs", [documents / "cod.md", documents]))
    book = documents / "book.pdf"
    book.write_bytes(pdf(["The lighthouse keeper is called Ingrid."]))
    (documents / "bread.txt").write_text(BREAD)
    look(knowledge)
    book.write_bytes(b"%PDF-1.7\nnothing of a PDF")
    report = look(knowledge)
    (failed,) = report.failed
    assert (report.documents, report.state, failed.in_use) == (4, "attention", True)
    assert failed.reason == "Damaged: it ends too early. The last reading is in use."
    assert texts(knowledge, "Who keeps the lighthouse?")[0] == "The lighthouse keeper is called Ingrid."
    (outline,) = [each for each in knowledge.outline(["docs"]) if each.path == str(book)]
    assert not outline.is_whole
    assert (knowledge.changes("docs").changed, look(knowledge, "all").updated) == (0, 1)
    book.write_bytes(pdf(["The lighthouse keeper is called Ole."]))
    assert look(knowledge).failed == ()
    assert texts(knowledge, "Who keeps the lighthouse?")[0] == "The lighthouse keeper is called Ole."
    book.write_bytes(b"")
    (failed,) = look(knowledge).failed
    assert (failed.reason, failed.in_use) == ("The file is empty", False)
    assert "The lighthouse keeper is called Ole." not in texts(knowledge, "Who keeps the lighthouse?")


def test_a_failed_file_is_tried_again_when_it_changes_or_somebody_asks(knowledge: Knowledge, documents: Path) -> None:
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of a PDF")
    (documents / "empty.txt").touch()
    read_all(knowledge.index("docs", [documents]))
    assert knowledge.changes("docs").changed == 0
    assert look(knowledge, "all").updated == 2
    (documents / "empty.txt").write_text("Not empty any more.")
    assert look(knowledge).updated == 1
    assert names(knowledge) >= {"empty.txt"}
    assert [Path(failed.document).name for failed in knowledge.status("docs")[0].failed] == ["broken.pdf"]


def test_a_folder_that_comes_back_empty_handed_after_a_move_between_folders(
    knowledge: Knowledge, documents: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    read_all(knowledge.index("docs", [documents]))
    read_all(knowledge.index("docs", [other]))
    shutil.move(documents / "bread.txt", other / "loaf.txt")
    report = look(knowledge)
    assert (counts(report), report.bytes) == ((0, 0, 1, 0), 0)
    assert BREAD in texts(knowledge, "sourdough")


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("*.pdf", ["a.pdf", "x/B.PDF"], ["a.pdf.txt", "pdf"]),
        ("old/**", ["old/a", "old/x/b"], ["older/a", "x/old/a"]),
        ("**/old/*.txt", ["old/a.txt", "x/y/old/a.txt"], ["old/x/a.txt"]),
        ("Private", ["Private", "x/private/a.txt"], ["Privates/a.txt"]),
        ("/Private/", ["private/a.txt"], ["x/private/a.txt"]),
        ("**/~$*", ["~$a.docx", "x/~$b"], ["a~$"]),
        ("*.{eml,msg}", ["a.eml", "x/b.msg"], ["a.txt"]),
        ("note[0-9!].md", ["note7.md", "note!.md"], ["notex.md"]),
        ("note[!0-9].md", ["notex.md"], ["note7.md", "note/.md"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("**/**/**/**/**/**/**/x", ["a/b/c/d/e/f/g/h/x"], ["a/" * 60 + "y"]),
        (literal("we[i]r{d}, *?.txt "), ["we[i]r{d}, *?.txt "], ["x/we[i]r{d}, *?.txt "]),
    ],
)
def test_a_pattern_fits_as_people_write_them(pattern: str, fits: list[str], fails: list[str]) -> None:
    found = Patterns(include=[pattern])
    assert [path for path in fits if not found.take(path)] == []
    assert [path for path in fails if found.take(path)] == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a[bc", "open bracket"),
        ("{a,b", "open brace"),
        ("/", "names nothing"),
        ("[z-a]", "range"),
        ("{a,b}" * 9, "too many braces"),
    ],
)
def test_a_pattern_that_cannot_be_understood_is_a_sentence(pattern: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        Patterns(exclude=[pattern])


def traces(home: Path, text: str) -> list[Path]:
    """The files below a folder that hold a run of words of a text."""
    words = text.encode().split()
    runs = [b" ".join(words[start : start + 3]) for start in range(len(words) - 2)]
    return [
        file
        for file in home.rglob("*")
        if file.is_file() and any(run.lower() in file.read_bytes().lower() for run in runs)
    ]


def test_a_forgotten_file_leaves_no_trace_and_does_not_come_back(
    knowledge: Knowledge, documents: Path, data_folders: Folders
) -> None:
    copy = data_folders.knowledge_db.with_name("knowledge.db.v1")
    read_all(knowledge.index("docs", [documents]))
    read_all(knowledge.index("more", [documents / "lease.txt"]))
    assert texts(knowledge, "monthly rent")[0] == LEASE
    copy.write_bytes(LEASE.encode())
    assert traces(data_folders.data, LEASE)
    forgotten = knowledge.forget(documents / "lease.txt")
    assert (forgotten.collections, forgotten.passages, forgotten.vectors) == (("docs", "more"), 1, 1)
    assert (forgotten.others, forgotten.copies) == ((), 1)
    assert forgotten.words(2)[-1] == "2 answers in your chats quote it; they are kept."
    assert traces(data_folders.data, LEASE) == []
    assert counts(look(knowledge, "all")) == (0, 0, 0, 0)
    assert set(texts(knowledge, "rent bread cod")) == {COD, BREAD}
    assert knowledge.verify("docs").failed == ()
    knowledge.close()
    assert traces(data_folders.data, LEASE) == []


def test_a_text_that_another_file_has_too_stays_with_it_and_that_is_said(knowledge: Knowledge, documents: Path) -> None:
    (documents / "copy.txt").write_text(LEASE)
    read_all(knowledge.index("docs", [documents]))
    forgotten = knowledge.forget(documents / "lease.txt")
    assert (forgotten.others, forgotten.passages) == ((str(documents / "copy.txt"),), 0)
    assert LEASE in texts(knowledge, "monthly rent")
    with pytest.raises(NotFound):
        knowledge.forget(documents / "lease.txt")
