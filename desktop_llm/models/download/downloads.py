"""Downloads models from the hub: resumable, checked against the hub's sha256, published only when they are right.

`Downloads` is what the window and the command line use. The work of one part is in `pulling.py`, the network side in
`receiving.py`, the bytes on disk in `parts.py`, what survives a quit in `sidecar.py`.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import BadRequest, Busy, ModelFileError, TransferError
from desktop_llm.models.download.parts import BLOCK_BYTES, PartFile, PartState
from desktop_llm.models.download.progress import Meter, PullProgress
from desktop_llm.models.download.pulling import PartPull, Step
from desktop_llm.models.download.receiving import Patience, Receiver
from desktop_llm.models.download.sidecar import Sidecar, Wanted, clear_leftovers, load, load_all, locked, opened
from desktop_llm.models.gguf import read_header_from
from desktop_llm.models.hub import Hub, HubFile, HubRepo
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.publishing import check_importable
from desktop_llm.net import Net
from desktop_llm.paths import Folders
from desktop_llm.words import tr

SPARE_BYTES = 1 << 30  # left free on the disk for everything else

__all__ = ["Downloads", "PullProgress", "Pulled", "Unfinished"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here now; `sha256` is that of its first part, `bytes_transferred` what this call took."""

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A download that was paused or interrupted, as its sidecar tells; `id` is the sha256 of its first part."""

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
        self._under_way: list[Sidecar] = []
        self._lock = threading.Lock()

    def pull(self, repo: HubRepo, file: HubFile) -> Generator[PullProgress, None, Pulled]:
        """Bring a file with all of its parts here; closing the generator pauses, and the next pull goes on.

        Raises TransferError with its cause, Busy where another process has it, ModelFileError where what came is no
        model that can run here, UserError where the disk can't be written.
        """
        return self._run(_wanted(repo, file))

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
                sidecar.remove()

    def _run(self, wanted: Wanted) -> Generator[PullProgress, None, Pulled]:
        with locked(self._folder, wanted.id):
            sidecar = opened(self._folder, wanted)
            if (model := self._already_here(wanted)) is not None:
                sidecar.remove()
                return Pulled(model, wanted.id, wanted.size_bytes, 0)
            with self._room_for(sidecar):
                try:
                    transferred = yield from self._receive(sidecar)
                except TransferError:
                    if sidecar.done_bytes() == 0:
                        sidecar.remove()
                    raise
            return Pulled(self._publish(sidecar), wanted.id, wanted.size_bytes, transferred)

    def _receive(self, sidecar: Sidecar) -> Generator[PullProgress, None, int]:
        """Every part after the other; the bytes that it took."""
        sidecar.save()
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
        wanted = sidecar.wanted
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
        model = self._library.adopt(
            paths,
            repo=wanted.repo,
            file=wanted.file,
            revision=wanted.revision,
            sha256s=[state.sha256 for state in sidecar.states],
            name=Path(wanted.file).name,
        )
        sidecar.remove()
        return model

    def _already_here(self, wanted: Wanted) -> Model | None:
        """The model with this very content; not the one that came with the app and goes with it."""
        for model in self._library.models():
            if (
                model.state == "ok"
                and not model.starter
                and model.size_bytes == wanted.size_bytes
                and self._library.sha256(model) == wanted.id
            ):
                return model
        return None

    def _was_published(self, sidecar: Sidecar) -> bool:
        """Whether only this note is left of a finished download, because the program was killed then; it is removed."""
        if sidecar.done_bytes() or self._already_here(sidecar.wanted) is None:
            return False
        with contextlib.suppress(Busy):  # whoever publishes it just now removes the note
            self.discard(sidecar.wanted.id)
        return True

    @contextlib.contextmanager
    def _room_for(self, sidecar: Sidecar) -> Iterator[None]:
        """Hold the space that this download still needs against those that begin meanwhile."""
        with self._lock:
            self._check_space(sidecar, sum(other.left_bytes() for other in self._under_way))
            self._under_way.append(sidecar)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.remove(sidecar)

    def _check_space(self, sidecar: Sidecar, promised_bytes: int) -> None:
        needed = sidecar.left_bytes() + SPARE_BYTES
        free = max(0, shutil.disk_usage(self._folder).free - promised_bytes)
        if free < needed:
            file, folder = sidecar.wanted.file, self._folder.parent
            raise _no_room(file, folder, needed / 1e9, free / 1e9, others=promised_bytes > 0)


def _no_room(file: str, folder: Path, needed_gb: float, free_gb: float, *, others: bool) -> TransferError:
    sentence = (
        tr(
            "{file} needs {needed:.1f} GB on the disk with {folder}, and besides what other downloads still need "
            "{free:.1f} GB are free there. Nothing was changed. Free some space, then try again.",
            file=file,
            folder=str(folder),
            needed=needed_gb,
            free=free_gb,
        )
        if others
        else tr(
            "{file} needs {needed:.1f} GB on the disk with {folder}, and {free:.1f} GB are free there. "
            "Nothing was changed. Free some space, then try again.",
            file=file,
            folder=str(folder),
            needed=needed_gb,
            free=free_gb,
        )
    )
    return TransferError(sentence, "disk_full")


def _wanted(repo: HubRepo, file: HubFile) -> Wanted:
    """What to get; raises BadRequest where the hub names no sha256 to check it by."""
    parts = [(part.path, part.size_bytes, part.sha256) for part in file.parts if part.sha256]
    if not parts or len(parts) < len(file.parts):
        raise BadRequest(
            tr(
                "The hub names no checksum (sha256) for {file}, so nobody could tell whether it arrived unchanged. "
                "Nothing was downloaded. Choose another file or repository.",
                file=file.name,
            )
        )
    return Wanted(repo.model.repo, repo.revision, file.name, file.quantization, tuple(parts))


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
