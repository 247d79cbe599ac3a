"""Downloads models from the hub: resumable, checked against the hub's sha256, published only when they are right.

The window and the command line use `Downloads`. The work on one part is in `pulling.py`, its network side in
`receiving.py`, its bytes on disk in `part_file.py`; `sidecar.py` keeps what must survive a quit.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_llm.days import Days
from desktop_llm.errors import BadRequest, Busy, ModelFileError, NotFound, TransferError
from desktop_llm.models.download.part_file import BLOCK_BYTES, PartFile, PartState, without_checksum
from desktop_llm.models.download.pulling import Meter, PartPull, PullProgress, Step
from desktop_llm.models.download.receiving import Patience, Receiver
from desktop_llm.models.download.sidecar import (
    Manifest,
    Sidecar,
    check_space,
    clear_leftovers,
    load,
    load_all,
    locked,
    opened,
)
from desktop_llm.models.gguf import Header, read_header_from
from desktop_llm.models.hub import Hub, HubFile, HubRepo
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.model_files import check_importable
from desktop_llm.net import Net
from desktop_llm.paths import Folders
from desktop_llm.words import tr

__all__ = ["Downloads", "PullProgress", "Pulled", "Unfinished"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A downloaded model; `sha256` is the first part's, `bytes_transferred` counts the bytes this call received.

    `checked` is False if the hub named no checksum, so that only the length and the header could be checked.
    """

    model: Model
    sha256: str
    size_bytes: int
    bytes_transferred: int
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A paused or interrupted download, as its sidecar describes it; `id` is the sha256 of its first part."""

    id: str
    repo: str
    file: str
    revision: str
    quantization: str
    done_bytes: int
    total_bytes: int
    sha256: str


class Downloads:
    """All downloads into one models folder. Any thread may run one, but only one process and thread at a time may get
    the same file.
    """

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
        self._days = Days(folders.days)
        self._net = net
        self._hub = hub
        self._library = library
        self._patience = patience or Patience()
        self._block_bytes = block_bytes
        self._beginning = threading.Lock()

    def pull(self, repo: HubRepo, file: HubFile) -> Generator[PullProgress, None, Pulled]:
        """Download a file with all of its parts; closing the generator pauses it, and the next pull resumes.

        If the repository has a projector for it, that comes too, unless the model is here and has one.

        Raises TransferError with its cause, Busy if another process is downloading it, ModelFileError if the file is
        not a model that can run here, UserError if the disk can't be written.
        """
        described, eyes = self._hub.described(repo, file), repo.projector_for(file)
        projector = self._hub.described(repo, eyes) if eyes is not None else None
        try:
            return (yield from self._run(self._needed(_manifest(repo, described, projector))))
        except TransferError as error:
            if error.cause != "not_found" or repo.revision == repo.branch:
                raise
        at_branch = replace(repo, revision=repo.branch)
        return (yield from self._run(self._needed(_manifest(at_branch, described, projector))))

    def resume(self, unfinished: Unfinished) -> Generator[PullProgress, None, Pulled]:
        """Resume a paused or interrupted download; raises as `pull` does."""
        sidecar = load(self._folder, unfinished.id)
        if sidecar is None:
            raise BadRequest(tr("The download of {file} was finished or cancelled meanwhile.", file=unfinished.file))
        return self._run(sidecar.manifest)

    def unfinished(self) -> list[Unfinished]:
        """The downloads that can be resumed, the oldest first; old leftovers of other downloads are deleted."""
        self._days.note()
        clear_leftovers(self._folder, self._days)
        return [_unfinished(sidecar) for sidecar in load_all(self._folder) if not self._was_published(sidecar)]

    def discard(self, download_id: str) -> None:
        """Cancel for good: forget the download and delete its files. Raises Busy while it runs."""
        with locked(self._folder, download_id):
            if (sidecar := load(self._folder, download_id)) is not None:
                sidecar.take_back()
                sidecar.remove()

    def _needed(self, manifest: Manifest) -> Manifest:
        """The manifest without what is here already: of a model that only lacks its projector, that alone is needed."""
        if not manifest.projector:
            return manifest
        without = replace(manifest, parts=manifest.model_parts, projector=False)
        if (model := self._already_here(without)) is None:
            return manifest
        lacks = model.own and model.projector is None
        return replace(manifest, parts=manifest.parts[-1:]) if lacks else without

    def _run(self, manifest: Manifest) -> Generator[PullProgress, None, Pulled]:
        with locked(self._folder, manifest.id):
            sidecar = opened(self._folder, manifest)
            if (model := self._already_here(manifest)) is not None:
                sidecar.remove()
                return Pulled(model, self._library.sha256(model), manifest.size_bytes, 0, manifest.promised)
            sidecar.drop_doubtful()
            try:
                self._begin(sidecar)
                transferred = yield from self._receive(sidecar)
            except TransferError:
                if sidecar.done_bytes() == 0:
                    sidecar.remove()
                raise
            model = self._publish(sidecar)
            return Pulled(model, self._library.sha256(model), manifest.size_bytes, transferred, manifest.promised)

    def _begin(self, sidecar: Sidecar) -> None:
        """Reserve the space that this download still needs: downloads that begin later read its note."""
        with self._beginning:
            check_space(self._folder, sidecar)
            sidecar.save()

    def _receive(self, sidecar: Sidecar) -> Generator[PullProgress, None, int]:
        """Get one part after another; returns the number of bytes transferred."""
        meter, before, transferred = Meter(sidecar.manifest.size_bytes), 0, 0
        for state in sidecar.states:
            receiver = self._receiver(sidecar.manifest, state)
            with contextlib.closing(self._part(sidecar, state, receiver)) as steps:
                for stage, done_bytes in steps:
                    if (progress := meter.report(stage, before + done_bytes, receiver.reason)) is not None:
                        yield progress
            before += state.size_bytes
            transferred += receiver.transferred
        return transferred

    def _receiver(self, manifest: Manifest, state: PartState) -> Receiver:
        def locate() -> tuple[str, dict[str, str]]:
            return self._hub.location(manifest.repo, manifest.revision, state.path)

        return Receiver(self._net, locate, state, self._patience)

    def _part(self, sidecar: Sidecar, state: PartState, receiver: Receiver) -> Generator[Step, None, None]:
        part = PartFile(sidecar.part_path(state), state, self._block_bytes)
        try:
            yield from PartPull(part, receiver, sidecar.note).run()
        except TransferError as error:
            if error.cause == "wrong_hash":
                part.close()  # Windows can't delete an open file
                sidecar.drop(state)
            raise
        finally:
            part.close()
            sidecar.note()

    def _publish(self, sidecar: Sidecar) -> Model:
        """Give the finished parts to the library; a file that can't run here is deleted."""
        states = sidecar.states[: len(sidecar.manifest.model_parts)]
        paths = [sidecar.part_path(state) for state in states]
        try:
            for path, state in zip(paths, states, strict=True):
                header = _header(path, state)
                if state is states[0]:
                    check_importable(Path(state.path), header)
        except ModelFileError:
            sidecar.remove()
            raise
        projector = self._projector(sidecar)
        if paths:
            sha256s = [state.found_sha256 for state in states]
            announce = sidecar.note_targets
            source = _source(sidecar.manifest)
            model = self._library.adopt(paths, sha256s=sha256s, announce=announce, projector=projector, **source)
        else:
            model = self._with_projector(sidecar.manifest, projector)
        sidecar.remove()
        return model

    def _projector(self, sidecar: Sidecar) -> Path | None:
        """The finished projector; None if the engine can't open it, since the model is of use without it."""
        state = sidecar.states[-1]
        path = sidecar.part_path(state)
        if not sidecar.manifest.projector:
            return None
        try:
            return path if _header(path, state).kind == "projector" else None
        except ModelFileError as error:
            log.warning("a projector can't be used: %s", error.title)
            return None

    def _with_projector(self, manifest: Manifest, projector: Path | None) -> Model:
        """The model that was here without its projector; raises NotFound if it was removed meanwhile."""
        for model in self._library.models():
            if model.own and (model.repo, model.file) == (manifest.repo, manifest.file):
                if projector is not None:
                    self._library.adopt_projector(projector, model.path)
                return self._library.find(model.id)
        raise NotFound(tr("{file} was removed meanwhile.", file=manifest.file), tr("Get it again."))

    def _already_here(self, manifest: Manifest) -> Model | None:
        """The model in the library with exactly this content; the starters don't count, since they belong to the app.

        If the model has no origin yet, this repository is noted as its origin.
        """
        size_bytes = sum(size for _, size, _ in manifest.model_parts)
        for model in self._library.models():
            same_size = model.state == "ok" and not model.starter and model.size_bytes == size_bytes
            if same_size and self._is_same(model, manifest):
                return model if model.repo or not model.own else self._library.note_source(model, **_source(manifest))
        return None

    def _is_same(self, model: Model, manifest: Manifest) -> bool:
        """Two files are the same if their checksums match, or, without checksums, their repository and name."""
        if manifest.promised:
            sha256s = [sha256 for _, _, sha256 in manifest.model_parts]
            # The first part may hold only the header, which models with different weights can share.
            return self._library.sha256(model) == manifest.id and self._library.sha256s(model) == sha256s
        return (model.repo, model.file) == (manifest.repo, manifest.file)

    def _was_published(self, sidecar: Sidecar) -> bool:
        """Whether the program was killed after it had published everything; if so, the note is removed. A partial
        publishing is undone.
        """
        if sidecar.done_bytes() and not sidecar.targets:
            return False
        with contextlib.suppress(Busy), locked(self._folder, sidecar.manifest.id):
            sidecar.take_back()
        if self._already_here(sidecar.manifest) is None:
            return False
        with contextlib.suppress(Busy):  # another process is publishing it, and removes the note itself
            self.discard(sidecar.manifest.id)
        return True


def _header(path: Path, state: PartState) -> Header:
    with path.open("rb") as file:
        return read_header_from(file, state.size_bytes, Path(state.path).name)


def _manifest(repo: HubRepo, file: HubFile, projector: HubFile | None) -> Manifest:
    """The manifest of a file; raises BadRequest if the hub does not say how large it is."""
    if not all(part.size_bytes for part in file.parts):
        raise BadRequest(
            tr(
                "The hub does not say how large {file} is, so nobody could tell whether all of it arrived.",
                file=file.name,
            ),
            tr("Nothing was downloaded. Choose another file or repository."),
        )
    name, at = repo.model.repo, repo.revision
    parts = [
        (part.path, part.size_bytes, part.sha256 or without_checksum(name, at, part.path, part.size_bytes))
        for part in (*file.parts, *(projector.parts if projector else ()))
    ]
    return Manifest(name, at, file.name, file.quantization, tuple(parts), projector is not None)


def _source(manifest: Manifest) -> dict[str, str]:
    return {"repo": manifest.repo, "file": manifest.file, "revision": manifest.revision}


def _unfinished(sidecar: Sidecar) -> Unfinished:
    manifest = sidecar.manifest
    return Unfinished(
        id=manifest.id,
        repo=manifest.repo,
        file=manifest.file,
        revision=manifest.revision,
        quantization=manifest.quantization,
        done_bytes=sidecar.done_bytes(),
        total_bytes=manifest.size_bytes,
        sha256=manifest.id,
    )
