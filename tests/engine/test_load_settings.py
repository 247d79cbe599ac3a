"""What a person may set before loading, on llama.cpp with the starter model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.engine.client import ChatMessage, Engine, LoadedModel, LoadSettings, PromptProgress, Sampling
from desktop_llm.errors import BadRequest, UserError, WorkerDied
from desktop_llm.paths import folders
from tests.engine.conftest import CONTEXT_LENGTH, ask

QUESTION = "The capital of France is"
# The starter model is small: it goes on with a sentence more surely than it answers a question.
BARE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture
def real(home: Path, tested_backends: bytes) -> Iterator[Engine]:
    (folders(home).cache / "backends.json").write_bytes(tested_backends)
    engine = Engine(folders(home))
    yield engine
    engine.close()


def load(engine: Engine, model: Path, settings: LoadSettings) -> LoadedModel:
    for _ in engine.load(model, settings):
        pass
    assert engine.loaded is not None
    return engine.loaded


def test_a_quantized_kv_cache_takes_less_memory_and_answers_alike(real: Engine, starter: Path) -> None:
    wide = load(real, starter, LoadSettings(context_length=4_096, template=BARE))
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text
    narrow = load(real, starter, LoadSettings(context_length=4_096, template=BARE, kv_type="q8_0"))
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text
    assert narrow.memory_bytes < wide.memory_bytes


@pytest.mark.parametrize("attention", [True, False])
def test_flash_attention_can_be_turned_on_and_off(real: Engine, starter: Path, attention: bool) -> None:
    load(real, starter, LoadSettings(template=BARE, flash_attention=attention))
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (LoadSettings(kv_type="q8_0", flash_attention=False), "needs flash attention"),
        (LoadSettings(kv_type="q9_9"), "no KV cache type “q9_9”"),
    ],
)
def test_settings_that_can_t_work_are_refused_in_words(
    real: Engine, starter: Path, settings: LoadSettings, sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        load(real, starter, settings)


def test_a_smaller_batch_takes_the_prompt_in_smaller_steps(real: Engine, starter: Path) -> None:
    load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, batch=32))
    message = ChatMessage("user", "a few words more " * 40)
    events = list(real.generate([message], Sampling(max_tokens=1)))
    done = [event.done for event in events if isinstance(event, PromptProgress)]
    steps = [after - before for before, after in zip([0, *done], done, strict=False)]
    assert max(steps) <= 32


def test_a_chosen_template_takes_the_place_of_the_file_s_own(real: Engine, starter: Path) -> None:
    chosen = "{% for m in messages %}{{ m.content }} {% endfor %}The capital of Spain is"
    loaded = load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, template=chosen))
    assert loaded.has_template
    assert "Madrid" in ask(real, "Paris is in France.").text


def test_a_template_that_is_no_template_is_refused_at_loading(real: Engine, starter: Path) -> None:
    with pytest.raises(UserError, match="chat template can't be used"):
        load(real, starter, LoadSettings(template="{% if %}"))


def test_the_memory_of_the_worker_is_known_after_loading_and_after_an_answer(real: Engine, starter: Path) -> None:
    before = load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH)).memory_bytes
    assert before > starter.stat().st_size / 2
    ask(real, QUESTION)
    assert real.loaded is not None
    assert real.loaded.memory_bytes > before


def test_a_template_that_never_ends_is_told_and_the_worker_goes_on(real: Engine, starter: Path) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    load(real, starter, LoadSettings(template=endless))
    for _ in range(2):
        with pytest.raises(UserError, match="chat template can't be used: it does not end"):
            ask(real, QUESTION)
        assert real.loaded is not None


def test_a_template_that_can_t_be_interrupted_ends_only_the_worker(real: Engine, starter: Path) -> None:
    deaf = "{% set a = range(99999)|list %}{{ ([a] * 99999).count(range(99999)|list) }}"
    load(real, starter, LoadSettings(template=deaf))
    with pytest.raises(WorkerDied):
        ask(real, QUESTION)
    load(real, starter, LoadSettings(template=BARE))
    assert ask(real, QUESTION, max_tokens=1).text


def test_a_file_that_is_cut_while_it_is_in_use_costs_nothing(real: Engine, starter: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(starter.read_bytes())
    load(real, copy, LoadSettings(template=BARE))
    with copy.open("r+b") as file:
        file.truncate(1 << 20)
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text
