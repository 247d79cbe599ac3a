"""Names show the parts of a split model, and the name people know a model by."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.models.library import Library
from desktop_llm.models.names import (
    SplitName,
    file_names,
    name_of_download,
    name_of_file,
    repository_name,
    split_name,
)
from tests.models.gguf_files import CHAT, model

TOLD = "Qwen2.5 Coder 0.5B Instruct AWQ"  # the name in the makers' own file of this model
FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
REPO = "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"


def test_the_names_of_a_split_models_files_are_read_as_they_are_written() -> None:
    names = file_names("Q8/big", 3)
    assert names[0] == "Q8/big-00001-of-00003.gguf"
    assert [split_name(name) for name in names] == [SplitName("Q8/big", number, 3) for number in (1, 2, 3)]
    assert (file_names("big", 1), split_name("big.gguf"), split_name("big-1-of-3.gguf")) == (["big.gguf"], None, None)


@pytest.mark.parametrize(
    ("told", "stem", "shown"),
    [
        (TOLD, FILE.removesuffix(".gguf"), "Qwen2.5 Coder 0.5B Instruct"),
        ("Tiny", "tiny-q4_0", "Tiny"),
        ("Llama 3.2 1B Instruct", "llama", "Llama 3.2 1B Instruct"),
        ("Llama 3.2 1B Instruct", "ggml-model-q4_0", "Llama 3.2 1B Instruct"),
        ("Qwen3 4B", "Qwen3-4B-abliterated-Q4_K_M", "Qwen3 4B abliterated"),
        ("Phi 4 AWQ", "phi-4-awq-q4_0", "Phi 4 AWQ"),
        ("", "my model", "my model"),
    ],
)
def test_a_files_own_name_is_corrected_by_the_one_that_people_see(told: str, stem: str, shown: str) -> None:
    assert name_of_file(told, stem) == shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (TOLD, "Qwen2.5 Coder 0.5B Instruct"),
        ("Qwen2.5 Coder 0.5B Instruct", "Qwen2.5 Coder 0.5B Instruct"),
        ("checkpoint-1200", "Qwen2.5 Coder 0.5B Instruct"),
        ("", "Qwen2.5 Coder 0.5B Instruct"),
    ],
)
def test_a_download_has_the_name_it_was_got_under(told: str, shown: str) -> None:
    assert name_of_download(told, REPO, FILE) == shown
    assert repository_name("maker/GGUF") == "GGUF"


def test_the_library_shows_the_name_that_people_know(library: Library, tmp_path: Path) -> None:
    imported = library.import_file(model(tmp_path / FILE, {**CHAT, "general.name": TOLD})).model
    assert imported.display_name == "Qwen2.5 Coder 0.5B Instruct"

    part = model(tmp_path / "x.part", {**CHAT, "general.name": f"{TOLD} "})
    pulled = library.adopt([part], repo=REPO, file=FILE, revision="c0ffee", sha256s=["d" * 64])
    assert pulled.display_name == "Qwen2.5 Coder 0.5B Instruct"
