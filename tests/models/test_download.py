"""Downloads as the window and the command line use them, against a hub on this computer."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from desktop_llm.errors import BadRequest, Busy, ModelFileError, TransferError
from desktop_llm.files import LockFile
from desktop_llm.models.download import PullProgress
from desktop_llm.models.download.receiving import Patience
from desktop_llm.models.download.sidecar import SPARE_BYTES
from tests.faulty_hub import FaultyHub
from tests.hub import Blob, Exchange, status
from tests.models.downloading import BLOCK_BYTES, FILE, REPO, Site, made_model, site
from tests.models.gguf_files import CHAT, gguf, tensor

MODEL = made_model(Random(1))


@pytest.fixture
def hub() -> Iterator[FaultyHub]:
    with FaultyHub() as hub:
        hub.add(REPO, {FILE: MODEL})
        yield hub


@pytest.fixture
def place(home: Path, hub: FaultyHub) -> Iterator[Site]:
    with site(home, hub.url) as place:
        yield place


def part_of(place: Site, model: bytes = MODEL) -> Path:
    return place.models / ".part" / f"{hashlib.sha256(model).hexdigest()}.part"


def interrupt(place: Site, hub: FaultyHub, at_bytes: int = len(MODEL) // 2) -> None:
    """Leave a partial download behind, as a pause or a kill does."""

    def cut(exchange: Exchange) -> bool:
        exchange.start(200, {"Content-Length": str(len(MODEL)), "ETag": f'"{hashlib.sha256(MODEL).hexdigest()}"'})
        exchange.raw(MODEL[:at_bytes])
        exchange.wait(60)
        exchange.hang_up()
        return True

    hub.behave("/cdn/*", cut)
    steps = place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))
    while next(steps).done_bytes < at_bytes:
        pass
    steps.close()
    hub.behave_well()


def asked_ranges(hub: FaultyHub) -> list[str]:
    return [seen.headers.get("range", "") for seen in hub.asked("/cdn/*", "GET")]


def test_a_model_arrives_under_its_name_and_is_listed(place: Site) -> None:
    pulled = place.pull()
    assert (pulled.sha256, pulled.size_bytes) == (hashlib.sha256(MODEL).hexdigest(), len(MODEL))
    assert pulled.bytes_transferred == len(MODEL)
    assert pulled.model.path.read_bytes() == MODEL
    assert [model.id for model in place.library.models() if model.origin == "pulled"] == [pulled.model.id]
    assert place.left() == []


def test_a_model_that_is_here_costs_nothing(place: Site, hub: FaultyHub) -> None:
    first = place.pull()
    again = place.pull()
    assert (again.model.id, again.bytes_transferred) == (first.model.id, 0)
    assert len(asked_ranges(hub)) == 1


def test_all_parts_of_a_model_come_with_one_pull(place: Site, hub: FaultyHub) -> None:
    parts = {}
    for number in (1, 2):
        split = {"split.no": number - 1, "split.count": 2, "split.tensors.count": 2}
        data = gguf({**CHAT, **split} if number == 1 else split, [tensor(f"w{number}", [16, 16])], data_bytes=1024)
        parts[f"big-Q4_K_M-0000{number}-of-00002.gguf"] = data
    hub.add("maker/Big-GGUF", parts)
    pulled = place.pull("maker/Big-GGUF", "big-Q4_K_M-00001-of-00002.gguf")
    assert [path.read_bytes() for path in place.published()] == list(parts.values())
    assert pulled.model.path == place.published()[0]
    assert pulled.bytes_transferred == pulled.size_bytes == sum(map(len, parts.values()))
    assert place.pull("maker/Big-GGUF", "big-Q4_K_M-00001-of-00002.gguf").bytes_transferred == 0


def test_closing_pauses_and_the_next_pull_gets_only_the_rest(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    there = part_of(place).stat().st_size
    assert place.published() == []
    pulled = place.pull()
    assert pulled.bytes_transferred == len(MODEL) - there
    assert asked_ranges(hub)[-1] == f"bytes={there}-"
    assert pulled.model.path.read_bytes() == MODEL


def test_a_paused_download_is_known_after_a_new_start(home: Path, hub: FaultyHub) -> None:
    with site(home, hub.url) as place:
        interrupt(place, hub)
    with site(home, hub.url) as place:
        (unfinished,) = place.downloads.unfinished()
        assert (unfinished.repo, unfinished.file, unfinished.quantization) == (REPO, FILE, "Q4_K_M")
        assert 0 < unfinished.done_bytes < unfinished.total_bytes == len(MODEL)
        list(place.downloads.resume(unfinished))
        assert place.published()[0].read_bytes() == MODEL
        assert place.downloads.unfinished() == []
        with pytest.raises(BadRequest, match="finished or cancelled"):
            place.downloads.resume(unfinished)


def test_a_cancelled_download_leaves_nothing(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    (unfinished,) = place.downloads.unfinished()
    place.downloads.discard(unfinished.id)
    assert (place.downloads.unfinished(), place.left()) == ([], [])


def test_progress_tells_the_stage_and_ends_with_everything(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    steps = list(place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE)))
    assert [step.stage for step in steps][:1] == ["checking"]
    assert {step.total_bytes for step in steps} == {len(MODEL)}
    assert "downloading" in {step.stage for step in steps}


def test_a_stalled_download_can_still_be_paused(place: Site, hub: FaultyHub) -> None:
    hub.misbehave("stall")
    steps = place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))
    seen = [next(steps) for _ in range(3)]
    assert isinstance(seen[-1], PullProgress)
    steps.close()
    assert part_of(place).exists()


def test_the_same_file_is_pulled_once_at_a_time(home: Path, place: Site, hub: FaultyHub) -> None:
    hub.misbehave("stall")
    steps = place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))
    next(steps)
    with site(home, hub.url) as other:
        with pytest.raises(Busy, match="already downloading this file"):
            other.pull()
        with pytest.raises(Busy):
            other.downloads.discard(hashlib.sha256(MODEL).hexdigest())
    steps.close()
    hub.behave_well()
    assert place.pull().model.path.read_bytes() == MODEL


def test_a_block_that_changed_on_the_disk_is_fetched_again_alone(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    with part_of(place).open("r+b") as file:
        file.seek(2 * BLOCK_BYTES + 5)
        file.write(b"damaged")
    there = part_of(place).stat().st_size
    pulled = place.pull()
    assert asked_ranges(hub)[1:] == [f"bytes={2 * BLOCK_BYTES}-{3 * BLOCK_BYTES - 1}", f"bytes={there}-"]
    assert pulled.bytes_transferred == len(MODEL) - there + BLOCK_BYTES
    assert pulled.model.path.read_bytes() == MODEL


def test_bytes_that_were_wrong_at_a_cut_are_mended_without_a_new_start(place: Site, hub: FaultyHub) -> None:
    hub.misbehave("injected", seed=3, times=1)
    pulled = place.pull()
    assert pulled.model.path.read_bytes() == MODEL
    assert pulled.bytes_transferred < len(MODEL) + 2 * BLOCK_BYTES


def test_a_wrong_bit_is_mended_by_comparing(place: Site, hub: FaultyHub) -> None:
    hub.misbehave("bit_flip", seed=1, times=1)
    stages = {step.stage for step in place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))}
    assert "repairing" in stages
    assert place.published()[0].read_bytes() == MODEL


def test_a_file_whose_checksum_stays_wrong_is_not_kept(place: Site, hub: FaultyHub) -> None:
    hub.misbehave("wrong_bytes")
    with pytest.raises(TransferError, match="not the file it promises") as raised:
        place.pull()
    assert raised.value.cause == "wrong_hash"
    assert (place.published(), place.left()) == ([], [])


def test_a_connection_that_falls_silent_after_bringing_something_is_made_anew(home: Path, hub: FaultyHub) -> None:
    def fall_silent(exchange: Exchange) -> bool:
        if exchange.count:
            return False
        exchange.start(200, {"Content-Length": str(len(MODEL)), "ETag": '"x"'})
        exchange.raw(MODEL[: len(MODEL) // 2])
        exchange.wait(60)
        return True

    hub.behave("/cdn/*", fall_silent)
    with site(home, hub.url, Patience(stall_s=1.0, give_up_s=1.9, first_wait_s=0.01)) as place:
        assert place.pull().bytes_transferred == len(MODEL)


def test_what_can_t_run_here_is_not_kept(place: Site, hub: FaultyHub) -> None:
    strange = gguf({**CHAT, "general.architecture": "perceptron"}, [tensor("w", [16, 16])], data_bytes=1024)
    hub.add(REPO, {FILE: strange})
    with pytest.raises(ModelFileError, match=r"tiny-Q4_K_M\.gguf"):
        place.pull()
    assert (place.published(), place.left()) == ([], [])


@pytest.mark.parametrize("kind", ["mmproj", "imatrix"])
def test_what_can_t_answer_by_itself_is_not_kept(place: Site, hub: FaultyHub, kind: str) -> None:
    hub.add(REPO, {FILE: gguf({**CHAT, "general.type": kind}, [tensor("w", [16, 16])], data_bytes=1024)})
    with pytest.raises(ModelFileError, match="can't answer alone"):
        place.pull()
    assert (place.published(), place.left()) == ([], [])


def test_downloads_at_once_don_t_take_each_other_s_space(place: Site, hub: FaultyHub) -> None:
    size = int(shutil.disk_usage(place.models).free * 0.6) - SPARE_BYTES
    if size < SPARE_BYTES:
        pytest.skip("this disk is nearly full")
    hub.add(REPO, {f"{name}.gguf": Blob(b"GGUF", size_bytes=size, sha256=name * 64) for name in ("a", "b")})
    hub.misbehave("stall")
    repo = place.hub.repo(REPO)
    first, second = repo.files
    steps = place.downloads.pull(repo, first)
    next(steps)
    with pytest.raises(TransferError, match="besides what other downloads still need") as raised:
        next(place.downloads.pull(repo, second))
    assert raised.value.cause == "disk_full"
    steps.close()
    place.downloads.discard("a" * 64)
    next(steps := place.downloads.pull(repo, second))
    steps.close()


def test_a_model_that_does_not_fit_on_the_disk_is_not_begun(place: Site, hub: FaultyHub) -> None:
    hub.add(REPO, {FILE: Blob(b"GGUF", size_bytes=10**16, sha256="0" * 64)})
    with pytest.raises(TransferError, match="are free there") as raised:
        place.pull()
    assert raised.value.cause == "disk_full"
    assert asked_ranges(hub) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_disk_that_fills_up_is_told_and_nothing_is_published(place: Site) -> None:
    part_of(place).parent.mkdir()
    part_of(place).symlink_to("/dev/full")
    with pytest.raises(TransferError, match=r"is full\. What was downloaded so far is kept") as raised:
        place.pull()
    assert raised.value.cause == "disk_full"
    assert place.published() == []


def test_offline_stops_a_download_at_once_and_it_goes_on_later(place: Site, hub: FaultyHub) -> None:
    hub.misbehave("stall", times=1)
    steps = place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))
    next(steps)
    place.net.offline = True
    with pytest.raises(TransferError) as raised:
        list(steps)
    assert raised.value.cause == "offline_switch"
    place.net.offline = False
    assert place.pull().model.path.read_bytes() == MODEL


def test_a_wait_that_the_hub_asks_for_is_kept_and_one_too_long_is_told(place: Site, hub: FaultyHub) -> None:
    hub.behave("/cdn/*", status(429, headers={"Retry-After": "0"}, times=2))
    assert place.pull().model.path.read_bytes() == MODEL
    hub.add(REPO, {FILE: made_model(Random(2))})
    hub.behave("/cdn/*", status(429, headers={"Retry-After": "1800"}))
    with pytest.raises(TransferError, match="1,800 seconds"):
        place.pull()


def test_an_unreadable_sidecar_costs_no_bytes(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    there = part_of(place).stat().st_size
    part_of(place).with_suffix(".json").write_bytes(b'{"version": 1')
    assert place.downloads.unfinished() == []
    pulled = place.pull()
    assert pulled.bytes_transferred == len(MODEL) - there


def test_a_download_that_is_being_published_elsewhere_is_left_alone(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    sidecar = part_of(place).with_suffix(".json")
    told = sidecar.read_bytes()
    place.pull()
    sidecar.write_bytes(told)
    other = LockFile(sidecar.with_suffix(".lock"))
    assert other.acquire()
    assert place.downloads.unfinished() == []
    assert sidecar.exists()
    other.remove()
    assert place.downloads.unfinished() == []
    assert place.left() == []


def test_what_nobody_can_go_on_with_is_deleted_after_a_week_of_days_however_the_clock_jumps(
    place: Site, hub: FaultyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(place, hub)
    kept = place.left()
    lost, today = part_of(place).with_name("f" * 64 + ".part"), time.time()
    lost.touch()
    lost.with_suffix(".json").touch()
    for days in (0, 3000, *range(1, 7)):
        monkeypatch.setattr("time.time", lambda days=days: today + days * 86_400)
        assert [each.repo for each in place.downloads.unfinished()] == [REPO]
        assert place.left() == sorted([*kept, lost.name, lost.with_suffix(".json").name])
    monkeypatch.setattr("time.time", lambda: today + 7 * 86_400)
    assert [each.repo for each in place.downloads.unfinished()] == [REPO]
    assert place.left() == kept


def test_more_bytes_than_the_file_has_are_cut_off(place: Site, hub: FaultyHub) -> None:
    interrupt(place, hub)
    part_of(place).write_bytes(MODEL + b"more")
    assert place.pull().bytes_transferred == 0
    assert place.published()[0].read_bytes() == MODEL
