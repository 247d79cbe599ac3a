"""A desk on a fake engine and a real store: turns run in the test's own thread, one event at a time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest

from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.desk import Desk
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.conversation.storing import Question
from desktop_llm.conversation.turn import ChosenModel, Turn
from desktop_llm.engine.client import LoadSettings
from desktop_llm.engine.engines import Engines
from desktop_llm.errors import UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders, folders

T = TypeVar("T")
FAKE_WORKER = Path(__file__).parent.parent / "fake_worker.py"
CONTEXT_LENGTH = 512


class Writing:
    """The store's thread, as far as a turn sees it; `full` makes the disk refuse everything."""

    def __init__(self, store: ChatStore) -> None:
        self.store = store
        self.full = False

    def __call__(self, work: Callable[[ChatStore], T]) -> Future[T]:
        written: Future[T] = Future()
        try:
            if self.full:
                raise UserError("The disk is full.", "Free some space.")
            written.set_result(work(self.store))
        except UserError as error:
            written.set_exception(error)
        return written


class FrontEnd:
    """A front end without a window: it keeps what it is told, and runs the turns that the desk starts when told to."""

    def __init__(self, home: Folders, write: Writing, engines: Engines) -> None:
        self.write, self.store, self.engines = write, write.store, engines
        self.knowledge = Knowledge(home)
        self.library = Library(home)
        self.started: list[Turn] = []
        self.refusals: list[tuple[Question, UserError]] = []
        self.reading: set[OpenChat] = set()
        self.chosen = ChosenModel(self.library.starter(), LoadSettings(context_length=CONTEXT_LENGTH))
        self.desk = Desk(
            engines,
            self.knowledge,
            self.library,
            write,
            start=self.started.append,
            refused=lambda question, error: self.refusals.append((question, error)),
            chosen=lambda _: self.chosen,
            is_ready=lambda chat: chat not in self.reading,
        )

    @property
    def worker_pid(self) -> int:
        """The process that holds the chosen model."""
        engine = self.engines.of(self.chosen.model.path)
        assert engine is not None
        assert engine._worker is not None
        return engine._worker.pid

    def turn(self, text: str | None, chat: OpenChat | None = None, **fields: object) -> Turn:
        """The turn that the desk starts for a question."""
        self.desk.ask(Question(chat or OpenChat(), text, **fields))  # type: ignore[arg-type]
        return self.started[-1]

    def finish(self, turn: Turn) -> Turn:
        """Run a turn to its end."""
        for _ in turn.run():
            pass
        self.desk.ended(turn)
        return turn

    def ask(self, text: str, chat: OpenChat | None = None) -> Turn:
        """Ask, and wait for the whole answer."""
        return self.finish(self.turn(text, chat))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    with ChatStore(tmp_path / "chats.db") as store:
        yield store


@pytest.fixture
def front_end(home: Path, store: ChatStore) -> Iterator[FrontEnd]:
    with contextlib.closing(Engines(folders(home), command=[sys.executable, str(FAKE_WORKER)])) as engines:
        front_end = FrontEnd(folders(home), Writing(store), engines)
        with contextlib.closing(front_end.knowledge):
            yield front_end
