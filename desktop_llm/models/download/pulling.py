"""Downloads one part of a model: checks the bytes that are there, gets the rest, and repairs wrong ones.

A part is never started over as a whole. Only blocks whose digests show that they changed on the disk are fetched
again. If the sha256 of the finished part is not the promised one, the file is read from the hub a second time and
compared with the one on disk, suspects first; bytes that differ are replaced until the whole is right.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from desktop_llm.models.download.part_file import Hashing, PartFile
from desktop_llm.models.download.receiving import Receiver
from desktop_llm.net import causes

MAX_REPAIRS = 2
WINDOW_S = 5.0  # the time over which the speed is averaged
TELL_EVERY_S = 0.1
SAVE_BLOCKS = 8  # the progress is noted every 64 MiB

Stage = Literal["waiting", "downloading", "checking", "repairing"]
Step = tuple[Stage, int]  # the stage, and how many bytes of the part it has done


@dataclass(frozen=True, slots=True)
class PullProgress:
    """The state of a download; `bytes_per_s` is 0 and `seconds_left` None while they are unknown.

    `done_bytes` counts within the stage: the bytes received, checked, or compared again. `reason` is a sentence that
    says why it is waiting.
    """

    stage: Stage
    done_bytes: int
    total_bytes: int
    bytes_per_s: float
    seconds_left: float | None
    reason: str = ""


class PartPull:
    """The download of one part; `save` keeps its state."""

    def __init__(self, part: PartFile, receiver: Receiver, save: Callable[[], None]) -> None:
        self._part = part
        self._receiver = receiver
        self._save = save
        self._compared = 0
        self._changed: set[int] = set()  # blocks in which this repair has replaced bytes

    def run(self) -> Generator[Step, None, None]:
        """Yield steps until the part is whole and right; raises TransferError, and keeps what is there.

        Cause "wrong_hash" means that the hub's bytes are not the ones it promised: the part is then useless.
        """
        yield from self._check()
        yield from self._fetch()
        yield from self._check()
        if not self._part.right:
            yield from self._repair()
        if self._part.state.etag_changed and not self._part.state.promised:
            raise causes.REPLACED_MIDWAY.error(file=self._part.state.path)
        self._part.state.found_sha256 = self._part.sha256
        self._part.sync()

    def _check(self) -> Iterator[Step]:
        """Hash the bytes that were not hashed yet; a block that has changed since it arrived is fetched again."""
        part, fetched = self._part, set[int]()
        while True:
            for done in part.check():
                yield "checking", done
            if part.damaged is None:
                return
            if part.damaged in fetched:  # the block is fresh and still differs, so the digest is wrong
                part.forget_digests(part.damaged)
            else:
                fetched.add(part.damaged)
                yield from self._fetch_block(part.damaged)

    def _fetch_block(self, block: int) -> Iterator[Step]:
        start = block * self._part.block_bytes
        end = min(start + self._part.block_bytes, self._part.length)
        for waiting in self._receiver.receive(start, end, self._part.overwrite):
            yield ("waiting" if waiting else "repairing"), start

    def _fetch(self) -> Iterator[Step]:
        part = self._part
        saved = part.length
        self._receiver.note_seam(part.length)
        with Hashing(part):
            for waiting in self._receiver.receive(part.length, part.state.size_bytes, part.append):
                if part.length - saved >= SAVE_BLOCKS * part.block_bytes:
                    saved = part.length
                    self._save()
                yield ("waiting" if waiting else "downloading"), part.length

    def _repair(self) -> Iterator[Step]:
        """Compare the suspects, then everything, until the whole is right; try a limited number of times."""
        state = self._part.state
        while state.repairs < MAX_REPAIRS:
            began, self._changed = state.compared_bytes, set()
            for start, end in self._suspects():
                yield from self._compare(start, end)
                if self._part.right:
                    return
            state.repairs, state.compared_bytes = state.repairs + 1, 0
            self._save()
            if state.etag_changed or not (self._changed or began):
                break  # the hub has another file, or sent the same again: asking once more would not help
        raise causes.WRONG_SHA256.error(file=state.path)

    def _suspects(self) -> Iterator[tuple[int, int]]:
        """Yield the blocks in which a connection ended, then everything after the point an earlier repair reached."""
        size, length, state = self._part.block_bytes, self._part.length, self._part.state
        if state.compared_bytes == 0:
            for block in sorted({(seam - 1) // size for seam in state.seams}):
                yield block * size, min((block + 1) * size, length)
        yield state.compared_bytes, length

    def _compare(self, start: int, end: int) -> Iterator[Step]:
        """Get these bytes again and replace what differs; ends as soon as the whole is right."""
        whole, looks, looked = end - start > self._part.block_bytes, 1, len(self._changed)
        self._compared = start
        for waiting in self._receiver.receive(start, end, self._correct):
            yield ("waiting" if waiting else "repairing"), self._compared
            if whole:
                self._keep_place()
            # After the 1st, 2nd, 4th, … replaced block, so that a thoroughly wrong file isn't hashed all the time.
            if len(self._changed) - looked >= looks and self._compared // self._part.block_bytes not in self._changed:
                looks, looked = looks * 2, len(self._changed)
                yield from self._hash_anew()
                if self._part.right:
                    return
        if len(self._changed) > looked:
            yield from self._hash_anew()

    def _correct(self, offset: int, data: memoryview) -> None:
        self._compared = offset + len(data)
        if self._part.correct(offset, data):
            self._changed.add(offset // self._part.block_bytes)

    def _keep_place(self) -> None:
        """Note roughly where an interrupted repair should go on."""
        if self._compared - self._part.state.compared_bytes >= self._part.block_bytes:
            self._part.state.compared_bytes = self._compared
            self._save()

    def _hash_anew(self) -> Iterator[Step]:
        self._part.forget_digests(0)
        for done in self._part.check(anew=True):
            yield "checking", done


class Meter:
    """Turns many small steps into a few progress reports, with the speed over the last seconds."""

    def __init__(self, total_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total_bytes
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._stage: Stage | None = None
        self._told_at = 0.0

    def report(self, stage: Stage, done_bytes: int, reason: str = "") -> PullProgress | None:
        """A progress report, or None if the last one was a moment ago."""
        now = self._clock()
        if stage != self._stage and stage != "waiting":
            self._seen.clear()  # each stage has its own speed
        elif stage == self._stage and now - self._told_at < TELL_EVERY_S:
            return None
        self._stage, self._told_at = stage, now
        speed = self._speed(now, done_bytes)
        left = (self._total - done_bytes) / speed if speed > 0 else None
        return PullProgress(stage, done_bytes, self._total, speed, left, reason)

    def _speed(self, now: float, done_bytes: int) -> float:
        self._seen.append((now, done_bytes))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        return max(0.0, (done_bytes - before) / (now - then)) if now > then else 0.0
