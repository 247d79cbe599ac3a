"""Downloads models from the hub: resumable, checked against the hub's sha256, published only when they are right.

`Downloads` is what the window and the command line use. The work of one part is in `pulling.py`, the network side in
`receiving.py`, the bytes on disk in `parts.py`, what survives a quit in `sidecar.py`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_llm.errors import BadRequest, Busy, ModelFileError, TransferError
from desktop_llm.models.download.parts import BLOCK_BYTES, PartFile, PartState, without_checksum
from desktop_llm.models.download.progress import Meter, PullProgress
from desktop_llm.models.download.pulling import PartPull, Step
from desktop_llm.models.download.receiving import Patience, Receiver
from desktop_llm.models.download.sidecar import Sidecar, Wanted, clear_leftovers, load, load_all, locked, opened
from desktop_llm.models.download.space import check_space
from desktop_llm.models.gguf import read_header_from
from desktop_llm.models.hub import Hub, HubFile, HubRepo
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.publishing import check_importable
from desktop_llm.net import Net
from desktop_llm.paths import Folders
from desktop_llm.words import tr

__all__ = ["Downloads", "PullProgress", "Pulled", "Unfinished"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here now; `sha256` is that of its first part, `bytes_transferred` what this call took.

    `checked` is False where the hub named no checksum, so that only the length and the header could be looked at.
    """

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A download that was paused or interrupted, as its sidecar tells; `id` is what its first part goes by."""

    id: str
    repo: str
    file: str
    revision: str
    quantization: str
    done_bytes: int
    total_bytes: int
    sha256: str


class Downloads:
    """Every download of one models folder. Any thread may run one; the same file only one at a time, anywhere."""

    def __init__(
        self,
        folders: Folders,
        net: Net,
        hub: Hub,
        library: Library,
        *,
        patience: Patience | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._folder = folders.models / ".part"
        self._net = net
        self._hub = hub
        self._library = library
        self._patience = patience or Patience()
        self._block_bytes = block_bytes
        self._beginning = threading.Lock()

    def pull(self, repo: HubRepo, file: HubFile) -> Generator[PullProgress, None, Pulled]:
        """Bring a file with all of its parts here; closing the generator pauses, and the next pull goes on.

        Raises TransferError with its cause, Busy where another process has it, ModelFileError where what came is no
        model that can run here, UserError where the disk can't be written.
        """
        described = self._hub.described(repo, file)
        try:
            return (yield from self._run(_wanted(repo, described)))
        except TransferError as error:
            if error.cause != "not_found" or repo.revision == repo.branch:
                raise
        return (yield from self._run(_wanted(replace(repo, revision=repo.branch), described)))

    def resume(self, unfinished: Unfinished) -> Generator[PullProgress, None, Pulled]:
        """Go on with a download that was paused or interrupted; raises as `pull` does."""
        sidecar = load(self._folder, unfinished.id)
        if sidecar is None:
            raise BadRequest(tr("The download of {file} was finished or cancelled meanwhile.", file=unfinished.file))
        return self._run(sidecar.wanted)

    def unfinished(self) -> list[Unfinished]:
        """The downloads that can be gone on with, the oldest first; old leftovers of others are deleted."""
        clear_leftovers(self._folder)
        return [_unfinished(sidecar) for sidecar in load_all(self._folder) if not self._was_published(sidecar)]

    def discard(self, download_id: str) -> None:
        """Cancel for good: forget the download and delete what came of it. Raises Busy while it runs."""
        with locked(self._folder, download_id):
            if (sidecar := load(self._folder, download_id)) is not None:
                sidecar.take_back()
                sidecar.remove()

    def _run(self, wanted: Wanted) -> Generator[PullProgress, None, Pulled]:
        with locked(self._folder, wanted.id):
            sidecar = opened(self._folder, wanted)
            if (model := self._already_here(wanted)) is not None:
                sidecar.remove()
                return Pulled(model, self._library.sha256(model), wanted.size_bytes, 0, wanted.promised)
            sidecar.drop_doubtful()
            try:
                self._begin(sidecar)
                transferred = yield from self._receive(sidecar)
            except TransferError:
                if sidecar.done_bytes() == 0:
                    sidecar.remove()
                raise
            sha256, checked = sidecar.states[0].found_sha256, wanted.promised
            return Pulled(self._publish(sidecar), sha256, wanted.size_bytes, transferred, checked)

    def _begin(self, sidecar: Sidecar) -> None:
        """Hold the space that this download still needs against those that begin after it: they read its note."""
        with self._beginning:
            check_space(self._folder, sidecar)
            sidecar.save()

    def _receive(self, sidecar: Sidecar) -> Generator[PullProgress, None, int]:
        """Every part after the other; the bytes that it took."""
        meter, before, transferred = Meter(sidecar.wanted.size_bytes), 0, 0
        for state in sidecar.states:
            receiver = self._receiver(sidecar.wanted, state)
            with contextlib.closing(self._part(sidecar, state, receiver)) as steps:
                for stage, done_bytes in steps:
                    if (progress := meter.report(stage, before + done_bytes, receiver.reason)) is not None:
                        yield progress
            before += state.size_bytes
            transferred += receiver.transferred
        return transferred

    def _receiver(self, wanted: Wanted, state: PartState) -> Receiver:
        def locate() -> tuple[str, dict[str, str]]:
            return self._hub.location(wanted.repo, wanted.revision, state.path)

        return Receiver(self._net, locate, state, self._patience)

    def _part(self, sidecar: Sidecar, state: PartState, receiver: Receiver) -> Generator[Step, None, None]:
        part = PartFile(sidecar.part_path(state), state, self._block_bytes)
        try:
            yield from PartPull(part, receiver, sidecar.note).run()
        except TransferError as error:
            if error.cause == "wrong_hash":
                part.close()  # Windows deletes no open file
                sidecar.drop(state)
            raise
        finally:
            part.close()
            sidecar.note()

    def _publish(self, sidecar: Sidecar) -> Model:
        """Give the finished parts to the library; what is no model that can run here is not kept."""
        paths = [sidecar.part_path(state) for state in sidecar.states]
        try:
            for path, state in zip(paths, sidecar.states, strict=True):
                with path.open("rb") as file:
                    header = read_header_from(file, state.size_bytes, Path(state.path).name)
                if state is sidecar.states[0]:
                    check_importable(Path(state.path), header)
        except ModelFileError:
            sidecar.remove()
            raise
        sha256s = [state.found_sha256 for state in sidecar.states]
        model = self._library.adopt(paths, sha256s=sha256s, announce=sidecar.note_targets, **_source(sidecar.wanted))
        sidecar.remove()
        return model

    def _already_here(self, wanted: Wanted) -> Model | None:
        """The model with this very content; not the one that came with the app and goes with it.

        One that came by another way, or just before a kill, is noted to be from here.
        """
        for model in self._library.models():
            same_size = model.state == "ok" and not model.starter and model.size_bytes == wanted.size_bytes
            if same_size and self._is_same(model, wanted):
                return model if model.repo or not model.own else self._library.note_source(model, **_source(wanted))
        return None

    def _is_same(self, model: Model, wanted: Wanted) -> bool:
        """Of the same content, or where the hub names no checksum, from the same place."""
        if wanted.promised:
            sha256s = [sha256 for _, _, sha256 in wanted.parts]
            # The first part may hold the header alone, which other weights may share.
            return self._library.sha256(model) == wanted.id and self._library.sha256s(model) == sha256s
        return (model.repo, model.file) == (wanted.repo, wanted.file)

    def _was_published(self, sidecar: Sidecar) -> bool:
        """Whether the program was killed when all was published: its note is removed. What was cut short is undone."""
        if sidecar.done_bytes() and not sidecar.targets:
            return False
        with contextlib.suppress(Busy), locked(self._folder, sidecar.wanted.id):
            sidecar.take_back()
        if self._already_here(sidecar.wanted) is None:
            return False
        with contextlib.suppress(Busy):  # whoever publishes it just now removes the note
            self.discard(sidecar.wanted.id)
        return True


def _wanted(repo: HubRepo, file: HubFile) -> Wanted:
    """What to get; raises BadRequest where the hub does not say how much that is."""
    if not all(part.size_bytes for part in file.parts):
        raise BadRequest(
            tr(
                "The hub does not say how large {file} is, so nobody could tell whether all of it arrived. "
                "Nothing was downloaded. Choose another file or repository.",
                file=file.name,
            )
        )
    name, at = repo.model.repo, repo.revision
    parts = [
        (part.path, part.size_bytes, part.sha256 or without_checksum(name, at, part.path, part.size_bytes))
        for part in file.parts
    ]
    return Wanted(name, at, file.name, file.quantization, tuple(parts))


def _source(wanted: Wanted) -> dict[str, str]:
    return {"repo": wanted.repo, "file": wanted.file, "revision": wanted.revision}


def _unfinished(sidecar: Sidecar) -> Unfinished:
    wanted = sidecar.wanted
    return Unfinished(
        id=wanted.id,
        repo=wanted.repo,
        file=wanted.file,
        revision=wanted.revision,
        quantization=wanted.quantization,
        done_bytes=sidecar.done_bytes(),
        total_bytes=wanted.size_bytes,
        sha256=wanted.id,
    )
