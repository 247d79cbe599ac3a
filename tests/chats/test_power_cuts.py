"""Kills at system calls and simulated power cuts lose nothing that was saved; without a safeguard they do.

The full numbers: `python -m tests.benchmarks.durability`.
"""

import shutil
from pathlib import Path

import pytest

from tests.chats import power
from tests.chats.durable_work import WORKS

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="the system calls are recorded with strace")


@pytest.mark.parametrize("work", WORKS)
def test_neither_a_kill_nor_a_power_cut_loses_what_was_saved(tmp_path: Path, work: str) -> None:
    recording = power.record(work, tmp_path / "recorded")
    looks, found = power.kills(recording, tmp_path, every=30)
    assert looks > 0
    assert found == []
    assert power.power_cuts(recording, tmp_path, cuts=12) == (12, [])


@pytest.mark.parametrize(
    ("work", "control", "problem"),
    [("chat", "normal", "is lost"), ("chat", "off", "was damaged"), ("settings", "unsynced", "torn")],
)
def test_without_a_safeguard_a_power_cut_is_noticed(tmp_path: Path, work: str, control: str, problem: str) -> None:
    recording = power.record(work, tmp_path / "recorded", control)
    found: list[str] = []
    for seed in range(20):
        found += power.power_cuts(recording, tmp_path, 10, seed)[1]
        if any(problem in each for each in found):
            return
    pytest.fail(f"{found}")


def test_strace_kills_as_the_recording_says(tmp_path: Path) -> None:
    looks, found = power.real("settings", tmp_path, every=20)
    assert looks > 1
    assert found == []


@pytest.mark.parametrize("fault", [power.FULL, power.FAILING])
def test_an_upgrade_that_a_disk_refuses_is_a_sentence_and_changes_nothing(tmp_path: Path, fault: str) -> None:
    looks, found = power.real("upgrade of version-1", tmp_path, fault, every=30)
    assert looks > 1
    assert found == []
