"""Several models in memory: which are loaded, which wait, which are unloaded for another."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import psutil
import pytest

from desktop_llm.engine.choice import BackendChoice, BackendNotes
from desktop_llm.engine.client import Engine, InLine, Loading, LoadSettings, Sampling, TextDelta, Unloaded
from desktop_llm.engine.engines import Engines
from desktop_llm.engine.room import Memory, count_to_unload
from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.errors import UserError, WorkerDied
from desktop_llm.paths import Folders, folders
from desktop_llm.steps import Run, result_of
from tests.engine.conftest import FAKE_WORKER, ask

MB = 1_000_000
Taking = Generator[Loading | InLine | Unloaded, None, Engine]


class Few(Engines):
    """Engines on the fake worker, whose models take 1 MB each, with room for as many as the test says."""

    def __init__(self, home: Folders, *options: str) -> None:
        command = [sys.executable, str(FAKE_WORKER), *options]
        BackendNotes(home.cache / "backends.json").write("a machine of the tests", BackendChoice(("cpu-fast",)))
        super().__init__(home, command=command, stall_s=60.0, free=lambda: Memory(self.room * MB - self.taken))
        self.room = 9

    @property
    def taken(self) -> int:
        return sum(loaded.memory_bytes for loaded in self.loaded)

    def taking(self, model: Path, context_length: int = 512) -> Taking:
        return self.take(model, LoadSettings(context_length=context_length), Memory(MB))

    def use(self, model: Path) -> Engine:
        """Load a model and leave it idle."""
        engine = result_of(self.taking(model))
        self.give_back(engine)
        return engine

    @property
    def names(self) -> list[str]:
        """The models in memory, the least recently used first."""
        return [loaded.path.stem for loaded in self.loaded]


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.gguf" for name in "abc"]
    for path in paths:
        path.write_bytes(b"GGUF")
    return paths


@pytest.fixture
def engines(home: Path) -> Iterator[Few]:
    few = Few(folders(home))
    yield few
    few.end()


def waits(taking: Taking) -> InLine:
    """The place in line of a request that has to wait."""
    step = next(taking)
    assert isinstance(step, InLine)
    return step


def test_two_models_stay_in_memory_and_switching_costs_nothing(engines: Few, models: list[Path]) -> None:
    first, second = engines.use(models[0]), engines.use(models[1])
    assert first is not second
    assert engines.names == ["a", "b"]
    before = {child.pid for child in psutil.Process().children()}
    assert list(engines.taking(models[0])) == []
    assert {child.pid for child in psutil.Process().children()} == before
    assert engines.of(models[0]) is first
    assert engines.names == ["b", "a"], "the one used last stays the longest"


def test_two_models_answer_at_once(engines: Few, models: list[Path]) -> None:
    first, second = (result_of(engines.taking(model)) for model in models[:2])
    telling = first.generate([ChatMessage.of("user", "Tell me a story.")], Sampling())
    while not isinstance(next(telling), TextDelta):
        pass
    assert ask(second, "say: meanwhile").text == "meanwhile"
    telling.close()


def test_the_least_recently_used_idle_model_makes_room_and_that_is_told(engines: Few, models: list[Path]) -> None:
    engines.room = 2
    engines.use(models[0])
    engines.use(models[1])
    steps = list(engines.taking(models[2]))
    assert steps[0] == Unloaded(models[0], models[2])
    assert engines.names == ["b", "c"]
    assert len(psutil.Process().children()) == 2


def test_a_model_that_answers_is_not_unloaded_and_the_other_one_waits(engines: Few, models: list[Path]) -> None:
    engines.room = 1
    first = result_of(engines.taking(models[0]))
    second = engines.taking(models[1])
    assert waits(second) == InLine(1, for_memory=True)
    third, like_second = engines.taking(models[0]), engines.taking(models[1])
    assert waits(third) == InLine(2), "nobody overtakes a request that waits for memory"
    assert waits(like_second) == InLine(2, for_memory=True)
    engines.give_back(first)
    assert Unloaded(models[0], models[1]) in list(second)
    assert waits(third) == InLine(1, for_memory=True)
    third.close()
    assert list(like_second) == []
    assert engines.names == ["b"]


def test_a_request_that_is_closed_leaves_the_line(engines: Few, models: list[Path]) -> None:
    engines.room = 1
    first = result_of(engines.taking(models[0]))
    second, third = engines.taking(models[1]), engines.taking(models[0])
    assert waits(second).place == 1
    assert waits(third).place == 2
    second.close()
    assert result_of(third) is first


def test_what_fits_nowhere_is_tried_once_nothing_else_is_in_memory(engines: Few, models: list[Path]) -> None:
    engines.use(models[0])
    engines.room = 0
    engines.use(models[1])
    assert engines.names == ["b"]


def test_other_settings_of_a_model_in_use_wait_and_then_load_it_anew(engines: Few, models: list[Path]) -> None:
    first = result_of(engines.taking(models[0]))
    other = engines.taking(models[0], 256)
    assert waits(other).for_memory
    engines.give_back(first)
    assert result_of(other) is first
    assert [loaded.context_length for loaded in engines.loaded] == [256]


def test_a_worker_that_dies_costs_only_its_own_conversations(engines: Few, models: list[Path]) -> None:
    first, second = (result_of(engines.taking(model)) for model in models[:2])
    telling = second.generate([ChatMessage.of("user", "Tell me a story.")], Sampling())
    while not isinstance(next(telling), TextDelta):
        pass
    with pytest.raises(WorkerDied):
        ask(first, "die: SIGKILL")
    assert isinstance(next(telling), TextDelta)
    telling.close()
    engines.give_back(first)
    assert engines.names == ["b"]
    assert ask(engines.use(models[0]), "say: again").text == "again"


def test_a_model_that_runs_out_of_memory_gets_that_of_the_idle_ones(home: Path, models: list[Path]) -> None:
    engines = Few(folders(home), "--memory", str(models[1]))
    engines.use(models[0])
    steps = Run(engines.taking(models[1]))
    assert Unloaded(models[0], models[1]) in list(steps)
    assert ask(steps.result, "say: there is room").text == "there is room"
    engines.end()


def test_unloading_waits_for_the_answer(engines: Few, models: list[Path]) -> None:
    engine = result_of(engines.taking(models[0]))
    assert not engines.unload(models[0])
    assert engines.names == ["a"]
    engines.give_back(engine)
    assert engines.names == []
    assert psutil.Process().children() == []


def test_a_model_that_stopped_twice_is_held_back_and_the_others_are_not(engines: Few, models: list[Path]) -> None:
    for _ in range(2):
        engine = result_of(engines.taking(models[0]))
        with pytest.raises(WorkerDied):
            ask(engine, "die before: SIGABRT")
        engines.give_back(engine)
    with pytest.raises(UserError, match="not started again by itself"):
        engines.use(models[0])
    assert engines.why_not(models[0]) is not None
    assert ask(engines.use(models[1]), "say: well").text == "well"


def test_the_third_question_to_a_busy_worker_hears_its_place(engines: Few, models: list[Path]) -> None:
    engine = engines.use(models[0])
    asked = [ChatMessage.of("user", "Tell me a story.")]
    first, second, third = (engine.generate(asked, Sampling(), slot=slot) for slot in "abc")
    while not isinstance(next(first), TextDelta):
        pass
    assert next(second) == InLine(1)
    assert next(third) == InLine(2)
    engine.stop("a")
    list(first)
    assert next(third) == InLine(1)
    for telling in (second, third):
        telling.close()


def test_the_end_ends_all(engines: Few, models: list[Path]) -> None:
    for model in models:
        engines.use(model)
    os.kill(psutil.Process().children()[0].pid, signal.SIGSTOP)  # even one that hangs
    engines.end()
    assert psutil.Process().children() == []


@pytest.mark.parametrize(
    ("needed", "free", "idle", "count"),
    [
        ((3, 0), (4, 0), [], 0),
        ((3, 0), (2, 0), [(2, 0), (9, 0)], 1),
        ((3, 0), (0, 0), [(2, 0), (1, 0)], 2),
        ((3, 0), (0, 0), [(2, 0)], None),
        ((1, 3), (9, 0), [(1, 4), (1, 0)], 1),
        ((1, 3), (9, 0), [(1, 1)], 1),  # the GPU stays too full, but the processor can do it
    ],
)
def test_how_many_idle_models_must_go(
    needed: tuple[int, int], free: tuple[int, int], idle: list[tuple[int, int]], count: int | None
) -> None:
    assert count_to_unload(Memory(*needed), Memory(*free), [Memory(*each) for each in idle]) == count
