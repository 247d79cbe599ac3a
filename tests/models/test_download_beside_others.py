"""Downloads that share parts, disk space or time with others, and one killed while it was being published."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.errors import TransferError
from desktop_llm.models.download.sidecar import SPARE_BYTES
from tests.faulty_hub import FaultyHub
from tests.hub import Blob
from tests.models.downloading import Site, site
from tests.models.gguf_files import CHAT, Entry, gguf, tensor

BIG, OTHER = "maker/Big-GGUF", "maker/Big-2-GGUF"
FIRST = "big-Q4_K_M-00001-of-00003.gguf"
HOLD = """
import sys
from tests.models.downloading import site
from pathlib import Path
with site(Path(sys.argv[1]), sys.argv[2]) as place:
    repo = place.hub.repo(sys.argv[3])
    steps = place.downloads.pull(repo, repo.files[0])
    next(steps)
    print("under way", flush=True)
    sys.stdin.read()
"""


def parts_of(title: str = "Big") -> dict[str, bytes]:
    """A model in three parts; the title is only in the first part."""
    parts = {}
    for number in (1, 2, 3):
        told: dict[str, Entry] = {"split.no": number - 1, "split.count": 3, "split.tensors.count": 3}
        head = {**CHAT, "general.name": title, **told} if number == 1 else told
        parts[f"big-Q4_K_M-0000{number}-of-00003.gguf"] = gguf(
            head, [tensor(f"w{number}", [64, 64])], data_bytes=16_384
        )
    return parts


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def hub() -> Iterator[FaultyHub]:
    with FaultyHub() as hub:
        hub.add(BIG, parts_of())
        yield hub


@pytest.fixture
def place(home: Path, hub: FaultyHub) -> Iterator[Site]:
    with site(home, hub.url) as place:
        yield place


def kill_while_publishing(place: Site, moved: int) -> None:
    """Leave the folder as a kill does once so many of the files were moved; the last files are moved first."""
    repo = place.hub.repo(BIG)
    steps = place.downloads.pull(repo, repo.file(FIRST))
    next(steps)
    steps.close()
    parts, folder = parts_of(), place.models / ".part"
    first, names = sha256(parts[FIRST]), list(parts)
    sidecar = folder / f"{first}.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"targets": names}))
    for number, (name, data) in enumerate(parts.items()):
        part = first if number == 0 else f"{first}-{sha256(data)}"
        (folder / f"{part}.part").write_bytes(data)
        if number >= len(parts) - moved:
            (folder / f"{part}.part").rename(place.models / name)


def test_two_downloads_at_once_that_share_parts_both_arrive(place: Site, hub: FaultyHub) -> None:
    hub.add(OTHER, parts_of("Another name"))
    running = []
    for repo_id in (BIG, OTHER):
        repo = place.hub.repo(repo_id)
        running.append(place.downloads.pull(repo, repo.files[0]))
    for steps in running:
        next(steps)
    for steps in running:
        list(steps)
    expected = [*parts_of().values(), *parts_of("Another name").values()]
    assert sorted(path.read_bytes() for path in place.published()) == sorted(expected)
    assert {model.repo: model.state for model in place.library.models() if model.repo} == {BIG: "ok", OTHER: "ok"}
    assert place.left() == []


def test_cancelling_one_of_two_that_share_parts_keeps_what_the_other_has(place: Site, hub: FaultyHub) -> None:
    hub.add(OTHER, parts_of("Another name"))
    kill_while_publishing(place, moved=0)
    repo = place.hub.repo(OTHER)
    steps = place.downloads.pull(repo, repo.files[0])
    next(steps)
    steps.close()
    place.downloads.discard(sha256(parts_of("Another name")[FIRST]))
    assert place.pull(BIG, FIRST).bytes_transferred == 0


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_a_kill_while_files_are_published_costs_no_byte_and_leaves_no_half_model(place: Site, moved: int) -> None:
    kill_while_publishing(place, moved)
    pulled = place.pull(BIG, FIRST)
    assert (pulled.bytes_transferred, pulled.model.repo, pulled.model.state) == (0, BIG, "ok")
    assert [path.read_bytes() for path in place.published()] == list(parts_of().values())
    assert [path.name for path in place.published()] == list(parts_of())
    assert place.left() == []


def test_half_a_model_is_not_listed_after_a_kill(place: Site) -> None:
    kill_while_publishing(place, moved=2)
    (unfinished,) = place.downloads.unfinished()
    assert (unfinished.repo, unfinished.done_bytes) == (BIG, unfinished.total_bytes)
    assert [model.state for model in place.library.models() if model.own] == []
    assert place.published() == []


def test_cancelling_after_a_kill_leaves_nothing_of_what_was_published(place: Site) -> None:
    kill_while_publishing(place, moved=2)
    place.downloads.discard(sha256(parts_of()[FIRST]))
    assert (place.published(), place.left()) == ([], [])


@pytest.mark.skipif(os.name != "posix", reason="files are moved in one step there")
def test_a_file_that_had_two_names_when_the_program_was_killed_has_one_again(place: Site) -> None:
    kill_while_publishing(place, moved=1)
    parts = parts_of()
    first, (*_, last) = sha256(parts[FIRST]), parts.items()
    (place.models / ".part" / f"{first}-{sha256(last[1])}.part").hardlink_to(place.models / last[0])
    assert place.pull(BIG, FIRST).bytes_transferred == 0
    assert [path.stat().st_nlink for path in place.published()] == [1, 1, 1]


def test_a_kill_after_everything_was_published_leaves_nothing_to_go_on_with(place: Site) -> None:
    kill_while_publishing(place, moved=3)
    assert place.downloads.unfinished() == []
    assert place.left() == []
    assert [(model.repo, model.file) for model in place.library.models() if model.own] == [(BIG, FIRST)]


def test_other_weights_behind_the_same_first_part_are_another_model(place: Site, hub: FaultyHub) -> None:
    place.pull(BIG, FIRST)
    parts = parts_of()
    (*_, last) = parts
    parts[last] = parts[last][:-1] + b"!"
    hub.add(OTHER, parts)
    assert place.pull(OTHER, FIRST).bytes_transferred > 0
    assert len(place.published()) == 6


def test_a_model_that_was_imported_is_known_by_its_repository_once_it_is_pulled(place: Site, tmp_path: Path) -> None:
    for name, data in parts_of().items():
        (tmp_path / name).write_bytes(data)
    place.library.import_file(tmp_path / FIRST)
    assert place.pull(BIG, FIRST).bytes_transferred == 0
    assert [(model.repo, model.file) for model in place.library.models() if model.own] == [(BIG, FIRST)]


def test_the_space_that_a_download_of_another_process_needs_is_not_taken(
    home: Path, place: Site, hub: FaultyHub
) -> None:
    size = int(shutil.disk_usage(place.models).free * 0.6) - SPARE_BYTES
    if size < SPARE_BYTES:
        pytest.skip("this disk is nearly full")
    for name, repo_id in (("a", BIG), ("b", OTHER)):
        hub.add(repo_id, {f"{name}-Q4_K_M.gguf": Blob(b"GGUF", size_bytes=size, sha256=name * 64)})
    hub.misbehave("stall")
    repo = place.hub.repo(OTHER)
    command = [sys.executable, "-c", HOLD, str(home), hub.url, BIG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"under way\n"
        with pytest.raises(TransferError, match="besides what other downloads still need"):
            next(place.downloads.pull(repo, repo.files[0]))
        other.kill()
    steps = place.downloads.pull(repo, repo.files[0])
    next(steps)
    steps.close()
