"""Downloads from mirrors that are little more than a folder behind a web server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from desktop_llm.errors import BadRequest, TransferError
from tests.hub import Exchange, LocalHub, status
from tests.models.downloading import FILE, REPO, Site, made_model, site

MODEL = made_model(Random(1))
SHA256 = hashlib.sha256(MODEL).hexdigest()


class PlainHub(LocalHub):
    """Lists its files, at most with their sizes, and serves them; the test chooses the headers of a file."""

    def __init__(self) -> None:
        super().__init__()
        self.files = {FILE: MODEL}
        self.sizes = True
        self.commit = ""
        self.headers: dict[str, str] = {}
        self.ranges = True
        self.most_bytes = len(MODEL)  # of an answer before it is cut
        self.cuts = 1_000
        self.behave("/api/models/*", self._describe)
        self.behave(f"/{REPO}/resolve/main/*", self._give)

    def _describe(self, exchange: Exchange) -> bool:
        if exchange.path != f"/api/models/{REPO}":
            exchange.send(404)
            return True
        sizes = [{"size": len(data)} if self.sizes else {} for data in self.files.values()]
        siblings = [{"rfilename": name, **size} for name, size in zip(self.files, sizes, strict=True)]
        exchange.send_json({"id": REPO, "sha": self.commit, "siblings": siblings})
        return True

    def _give(self, exchange: Exchange) -> bool:
        data = self.files[exchange.path.rpartition("/")[2]]
        start, end = exchange.range(len(data)) or (0, len(data)) if self.ranges else (0, len(data))
        told = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"} if end - start < len(data) else {}
        exchange.start(206 if told else 200, {**self.headers, **told, "Content-Length": str(end - start)})
        if end - start > self.most_bytes and self.cuts:
            self.cuts, end = self.cuts - 1, start + self.most_bytes
        exchange.raw(data[start:end])
        exchange.hang_up()
        return True

    def ranges_asked(self) -> list[str]:
        return [seen.headers.get("range", "") for seen in self.asked(f"/{REPO}/resolve/*")]


@pytest.fixture
def hub() -> Iterator[PlainHub]:
    with PlainHub() as hub:
        yield hub


@pytest.fixture
def place(home: Path, hub: PlainHub) -> Iterator[Site]:
    with site(home, hub.url) as place:
        yield place


@pytest.mark.parametrize("sizes", [True, False])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_comes_without_any_checksum_and_that_is_told(
    place: Site, hub: PlainHub, sizes: bool, ranges: bool
) -> None:
    hub.sizes, hub.ranges = sizes, ranges
    pulled = place.pull()
    assert pulled.model.path.read_bytes() == MODEL
    assert (pulled.sha256, pulled.checked, pulled.model.sha256) == (SHA256, False, SHA256)
    assert place.left() == []


def test_it_is_not_fetched_twice(place: Site) -> None:
    first, again = place.pull(), place.pull()
    assert (again.model.id, again.bytes_transferred, again.sha256) == (first.model.id, 0, SHA256)
    assert not again.checked


@pytest.mark.parametrize("headers", [{"ETag": f'"{SHA256}"'}, {"ETag": SHA256}, {"X-Linked-Etag": f'"{SHA256}"'}])
def test_a_checksum_in_a_header_is_a_promise(place: Site, hub: PlainHub, headers: dict[str, str]) -> None:
    hub.headers, hub.files = headers, {FILE: MODEL[:-1] + b"x"}
    with pytest.raises(TransferError, match="not the file it promises"):
        place.pull()

    hub.files = {FILE: MODEL}
    assert place.pull().checked


def test_what_is_cut_goes_on_where_it_was(place: Site, hub: PlainHub) -> None:
    hub.most_bytes = len(MODEL) // 3 + 1
    pulled = place.pull()
    assert pulled.model.path.read_bytes() == MODEL
    assert pulled.bytes_transferred == len(MODEL)


def test_what_is_cut_comes_whole_the_next_time_from_a_hub_that_gives_no_pieces(place: Site, hub: PlainHub) -> None:
    hub.ranges, hub.most_bytes, hub.cuts = False, len(MODEL) // 2, 1
    assert place.pull().model.path.read_bytes() == MODEL


def test_a_hub_that_refuses_pieces_is_asked_for_the_whole(place: Site, hub: PlainHub) -> None:
    def refuse(exchange: Exchange) -> bool:
        pieces = exchange.range(len(MODEL)) not in (None, (0, 1))
        if pieces:
            exchange.send(416, headers={"Content-Range": f"bytes */{len(MODEL)}"})
        return pieces

    hub.most_bytes, hub.cuts = len(MODEL) // 2, 1
    hub.behave(f"/{REPO}/resolve/main/*", refuse)
    assert place.pull().model.path.read_bytes() == MODEL


def test_a_paused_one_goes_on_where_the_hub_can_tell_its_files_apart(place: Site, hub: PlainHub) -> None:
    hub.headers = {"ETag": '"1234-5678"'}
    there = _pause(place, hub)
    assert place.pull().bytes_transferred == len(MODEL) - there


def test_a_paused_one_starts_anew_where_the_file_may_be_another(place: Site, hub: PlainHub) -> None:
    _pause(place, hub)
    assert place.pull().bytes_transferred == len(MODEL)


def test_a_commit_that_the_hub_itself_does_not_know_is_no_hindrance(place: Site, hub: PlainHub) -> None:
    hub.commit = "c" * 40
    repo = place.hub.repo(REPO)
    assert repo.revision == hub.commit
    assert place.hub.header(repo, repo.files[0]).architecture == "llama"
    pulled = place.pull()
    assert (pulled.model.path.read_bytes(), pulled.model.revision) == (MODEL, "main")


def test_sizes_that_only_the_files_tell_can_be_had(place: Site, hub: PlainHub) -> None:
    hub.sizes = False
    hub.files = {"big-Q8_0.gguf": MODEL * 2, FILE: MODEL}
    repo = place.hub.repo(REPO)
    assert [file.size_bytes for file in repo.files] == [0, 0]
    assert [(file.name, file.size_bytes) for file in place.hub.measured(repo).files] == [
        (FILE, len(MODEL)),
        ("big-Q8_0.gguf", 2 * len(MODEL)),
    ]


def test_of_a_thousand_files_without_sizes_only_some_are_asked_for(place: Site, hub: PlainHub) -> None:
    hub.sizes = False
    hub.files = {f"made-by-{number:04}-Q4_K_M.gguf": MODEL for number in range(1_000)}
    measured = place.hub.measured(place.hub.repo(REPO))
    assert len(measured.files) == 1_000
    assert len(hub.ranges_asked()) < 50


def test_a_listed_file_that_is_not_there_spoils_no_other(place: Site, hub: PlainHub) -> None:
    hub.sizes = False
    hub.behave(f"/{REPO}/resolve/main/gone.gguf", status(404))
    hub.files = {"gone.gguf": MODEL, FILE: MODEL}
    measured = place.hub.measured(place.hub.repo(REPO))
    assert [(file.name, file.size_bytes) for file in measured.files] == [("gone.gguf", 0), (FILE, len(MODEL))]


ONE = {"Last-Modified": "Mon, 01 Jun 2026 10:00:00 GMT"}
TWO = {"Last-Modified": "Tue, 02 Jun 2026 10:00:00 GMT"}


@pytest.mark.parametrize(
    ("one", "two"), [({"ETag": '"one"'}, {"ETag": '"two"'}), (ONE, TWO), (ONE | {"ETag": 'W/"1"'}, TWO)]
)
def test_two_files_are_never_mixed(place: Site, hub: PlainHub, one: dict[str, str], two: dict[str, str]) -> None:
    hub.headers = one
    _pause(place, hub)
    hub.files, hub.headers = {FILE: made_model(Random(2))}, two
    with pytest.raises(TransferError, match="was replaced"):
        place.pull()
    assert place.published() == []
    assert place.pull().model.path.read_bytes() == hub.files[FILE]


def test_a_file_that_is_replaced_between_two_connections_is_not_mixed(place: Site, hub: PlainHub) -> None:
    def replace(exchange: Exchange) -> bool:
        if exchange.range(len(MODEL)) not in (None, (0, 1)):
            hub.files, hub.headers = {FILE: made_model(Random(2))}, TWO
        return False

    hub.headers, hub.most_bytes, hub.cuts = ONE, len(MODEL) // 2, 1
    hub.behave(f"/{REPO}/resolve/main/*", replace)
    with pytest.raises(TransferError, match="was replaced"):
        place.pull()
    assert place.published() == []


def test_a_file_of_unknown_length_is_refused(place: Site, hub: PlainHub) -> None:
    hub.sizes = False

    def endless(exchange: Exchange) -> bool:
        exchange.start(200, {"Connection": "close"})
        exchange.raw(MODEL)
        exchange.hang_up()
        return True

    hub.behave(f"/{REPO}/resolve/main/*", endless)
    with pytest.raises(BadRequest, match="how large"):
        place.pull()


@pytest.mark.parametrize("size", ["9" * 5_000, "9" * 19])
def test_a_size_that_no_file_has_counts_as_none(place: Site, hub: PlainHub, size: str) -> None:
    hub.sizes, hub.headers = False, {"X-Linked-Size": size}
    with pytest.raises(BadRequest, match="how large"):
        place.pull()


def test_a_piece_from_a_place_that_no_file_has_is_not_taken(place: Site, hub: PlainHub) -> None:
    def elsewhere(exchange: Exchange) -> bool:
        pieces = exchange.range(len(MODEL)) not in (None, (0, 1))
        if pieces:
            exchange.send(206, b"x", headers={"Content-Range": f"bytes {'9' * 5_000}-{'9' * 5_000}/*"})
        return pieces

    hub.most_bytes, hub.cuts = len(MODEL) // 2, 1
    hub.behave(f"/{REPO}/resolve/main/*", elsewhere)
    assert place.pull().model.path.read_bytes() == MODEL


def _pause(place: Site, hub: PlainHub) -> int:
    """Leave a partial download behind; returns how many bytes of it are here."""
    hub.most_bytes = len(MODEL) // 2
    steps = place.downloads.pull(place.hub.repo(REPO), place.hub.repo(REPO).file(FILE))
    while next(steps).done_bytes < hub.most_bytes:
        pass
    steps.close()
    (part,) = (place.models / ".part").glob("*.part")
    hub.most_bytes = len(MODEL)
    return part.stat().st_size
