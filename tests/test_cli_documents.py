"""Documents on the command line: the real program, real files, the real starter models."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.chats.reader import ChatReader
from desktop_llm.paths import folders
from tests.hostile_text import ACTING
from tests.sample_documents import write_samples
from tests.test_cli import answer, run

pytestmark = pytest.mark.usefixtures("known_machine")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf") / "House"
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def read_home(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has read the shelf, made once."""
    home = tmp_path_factory.mktemp("read")
    assert run("index", "add", "House", str(shelf), "--home", str(home)).returncode == 0
    return home


@contextlib.contextmanager
def owner_of(home: Path) -> Iterator[None]:
    """Another command that owns the folder and serves the others, which then start no worker of their own."""
    code = (
        "import sys; from desktop_llm.commands.documents import knowledge; from desktop_llm.paths import folders\n"
        "with knowledge(folders()) as owned: owned.collections(); print('owner', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "DESKTOP_LLM_HOME": str(home)}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, env=environment) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"owner\n"
        try:
            yield
        finally:
            owner.communicate()


@pytest.fixture(scope="module")
def served_home(read_home: Path) -> Iterator[Path]:
    """The home that has read the shelf, with an owner."""
    with owner_of(read_home):
        yield read_home


@pytest.fixture
def house(shelf: Path, served_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKTOP_LLM_HOME", str(served_home))
    return shelf


def test_reading_tells_what_was_read_and_what_not_and_why(shelf: Path) -> None:
    report = answer("index", "add", "House", str(shelf))
    content = {"collection", "state", "documents", "chunks", "failed", "folders", "changed"}
    run_of_it = {"read", "skipped", "added", "updated", "moved", "removed", "seconds", "bytes"}
    searched_with = {"model", "next_model", "problem"}
    assert set(report) == content | run_of_it | searched_with
    assert (report["collection"], report["documents"]) == ("House", 4)
    reasons = {Path(failed["document"]).name: failed["reason"] for failed in report["failed"]}
    assert set(reasons) == {"Empty notes.txt", "Payroll_2023.pdf", "Scan.pdf"}
    assert "password" in reasons["Payroll_2023.pdf"]
    again = answer("index", "add", "House", str(shelf))
    assert (again["documents"], again["skipped"]) == (4, 4)
    assert again["bytes"] < report["bytes"], "only what could not be read is tried again"


def test_a_password_file_opens_what_is_protected(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    report = answer(
        "index", "add", "Pay", str(shelf / "Payroll_2023.pdf"), "--password-file", str(tmp_path / "password")
    )
    assert (report["documents"], report["failed"]) == (1, [])


def test_a_search_finds_the_page_and_the_very_span(house: Path) -> None:
    hits = answer("search", "House", "How long is the notice period?", "-k", "3")
    first = hits[0]
    assert set(first) == {"rank", "score", "document", "page", "place", "start", "end", "text"}
    assert (first["rank"], Path(first["document"]).name, first["page"]) == (1, "Lease_2024_signed.pdf", 3)
    assert len(first["text"]) == first["end"] - first["start"]


def test_a_search_explains_itself_when_asked(house: Path) -> None:
    said = answer("search", "House", "How long is the notice period?", "-k", "3", "--explain")
    assert said["results"] == answer("search", "House", "How long is the notice period?", "-k", "3")
    first = said["trace"]["candidates"][0]
    assert (first["result"], first["standings"]["words"]["rank"]) == ("used", 1)
    assert first["text"].startswith("3. End of the tenancy")
    lines = run("search", "House", "How long is the notice period?", "--explain", "--budget", "150").stdout.splitlines()
    assert any("Token budget for passages:" in line and "of 150 used" in line for line in lines)
    assert sum(line.endswith("Used") for line in lines) == 1


def test_a_batch_answers_a_line_a_query(house: Path) -> None:
    done = run("search", "House", "--batch", "-k", "2", stdin="quiet hours\n\nradiator in the kitchen\n")
    assert done.returncode == 0, done.stderr
    names = [[Path(hit["document"]).name for hit in json.loads(line)] for line in done.stdout.splitlines()]
    assert [found[:1] for found in names] == [["House rules.md"], [], ["Letter to the landlord.docx"]]


def test_an_answer_from_documents_comes_with_verified_citations(house: Path) -> None:
    said = answer("chat", "How high is the deposit?", "-c", "House", "--temperature", "0", "--max-tokens", "60")
    assert said["sources"]
    assert all(source["verified"] is True for source in said["sources"])
    assert said["citations"], said["text"]
    for citation in said["citations"]:
        assert set(citation) == {"number", "document", "page", "start", "end", "text", "score", "verified"}
        assert citation["verified"] is True
        assert f"[{citation['number']}]" in said["text"]


def test_an_answer_explains_its_search_and_its_prompt_when_asked(house: Path) -> None:
    said = answer("chat", "How high is the deposit?", "-c", "House", "--max-tokens", "5", "--explain")
    used = [each for each in said["trace"]["candidates"] if each["result"] == "used"]
    assert [each["document"] for each in used] == [source["document"] for source in said["sources"]]
    parts = said["prompt"]["parts"]
    assert "".join(part["text"] for part in parts) == said["prompt"]["text"]
    assert sum(part["tokens"] for part in parts) == said["usage"]["prompt_tokens"]
    assert {part["kind"]: part["count"] for part in parts}["passages"] == len(used)
    assert all(source["text"] in said["prompt"]["text"] for source in said["sources"])


def test_a_saved_answer_keeps_what_it_stands_on(house: Path) -> None:
    said = answer(
        "chat", "What is the monthly rent?", "-c", "House", "--temperature", "0", "--max-tokens", "20", "--save"
    )
    with ChatReader(folders().chats_db) as chats:
        stored = chats.messages(chats.conversations()[0].id)[-1]
    assert [source.text for source in stored.sources] == [source["text"] for source in said["sources"]]
    assert [quote.number for quote in stored.citations] == [quote["number"] for quote in said["citations"]]
    assert stored.text == said["text"]


def test_an_answer_says_how_far_it_looked(house: Path) -> None:
    said = answer("chat", "What is the monthly rent?", "-c", "House", "--temperature", "0", "--max-tokens", "20")
    files = {source["document"] for source in said["sources"]}
    assert said["coverage"] == {"done": len(files), "total": 7}
    assert all(0 <= each["start"] < each["end"] <= len(said["text"]) for each in said["unsupported"])


def test_every_file_is_read_if_that_is_asked_for(shelf: Path, home: Path, tmp_path: Path) -> None:
    towns = tmp_path / "towns"
    towns.mkdir()
    for town in ("Aarhus", "Bari"):
        (towns / f"{town}.md").write_text(f"The site in {town} makes lamps.\n")
    (towns / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    with owner_of(home):
        answer("index", "add", "Towns", str(towns))
        done = run("chat", "List every town that has a site", "-c", "Towns", "--every-file", "--json")
    said = json.loads(done.stdout)
    assert said["coverage"] == {"done": 2, "total": 3}
    assert "broken.pdf" in said["text"]
    assert {Path(quote["document"]).name for quote in said["citations"]} <= {"Aarhus.md", "Bari.md"}
    assert all(f"[{quote['number']}]" in said["text"] for quote in said["citations"])
    assert "2 of 3 files, " in done.stderr
    refused = run("chat", "List every town", "--every-file")
    assert (refused.returncode, "--every-file needs -c" in refused.stderr) == (1, True)


def test_what_no_document_holds_is_said_without_citations(house: Path) -> None:
    said = answer("chat", "Who won the football world cup in 1990?", "-c", "House")
    assert said["text"].startswith("Nothing about this was found in House.")
    assert said["citations"] == said["sources"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "Nowhere", "words"),
        ("index", "status", "Nowhere"),
        ("index", "rm", "Nowhere"),
        ("chat", "hi", "-c", "Nowhere"),
    ],
)
def test_a_collection_that_is_not_there_is_a_sentence(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Nowhere" in done.stderr


def test_a_command_is_served_by_the_one_that_owns_the_folder(house: Path) -> None:
    hits = answer("search", "House", "quiet hours", "-k", "1")
    assert Path(hits[0]["document"]).name == "House rules.md"


def test_collections_are_listed_checked_made_anew_and_removed(shelf: Path, home: Path) -> None:
    with owner_of(home):
        answer("index", "add", "House", str(shelf))
        look_check_and_remove(shelf)


def look_check_and_remove(shelf: Path) -> None:
    assert [row["collection"] for row in answer("index", "status")] == ["House"]
    assert answer("index", "status", "House")["documents"] == 4
    assert answer("index", "verify", "House")["failed"] == answer("index", "status", "House")["failed"]
    assert answer("index", "rebuild", "House")["documents"] == 4
    assert answer("index", "rm", "House", str(shelf / "House rules.md"))["documents"] == 3
    answer("index", "rm", "House")
    assert answer("index", "status") == []
    assert (shelf / "House rules.md").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_nothing_in_a_document_or_its_name_gives_orders_to_the_terminal(tmp_path: Path) -> None:
    name = "a\x1b[31m\nDone: all is well \u202e\x9b.md"
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / name).write_text("The \x1b]0;title\x07 lease \u202eends in May.\x85 Rent is 900 euros.\n")
    (papers / "b\x1b\r.pdf").write_bytes(b"%PDF-1.4 broken")
    added, found = run("index", "add", "My\x1bown", str(papers)), run("search", "My\x1bown", "rent")
    assert added.returncode == found.returncode == 0
    assert not ACTING.search(added.stdout + added.stderr + found.stdout + found.stderr)
    assert len(added.stdout.splitlines()) == 2
    assert "\\x1b[31m Done: all is well" in found.stdout.splitlines()[0]
    assert Path(answer("search", "My\x1bown", "rent")[0]["document"]).name == name


def test_damage_is_in_the_report_and_on_stderr(tmp_path: Path, home: Path) -> None:
    (tmp_path / "rent.txt").write_text("The rent is 900 euros.")
    answer("index", "add", "House", str(tmp_path / "rent.txt"))
    (home / "data" / "knowledge.db").write_bytes(b"")
    assert "1 of 1 documents have to be read again" in run("index", "status").stderr
    assert "1 of 1 documents have to be read again" in answer("index", "verify", "House")["notice"]


def test_folders_are_watched_moved_and_their_patterns_counted(tmp_path: Path) -> None:
    shelf = tmp_path / "House"
    shelf.mkdir()
    for name in ("lease.txt", "rules.md", "keys.txt"):
        (shelf / name).write_text(f"What {name} says about the house.")
    answer("index", "add", "House", str(shelf))
    assert not answer("index", "unwatch", "House")["folders"][0]["watched"]
    tried = answer("index", "patterns", "House", "--exclude", "*.md", "--dry-run")
    (counted,) = tried["folders"]
    assert not tried["saved"]
    assert counted["exclude"] == [{"pattern": "*.md", "files": 1}]
    assert (counted["files"], counted["read"], counted["removed"]) == (3, 2, 1)
    wrong = run("index", "patterns", "House", "--include", "a[b")
    assert (wrong.returncode, wrong.stderr) == (1, "The pattern a[b has an open bracket. Nothing was changed.\n")
    assert "Saving takes one file out of it" in run("index", "patterns", "House", "--exclude", "*.md").stdout
    assert answer("index", "add", "House")["removed"] == 1
    shelf.rename(tmp_path / "moved")
    moved = answer("index", "move", "House", str(shelf), str(tmp_path / "moved"))
    assert (moved["read"], moved["removed"], moved["folders"][0]["path"]) == (0, 0, str(tmp_path / "moved"))
    assert run("index", "watch", "House", str(shelf)).returncode == 1


def test_reading_fails_only_if_no_file_could_be_read(tmp_path: Path) -> None:
    heap = tmp_path / "heap"
    heap.mkdir()
    (heap / "broken.pdf").write_bytes(b"no pdf")
    (heap / "blank.txt").write_bytes(b" ")
    told = run("index", "add", "Heap", str(heap), "--json")
    assert told.returncode == 1
    assert {Path(each["document"]).name for each in json.loads(told.stdout)["failed"]} == {"broken.pdf", "blank.txt"}
    assert "None of the files could be read" in told.stderr
    (heap / "good.txt").write_text("Dogs are welcome.")
    assert answer("index", "add", "Heap", str(heap))["read"] == 1
