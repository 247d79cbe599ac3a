"""Five kills of the whole app and five of its workers; benchmarks/kills.py does it hundreds of times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end2end.killing_app import kill_app_many, kill_workers_many

FILES = 25


@pytest.mark.timeout(300)
def test_five_kills_of_the_app_lose_no_stored_message_and_no_document(tmp_path: Path) -> None:
    assert kill_app_many(tmp_path, 5, seed=88, files=FILES) == []


@pytest.mark.timeout(300)
def test_five_kills_of_workers_and_readers_change_no_answer_and_no_index(tmp_path: Path) -> None:
    assert kill_workers_many(tmp_path, 5, seed=11, files=FILES) == []
