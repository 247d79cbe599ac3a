"""Running a long action in a loop."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from desktop_llm.errors import UserError
from desktop_llm.steps import Run, result_of

Steps = Generator[int, None, str]


class Counting:
    """An action of three steps that knows whether it was ended early."""

    def __init__(self) -> None:
        self.closed = False

    def steps(self) -> Steps:
        try:
            yield from (1, 2, 3)
        except GeneratorExit:
            self.closed = True
            raise
        return "done"


def test_a_run_gives_every_step_and_then_the_result() -> None:
    run = Run(Counting().steps())
    assert list(run) == [1, 2, 3]
    assert run.result == "done"


def test_the_result_is_had_without_looking_at_the_steps() -> None:
    assert result_of(Counting().steps()) == "done"


def test_a_loop_that_is_left_ends_the_action() -> None:
    counting = Counting()
    for step in Run(counting.steps()):
        if step == 2:
            break
    assert counting.closed


def test_a_failure_of_the_one_who_looks_ends_the_action() -> None:
    counting = Counting()
    with pytest.raises(UserError):
        look(counting)
    assert counting.closed


def look(counting: Counting) -> None:
    for _ in Run(counting.steps()):
        raise UserError("That went wrong.")


def test_closing_an_action_that_runs_another_ends_both() -> None:
    counting = Counting()

    def outer() -> Steps:
        for step in Run(counting.steps()):
            yield step * 10
        return "never"

    steps = outer()
    assert next(steps) == 10
    steps.close()
    assert counting.closed
