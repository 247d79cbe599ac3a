"""The command `pull`: a model from the hub to this computer, resumed if an earlier pull stopped halfway."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator

from desktop_llm.commands.models import Connection, connected, forecaster
from desktop_llm.commands.terminal import drain, tell
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.jobs.download import progress_of
from desktop_llm.jobs.job import Progress, told
from desktop_llm.models.download import Downloads, Pulled, PullProgress
from desktop_llm.models.fit.repositories import RoughForecasts
from desktop_llm.models.hub import HubFile, HubRepo, parse_reference
from desktop_llm.models.library import Library
from desktop_llm.models.names import size_of_whole, size_text
from desktop_llm.paths import Folders
from desktop_llm.steps import Result, Run
from desktop_llm.words import Sentence, tr

TELL_EVERY_S = 5.0  # if stderr is no terminal


def run_pull(options: argparse.Namespace, home: Folders) -> Pulled:
    """Download the named model; without a file or quantization, the one that suits this machine."""
    with connected(home) as connection:
        reference = parse_reference(options.model, connection.hub.endpoint)
        if reference is None:
            raise BadRequest(
                tr("“{model}” names no repository.", model=options.model),
                tr(
                    "Nothing was downloaded. "
                    "Write owner/name, owner/name:QUANTIZATION, or its address; `find` lists models."
                ),
            )
        repo = connection.hub.repo(reference.repo, reference.revision)
        file = repo.file(reference.file) if reference.file else _suitable(connection, repo, home)
        library = Library(home, model_folders=lambda: connection.settings.model_folders)
        downloads = Downloads(home, connection.net, connection.hub, library)
        label = file.name.rpartition("/")[2]
        if (eyes := repo.projector_for(file)) is not None:
            size = size_text(connection.hub.described(repo, eyes).size_bytes)
            tell(tr("{file} sees pictures with {projector}, {size}.", file=label, projector=eyes.label, size=size))
        pulled = followed(downloads.pull(repo, file), label)
    if not pulled.checked:
        tell(tr("The hub names no checksum for {file}: only its length and its header were checked.", file=label))
    return pulled


def followed(steps: Generator[PullProgress, None, Result], label: str) -> Result:
    """Run a download with its progress on stderr; Ctrl+C keeps the part that came."""
    try:
        if sys.stderr.isatty():
            return drain(told(steps, progress_of), lambda progress: _line(label, progress))
        return _told_now_and_then(told(steps, progress_of), lambda progress: _line(label, progress))
    except KeyboardInterrupt:
        steps.close()
        tell(tr("{file} is paused. The same command resumes it.", file=label))
        raise


def _suitable(connection: Connection, repo: HubRepo, home: Folders) -> HubFile:
    """The file for this machine; raises UserError if the repository has no model."""
    if not repo.files:
        raise UserError(tr("{repo} has no GGUF model file.", repo=repo.model.repo), tr("Nothing was downloaded."))
    repo = connection.hub.measured(repo)
    return RoughForecasts(forecaster(home), connection.settings.context_length).best(repo) or repo.files[0]


def _told_now_and_then(steps: Generator[Progress, None, Result], show: Callable[[Progress], str]) -> Result:
    """Like `drain`, but for a log: print a line at each new stage and every few seconds."""
    stage, told_at = "", 0.0
    run = Run(steps)
    for step in run:
        now = time.monotonic()
        if step.stage != stage or now - told_at >= TELL_EVERY_S:
            stage, told_at = step.stage, now
            tell(show(step))
    return run.result


def _line(label: str, step: Progress) -> Sentence:
    if step.stage == "waiting":
        return tr("{file}: waiting. {reason}", file=label, reason=step.reason)
    amount = size_of_whole(step.done, step.total)
    if step.stage == "checking":
        return tr("{file}: checking what is here, {amount}", file=label, amount=amount)
    if step.stage == "repairing":
        return tr("{file}: comparing with the hub to repair it, {amount}", file=label, amount=amount)
    speed, left = step.speed / 1e6, step.seconds_left
    if left is None:
        return tr("{file}: {amount}", file=label, amount=amount)
    return tr(
        "{file}: {amount}, {speed:.1f} MB/s, {left} left", file=label, amount=amount, speed=speed, left=_time(left)
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
