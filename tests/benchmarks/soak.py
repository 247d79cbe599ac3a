"""Uses a real window for an hour, with one fault a minute, and watches what grows and whether anything is lost.

    QT_QPA_PLATFORM=offscreen python -m tests.benchmarks.soak [--minutes N] [--every SECONDS] [--seed N]

Between the faults, a person chats, reads a folder, asks about it, and looks at the pages. Each fault is one function in
`FAULTS`. The exit status is 1 if a stored message was lost, if the window's memory grew by 5 % or more after the first
third, if its file descriptors or threads grew, or if something did not come back within two minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from PySide6.QtWidgets import QApplication

from desktop_llm.errors import UserError
from desktop_llm.gui.work.tasks import Task
from desktop_llm.models.hub import HubRepo
from desktop_llm.paths import folders
from tests.end2end.killing_app import write_folder
from tests.end2end.person import LONG, Person, until
from tests.faulty_hub import FAULTS as HUB_FAULTS
from tests.faulty_hub import FaultyHub

REPO, COLLECTION = "maker/Tiny-GGUF", "Papers"
WAIT_S = 120.0
FULL_BYTES = 4096  # of any file, while the disk is "full"
YEARS_S = 10 * 365 * 86_400.0


@dataclass(frozen=True)
class Sample:
    """What the window's process holds at a calm moment."""

    rss_bytes: int
    descriptors: int
    threads: int


class Soak:
    """The person, the hub, and what was promised to be stored."""

    def __init__(self, person: Person, hub: FaultyHub, folder: Path, chance: random.Random) -> None:
        self.person, self.hub, self.chance = person, hub, chance
        self.documents = write_folder(folder / "papers", 20)
        self.promised: dict[str, tuple[str, str]] = {}  # text and chat by message id
        self._rounds = 0

    def use(self) -> None:
        """Do what a person does in some seconds."""
        person, self._rounds = self.person, self._rounds + 1
        note = self.documents / f"note-{self._rounds % 20}.txt"
        note.write_text(f"In round {self._rounds} the harbour has {self._rounds * 3} boats. " * 9)
        person.wiring.collections.add(COLLECTION, [str(self.documents)])
        person.read(COLLECTION)
        for page in ("models", "documents", "activity", "chats"):
            person.go(page)
        person.new_chat(collections=(COLLECTION,))
        self.ask("How many boats has the harbour?")
        person.new_chat()
        self.ask("Say hello.")

    def ask(self, text: str) -> None:
        """Ask, and note what is stored from now on."""
        before = set(self.person.transcript.message_ids())
        self.person.send(text)
        until(lambda: self.person.newest(before) is not None and self.person.idle(), WAIT_S, "no answer came")
        view = self.person.newest(before)
        if view is not None and view.status == "complete":
            chat = self.person.chat
            assert chat is not None
            self.promised |= {each.id: (each.text, chat) for each in self.person.stored()}

    def lost(self) -> list[str]:
        """The messages that are not stored as they were."""
        chats = {chat for _, chat in self.promised.values()}
        stored = {each.id: each.text for chat in chats for each in self.person.stored(chat)}
        return [message for message, (text, _) in self.promised.items() if stored.get(message) != text]

    def worker(self, kind: str) -> psutil.Process | None:
        """A child of the window, or of its knowledge worker."""
        children = psutil.Process().children(recursive=True)
        return next((child for child in children if kind in child.cmdline()), None)


def kill_the_model(soak: Soak) -> None:
    """End the engine's worker in the middle of an answer."""
    _end_the_model(soak, soak.chance.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))


def stop_the_model(soak: Soak) -> None:
    """Stop the engine's worker in the middle of an answer, as a deadlock would."""
    _end_the_model(soak, signal.SIGSTOP)


def _end_the_model(soak: Soak, number: signal.Signals) -> None:
    soak.person.new_chat(LONG)
    soak.person.begin_long_answer()
    if (worker := soak.worker("engine")) is not None:
        worker.send_signal(number)
    until(soak.person.idle, WAIT_S, f"an answer goes on after {number.name}")


def kill_the_reader(soak: Soak) -> None:
    """End the reader, or the knowledge worker, while it reads."""
    (soak.documents / "long.txt").write_text(f"Round {time.monotonic()}. " + "The sea is wide. " * 20_000)
    soak.person.wiring.collections.add(COLLECTION, [str(soak.documents)])
    kind = soak.chance.choice(["reader", "knowledge"])
    until(lambda: soak.worker(kind) is not None or not soak.person.wiring.collections.is_reading(COLLECTION), WAIT_S)
    if (worker := soak.worker(kind)) is not None:
        worker.kill()
    until(lambda: not soak.person.wiring.collections.is_reading(COLLECTION), WAIT_S, "reading goes on after a kill")


def fill_the_disk(soak: Soak) -> None:
    """Let this process write only small files while a message is asked."""
    import resource

    soak.person.new_chat()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, before[1]))
    try:
        soak.person.send("Is there room?")
        soak.person.wait(3)
        until(soak.person.idle, WAIT_S, "an answer goes on although nothing can be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def spoil_a_download(soak: Soak) -> None:
    """Download from a hub that misbehaves; pause it after a moment."""
    soak.hub.misbehave(soak.chance.choice(sorted(HUB_FAULTS)), seed=soak.chance.randrange(1000), times=2)
    resources, ended = soak.person.wiring.resources, list[object]()

    def pull() -> object:
        repo: HubRepo = resources.hub.repo(REPO)
        yield from resources.downloads.pull(repo, repo.files[0])

    task: Task = resources.tasks.run(pull, done=ended.append, failed=ended.append)  # type: ignore[arg-type]
    with contextlib.suppress(AssertionError):
        until(lambda: ended, 5)
    task.cancel()
    until(lambda: task.wait(0), WAIT_S, "a download does not end")


def turn_the_clock(soak: Soak) -> None:
    """Let ten years pass, or go back, for the length of an answer."""
    real, shift_s = time.time, soak.chance.choice([YEARS_S, -YEARS_S])
    time.time = lambda: real() + shift_s
    try:
        soak.person.new_chat()
        soak.ask("What day is it?")
    finally:
        time.time = real


FAULTS: tuple[Callable[[Soak], None], ...] = (
    kill_the_model,
    stop_the_model,
    kill_the_reader,
    fill_the_disk,
    spoil_a_download,
    turn_the_clock,
)


def run(soak: Soak, minutes: float, every_s: float) -> tuple[list[Sample], list[str]]:
    """Use the window and cause faults until the time is over; returns the samples and what went wrong."""
    samples, wrong, process = list[Sample](), list[str](), psutil.Process()
    faults = itertools.cycle(soak.chance.sample(FAULTS, len(FAULTS)))
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends:
        begun = time.monotonic()
        fault = next(faults)
        try:
            fault(soak)
            soak.person.dismiss_banners()
            soak.use()
        except (AssertionError, UserError) as error:
            wrong.append(f"{fault.__name__}: {error}")
        soak.person.dismiss_banners()
        samples.append(Sample(process.memory_info().rss, process.num_fds(), process.num_threads()))
        print(f"{fault.__name__}: {samples[-1]}, {len(wrong)} wrong", file=sys.stderr)
        soak.person.wait(max(0.0, min(every_s, ends - begun) - (time.monotonic() - begun)))
    return samples, wrong + [f"message {message} was lost" for message in soak.lost()]


def grown(samples: list[Sample]) -> list[str]:
    """What grew from the second third to the last; needs nine samples to tell."""
    third = len(samples) // 3
    if third < 3:
        return []
    found = []
    for name, allowed in (("rss_bytes", 1.05), ("descriptors", 1.0), ("threads", 1.0)):
        middle = statistics.median(getattr(each, name) for each in samples[third : 2 * third])
        last = statistics.median(getattr(each, name) for each in samples[2 * third :])
        print(f"{name}: {middle:,.0f}, later {last:,.0f} ({last / middle - 1:+.1%})")
        if last > middle * allowed:
            found.append(f"{name} grew")
    return found


def main() -> int:
    """Run, print the figures, and judge them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="from one fault to the next")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder, FaultyHub() as hub:
        hub.add(REPO, {"tiny-Q4_1.gguf": os.urandom(3_000_000)})
        os.environ |= {"DESKTOP_LLM_HOME": str(Path(folder) / "home"), "HF_ENDPOINT": hub.url}
        person = Person(folders())
        person.open()
        person.activate()
        soak = Soak(person, hub, Path(folder), random.Random(arguments.seed))
        samples, wrong = run(soak, arguments.minutes, arguments.every)
        wrong += grown(samples)
        person.close()
    del application
    print(f"seed {arguments.seed}: {len(samples)} faults, {len(soak.promised)} messages, {len(wrong)} wrong")
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
