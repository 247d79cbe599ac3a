"""What is kept of conversations in the KV cache: it spares work and never changes an answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.engine.versions import Message
from tests.engine.histories import Histories, Loaded, answered, begin, fitted, loaded, text_of
from tests.engine.tiny_models import tiny_model

CONTEXT_LENGTH = 512
ARCHITECTURES = ("llama", "gemma3", "mamba")


@pytest.fixture(scope="module", params=ARCHITECTURES)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    path = tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf", request.param)
    with loaded(path, CONTEXT_LENGTH) as model:
        yield model


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    with loaded(tiny_model(tmp_path_factory.mktemp("tiny") / "llama.gguf"), CONTEXT_LENGTH) as model:
        yield model


def chat(*texts: str) -> list[Message]:
    """Instructions, then questions and answers in turns."""
    roles = ["system", *("user", "assistant") * len(texts)]
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


def test_random_histories_are_answered_as_without_kept_states(tiny: Loaded) -> None:
    histories = Histories(random.Random(4), chats=4, longest_question=40)
    kept = tiny.inference()
    said: list[tuple[list[Message], str]] = []
    for _ in range(30):
        number, messages = histories.next()
        asked = fitted(kept, tiny.running, messages)
        assert len(asked.tokens) + asked.reserved_tokens <= CONTEXT_LENGTH
        assert messages[0]["content"] in asked.text
        assert messages[-1]["content"] in asked.text
        text, _ = answered(kept, asked, str(number), 12)
        histories.answer(number, text)
        said.append((messages, text))
    for messages, text in said:
        fresh = tiny.inference()
        assert answered(fresh, fitted(fresh, tiny.running, messages), "", 12)[0] == text


def test_two_chats_that_take_turns_read_only_what_is_new(llama: Loaded) -> None:
    inference = llama.inference()
    chats = {slot: chat("Be brief.", f"{slot} " * 30) for slot in ("one", "two")}
    read = []
    for _ in range(3):
        for slot, messages in chats.items():
            text, usage = answered(inference, fitted(inference, llama.running, messages), slot, 8)
            read.append(usage["prompt_tokens"] - usage["cached_tokens"])
            messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "Go on."}]
    new = len(llama.running.vocabulary.prompt_tokens(fitted(inference, llama.running, chat("", "Go on.")).rendered))
    assert max(read[2:]) <= new
    assert read[1] < read[0]  # the second chat has the instructions of the first


def test_two_answers_at_once_are_those_of_one_after_the_other(tiny: Loaded) -> None:
    questions = {slot: chat("Be brief.", f"{slot} " * 8) for slot in ("wind", "tide")}
    alone = {}
    for slot, messages in questions.items():
        fresh = tiny.inference()
        alone[slot] = answered(fresh, fitted(fresh, tiny.running, messages), slot, 40)[0]
    inference = tiny.inference()
    first = begin(inference, fitted(inference, tiny.running, questions["wind"]), "wind", 40)
    steps = inference.follow(first)
    said = [event for event in (next(steps) for _ in range(20)) if event is not None]  # it is being written
    asked = fitted(inference, tiny.running, questions["tide"])
    assert inference.has_place()
    assert inference.has_room(asked)
    second = begin(inference, asked, "tide", 40)
    assert not inference.has_place()
    told = text_of(inference.follow(second))
    rest = text_of(steps)
    assert told == alone["tide"]
    assert "".join(event["text"] for event in said if event["event"] == "text") + rest == alone["wind"]


def test_text_that_comes_fast_is_told_in_few_pieces_and_at_once_at_first(llama: Loaded) -> None:
    inference = llama.inference()
    asked = fitted(inference, llama.running, chat("Be brief.", "wind " * 8))
    whole, _ = answered(inference, asked, "", 100)
    answer = begin(inference, asked, "", 100)
    told = [event for event in inference.follow(answer) if event is not None and event["event"] == "text"]
    assert "".join(event["text"] for event in told) == whole
    assert len(told) < 90
    assert len(told[0]["text"]) < len(whole) / 10


def test_an_answer_that_runs_out_of_cells_waits_for_the_older_one(llama: Loaded) -> None:
    questions = {slot: chat("Be brief.", f"{slot} " * 40) for slot in ("wind", "tide")}
    alone = {}
    for slot, messages in questions.items():
        fresh = llama.inference()
        alone[slot] = answered(fresh, fitted(fresh, llama.running, messages), slot, 180)[0]
    inference = llama.inference()
    both = []
    for slot, messages in questions.items():
        both.append(inference.follow(begin(inference, fitted(inference, llama.running, messages), slot, 180)))
    assert [text_of(steps) for steps in both] == list(alone.values())


def test_a_conversation_is_found_again_on_the_disk(tiny: Loaded, tmp_path: Path) -> None:
    messages = chat("Be brief.", "wind " * 42)
    before = tiny.inference(tmp_path)
    text, first = answered(before, fitted(before, tiny.running, messages), "chat", 20)
    before.memory.store_all(5.0)
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "Go on."}]
    again = tiny.inference(tmp_path)
    told, usage = answered(again, fitted(again, tiny.running, messages), "chat", 20)
    assert usage["cached_tokens"] >= first["prompt_tokens"] + first["completion_tokens"] - 1
    fresh = tiny.inference()
    assert answered(fresh, fitted(fresh, tiny.running, messages), "chat", 20)[0] == told


@pytest.mark.parametrize("place", [0.0, 0.01, 0.5, 0.999])
def test_a_damaged_file_is_not_used(llama: Loaded, tmp_path: Path, place: float) -> None:
    messages = chat("Be brief.", "wind " * 42)
    before = llama.inference(tmp_path)
    text, _ = answered(before, fitted(before, llama.running, messages), "chat", 20)
    before.memory.store_all(5.0)
    (file,) = tmp_path.glob("*/*.kv")
    assert file.stat().st_mode & 0o077 == 0
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 0x40
    file.write_bytes(content)
    again = llama.inference(tmp_path)
    told, usage = answered(again, fitted(again, llama.running, messages), "chat", 20)
    assert (told, usage["cached_tokens"]) == (text, 0)
    assert not file.exists()
