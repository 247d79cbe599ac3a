"""Drawing tokens: seeds, stop strings, forms of the answer, and settings that make no sense."""

from __future__ import annotations

import ctypes
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.engine.client import Beginning, ChatMessage, Engine, Finished, Sampling, TextDelta, Written
from desktop_llm.engine.grammar_sampling import Grammar, grammar_of
from desktop_llm.engine.native import bindings
from desktop_llm.engine.vocabulary import Vocabulary
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.paths import folders
from desktop_llm.steps import Run
from tests.engine.conftest import load
from tests.engine.vocabularies import USER_DEFINED, loaded, vocabulary_file

EVERYTHING = Sampling(
    temperature=1.2,
    dynatemp_range=0.3,
    top_k=200,
    top_p=0.99,
    min_p=0.01,
    typical_p=0.99,
    top_n_sigma=4.0,
    xtc_probability=0.5,
    repeat_penalty=1.1,
    frequency_penalty=0.1,
    presence_penalty=0.1,
    penalty_last_n=-1,
    dry_multiplier=0.8,
    logit_bias=((" the", 1.0), (7, -100.0)),
    order=("penalties", "dry", "top_k", "xtc", "typical_p", "top_p", "top_n_sigma", "min_p", "temperature"),
    seed=5,
    max_tokens=10,
)


@pytest.fixture(scope="module")
def engine(starter: Path, tested_backends: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = folders(tmp_path_factory.mktemp("sampling"))
    (home.cache / "backends.json").write_bytes(tested_backends)
    engine = Engine(home)
    load(engine, starter)
    yield engine
    engine.close()


def said(engine: Engine, sampling: Sampling, question: str = "Tell me a story.") -> str:
    events = engine.generate([ChatMessage.of("user", question)], sampling)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("sampling", [EVERYTHING, Sampling(mirostat=1, seed=3, max_tokens=8)], ids=["all", "mirostat"])
def test_the_same_seed_gives_the_same_answer(engine: Engine, sampling: Sampling) -> None:
    first = said(engine, sampling)
    assert first
    assert said(engine, sampling) == first
    assert said(engine, sampling.changed({"seed": 77})) != first


def test_the_quick_penalties_are_those_of_llama_cpp(engine: Engine) -> None:
    penalties = Sampling(
        temperature=0, max_tokens=14, repeat_penalty=1.4, frequency_penalty=0.3, presence_penalty=0.2, penalty_last_n=9
    )
    natively = penalties.changed(
        {"logit_bias": [[7, 0.0]]}
    )  # what comes before the penalties makes them go the long way
    assert said(engine, penalties) == said(engine, natively) != said(engine, Sampling(temperature=0, max_tokens=14))


def test_the_likeliest_tokens_are_noted_and_change_nothing(engine: Engine) -> None:
    sampling = Sampling(seed=2, repeat_penalty=1.2, max_tokens=6)
    question = [ChatMessage.of("user", "Tell me a story.")]
    *_, end = engine.generate(question, sampling.changed({"alternatives": 4}))
    assert isinstance(end, Finished)
    assert "".join(place["text"] for place in end.alternatives) == said(engine, sampling)
    for place in end.alternatives:
        shares = [other["probability"] for other in place["likeliest"]]
        assert len(shares) == 4
        assert shares == sorted(shares, reverse=True)
        assert 0 < place["probability"] <= shares[0]
        assert sum(shares) <= 1
        listed = [other["probability"] for other in place["likeliest"] if other["text"] == place["text"]]
        assert not listed or listed[0] == pytest.approx(place["probability"], rel=0.01)


def test_an_answer_ends_before_a_stop_string(engine: Engine) -> None:
    whole = said(engine, Sampling(temperature=0, max_tokens=20))
    stop = whole[10:16]
    events = list(
        engine.generate(
            [ChatMessage.of("user", "Tell me a story.")], Sampling(temperature=0, max_tokens=20, stop=(stop,))
        )
    )
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == whole[: whole.index(stop)]
    assert isinstance(events[-1], Finished)
    assert events[-1].finish_reason == "stop"


def test_a_banned_word_does_not_come_and_a_favoured_one_does(engine: Engine) -> None:
    usual = said(engine, Sampling(temperature=0, max_tokens=1))
    assert said(engine, Sampling(temperature=0, max_tokens=1, logit_bias=((usual, -100.0),))) != usual
    assert said(engine, Sampling(temperature=0, max_tokens=1, logit_bias=((" blue", 100.0),))) == " blue"


def test_an_answer_keeps_to_a_grammar_and_to_a_schema(engine: Engine) -> None:
    assert said(engine, Sampling(seed=1, grammar='root ::= "yes" | "no"', max_tokens=8)) in ("yes", "no")
    schema = {"properties": {"age": {"type": "integer", "minimum": 1, "maximum": 99}}, "required": ["age"]}
    answer = json.loads(said(engine, Sampling(seed=1, json_schema=json.dumps(schema), max_tokens=30)))
    assert 1 <= answer["age"] <= 99


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"temperature": -1}, "temperature must be from 0 to 5, not -1."),
        ({"min_p": float("nan")}, "min_p must be from 0 to 1, not nan."),
        ({"top_k": 1.5}, "top_k must be a whole number, not 1.5."),
        ({"stop": [""]}, "stop can't be ['']."),
        ({"order": ["top_k", "top_k"]}, "order can't be ['top_k', 'top_k']."),
        ({"logit_bias": [["a"]]}, "logit_bias can't be [['a']]."),
        ({"magic": 1}, "There is no setting magic."),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Sampling().changed(values)
    assert caught.value.title == sentence


def test_a_grammar_that_can_not_be_used_is_told_and_the_worker_lives_on(engine: Engine) -> None:
    worker = engine._worker
    for grammar in (
        'root ::= "a',
        "root ::= root",
        'root ::= ("a"?)*',
        "root ::= " + "(" * 5_000,
        "root ::= <nothing>",
    ):
        with pytest.raises(BadRequest):
            said(engine, Sampling(grammar=grammar))
    with pytest.raises(BadRequest, match="The JSON Schema for this answer can't be used"):
        said(engine, Sampling(json_schema='{"not": {}}'))
    assert engine._worker is worker
    assert said(engine, Sampling(seed=1, grammar='root ::= "ok"')) == "ok"


# --- the grammar itself, on a small vocabulary and with random logits ------------------------------------------------


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    path = tmp_path_factory.mktemp("vocabulary") / "small.gguf"
    path.write_bytes(vocabulary_file("bpe", {"<think>": USER_DEFINED, "</think>": USER_DEFINED}))
    with loaded(path) as vocabulary:
        yield vocabulary


class RandomDraw:
    """Draws from logits of chance, as the sampler's own chain does from a model's; `wanted` tokens come first."""

    def __init__(self, vocabulary: Vocabulary, seed: int, wanted: tuple[int, ...] = ()) -> None:
        self._native, self._size, self._random = bindings(), vocabulary.size, random.Random(seed)
        self._wanted = list(wanted)
        self._odd = [not vocabulary.piece(token).isascii() for token in range(vocabulary.size)]  # parts of characters

    def __call__(self, narrow: Callable[[Any], bool] | None) -> int:
        rows = (self._native.llama_token_data * self._size)()
        for token in range(self._size):
            rows[token] = self._native.llama_token_data(id=token, logit=self._random.random() - self._odd[token], p=0.0)
        if self._wanted:
            rows[self._wanted.pop(0)].logit = 9.0
        candidates = self._native.llama_token_data_array(data=rows, size=self._size, selected=-1, sorted=False)
        if narrow is not None:
            narrow(ctypes.pointer(candidates))
        return int(max(rows, key=lambda row: row.logit).id)


def written(vocabulary: Vocabulary, form: Sampling, draw: RandomDraw, prompt: str = "") -> str:
    """What comes when every token is drawn at random, up to the end of the answer."""
    grammar, data = Grammar(grammar_of(form), vocabulary, prompt), b""
    try:
        for _ in range(3_000):
            token = grammar.choose(draw)
            grammar.accept(token)
            if vocabulary.is_end(token):
                return data.decode()
            data += vocabulary.piece(token)
    finally:
        grammar.close()
    raise AssertionError(data[-200:])


PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 6},
        "age": {"type": "integer", "minimum": -3, "maximum": 120},
        "size": {"type": "number"},
        "kind": {"enum": ["a\n", 'b"', None, 3]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 2}, "minItems": 1, "maxItems": 3},
        "born": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": '^[A-F]{2}-(\\d|"x\\\\)+$'},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "friend": {"$ref": "#/$defs/friend"},
    },
    "required": ["age", "kind", "other"],
    "$defs": {"friend": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}},
}


@pytest.mark.parametrize("seed", range(6))
def test_random_tokens_make_valid_json(vocabulary: Vocabulary, seed: int) -> None:
    schema = {**PERSON, "properties": {**PERSON["properties"], "other": {"type": ["null", "boolean"]}}}
    answer = json.loads(written(vocabulary, Sampling(json_schema=json.dumps(schema)), RandomDraw(vocabulary, seed)))
    assert {"age", "kind", "other"} <= answer.keys() <= schema["properties"].keys()
    assert type(answer["age"]) is int
    assert -3 <= answer["age"] <= 120
    assert answer["kind"] in ("a\n", 'b"', None, 3)
    assert 1 <= len(answer.get("name", "x")) <= 6
    assert 1 <= len(answer.get("tags", ["x"])) <= 3
    assert re.search(r'^[A-F]{2}-(\d|"x\\)+$', answer.get("code", "AB-1"))
    assert 0 <= answer.get("share", 0) <= 1
    assert isinstance(answer.get("friend", {"ok": True})["ok"], bool)


def test_the_grammar_leaves_thinking_alone_that_the_prompt_or_the_model_opened(vocabulary: Vocabulary) -> None:
    form = Sampling(grammar='root ::= "hell"')
    word = vocabulary.text_tokens("im")[0]
    marks = {vocabulary.piece(token): token for token in range(vocabulary.size)}
    opening, closing = marks[b"<think>"], marks[b"</think>"]
    thought = RandomDraw(vocabulary, 1, (opening, word, closing))
    assert written(vocabulary, form, thought) == "<think>im</think>hell"
    assert written(vocabulary, form, RandomDraw(vocabulary, 1, (word, closing)), "user<think>\n") == "im</think>hell"
    assert written(vocabulary, form, RandomDraw(vocabulary, 1, (word, closing))) == "hell", "no thinking was opened"


def test_an_answer_that_no_token_can_continue_ends_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "spm.gguf"
    path.write_bytes(vocabulary_file("spm", {}).replace(b"<0x01>", b"<0xZZ>"))
    with loaded(path) as vocabulary, pytest.raises(UserError, match="no word that would fit the grammar"):
        written(vocabulary, Sampling(grammar='root ::= "a\\x01b"'), RandomDraw(vocabulary, 1))


def test_an_answer_goes_on_from_given_tokens_as_if_it_had_drawn_them(engine: Engine) -> None:
    question = [ChatMessage.of("user", "Tell me a story.")]
    sampling = Sampling(temperature=0, max_tokens=8, alternatives=2)
    *_, whole = engine.generate(question, sampling, slot="chat")
    assert isinstance(whole, Finished)
    (tokens,) = whole.tokens
    assert tokens == tuple(place["id"] for place in whole.alternatives)
    *_, again = engine.generate(question, sampling, slot="chat", beginning=Beginning(tokens[:5]))
    assert isinstance(again, Finished)
    assert (again.tokens, again.finish_reason) == (whole.tokens, "length")
    assert again.usage.prompt_tokens + 4 == again.usage.cached_tokens, "only the last token given is processed"
    assert [place["id"] for place in again.alternatives] == list(tokens[5:])

    begun = "".join(place["text"] for place in whole.alternatives[:2])
    other = whole.alternatives[2]["likeliest"][1]
    *events, end = engine.generate(question, sampling, beginning=Beginning((*tokens[:2], other["id"])))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)).startswith(begun + other["text"])

    *events, end = engine.generate(question, sampling, beginning=Beginning(tokens[:2], " purple"))
    assert isinstance(end, Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)).startswith(f"{begun} purple")
    assert end.alternatives[0]["probability"] is None
    assert len(end.alternatives) == len(end.tokens[0]) - 2


def test_a_finished_answer_is_evaluated_to_the_numbers_that_it_was_drawn_with(engine: Engine) -> None:
    question = [ChatMessage.of("user", "Tell me a long story.")]
    *_, whole = engine.generate(question, Sampling(seed=3, max_tokens=110, alternatives=3), slot="a")
    assert isinstance(whole, Finished)
    run = Run(engine.alternatives(Written("a", question, whole.tokens[0], count=3)))
    assert [step.done == step.total for step in run] == [False, True], "in batches that leave room for all numbers"
    for found, drawn in zip(run.result, whole.alternatives, strict=True):
        assert (found["id"], found["text"]) == (drawn["id"], drawn["text"])
        # A batch is computed in another way than a single token, and this model's weights have four bits.
        assert found["probability"] == pytest.approx(drawn["probability"], abs=0.12)
    by_text = Run(engine.alternatives(Written("", question, text="".join(each["text"] for each in run.result))))
    assert list(by_text)
    assert by_text.result[0]["likeliest"][0]["id"] == run.result[0]["likeliest"][0]["id"]
