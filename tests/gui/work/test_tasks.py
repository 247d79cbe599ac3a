"""Actions run outside the window's thread and report to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop_llm.errors import UserError
from desktop_llm.gui.work.tasks import Tasks


@pytest.fixture
def tasks(qtbot: QtBot) -> Generator[Tasks, None, None]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def noting(log: list[Any], name: str) -> Callable[[Any], None]:
    return lambda value: log.append((name, value, threading.current_thread() is threading.main_thread()))


def test_progress_and_result_arrive_in_order_in_the_windows_thread(qtbot: QtBot, tasks: Tasks) -> None:
    log: list[Any] = []

    def count() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "end"

    tasks.run(count, progress=noting(log, "progress"), done=noting(log, "done"))
    qtbot.waitUntil(lambda: len(log) == 3)
    assert log == [("progress", 1, True), ("progress", 2, True), ("done", "end", True)]


def test_a_users_error_goes_to_failed_and_a_bug_becomes_unexpected(qtbot: QtBot, tasks: Tasks, caplog: Any) -> None:
    log: list[UserError] = []

    def refuse() -> None:
        raise UserError("The disk is full.", "Nothing was lost. Free some space.")

    tasks.call(refuse, failed=log.append)
    tasks.call(lambda: 1 / 0, failed=log.append)
    qtbot.waitUntil(lambda: len(log) == 2)
    messages = sorted(error.message for error in log)
    assert messages[0].startswith("Something unexpected happened")
    assert messages[1].startswith("The disk is full")
    assert any("ZeroDivisionError" in error.details for error in log)


def test_cancelling_closes_the_generator_and_says_nothing_more(qtbot: QtBot, tasks: Tasks) -> None:
    closed = threading.Event()
    said: list[Any] = []

    def forever() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    first: list[Any] = []
    task = tasks.run(forever, progress=first.append, done=said.append, failed=said.append)
    qtbot.waitUntil(lambda: bool(first))
    task.cancel()
    assert closed.wait(5)
    qtbot.wait(20)
    assert said == []


def test_actions_of_one_lane_never_overtake_each_other(qtbot: QtBot, tasks: Tasks) -> None:
    order: list[int] = []
    for number in range(50):
        tasks.call(lambda number=number: order.append(number), lane="writes")  # type: ignore[misc]
    qtbot.waitUntil(lambda: len(order) == 50)
    assert order == list(range(50))


def test_an_error_nobody_waits_for_is_told_to_the_window(qtbot: QtBot, tasks: Tasks) -> None:
    log: list[UserError] = []
    tasks.on_unhandled(log.append)

    def refuse() -> None:
        raise UserError("No.")

    tasks.call(refuse)
    qtbot.waitUntil(lambda: len(log) == 1)


def test_what_waits_in_a_lane_is_still_done_when_the_window_closes(qtbot: QtBot, tasks: Tasks) -> None:
    go_on = threading.Event()
    saved: list[int] = []
    tasks.call(lambda: go_on.wait(5), lane="writes")
    for number in range(3):
        tasks.call(lambda number=number: saved.append(number), lane="writes")  # type: ignore[misc]
    threading.Timer(0.05, go_on.set).start()
    assert tasks.close()
    assert saved == [0, 1, 2]


def test_closing_does_not_wait_for_ever(qtbot: QtBot, tasks: Tasks) -> None:
    go_on = threading.Event()
    tasks.call(lambda: go_on.wait(5))
    assert not tasks.close(within_s=0.05)
    go_on.set()
    assert tasks.close()


def test_an_action_that_begins_while_the_window_closes_still_runs(qtbot: QtBot) -> None:
    tasks, ran = Tasks(), threading.Event()
    assert tasks.close()
    tasks.call(ran.set)
    tasks.call(ran.set, lane="late")
    assert ran.wait(5)
    assert tasks.close()
