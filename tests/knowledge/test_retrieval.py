"""What a search finds first: wording, names, stop words, equal texts; the real worker and embedding model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.keywords import meaningful, query_words
from desktop_llm.knowledge.questions import subject
from desktop_llm.paths import folders
from tests.knowledge.conftest import read_all

LEASE = (
    "Between Ostwall Holding and Brightwater the following is agreed. The landlord lets the warehouse in {town} for "
    "commercial use only. The monthly rent is {rent} euros, payable in advance. Either party may give notice."
)
LEASES = {f"contract-{number}.txt": (town, 1000 + 45 * number) for number, town in enumerate(["Graz", "Linz", "Wels"])}
STAFF = ["Hana Thal", "Lea Ulm", "Vera Kohl", "Uma Abel", "Marek Olbricht", "Jon Sever", "Ida Brunn", "Pia Roth"]
FILES = {
    "People/Ines Halloran.md": "# Contact\n\nPhone: +33 4 55 01\n\nPrefers mornings. Allergic to nuts.",
    "People/Oke Lindqvist.md": "# Contact\n\nPhone: +46 8 55 98\n\nPrefers afternoons. Plays the viola.",
    "Reports/annual-report-2020.md": "# Annual report\n\nTurnover of the Lyon site was 4.1 million euros.",
    "Reports/annual-report-2021.md": "# Annual report\n\nTurnover of the Lyon site was 4.6 million euros.",
    "manual.md": "# Print queue\n\nTo resume a paused job, hold the green key and enter the code 7719.",
    "sales.md": "# Sales\n\nThe summary table on page 4 lists 2,090 lamps and 950 chairs for the year.",
    "list.txt": "Participants of the course: " + ", ".join(f"{name} (room {10 + at})" for at, name in enumerate(STAFF)),
    "courses.txt": "Courses help people of all ages. Who takes part in a course learns with others, and may ask.",
    "diary.txt": "In May the river rose and the lower meadow stood under water for nine days.",
    "rules.txt": "Guests may use the meadow. They may swim in the river, and dogs may run.",
    "boathouse.txt": "Terms\n\n2.1 Guests sign the book.\n\n2.2 A lost key costs forty euros.\n\n2.3 Boats are washed.",
    "numbers.txt": "Row 2 | 2 | 12.2 | 2.25 | 2, 2 and 2: a table of lamps.",
    "mietrecht.txt": "Die Kündigung des Mietvertrags muss schriftlich erfolgen.",
    "vertragsrecht.txt": "Die Verträge der Lieferanten laufen drei Jahre.",
    "huur.txt": "De verwarming van het kantoor wordt in de zomer niet gebruikt.",
    "vertical.txt": "\n".join("東京支店の家賃は十万円です"),
    "russian.txt": "Квартиры сдаются с первого сентября. Собаки в квартирах запрещены.",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """All files, read once: no test changes them."""
    folder = tmp_path_factory.mktemp("filled")
    leases = {f"Leases/{name}": LEASE.format(town=town, rent=rent) for name, (town, rent) in LEASES.items()}
    for name, text in {**FILES, **leases}.items():
        path = folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    client = Knowledge(folders(folder / "home"))
    read_all(client.index("docs", [folder / "documents"]))
    yield client
    client.close()


def found(knowledge: Knowledge, question: str) -> list[str]:
    """The names of the documents whose passages a model would get, best first."""
    passages = knowledge.retrieve(["docs"], question, 1000)
    return list(dict.fromkeys(Path(passage.document).name for passage in passages))


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("phone number of Ines Halloran", "Ines Halloran.md"),
        ("turnover of Lyon in 2021", "annual-report-2021.md"),
        ("turnover of Lyon in 2020", "annual-report-2020.md"),
        ("How do I resume a paused job?", "manual.md"),
        ("What does the summary table say?", "sales.md"),
        ("Which room is Marek Olbricht in?", "list.txt"),
        ("stood under water for", "diary.txt"),
        ("What happened in May?", "diary.txt"),
        ("What does clause 2.2 say?", "boathouse.txt"),
        ("東京支店の家賃はいくらですか", "vertical.txt"),
        ("Mietvertragskündigung", "mietrecht.txt"),
        ("Was gilt für Mietvertragskündigungen?", "mietrecht.txt"),
        ("kantoorverwarming", "huur.txt"),
        ("Можно ли держать собаку в квартире?", "russian.txt"),
    ],
)
def test_the_passage_that_answers_comes_first(filled: Knowledge, question: str, name: str) -> None:
    assert found(filled, question)[:1] == [name]


def test_passages_that_differ_in_a_number_are_all_found(filled: Knowledge) -> None:
    assert set(found(filled, "list the rents of all warehouses")) >= LEASES.keys()


def test_a_document_named_in_the_question_is_the_only_one_that_is_read(filled: Knowledge) -> None:
    assert found(filled, "Summarise contract-1.txt") == ["contract-1.txt"]
    assert found(filled, "What is the rent in contract-2?") == ["contract-2.txt"]


def test_a_renamed_file_is_found_by_its_new_name_without_embedding_again(knowledge: Knowledge, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, gates in (("North.txt", 3), ("South.txt", 7)):
        (folder / name).write_text(f"The hall has {gates} gates. The roof is flat.")
    read_all(knowledge.index("docs", [folder]))
    (folder / "South.txt").rename(folder / "Reykjavik.txt")
    report = read_all(knowledge.index("docs", [folder]))
    assert report.chunks <= 3
    assert found(knowledge, "Has Reykjavik a flat roof?")[0] == "Reykjavik.txt"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What happened in May?", {"happened": "", "may": "May"}),
        ("may I sublet?", {"sublet": ""}),
        ("Does clause 2.2 apply at 10:30?", {"clause": "", "2.2": "2.2", "apply": "", "10:30": "10:30"}),
        ("Who works at WHO?", {"works": "", "who": "WHO"}),
        ("IT budget", {"it": "IT", "budget": ""}),
        ("Will Smith", {"will": "Will", "smith": ""}),
        ("Who started the war?", {"started": "", "war": ""}),
        ("How did he die?", {"die": ""}),
        ("Was ist die Miete?", {"miete": ""}),
        ("WHAT IS THE RENT", {"rent": ""}),
        ("Où est le contrat ?", {"contrat": ""}),
    ],
)
def test_stop_words_are_decided_by_language_and_case(question: str, words: dict[str, str]) -> None:
    assert {each.word: each.written for each in meaningful(question)} == words


def test_a_question_of_stop_words_alone_keeps_them() -> None:
    assert [each.word for each in query_words("to be or not to be")] == ["to", "be", "or", "not"]


@pytest.mark.parametrize(
    "question",
    [
        "Please summarize these documents.",
        "What is this document about?",
        "tl;dr",
        "Give me the main points in three sentences",
        "Fasse die Dokumente kurz zusammen",
        "Résume ce document",
        "总结这个文档",
        "Кратко перескажи документ",
    ],
)
def test_a_summary_of_everything_has_no_subject(question: str) -> None:
    assert subject(question) == []


@pytest.mark.parametrize(
    "question", ["What does the summary table say?", "What does the abstract say about errors?", "Who wrote it?"]
)
def test_a_question_with_a_word_of_summaries_is_not_about_whole_documents(question: str) -> None:
    assert subject(question) is None


def test_a_summary_of_something_has_it_as_its_subject() -> None:
    assert [each.word for each in subject("Summarise the rules about parking") or []] == ["rules", "parking"]
