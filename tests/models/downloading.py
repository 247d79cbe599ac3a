"""A download with everything it needs, in its own folder; for the tests and benchmarks/download.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from desktop_llm.errors import UserError
from desktop_llm.models.download import Downloads, Pulled
from desktop_llm.models.download.receiving import Patience
from desktop_llm.models.hub import Hub
from desktop_llm.models.library import Library
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import folders
from tests.faulty_hub import FAULTS, FaultyHub
from tests.models.gguf_files import CHAT, gguf, tensor

REPO = "maker/Tiny-GGUF"
FILE = "tiny-Q4_K_M.gguf"
BLOCK_BYTES = 64 << 10
HASTY = Patience(tries=4, give_up_s=2, answer_s=0.4, stall_s=0.4, first_wait_s=0.01, longest_wait_s=0.05)


@dataclass(frozen=True)
class Site:
    """A data folder and the objects that download into it."""

    models: Path
    net: Net
    hub: Hub
    library: Library
    downloads: Downloads

    def pull(self, repo_id: str = REPO, name: str = FILE) -> Pulled:
        """Download a file to its end."""
        repo = self.hub.repo(repo_id)
        steps = self.downloads.pull(repo, next(file for file in repo.files if file.name == name))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                pulled: Pulled = end.value
                return pulled

    def published(self) -> list[Path]:
        """The files with a model's name."""
        return sorted(self.models.glob("*.gguf"))

    def left(self) -> list[str]:
        """The names of the files beside them."""
        return sorted(path.name for path in (self.models / ".part").glob("*"))


@contextmanager
def site(home: Path, endpoint: str, patience: Patience = HASTY, block_bytes: int = BLOCK_BYTES) -> Iterator[Site]:
    """Everything that a download needs, closed at the end."""
    place = folders(home)
    net = Net(Ledger(place.ledger_db))
    try:
        hub, library = Hub(net, endpoint=endpoint, token=lambda: None), Library(place)
        downloads = Downloads(place, net, hub, library, patience=patience, block_bytes=block_bytes)
        yield Site(place.models, net, hub, library, downloads)
    finally:
        net.close()


def made_model(chance: Random, weights: int = 250_000) -> bytes:
    """A small model file whose weights are random, so that every byte counts."""
    empty = gguf(CHAT, [tensor("token_embd.weight", [weights])], data_bytes=0)
    size = weights * 4
    return empty + b"".join(chance.randbytes(min(1 << 20, size - at)) for at in range(0, size, 1 << 20))


@dataclass(frozen=True)
class Outcome:
    """The outcome of a download from a misbehaving hub; `problems` is empty if all went as it should."""

    fault: str
    seed: int
    times: int
    cause: str  # "" if the file came
    message: str
    problems: list[str]


def try_fault(home: Path, hub: FaultyHub, name: str, seed: int) -> Outcome:
    """Pull from `hub` while it misbehaves, then again once it behaves, and look for problems."""
    chance = Random(f"{name} {seed}")
    known, times = FAULTS[name], chance.choice((0, 0, 1, 2))
    model = made_model(chance)
    hub.add(REPO, {FILE: model})
    hub.misbehave(name, seed, times)
    cause, message, problems = "", "", list[str]()
    with site(home, hub.url) as place:
        try:
            place.pull()
        except UserError as error:
            cause, message = getattr(error, "cause", "bad_request"), error.message
            if cause not in known.causes:
                problems.append(f"the cause is {cause}")
            if known.passes and times == 1:
                problems.append("it did not get over a fault that passed")
        problems += _wrong_files(place, model)
        hub.behave_well()
        try:
            place.pull()
        except UserError as error:
            problems.append(f"afterwards: {error.message}")
        problems += _wrong_files(place, model)
        if place.left():
            problems.append(f"left behind: {place.left()}")
    return Outcome(name, seed, times, cause, message, problems)


def _wrong_files(place: Site, model: bytes) -> list[str]:
    right = hashlib.sha256(model).hexdigest()
    return [
        f"{path.name} is wrong" for path in place.published() if hashlib.sha256(path.read_bytes()).hexdigest() != right
    ]
