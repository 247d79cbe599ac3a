"""The file of stars keeps the stars, and a spoilt file does no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop_llm.errors import UserError
from desktop_llm.models.hub import HubModel
from desktop_llm.models.starred import Starred

MODEL = HubModel("maker/Tiny-GGUF", 96, 7, "mit", gated=True, task="text-generation", parameters=8_000_000_000)


def test_a_starred_repository_is_kept_with_what_was_known_of_it(tmp_path: Path) -> None:
    Starred(tmp_path / "starred.json").write([MODEL, HubModel("maker/Other-GGUF")])
    assert Starred(tmp_path / "starred.json").read() == (MODEL, HubModel("maker/Other-GGUF"))


def test_without_a_file_nothing_is_starred(tmp_path: Path) -> None:
    assert Starred(tmp_path / "starred.json").read() == ()


def test_a_file_that_cannot_be_read_now_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "starred.json").mkdir()  # as unusable as a file that another program locks
    with pytest.raises(UserError, match="can't be read"):
        Starred(tmp_path / "starred.json").read()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"starred": 5}', "[" * 100_000])
def test_a_file_that_makes_no_sense_counts_as_none_and_is_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "starred.json"
    path.write_text(content)
    assert Starred(path).read() == ()
    assert (tmp_path / "starred.broken.json").read_text() == content


def test_facts_of_another_form_count_as_unknown(tmp_path: Path) -> None:
    path = tmp_path / "starred.json"
    entries = [{"repo": "maker/Tiny-GGUF", "downloads": "many", "likes": 7, "gated": 1}, {"repo": 5}, "junk"]
    path.write_text(json.dumps({"starred": entries}))
    assert Starred(path).read() == (HubModel("maker/Tiny-GGUF", likes=7),)
