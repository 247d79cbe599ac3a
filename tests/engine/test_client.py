"""What the app may rely on, whichever worker is behind the client."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psutil
import pytest

from desktop_llm.conversation.tools import TOOLS, definitions
from desktop_llm.engine import choice
from desktop_llm.engine.client import (
    ChatMessage,
    Engine,
    Event,
    Finished,
    LeftOut,
    Loading,
    LoadSettings,
    PromptProgress,
    Sampling,
    TextDelta,
    Timings,
    Usage,
)
from desktop_llm.errors import BadRequest, ContextOverflow, ModelFileError, NotFound, WorkerDied
from desktop_llm.message import Image, Text
from desktop_llm.steps import result_of
from tests.engine.conftest import CONTEXT_LENGTH, Start, ask, load

QUESTION = "Tell me a long story about a lighthouse."


def worker_pid() -> int:
    """The one child of this test."""
    (child,) = psutil.Process().children()
    return int(child.pid)


class TestEveryEngine:
    def test_loading_tells_how_far_it_is_and_what_is_loaded(self, engine: Engine, starter: Path) -> None:
        steps = list(engine.load(starter, LoadSettings(context_length=CONTEXT_LENGTH)))
        assert Loading(None) in steps
        fractions = [step.fraction for step in steps if step.fraction is not None]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert engine.loaded is not None
        assert engine.loaded.path == starter
        assert engine.loaded.context_length == CONTEXT_LENGTH
        assert engine.loaded.device.startswith("CPU, ")

    def test_loading_the_loaded_model_again_does_nothing(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        before = worker_pid()
        assert list(engine.load(starter, LoadSettings(context_length=CONTEXT_LENGTH))) == []
        assert worker_pid() == before

    def test_another_context_length_loads_the_model_anew(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        load(engine, starter, 256)
        assert engine.loaded is not None
        assert engine.loaded.context_length == 256

    def test_a_missing_file_is_told_and_the_model_before_answers(
        self, engine: Engine, starter: Path, tmp_path: Path
    ) -> None:
        load(engine, starter)
        with pytest.raises(ModelFileError, match=r"gone\.gguf can't be read"):
            load(engine, tmp_path / "gone.gguf")
        assert ask(engine, QUESTION).text

    def test_without_a_model_it_says_so(self, engine: Engine) -> None:
        with pytest.raises(NotFound, match="No model is loaded"):
            ask(engine, QUESTION)
        with pytest.raises(NotFound, match="No model is loaded"):
            engine.measure([ChatMessage.of("user", QUESTION)])

    def test_an_answer_streams_after_its_prompt_and_ends_once(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        answer = ask(engine, QUESTION)
        kinds = [type(event) for event in answer.events]
        assert kinds.index(PromptProgress) < kinds.index(TextDelta)
        assert kinds.count(Finished) == 1
        last = [event for event in answer.events if isinstance(event, PromptProgress)][-1]
        assert last.done == last.total == answer.end.usage.prompt_tokens

    def test_max_tokens_ends_an_answer_by_its_length(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        answer = ask(engine, QUESTION, max_tokens=5)
        assert answer.end.finish_reason == "length"
        assert answer.end.usage.completion_tokens == 5

    def test_an_answer_cut_within_a_character_ends_before_it(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        for length in range(1, 7):
            assert "\ufffd" not in ask(engine, "🦜🦜🦜🦜🦜🦜🦜🦜", max_tokens=length).text

    def test_the_seed_that_was_asked_for_is_reported(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        assert ask(engine, QUESTION, seed=42).end.seed == 42
        assert ask(engine, QUESTION, seed=None).end.seed is not None

    def test_a_second_turn_reuses_what_was_processed(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        first = ask(engine, QUESTION)
        second = ask(engine, QUESTION, ChatMessage.of("assistant", first.text), "Go on.")
        known = first.end.usage.prompt_tokens + first.end.usage.completion_tokens
        assert second.end.usage.cached_tokens >= known - 1

    def test_what_comes_before_a_question_is_processed_while_it_is_typed(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        known = [
            ChatMessage.of("system", f"{QUESTION} " * 8),
            ChatMessage.of("user", "Hi."),
            ChatMessage.of("assistant", "A"),
        ]
        for _ in engine.prepare(known, "a"):
            pass
        usage = ask(engine, *known, "Go on.", slot="a").end.usage
        assert usage.prompt_tokens - usage.cached_tokens < 20

    def test_the_tools_of_a_chat_are_read_ahead_too(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        known, tools = [ChatMessage.of("user", "Hi."), ChatMessage.of("assistant", "A")], definitions(TOOLS)
        for _ in engine.prepare(known, "a", tools=tools[:1]):
            pass
        sampling = Sampling(temperature=0, max_tokens=1)
        *_, end = engine.generate([*known, ChatMessage.of("user", "Go on.")], sampling, slot="a", tools=tools[:1])
        assert isinstance(end, Finished)
        assert end.usage.prompt_tokens - end.usage.cached_tokens < 20

    def test_reading_ahead_gives_way_to_a_question(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        engine.prepare([ChatMessage.of("system", f"{QUESTION} " * 20)], "a")
        assert ask(engine, QUESTION, slot="b").end.usage.completion_tokens

    def test_stop_while_it_writes_keeps_what_was_written(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        events = []
        for event in engine.generate([ChatMessage.of("user", QUESTION)], Sampling(temperature=0)):
            events.append(event)
            if isinstance(event, TextDelta):
                engine.stop()
        assert isinstance(events[-1], Finished)
        assert events[-1].finish_reason == "cancelled"
        assert ask(engine, QUESTION).end.finish_reason == "length"

    def test_stop_during_prompt_processing_ends_the_answer(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        events = []
        for event in engine.generate([ChatMessage.of("user", QUESTION * 30)], Sampling()):
            events.append(event)
            engine.stop()
        assert isinstance(events[-1], Finished)
        assert events[-1].finish_reason == "cancelled"
        assert ask(engine, QUESTION).end.finish_reason == "length"

    def test_stop_while_loading_ends_the_answer(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        engine.close()
        events = []
        for event in engine.generate([ChatMessage.of("user", QUESTION)], Sampling()):
            events.append(event)
            engine.stop()
        assert isinstance(events[-1], Finished)
        assert events[-1].finish_reason == "cancelled"
        assert ask(engine, QUESTION).text

    def test_an_answer_that_is_closed_makes_way_for_the_next(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        steps = engine.generate([ChatMessage.of("user", QUESTION)], Sampling())
        next(steps)
        steps.close()
        assert ask(engine, QUESTION, max_tokens=3).end.usage.completion_tokens == 3

    def test_two_conversations_are_answered_one_after_the_other(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        first = engine.generate([ChatMessage.of("user", QUESTION)], Sampling(temperature=0, max_tokens=12), slot="a")
        next(event for event in first if isinstance(event, TextDelta))
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, engine, "And of a harbour?", slot="b")
            *_, end = first
            assert isinstance(end, Finished)
            assert (end.finish_reason, end.usage.completion_tokens) == ("length", 12)
            assert second.result(60).end.finish_reason == "length"
            assert second.result().text

    def test_stopping_one_conversation_leaves_the_other_alone(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        first = engine.generate([ChatMessage.of("user", QUESTION)], Sampling(temperature=0, max_tokens=200), slot="a")
        next(event for event in first if isinstance(event, TextDelta))
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, engine, "And of a harbour?", slot="b")
            engine.stop("a")
            *_, end = first
            assert isinstance(end, Finished)
            assert end.finish_reason == "cancelled"
            assert end.usage.completion_tokens > 0
            assert second.result(60).end.finish_reason == "length"

    def test_a_conversation_that_waits_is_stopped_at_once(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        first = engine.generate([ChatMessage.of("user", QUESTION)], Sampling(temperature=0, max_tokens=50), slot="a")
        next(event for event in first if isinstance(event, TextDelta))
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, engine, "And of a harbour?", slot="b")
            while not second.done():
                engine.stop("b")  # as soon as it is under way
                wait([second], 0.01)
            assert second.result().end == Finished("cancelled", Usage(), Timings(), None)
        *_, end = first
        assert isinstance(end, Finished)
        assert (end.finish_reason, end.usage.completion_tokens) == ("length", 50)

    def test_stopping_without_a_name_stops_every_conversation(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        sampling = Sampling(temperature=0)
        both = [engine.generate([ChatMessage.of("user", QUESTION)], sampling, slot=slot) for slot in ("a", "b")]
        with ThreadPoolExecutor(2) as pool:
            ends = [pool.submit(list, steps) for steps in both]
            while not all(end.done() for end in ends):
                engine.stop()
                wait(ends, 0.01)
            last = [end.result()[-1] for end in ends]
        assert all(isinstance(event, Finished) and event.finish_reason == "cancelled" for event in last)

    def test_a_picture_is_refused_in_words(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        with pytest.raises(BadRequest, match="can't see pictures"):
            ask(engine, ChatMessage("user", (Text("What is this?"), Image("/a/cat.png"))))

    def test_a_killed_worker_is_told_in_words_and_the_next_message_works(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        steps = engine.generate([ChatMessage.of("user", QUESTION)], Sampling(temperature=0))
        assert any(isinstance(event, TextDelta) for event in steps)
        os.kill(worker_pid(), signal.SIGKILL)
        with pytest.raises(WorkerDied, match=r"The model stopped unexpectedly .*ended it.* is kept"):
            list(steps) or ask(engine, QUESTION)
        assert engine.loaded is None
        assert ask(engine, QUESTION).text

    def test_one_message_that_is_too_long_is_told_with_both_numbers(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        with pytest.raises(ContextOverflow) as told:
            ask(engine, "word " * 3_000)
        assert told.value.needed_tokens > 3_000
        assert told.value.available_tokens < CONTEXT_LENGTH
        assert ask(engine, QUESTION).text

    def test_a_long_conversation_leaves_out_the_oldest_turns_and_says_so_first(
        self, engine: Engine, starter: Path
    ) -> None:
        load(engine, starter)
        turns = [ChatMessage.of(role, "a few words more " * 8) for _ in range(12) for role in ("user", "assistant")]
        messages = [ChatMessage.of("system", "Be brief."), *turns, ChatMessage.of("user", QUESTION)]
        answer = ask(engine, *messages)
        assert isinstance(answer.events[0], LeftOut)
        size = engine.measure(messages)
        assert answer.events[0].messages == size.left_out > 0
        assert size.prompt_tokens + size.reserved_tokens <= size.context_length == CONTEXT_LENGTH

    def test_bench_measures_and_refuses_what_does_not_fit(self, engine: Engine, starter: Path) -> None:
        load(engine, starter)
        measured = result_of(engine.bench(prompt_tokens=40, tokens=4))
        assert set(measured) == {"prompt_tps", "generation_tps", "ttft_s", "load_s", "peak_rss_bytes", "backend"}
        assert measured["generation_tps"] > 0
        with pytest.raises(Exception, match="fit into"):
            result_of(engine.bench(prompt_tokens=CONTEXT_LENGTH, tokens=4))


class TestFaults:
    """What only the fake can do on demand."""

    @pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV", "SIGBUS", "SIGKILL"])
    def test_a_death_keeps_the_words_before_it_and_names_the_reason(
        self, fake: Start, starter: Path, name: str
    ) -> None:
        engine = fake()
        load(engine, starter)
        events: list[Event] = []
        with pytest.raises(WorkerDied, match="The model stopped unexpectedly") as death:
            events.extend(engine.generate([ChatMessage.of("user", f"die: {name}")], Sampling()))
        assert name in death.value.details
        assert "SIG" not in death.value.message
        assert sum(isinstance(event, TextDelta) for event in events) == 3
        assert ask(engine, "say: back again").text == "back again"

    def test_a_full_memory_is_called_that(self, fake: Start, starter: Path) -> None:
        engine = fake()
        load(engine, starter)
        with pytest.raises(WorkerDied, match="memory ran out"):
            ask(engine, "memory")

    def test_a_worker_that_hangs_is_ended(self, fake: Start, starter: Path) -> None:
        engine = fake(stall_s=4.0)
        load(engine, starter)
        with pytest.raises(WorkerDied, match="stopped responding"):
            ask(engine, "stall")
        assert ask(engine, "say: awake").text == "awake"

    def test_a_stop_ends_a_worker_that_hangs_and_keeps_its_words(self, fake: Start, starter: Path) -> None:
        engine = fake(stop_grace_s=0.1)
        load(engine, starter)
        events: list[Event] = []
        for event in engine.generate([ChatMessage.of("user", "stall")], Sampling()):
            events.append(event)
            if sum(isinstance(event, TextDelta) for event in events) == 3:
                engine.stop()
        assert isinstance(events[-1], Finished)
        assert events[-1].finish_reason == "cancelled"
        assert ask(engine, "say: awake").text == "awake"

    def test_an_answer_that_is_closed_while_the_worker_hangs_ends_it(self, fake: Start, starter: Path) -> None:
        engine = fake(stop_grace_s=0.1)
        load(engine, starter)
        steps = engine.generate([ChatMessage.of("user", "stall")], Sampling())
        for _ in range(5):
            next(steps)
        hung = psutil.Process(worker_pid())
        steps.close()
        hung.wait(30)
        assert ask(engine, "say: awake").text == "awake"

    def test_a_conversation_that_waits_survives_the_death_of_the_one_before(self, fake: Start, starter: Path) -> None:
        engine = fake()
        load(engine, starter)
        first = engine.generate([ChatMessage.of("user", "die: SIGABRT")], Sampling(), slot="a")
        next(first)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, engine, "say: I am here", slot="b")
            with pytest.raises(WorkerDied, match="stopped unexpectedly"):
                list(first)
            assert second.result(60).text == "I am here"

    def test_stopping_a_conversation_that_waits_does_not_end_a_worker_that_is_slow(
        self, fake: Start, starter: Path
    ) -> None:
        engine = fake(stop_grace_s=0.01)
        load(engine, starter)
        first = engine.generate([ChatMessage.of("user", "say: one two three")], Sampling(), slot="a")
        next(first)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, engine, "say: never", slot="b")
            while not second.done():
                engine.stop("b")
                wait([second], 0.01)
            assert second.result().text == ""
        assert [event.text for event in first if isinstance(event, TextDelta)] == ["one", " two", " three"]

    def test_junk_on_the_wire_is_a_death_like_any_other(self, fake: Start, starter: Path) -> None:
        engine = fake()
        load(engine, starter)
        with pytest.raises(WorkerDied):
            ask(engine, "junk")
        assert ask(engine, "say: clean").text == "clean"

    def test_a_backend_that_crashes_is_left_out_and_remembered(self, fake: Start, starter: Path) -> None:
        engine = fake("--crash", "cpu-fast")
        load(engine, starter)
        assert engine.loaded is not None
        assert engine.loaded.backend == "cpu-safe"
        ask(engine, "say: hello")
        # Another engine on this machine does not test again: it would choose the fast one, which is fine for it.
        other = fake()
        load(other, starter)
        assert other.loaded is not None
        assert other.loaded.backend == "cpu-safe"

    def test_a_gpu_module_whose_test_hangs_is_left_out(
        self, fake: Start, starter: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(choice, "SELFTEST_STALL_S", 3.0)
        engine = fake("--gpu", "--gpu-hangs")
        load(engine, starter)
        assert engine.loaded is not None
        assert engine.loaded.backend == "cpu-fast"
        assert "failed its self-test" in engine.loaded.fallback

    def test_where_every_module_crashes_what_is_linked_in_is_used(self, fake: Start, starter: Path) -> None:
        engine = fake("--crash", "cpu-fast", "--crash", "cpu-safe")
        load(engine, starter)
        assert engine.loaded is not None
        assert engine.loaded.backend == ""

    def test_a_first_decode_that_crashes_is_retried_without_extra_buffers(self, fake: Start, starter: Path) -> None:
        engine = fake("--crash-repacked")
        load(engine, starter)
        assert ask(engine, "say: it works").text == "it works"
        other = fake("--crash-repacked")
        load(other, starter)
        before = worker_pids()
        assert ask(other, "say: at once").text == "at once"
        assert worker_pids() == before

    def test_a_model_on_the_gpu_is_told_as_that(self, fake: Start, starter: Path) -> None:
        engine = fake("--gpu")
        load(engine, starter)
        assert engine.loaded is not None
        assert (engine.loaded.device, engine.loaded.gpu_layers, engine.loaded.fallback) == ("Fake card", 2, "")
        assert [device.description for device in engine.installation.devices()] == ["Fake card"]

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (["--gpu-full"], "free memory of Fake card is not enough"),
            (["--crash", "gpu"], "failed its self-test"),
            (["--gpu-crashes-at-load"], "crashed on the GPU"),
        ],
    )
    def test_where_the_gpu_can_t_be_used_the_processor_is_and_the_reason_is_told(
        self, fake: Start, starter: Path, options: list[str], reason: str
    ) -> None:
        engine = fake("--gpu", *options)
        load(engine, starter)
        assert engine.loaded is not None
        assert (engine.loaded.device, engine.loaded.gpu_layers) == ("CPU, 1 thread", 0)
        assert reason in engine.loaded.fallback
        assert ask(engine, "say: it works").text == "it works"

    def test_a_first_decode_that_crashes_the_gpu_goes_on_without_it(self, fake: Start, starter: Path) -> None:
        engine = fake("--gpu", "--gpu-crashes")
        load(engine, starter)
        assert ask(engine, "say: it works").text == "it works"
        assert engine.loaded is not None
        assert "crashed on the GPU" in engine.loaded.fallback

    def test_nobody_is_told_of_a_gpu_that_was_not_wanted(self, fake: Start, starter: Path) -> None:
        engine = fake("--gpu")
        for _ in engine.load(starter, LoadSettings(gpu_layers=0)):
            pass
        assert engine.loaded is not None
        assert (engine.loaded.gpu_layers, engine.loaded.fallback) == (0, "")
        assert engine.loaded.backend == "cpu-fast"

    def test_those_who_ask_at_once_for_the_devices_wait_for_one_answer(self, fake: Start) -> None:
        engine = fake("--gpu")
        with ThreadPoolExecutor(3) as pool:
            first, *others = pool.map(lambda _: engine.installation.devices(), range(3))
        assert all(other is first for other in others)

    def test_the_end_takes_along_what_is_tested_and_starts_nothing_more(self, fake: Start) -> None:
        engine = fake("--test-hangs")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(engine.installation.devices)
            while len(psutil.Process().children()) < 2:  # the one that was asked, and the one that is tested
                wait([asked], 0.01)
            engine.installation.end()
            assert isinstance(asked.exception(), WorkerDied)
        with pytest.raises(WorkerDied):
            engine.installation.devices()
        assert psutil.Process().children() == []

    def test_a_worker_that_refuses_to_end_is_killed(self, fake: Start, starter: Path) -> None:
        engine = fake("--stay")
        load(engine, starter)
        engine.close()
        assert engine.loaded is None


def worker_pids() -> set[int]:
    return {child.pid for child in psutil.Process().children()}
