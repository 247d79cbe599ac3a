"""What counts as a hang, and what does not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from desktop_llm.workers import pulse
from desktop_llm.workers.pulse import HANG_S, HELD_S, Look, Watch

STOPPED = Look()
TICK_S, MOST_S = 0.5, 600.0


def noticed_after(
    watch: Watch, *, beat: dict[str, Any] | None = None, ran_s: float = TICK_S, most_s: float = 600
) -> float:
    """Seconds until the child counts as hung, while it beats like this; `most_s` if it never does."""
    passed_s = 0.0
    while passed_s < most_s:
        if beat is not None:
            watch.hear(beat)
        passed_s += ran_s
        if watch.is_hung(ran_s):
            break
    return passed_s


def working(moved: int = 0, still_s: float = HANG_S) -> dict[str, Any]:
    return {"busy": True, "moved": moved, "still_s": still_s}


def test_a_child_that_falls_silent_and_does_nothing_is_noticed_within_ten_seconds() -> None:
    watch = Watch(lambda: STOPPED)
    watch.hear(working())
    assert noticed_after(watch) < 10


def test_a_child_that_never_said_a_word_is_noticed_too() -> None:
    assert noticed_after(Watch(lambda: STOPPED)) < 10


def test_a_step_that_beats_and_gets_nowhere_is_noticed_within_ten_seconds() -> None:
    assert noticed_after(Watch(lambda: Look(computes=True, cpu_s=1.0)), beat=working()) < 10


def test_a_child_without_a_request_may_rest_for_ever() -> None:
    assert noticed_after(Watch(lambda: STOPPED), beat={"busy": False, "moved": 7}) == MOST_S


@pytest.mark.parametrize("look", [Look(waits_for_disk=True), Look(debugged=True)])
@pytest.mark.parametrize("beat", [None, working()])
def test_a_slow_disk_or_a_debugger_is_no_hang(look: Look, beat: dict[str, Any] | None) -> None:
    assert noticed_after(Watch(lambda: look), beat=beat) == MOST_S


def test_native_code_that_holds_pythons_lock_has_two_minutes() -> None:
    cpu_s = iter(range(10_000))
    watch = Watch(lambda: Look(cpu_s=next(cpu_s)))
    watch.hear(working())
    assert HELD_S <= noticed_after(watch) < HELD_S + 2


def test_a_wait_for_the_gpu_has_the_time_that_the_child_asked_for() -> None:
    assert 60 <= noticed_after(Watch(lambda: STOPPED), beat=working(still_s=60.0)) < 62


def test_after_the_computer_slept_a_child_has_time_to_answer() -> None:
    watch = Watch(lambda: STOPPED)
    watch.hear(working())
    for _ in range(10):  # each time an hour, of which this process ran for a moment
        assert not watch.is_hung(TICK_S)


def test_a_number_that_grows_is_a_sign_of_life() -> None:
    watch = Watch(lambda: STOPPED)
    for moved in range(100):
        watch.hear(working(moved))
        assert not watch.is_hung(1.0)


def test_computing_moves_the_pulse_and_waiting_does_not() -> None:
    def moved() -> int:
        told: list[dict[str, Any]] = []
        beating = threading.Thread(target=lambda: told.append(pulse.signs(busy=True)))
        beating.start()
        beating.join()
        return int(told[0]["moved"])

    before = moved()
    for _ in range(20):
        sum(range(10**6))
    computed = moved()
    assert computed > before
    threading.Event().wait(0.2)
    assert moved() - computed <= 1
