"""A model that ends its worker before it writes more than a few words is not started again and again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from desktop_llm.engine.client import Engine, LoadSettings
from desktop_llm.engine.crashes import Crashes
from desktop_llm.engine.loading import _load_error
from desktop_llm.errors import ModelFileError, UnsupportedModel, UserError, WorkerDied
from desktop_llm.steps import result_of
from tests.engine.conftest import Start, ask, load


@pytest.fixture
def deadly(fake: Start, starter: Path) -> Engine:
    """An engine whose model died twice before it wrote a word."""
    engine = fake()
    load(engine, starter)
    with pytest.raises(WorkerDied, match="The next message starts it again"):
        ask(engine, "die before: SIGABRT")
    with pytest.raises(WorkerDied, match="not started again by itself") as second:
        ask(engine, "die before: SIGABRT")
    assert "The next message" not in second.value.message
    assert second.value.action == "choose_model"
    return engine


def test_the_next_message_does_not_start_it_a_third_time(deadly: Engine) -> None:
    with pytest.raises(UserError, match=r"not started again by itself.*other settings"):
        ask(deadly, "say: hello")


def test_nor_does_a_restart_of_the_app(deadly: Engine, fake: Start, starter: Path) -> None:
    deadly.close()
    engine = fake()
    assert "stopped twice" in str(engine.why_not(starter))
    with pytest.raises(UserError, match="not started again by itself"):
        load(engine, starter)


def test_the_person_can_start_it_and_a_word_from_it_makes_it_good(deadly: Engine, fake: Start, starter: Path) -> None:
    settings = LoadSettings(context_length=128)
    result_of(deadly.load(starter, settings, asked_for=True))
    assert ask(deadly, "say: hello").text == "hello"
    deadly.close()
    engine = fake()
    assert engine.why_not(starter) is None
    load(engine, starter)


def test_other_load_settings_are_another_chance(deadly: Engine, starter: Path) -> None:
    result_of(deadly.load(starter, LoadSettings(context_length=256)))
    assert ask(deadly, "say: hello").text == "hello"


def test_deaths_in_the_middle_of_answers_do_not_count_if_they_come_from_outside_or_elsewhere(
    fake: Start, starter: Path
) -> None:
    engine = fake()
    load(engine, starter)
    for order in ("die: SIGSEGV", "die: SIGABRT", "die: SIGSEGV", "die: SIGKILL", "die: SIGKILL"):
        with pytest.raises(WorkerDied, match="The next message starts it again"):
            ask(engine, order)
    assert ask(engine, "say: hello").text == "hello"


def test_a_model_that_dies_twice_after_the_same_words_of_the_same_answer_is_not_started_again(
    fake: Start, starter: Path
) -> None:
    engine = fake()
    load(engine, starter)
    with pytest.raises(WorkerDied, match="The next message starts it again"):
        ask(engine, "die: SIGSEGV")
    with pytest.raises(WorkerDied, match="more than a few words, so it is not started again by itself") as second:
        ask(engine, "die: SIGSEGV")
    assert second.value.action == "choose_model"
    with pytest.raises(UserError, match="not started again by itself"):
        ask(engine, "say: hello")
    result_of(engine.load(starter, LoadSettings(context_length=128), asked_for=True))
    assert ask(engine, "say: hello").text == "hello"


def test_an_answer_in_between_makes_it_another_death(fake: Start, starter: Path) -> None:
    engine = fake()
    load(engine, starter)
    for _ in range(2):
        with pytest.raises(WorkerDied, match="The next message starts it again"):
            ask(engine, "die: SIGSEGV")
        assert ask(engine, "say: hello").text == "hello"


def test_a_model_that_ended_the_app_is_not_chosen_by_itself(tmp_path: Path) -> None:
    notes, model = tmp_path / "crashes.json", tmp_path / "giant.gguf"
    model.write_bytes(b"GGUF")
    code = "import sys; from pathlib import Path; from desktop_llm.engine.crashes import Crashes;"
    code += "Crashes(Path(sys.argv[1])).begin(Path(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, notes, model], check=True)
    crashes = Crashes(notes)
    assert "ended unexpectedly while giant.gguf" in str(crashes.reason(model))
    crashes.allow(model)
    assert crashes.reason(model) is None


def test_a_file_that_was_replaced_begins_anew(tmp_path: Path) -> None:
    model, settings = tmp_path / "model.gguf", LoadSettings()
    model.write_bytes(b"GGUF")
    crashes = Crashes(tmp_path / "crashes.json")
    assert [crashes.died(model, settings), crashes.died(model, settings)] == [1, 2]
    model.write_bytes(b"GGUF, mended")
    crashes.check(model, settings)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"m": 3}', "[" * 100_000])
def test_damaged_notes_hold_nothing_back(tmp_path: Path, content: str) -> None:
    (tmp_path / "crashes.json").write_text(content)
    crashes = Crashes(tmp_path / "crashes.json")
    assert crashes.reason(tmp_path / "m") is None
    assert crashes.died(tmp_path / "m", LoadSettings()) == 1


@pytest.mark.parametrize(
    ("said", "kind", "title"),
    [
        ("llama_model_load: error loading model: unknown model architecture: 'qwen9'", UnsupportedModel, "(qwen9)"),
        ("error loading model vocabulary: unknown pre-tokenizer type: 'new'", UnsupportedModel, "(new)"),
        ("this GGUF file is version 9 but this software only supports up to version 3", UnsupportedModel, "a kind"),
        ("tensor 'a' data is not within the file bounds, model is corrupted", ModelFileError, "damaged"),
        ("error loading model vocabulary: cannot find tokenizer merges in model file", ModelFileError, "damaged"),
        ("gguf_init_from_file: failed to open GGUF file 'x' (Permission denied)", ModelFileError, "from the disk"),
        ("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer", UserError, "memory is not enough"),
        ("ggml_cuda_init: CUDA error: no device", UserError, "graphics card"),
    ],
)
def test_a_refused_file_is_told_by_its_cause(said: str, kind: type[UserError], title: str) -> None:
    error = _load_error(Path("model.gguf"), [said, "llama_model_load_from_file_impl: failed to load model"])
    assert type(error) is kind
    assert title in error.title
    assert "failed to load model" not in error.message
    assert said in error.details
