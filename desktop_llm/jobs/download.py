"""The job of downloading a model. After a quit, the sidecar file beside the partial file says how to resume."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from desktop_llm.errors import NotFound
from desktop_llm.jobs.job import Job, Kind, Progress, Work, told
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.download import Downloads, Pulled, PullProgress
    from desktop_llm.models.hub import Hub
    from desktop_llm.net import Net

Pull = Generator["PullProgress", None, "Pulled"]


@dataclass(frozen=True, slots=True)
class Download(Job):
    """A model file being downloaded; the job's subject is "owner/name/file".

    `hub` is the name of the place it comes from. `model_id` is set once it is in the library; `checked` is
    False if the hub named no checksum for it.
    """

    kind: ClassVar[Kind] = "download"

    quantization: str = ""
    hub: str = "Hugging Face"
    model_id: str = ""
    checked: bool = True


def subject_of(repo: str, file: str) -> str:
    """The subject of the job that downloads a file of a repository."""
    return f"{repo}/{file}"


class DownloadWork(Work["Pulled"]):
    """Runs `pull` until the file is here. With `let_out`, its next run may use the network although the offline switch
    is on.
    """

    at_once = 3

    def __init__(self, downloads: Downloads, net: Net, repo: str, file: str, pull: Callable[[], Pull]) -> None:
        self.repo, self.file = repo, file
        self.let_out = False
        self._downloads, self._net, self._pull = downloads, net, pull

    def steps(self) -> Generator[Progress, None, Pulled]:
        """Download, check, publish."""
        let_out, self.let_out = self.let_out, False
        with self._net.lifted() if let_out else nullcontext():
            return (yield from told(self._pull(), progress_of))

    def finished(self, job: Job, result: Pulled) -> Job:
        """The finished job, with the model's name as every other list shows it."""
        assert isinstance(job, Download)
        size_bytes, model = result.size_bytes, result.model
        job = replace(job, title=model.display_name, model_id=model.id, checked=result.checked)
        return job.advanced(Progress(size_bytes, size_bytes)).now("done")

    def cancel(self) -> None:
        """Delete the part that came."""
        for each in self._downloads.unfinished():
            if (each.repo, each.file) == (self.repo, self.file):
                self._downloads.discard(each.id)


def progress_of(step: PullProgress) -> Progress:
    """Translate a download's own progress."""
    return Progress(
        done=step.done_bytes,
        total=step.total_bytes,
        speed=step.bytes_per_s,
        seconds_left=step.seconds_left,
        stage="" if step.stage == "downloading" else step.stage,
        reason=step.reason,
    )


def pull_named(hub: Hub, downloads: Downloads, repo_id: str, file_name: str, revision: str | None = None) -> Pull:
    """Look a file up in its repository, then pull it; raises NotFound if it is no longer there."""
    repo = hub.repo(repo_id, revision)
    file = next((file for file in repo.files if file.name == file_name), None)
    if file is None:
        raise NotFound(
            tr("{file} is not in {repo} any more.", file=file_name, repo=repo_id), tr("Nothing was downloaded.")
        )
    return (yield from downloads.pull(repo, file))
