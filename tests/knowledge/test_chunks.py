"""Chunks: exact spans within the budget, cut where the text has its joints, with a place people can find."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from semantic_text_splitter import TextSplitter

from desktop_llm.knowledge.chunks import Chunk, PageContent, chunk_pages, content_of, joined
from desktop_llm.knowledge.readers import Table

SENTENCE = "The landlord keeps the house dry and warm in winter. "


def words(text: str) -> int:
    """A tokenizer for the tests: a token a word, and one for each Chinese or Japanese character."""
    return sum(1 + sum(letter > "\u3000" for letter in word) for word in text.split())


def cut(pages: list[PageContent], measure: Callable[[str], float], **options: float) -> list[Chunk]:
    return list(chunk_pages(pages, measure, **options))


def texts(pages: list[PageContent], chunks: list[Chunk]) -> list[str]:
    return [pages[chunk.page_index].text[chunk.start : chunk.end] for chunk in chunks]


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE * 400,
        (SENTENCE * 3 + "\n\n") * 100,
        "日本語の文章です。とても長い文章です。" * 300,
        "🙂 emoji 👩‍👩‍👧‍👦 and ünïcode\r\n" * 300,
        "short",
        "\n\n  \n" * 500 + "x" + "\n" * 500,
        "Z" * 50_000,
        "a1 " * 3000,
    ],
)
def test_chunks_hold_all_of_the_text_once_within_the_budget(text: str) -> None:
    pages = [PageContent(None, text)]
    chunks = cut(pages, words, budget=60)
    assert "".join("".join(piece.split()) for piece in texts(pages, chunks)) == "".join(text.split())
    for piece in texts(pages, chunks):
        assert piece == piece.strip()
        assert piece
        assert words(piece) <= 60
        assert len(piece) <= 60 * 8


def test_a_blank_document_has_no_chunks() -> None:
    assert cut([PageContent(1, ""), PageContent(2, " \n ")], words) == []


def test_no_chunk_crosses_a_page_and_each_is_about_full() -> None:
    pages = [PageContent(number, SENTENCE * 30) for number in (1, 2)]
    chunks = cut(pages, content_of, budget=500)
    assert [chunk.page_index for chunk in chunks] == sorted(chunk.page_index for chunk in chunks)
    assert min(content_of(piece) for piece in texts(pages, chunks)) > 250


def test_chunks_of_a_printed_page_end_with_sentences_not_with_lines() -> None:
    lines = "\n".join([SENTENCE.strip() + " " + SENTENCE[:20]] + [SENTENCE[20:] + SENTENCE[:20]] * 40)
    pages = [PageContent(7, lines)]
    pieces = texts(pages, cut(pages, words, budget=50))
    assert len(pieces) > 5
    assert all(piece.endswith(".") for piece in pieces[:-1])


def test_a_long_text_without_sentences_reaches_the_splitter_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []

    def splitter(capacity: int) -> SimpleNamespace:
        def chunk_indices(text: str) -> object:
            given.append(text)
            return TextSplitter(capacity).chunk_indices(text)

        return SimpleNamespace(chunk_indices=chunk_indices)

    monkeypatch.setattr("desktop_llm.knowledge.chunks.TextSplitter", splitter)
    text = "harbour boat " * 30_000
    pages = [PageContent(None, text)]
    pieces = texts(pages, cut(pages, words))
    assert max(map(len, given)) <= 100_000, "its time grows with the square"
    assert " ".join(pieces) == text.strip()


def test_every_text_is_tokenized_about_once() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return words(text)

    text = SENTENCE * 2000
    cut([PageContent(None, text)], count)
    assert counted < 3 * len(text)


def test_the_place_is_the_nearest_heading_also_from_a_page_before() -> None:
    first = "Preface\n\n" + SENTENCE * 5 + "\n\n7. Repairs\n\n" + SENTENCE * 5
    start = first.index("7. Repairs")
    pages = [
        PageContent(1, first, ((0, 1, "Preface"), (start, 1, "7. Repairs"))),
        PageContent(2, SENTENCE * 5),
    ]
    chunks = cut(pages, words, budget=80)
    assert [(chunk.page_index, chunk.place) for chunk in chunks] == [
        (0, "Preface"),
        (0, "7. Repairs"),
        (1, "7. Repairs"),
    ]
    assert chunks[1].start == start


def test_small_sections_share_a_chunk() -> None:
    text = "# A\n\n# B\n\n# C\n\nthree words here"
    headings = tuple((text.index(f"# {title}"), 1, title) for title in "ABC")
    chunks = cut([PageContent(None, text, headings)], words, budget=40)
    assert [(chunk.start, chunk.end) for chunk in chunks] == [(0, len(text))]


def test_code_without_headings_is_placed_by_its_lines() -> None:
    functions = "\n\n".join(f"def f{number}():\n    return {number} + {number}" for number in range(30))
    pages = [PageContent(None, functions, lines=True)]
    chunks = cut(pages, words, budget=24)
    assert chunks[0].place.startswith("line 1–")
    for chunk, piece in zip(chunks, texts(pages, chunks), strict=True):
        assert piece.startswith("def ")
        first, _, last = chunk.place.removeprefix("line ").partition("–")
        assert functions.split("\n")[int(first) - 1] == piece.split("\n")[0]
        assert functions.split("\n")[int(last) - 1] == piece.split("\n")[-1]


def test_rows_of_a_table_are_placed_by_number_and_column_names() -> None:
    rows = "Team | Cups\n" + "\n".join(f"Team{number} | {number}" for number in range(50))
    table = Table(12, len(rows), "Team | Cups", first_row=2)
    chunks = cut([PageContent(None, rows, lines=True, tables=(table,))], words, budget=60)
    assert chunks[0].place.startswith("rows 1–")
    assert chunks[-1].place.endswith("–51")
    assert [chunk.header for chunk in chunks] == ["", *["Team | Cups"] * (len(chunks) - 1)]


def test_parts_of_a_file_are_one_page_and_each_place_names_its_part() -> None:
    pages = [
        PageContent(None, "Two.\n" + SENTENCE, ((0, 1, "Terms"),), place="a.pdf, page 1"),
        PageContent(None, "x = 1\ny = 2", lines=True, place="code/b.py"),
        PageContent(3, SENTENCE),
        PageContent(4, SENTENCE),
    ]
    whole, chunks = joined(pages, chunk_pages(pages, words))
    assert [page.number for page in whole] == [None, 3, 4]
    assert whole[0].text == f"{pages[0].text}\n\n{pages[1].text}"
    assert [(chunk.page_index, chunk.place) for chunk in chunks] == [
        (0, "a.pdf, page 1, Terms"),
        (0, "code/b.py, line 1–2"),
        (1, ""),
        (2, ""),
    ]
    assert whole[0].text[chunks[1].start : chunks[1].end] == pages[1].text
