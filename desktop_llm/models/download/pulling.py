"""Brings one part of a model here: checks what is there, gets the rest, and mends what turns out wrong.

A part is never started over as a whole. Blocks that changed on the disk are known by their digests and fetched again
alone. If the finished part has another sha256 than promised, the file is read from the hub a second time beside the
one on disk, suspects first, and what differs is replaced, until the whole is right.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from desktop_llm.errors import TransferError
from desktop_llm.models.download.hashing import Hashing
from desktop_llm.models.download.parts import PartFile
from desktop_llm.models.download.progress import Stage
from desktop_llm.models.download.receiving import Receiver
from desktop_llm.words import tr

MAX_REPAIRS = 2
SAVE_BLOCKS = 8  # 64 MiB between two notes of how far it is

Step = tuple[Stage, int]  # and how many bytes of the part are done in this stage


class PartPull:
    """One part's way to the disk; `save` keeps its state."""

    def __init__(self, part: PartFile, receiver: Receiver, save: Callable[[], None]) -> None:
        self._part = part
        self._receiver = receiver
        self._save = save
        self._compared = 0
        self._changed: set[int] = set()  # blocks that a repair has replaced bytes in, this time

    def run(self) -> Generator[Step, None, None]:
        """Yield steps until the part is whole and right; raises TransferError, and the part stays as far as it is.

        Cause "wrong_hash" means that the hub has other bytes than it promised: the part is of no use then.
        """
        yield from self._check()
        yield from self._fetch()
        yield from self._check()
        if not self._part.right:
            yield from self._repair()
        if self._part.state.etag_changed and not self._part.state.promised:
            raise self._mixed()
        self._part.state.found_sha256 = self._part.sha256
        self._part.sync()

    def _check(self) -> Iterator[Step]:
        """Hash what is there and was not hashed yet; a block that is not what came once is fetched again."""
        part, fetched = self._part, set[int]()
        while True:
            for done in part.check():
                yield "checking", done
            if part.damaged is None:
                return
            if part.damaged in fetched:  # fresh, and still not what its digest says: then the digest is wrong
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
        """Up to so many times: compare the suspects, then everything, until the whole is right."""
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
                break  # the hub has another file, or says the same again: asking once more would not help
        raise self._wrong()

    def _suspects(self) -> Iterator[tuple[int, int]]:
        """The blocks at whose ends a connection ended, then everything from where an earlier repair stopped."""
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
        """Have a repair that is interrupted go on from about here."""
        if self._compared - self._part.state.compared_bytes >= self._part.block_bytes:
            self._part.state.compared_bytes = self._compared
            self._save()

    def _hash_anew(self) -> Iterator[Step]:
        self._part.forget_digests(0)
        for done in self._part.check(anew=True):
            yield "checking", done

    def _mixed(self) -> TransferError:
        return TransferError(
            tr(
                "{file} was replaced on the hub while it was being downloaded. Nothing of it was kept. "
                "Start the download again.",
                file=self._part.state.path,
            ),
            "wrong_hash",
        )

    def _wrong(self) -> TransferError:
        return TransferError(
            tr(
                "What the hub sends for {file} is not the file it promises, also when asked again: the sha256 differs. "
                "Nothing of it was kept. Choose another file or repository, or try again on another day.",
                file=self._part.state.path,
            ),
            "wrong_hash",
        )
