"""Speed and time left, by the test's own clock."""

from __future__ import annotations

from desktop_llm.models.download.pulling import Meter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_and_time_left_come_from_the_last_seconds() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    first = meter.report("downloading", 0)
    assert first is not None
    assert (first.bytes_per_s, first.seconds_left) == (0, None)
    for second in range(1, 21):
        clock.now += 1
        progress = meter.report("downloading", 10 * second if second <= 10 else 100 + (second - 10) * 500)
    assert progress is not None
    assert (progress.bytes_per_s, progress.seconds_left) == (500, (10_000 - 5_100) / 500)


def test_no_more_is_told_than_anybody_can_read() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    told = 0
    for step in range(1_000):
        clock.now += 0.001
        told += meter.report("downloading", step) is not None
    assert told <= 11


def test_a_new_stage_is_told_at_once_with_a_speed_of_its_own() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    for step in range(3):
        clock.now += 1
        meter.report("checking", 3_000 * step)
    progress = meter.report("downloading", 6_000)
    assert progress is not None
    assert (progress.stage, progress.bytes_per_s, progress.seconds_left) == ("downloading", 0, None)


def test_waiting_says_why_and_lets_the_speed_fall() -> None:
    clock = Clock()
    meter = Meter(10_000, clock)
    speeds = []
    for _ in range(8):
        clock.now += 1
        progress = meter.report("waiting", 5_000, "The connection was cut.")
        assert progress is not None
        speeds.append(progress.bytes_per_s)
    assert progress is not None
    assert progress.reason == "The connection was cut."
    assert speeds[-1] == 0
