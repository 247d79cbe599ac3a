"""What a model can be told about its thinking, and how thinking is ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from desktop_llm.engine.client import (
    ChatMessage,
    Engine,
    Event,
    Finished,
    LoadedModel,
    LoadSettings,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.engine.shapes import Sampling
from desktop_llm.engine.streaming import ThinkingSplitter
from desktop_llm.engine.template_messages import CHATML
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.engine.thinking import ThinkingLimit, ThinkingSwitch, thinking_switch
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.engine.families import FAMILIES
from tests.engine.script_models import script_model
from tests.leftovers import nothing_left_running

QUESTION = [{"role": "user", "content": "Why?"}]
SWITCHES = {
    "Qwen3": "normal",
    "Mistral Small 4": "off",
    "Gemma 4": "off",
    "DeepSeek V3.1": "off",
    "GLM-4.5": "normal",
    "Seed-OSS": "normal",
    "Command A Reasoning": "normal",
    "Granite 3.3": "off",
    "EXAONE 4": "off",
    "SmolLM3": "normal",
}
ALWAYS = {"Qwen3 Thinking", "Magistral", "Phi-4 reasoning", "DeepSeek R1", "Kimi Thinking"}


def switch_of(source: str, *marks: str, own: bool = True) -> ThinkingSwitch:
    return thinking_switch(ChatTemplate(source).render, source, marks, own_template=own)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_template_tells_what_a_model_can_be_told_of_its_thinking(family: str) -> None:
    switch = switch_of(FAMILIES[family], "<think>", "</think>")
    told = "effort" if family == "gpt-oss" else "always" if family in ALWAYS else "none"
    assert switch.kind == ("switch" if family in SWITCHES else told)
    assert switch.own == SWITCHES.get(family, "off" if told == "none" else "normal")


@pytest.mark.parametrize(
    ("family", "level", "written"),
    [
        ("Qwen3", "off", "<think>\n\n</think>"),
        ("DeepSeek V3.1", "off", "<｜Assistant｜></think>"),
        ("DeepSeek V3.1", "short", "<｜Assistant｜><think>"),
        ("Seed-OSS", "off", "<seed:think></seed:think>"),
        ("Seed-OSS", "short", "Think for 512 tokens."),
        ("Seed-OSS", "long", "Think for 8192 tokens."),
        ("gpt-oss", "short", "Reasoning: low"),
        ("gpt-oss", "normal", "Reasoning: medium"),
        ("gpt-oss", "long", "Reasoning: high"),
        ("Mistral Small 4", "off", "[MODEL_SETTINGS]none"),
        ("Mistral Small 4", "normal", "[MODEL_SETTINGS]high"),
        ("Command A Reasoning", "off", "<|START_THINKING|><|END_THINKING|>"),
    ],
)
def test_each_level_is_told_to_the_model_in_the_template_s_own_way(family: str, level: str, written: str) -> None:
    source = FAMILIES[family]
    assert written in ChatTemplate(source).render(QUESTION, switch_of(source).variables(level))


def test_the_vocabulary_counts_only_if_the_template_is_not_the_makers_own() -> None:
    assert switch_of(CHATML, "<think>", "</think>", own=True).kind == "none"
    assert switch_of(CHATML, "<think>", "</think>", own=False).kind == "always"
    assert switch_of(CHATML, own=False).kind == "none"
    assert switch_of("{{ raise_exception('no') }}").kind == "none"


def think(level: str | None, room: int, pieces: list[str], prompt: str = "<think>") -> tuple[ThinkingLimit, list[str]]:
    """Count these pieces, each as a token; returns what was to be said to end the thinking."""
    splitter, limit = ThinkingSplitter(prompt), ThinkingLimit(level, room)
    ends = []
    for piece in pieces:
        list(splitter.feed(piece))
        ends.append(limit.count(splitter))
    return limit, [end for end in ends if end]


def test_thinking_ends_once_at_its_limit_with_the_mark_that_closes_it() -> None:
    limit, ends = think("short", 4_096, ["hm "] * 400)
    assert (limit.limit, limit.reached) == (256, True)
    assert [end.endswith("\n</think>\n\n") for end in ends] == [True]
    _, ends = think("short", 4_096, ["<|channel|>analysis<|message|>", *["hm "] * 300], "<|start|>assistant")
    assert [end.endswith("<|end|><|start|>assistant<|channel|>final<|message|>") for end in ends] == [True]


@pytest.mark.parametrize(
    ("level", "room", "limit"), [(None, 4_096, 0), ("off", 4_096, 0), ("long", 16_384, 8_192), ("long", 4_000, 3_000)]
)
def test_there_is_always_room_left_for_the_answer(level: str | None, room: int, limit: int) -> None:
    assert think(level, room, ["hm "])[0].limit == limit


def test_text_is_never_counted_as_thinking() -> None:
    limit, ends = think("short", 4_096, ["<think>", "hm", "</think>", *["word "] * 900], "")
    assert (limit.tokens, ends) == (2, [])


def test_a_person_may_have_the_answer_now() -> None:
    splitter, limit = ThinkingSplitter("[THINK]"), ThinkingLimit(None, 4_096)
    list(splitter.feed("hm"))
    assert limit.count(splitter) == ""
    limit.answer_now()
    assert limit.count(splitter).endswith("[/THINK]\n\n")
    assert (limit.count(splitter), limit.reached) == ("", False)


@pytest.mark.parametrize(("value", "level"), [("short", "short"), ("off", "off"), ("much", None), (3, None)])
def test_a_stored_level_that_does_not_exist_is_ignored(value: Any, level: str | None) -> None:
    assert Sampling.known({"thinking": value}).thinking == level


# One model that thinks for ever, in the marks that the question names, and answers when its thinking is ended.
MARKS = ("<think>", "[THINK]", "<seed:think>", "◁think▷", "<|channel|>")
CLOSING = ("</think>", "[/THINK]", "</seed:think>", "◁/think▷", "<|message|>", "<|start|>", "<|end|>")
FORMS = {
    "angles": "<think>",
    "brackets": "[THINK]",
    "seed": "<seed:think>",
    "triangles": "◁think▷",
    "channels": "<|channel|>",
}
TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>\n"
    + "".join(f"{{% elif '{word}' in messages[-1].content %}}<|{word}|>" for word in FORMS)
    + "{% else %}<think>{% endif %}"
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, tested_backends: bytes) -> Iterator[tuple[Engine, LoadedModel]]:
    """An engine with that model, in a worker of its own."""
    folder = tmp_path_factory.mktemp("thinker")
    loops = [[mark, f"{mark[1]} hm, ", f"{mark[1]} well, ", f"{mark[1]} hm, "] for mark in MARKS[:4]]
    channels = ["<|channel|>", "analysis", "<|message|>", "We say ", "so. ", "We say "]
    begun = [[f"<|{word}|>", mark] for word, mark in FORMS.items()]
    marks = (*MARKS, *CLOSING, *(f"<|{word}|>" for word in FORMS))
    path = script_model(
        folder / "thinker.gguf", TEMPLATE, *loops, channels, *begun, ["\n", "It is ", "Paris."], marks=marks
    )
    with nothing_left_running():
        home = folders(folder)
        (home.cache / "backends.json").write_bytes(tested_backends)
        engine = Engine(home)
        yield engine, result_of(engine.load(path, LoadSettings(context_length=2_048, threads=1)))
        engine.close()


@pytest.fixture(autouse=True)
def _nothing_left_running() -> None:
    """The engine of the module runs on; `loaded` looks at its end."""


def asked(engine: Engine, question: str, **sampling: Any) -> Iterator[Event]:
    return engine.generate([ChatMessage.of("user", question)], Sampling(temperature=0, **sampling), slot="here")


def told(events: list[Event]) -> tuple[str, str, Finished]:
    thinking = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    end = events[-1]
    assert isinstance(end, Finished)
    return thinking, "".join(event.text for event in events if isinstance(event, TextDelta)), end


def test_the_loaded_model_says_what_its_thinking_can_be_told(loaded: tuple[Engine, LoadedModel]) -> None:
    assert (loaded[1].thinking, loaded[1].own_thinking) == ("switch", "normal")


@pytest.mark.parametrize("form", [*FORMS, "opened by the template"])
def test_endless_thinking_ends_at_its_limit_and_the_answer_follows(
    loaded: tuple[Engine, LoadedModel], form: str
) -> None:
    thinking, text, end = told(list(asked(loaded[0], form, thinking="short", max_tokens=450)))
    assert "now the answer" in thinking
    assert not any(mark in thinking + text for mark in (*MARKS, *CLOSING))
    assert (end.usage.thinking_tokens, end.usage.thinking_limit) == (256, 256)
    assert text.startswith("We say so. ") if form == "channels" else text == "It is Paris."
    assert end.timings.thinking_s > 0


def test_thinking_that_is_off_costs_nothing(loaded: tuple[Engine, LoadedModel]) -> None:
    thinking, text, end = told(list(asked(loaded[0], "angles", thinking="off")))
    assert (thinking, text, end.finish_reason) == ("", "It is Paris.", "stop")
    assert end.usage.thinking_tokens == 0


def test_a_person_may_have_the_answer_while_it_thinks(loaded: tuple[Engine, LoadedModel]) -> None:
    counts = []
    for _ in range(3):  # the best of three: a busy machine may hear late what we ask for
        events: list[Event] = []
        for event in asked(loaded[0], "angles"):
            events.append(event)
            if isinstance(event, ThinkingDelta) and event.tokens >= 40:
                loaded[0].answer_now("another chat")
                loaded[0].answer_now("here")
        thinking, text, end = told(events)
        assert (text, end.finish_reason, end.usage.thinking_limit) == ("It is Paris.", "stop", 0)
        assert thinking.startswith("t hm, t well, t hm, ")
        counts.append(end.usage.thinking_tokens)
        if counts[-1] < 400:
            break
    assert 40 <= min(counts) < 400


def test_an_answer_of_nothing_but_thinking_has_no_text(loaded: tuple[Engine, LoadedModel]) -> None:
    thinking, text, end = told(list(asked(loaded[0], "seed", max_tokens=30)))
    assert (text, end.finish_reason, end.usage.thinking_tokens) == ("", "length", 30)
    assert thinking.startswith("s hm, s well, ")
