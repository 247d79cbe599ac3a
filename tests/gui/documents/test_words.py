"""Names, amounts and times are written in one way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop_llm.gui.documents.search import found_spans
from desktop_llm.gui.look import formats
from desktop_llm.gui.work.collection_parts import action_for


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (4, "4 s"), (38, "40 s"), (58, "1 min"), (655, "11 min"), (4790, "1 h 20 min"), (7200, "2 h")],
)
def test_a_time_left_is_rounded_as_a_person_would_say_it(seconds: float, said: str) -> None:
    assert formats.duration(seconds) == said


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (9_000, "9 kB"),
        (999_600, "1.0 MB"),
        (31_000_000, "31 MB"),
        (5_000_000_000, "5.0 GB"),
    ],
)
def test_a_size_is_written_in_decimal_units(size_bytes: float, said: str) -> None:
    assert formats.size(int(size_bytes)) == said


def test_a_hostile_file_name_can_not_reorder_or_break_the_line() -> None:
    name = formats.file_name(os.fsdecode("/x/invoice\u202efdp.exe\n\x07".encode() + b"\xff"))
    assert "\u202e" not in name
    assert "\n" not in name
    assert name.encode("utf-8")


def test_a_folder_below_home_is_written_short() -> None:
    assert formats.folder_name(str(Path.home() / "Papers" / "a.pdf")) == str(Path("~") / "Papers")
    assert formats.folder_name("/srv/a.pdf") == "/srv"


@pytest.mark.parametrize(
    ("cause", "action"),
    [
        ("password", "password"),
        ("missing", "remove_files"),
        ("damaged", "show"),
        ("too_large", "show"),
        ("protected", "show"),
        ("", "retry"),
        ("a cause of a later version", "retry"),
    ],
)
def test_each_cause_has_the_thing_that_helps(cause: str, action: str) -> None:
    assert action_for(cause) == action


def test_found_words_are_lit_from_the_start_of_a_word_whatever_their_case() -> None:
    text = "Notice: the unnoticed NOTICED"
    assert [text[start : start + length] for start, length in found_spans(text, "notice?")] == ["Notice", "NOTICE"]
    assert found_spans(text, "a ?") == []
