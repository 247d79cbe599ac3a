"""No wrong file is ever published, even if the hub misbehaves or the program is killed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faulty_hub import FAULTS, FaultyHub
from tests.models.downloading import FILE, REPO, made_model, try_fault
from tests.models.killing_pulls import CountingHub, kill_pulls

MOST_WASTED_BYTES = 8 << 20


@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_hub_gets_no_wrong_file_published(home: Path, fault: str) -> None:
    with FaultyHub() as hub:
        outcome = try_fault(home, hub, fault, seed=1)
    assert outcome.problems == []
    assert outcome.cause == "" or outcome.message.endswith(".")


def test_a_pull_that_is_killed_again_and_again_ends_right_and_wastes_little(home: Path) -> None:
    with CountingHub() as hub:
        hub.add(REPO, {FILE: made_model(Random(1), weights=6_000_000)})
        killed = kill_pulls(home, hub, kills=10, chance=Random(2))
    assert killed.problems == []
    assert killed.wasted_bytes <= MOST_WASTED_BYTES * killed.kills


def test_a_connection_that_is_cut_after_every_megabyte_wastes_nothing(home: Path) -> None:
    from tests.models.downloading import site

    with CountingHub(piece_s=0, cut_every_bytes=1 << 20) as hub:
        model = made_model(Random(1), weights=4_000_000)
        hub.add(REPO, {FILE: model})
        with site(home, hub.url) as place:
            assert place.pull().model.path.read_bytes() == model
    assert hub.cuts == len(model) >> 20
    assert hub.sent_bytes == len(model)
