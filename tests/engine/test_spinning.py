"""Whether the engine's threads spin follows from the cores that other programs leave."""

from __future__ import annotations

import subprocess
import sys

import pytest

from desktop_llm.engine.spinning import Spinning

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only GCC's OpenMP can be told")


@pytest.fixture
def spinning(monkeypatch: pytest.MonkeyPatch) -> Spinning:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    return Spinning(4)


def test_threads_spin_only_while_each_has_a_core_of_its_own(spinning: Spinning) -> None:
    assert not spinning.on, "before anything is known"
    said = []
    for cores in (3.0, 3.8, 3.2, 2.9, 3.2, 4.0):
        spinning.decide(cores)
        said.append(spinning.on)
    assert said == [False, True, True, False, False, True]


def test_what_passed_before_an_answer_tells_how_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    clocks = [0.0, 0.0, 0.0]  # the time, idle seconds of four processors, seconds of this process
    spinning = Spinning(4, lambda: (clocks[0], clocks[1], clocks[2]))
    said = []
    for passed_s, idle_s, own_s in (
        (0.05, 0.0, 0.2),  # too short to tell anything
        (2.0, 7.0, 1.0),  # while the model is loaded, nothing else runs
        (0.1, 0.0, 0.2),  # the first answer: two other programs have begun
        (0.3, 0.0, 1.2),  # and have ended; too soon to look again
        (0.3, 0.0, 1.2),
        (3600.0, 14400.0, 0.0),
    ):
        clocks = [clocks[0] + passed_s, clocks[1] + idle_s, clocks[2] + own_s]
        spinning.look()
        said.append(spinning.on)
    assert said == [False, True, False, False, True, True]


def test_a_person_s_own_choice_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "77")
    spinning = Spinning(4)
    spinning.decide(0.0)
    assert spinning.on


def test_the_team_that_sleeps_comes_and_goes_with_its_threads() -> None:
    code = """
import ctypes, time, psutil
from desktop_llm.engine.spinning import Spinning
ctypes.CDLL("libgomp.so.1")
count = lambda: psutil.Process().num_threads()
def until(condition):
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
before = count()
spinning = Spinning(1)
assert until(lambda: count() >= before + 2), count()
spinning.decide(9.0)
assert until(lambda: count() == before), count()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
