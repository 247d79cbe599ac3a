"""The parts that touch llama.cpp directly, on the starter model's vocabulary and in this very process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.engine import backends
from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.state import common_prefix
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker
from tests.engine.vocabularies import loaded


@pytest.fixture(scope="module")
def vocabulary(starter: Path) -> Iterator[Vocabulary]:
    with loaded(starter) as vocabulary:
        yield vocabulary


def test_the_bindings_come_without_numpy_and_the_high_level_class() -> None:
    bindings()
    assert "llama_cpp.llama" not in sys.modules


def test_the_machine_s_key_changes_with_the_choice_of_devices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    key = backends.Modules().machine_key()
    monkeypatch.setenv("CUDA_CACHE_PATH", "another home's cache")
    assert backends.Modules().machine_key() == key
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    assert backends.Modules().machine_key() != key


def test_every_character_comes_back_whole_from_its_tokens(vocabulary: Vocabulary) -> None:
    text = "naïve Größe, 漢字, 👩‍🚀, العربية\n\tand 12,345 more"
    data = b"".join(vocabulary.piece(token) for token in vocabulary.tokens(Rendered(text)))
    assert data.decode() == text


def test_an_unbroken_run_of_a_million_characters_is_tokenized(vocabulary: Vocabulary) -> None:
    for run in ("a" * 1_000_000, " " * 300_000, "语" * 100_000):
        data = b"".join(vocabulary.piece(token) for token in vocabulary.tokens(Rendered(run)))
        assert data.decode() == run


def test_the_common_beginning_of_two_prompts_is_counted() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4]) == 2
    assert common_prefix([1, 2, 3], [1, 2, 3, 4]) == 3
    assert common_prefix([], [1]) == 0
    assert common_prefix([2], [1]) == 0


def test_of_the_modules_in_a_folder_only_those_that_run_are_offered(tmp_path: Path) -> None:
    library = Path(str(bindings().__file__)).parent / "lib" / "libggml-base.so"
    (tmp_path / "libggml-cpu.so").symlink_to(library)  # as in wheels that link their backend in: no module
    (tmp_path / "libggml-cuda.so").write_bytes(b"no library")
    (tmp_path / "libggml-rpc.so").symlink_to(library)
    worker = Worker(["engine", "--modules", str(tmp_path)], Part("The model"))
    try:
        machine = worker.call("machine").data
    finally:
        worker.close()
    assert not {"cpu", "cuda", "rpc"} & set(machine["modules"])
    assert "file too short" in machine["broken"]["cuda"]
    assert set(machine["broken"]) <= {"cuda", "vulkan"}
