"""What a person may set before loading, on llama.cpp with the starter model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from desktop_llm.engine.client import ChatMessage, Engine, LoadedModel, LoadSettings, PromptProgress, Sampling
from desktop_llm.engine.parameters import LoadRequest
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.paths import folders
from desktop_llm.workers.protocol import path_to_wire
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
    narrow = load(real, starter, LoadSettings(context_length=4_096, template=BARE, kv_type_k="q8_0", kv_type_v="q4_0"))
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text
    assert narrow.memory_bytes < wide.memory_bytes


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (LoadSettings(kv_type_k="f16", kv_type_v="q4_1", flash_attention=False), "needs flash attention"),
        (LoadSettings(rope_scaling="bent"), "no RoPE scaling “bent”"),
        (LoadSettings(rope_factor=2.0), "factor alone does not extend"),
        (LoadSettings(rope_scaling="yarn", rope_factor=0.5), "can't be extended 0.5 times"),
        (LoadSettings(rope_base=-1.0), "base must be a number above 0"),
    ],
)
def test_a_contradiction_is_a_sentence_before_anything_is_loaded(settings: LoadSettings, sentence: str) -> None:
    request = {"model": path_to_wire(Path("model.gguf")), "modules": [], "extra_buffers": True}
    with pytest.raises(BadRequest, match=sentence):
        LoadRequest.from_wire({**request, **asdict(settings)})


def test_a_longer_context_than_the_model_was_made_for_can_be_asked_for(real: Engine, starter: Path) -> None:
    settings = LoadSettings(
        context_length=9_216, rope_scaling="yarn", kv_type_k="q4_1", kv_type_v="q5_1", template=BARE
    )
    assert load(real, starter, settings).context_length == 9_216
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text


@pytest.mark.parametrize("attention", [True, False])
def test_flash_attention_can_be_turned_on_and_off(real: Engine, starter: Path, attention: bool) -> None:
    load(real, starter, LoadSettings(template=BARE, flash_attention=attention))
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (LoadSettings(kv_type_v="q8_0", flash_attention=False), "needs flash attention"),
        (LoadSettings(kv_type_k="q9_9"), "no KV cache type “q9_9”"),
    ],
)
def test_settings_that_can_t_work_are_refused_in_words(
    real: Engine, starter: Path, settings: LoadSettings, sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        load(real, starter, settings)


def test_a_smaller_batch_takes_the_prompt_in_smaller_steps(real: Engine, starter: Path) -> None:
    load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, batch=32))
    message = ChatMessage.of("user", "a few words more " * 40)
    events = list(real.generate([message], Sampling(max_tokens=1)))
    done = [event.done for event in events if isinstance(event, PromptProgress)]
    steps = [after - before for before, after in zip([0, *done], done, strict=False)]
    assert max(steps) <= 32


def test_a_chosen_template_takes_the_place_of_the_file_s_own(real: Engine, starter: Path) -> None:
    chosen = "{% for m in messages %}{{ m.content }} {% endfor %}The capital of Spain is"
    load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, template=chosen))
    assert "Madrid" in ask(real, "Paris is in France.").text


def test_a_chat_goes_on_after_an_answer_that_was_stopped_before_its_first_word(real: Engine, starter: Path) -> None:
    insists_on_turns = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate') }}{% endif %}{{ m.content }}{% endfor %}"
    )
    load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, template=insists_on_turns))
    question, nothing = ChatMessage.of("user", "Rome is the capital of Italy."), ChatMessage.of("assistant", "")
    assert "Paris" in ask(real, question, nothing, QUESTION, max_tokens=3).text


def test_a_system_message_reaches_a_model_whose_template_leaves_it_out(real: Engine, starter: Path) -> None:
    user_alone = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    load(real, starter, LoadSettings(context_length=CONTEXT_LENGTH, template=user_alone))
    system, question = ChatMessage.of("system", "a few words more " * 10), ChatMessage.of("user", QUESTION)
    assert real.measure([system, question]).prompt_tokens > real.measure([question]).prompt_tokens + 20


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


def test_a_template_that_can_t_be_interrupted_does_not_end_the_model(real: Engine, starter: Path) -> None:
    deaf = "{% set a = range(99999)|list %}{{ ([a] * 99999).count(range(99999)|list) }}"
    load(real, starter, LoadSettings(template=deaf))
    with pytest.raises(UserError, match="chat template can't be used: it does not end"):
        ask(real, QUESTION)
    assert real.loaded is not None
    load(real, starter, LoadSettings(template=BARE))
    assert ask(real, QUESTION, max_tokens=1).text


def test_a_file_that_is_cut_while_it_is_in_use_costs_nothing(real: Engine, starter: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(starter.read_bytes())
    load(real, copy, LoadSettings(template=BARE))
    with copy.open("r+b") as file:
        file.truncate(1 << 20)
    assert "Paris" in ask(real, QUESTION, max_tokens=3).text
