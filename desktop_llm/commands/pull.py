"""The command `pull`: a model from the hub to this computer, resumed where an earlier pull stopped."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Generator

from desktop_llm.commands.models import CONTEXT_LENGTH, Connection, Outlook, connected, forecaster
from desktop_llm.commands.terminal import drain
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.models.download import Downloads, Pulled, PullProgress
from desktop_llm.models.gguf import in_units, unit
from desktop_llm.models.hub import HubFile, HubRepo, parse_reference
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders
from desktop_llm.steps import Run
from desktop_llm.words import Sentence, tr

TELL_EVERY_S = 5.0  # where stderr is no terminal


def run_pull(options: argparse.Namespace, home: Folders) -> Pulled:
    """Bring the named model here; without a file or quantization the one that suits this machine."""
    with connected(home) as connection:
        reference = parse_reference(options.model, connection.hub.endpoint)
        if reference is None:
            raise BadRequest(
                tr(
                    "“{model}” names no repository. Nothing was downloaded. "
                    "Write owner/name, owner/name:QUANTIZATION, or its address; find shows what there is.",
                    model=options.model,
                )
            )
        repo = connection.hub.repo(reference.repo, reference.revision)
        file = repo.file(reference.file) if reference.file else _suitable(connection, repo, home)
        library = Library(home, model_folders=lambda: connection.settings.model_folders)
        downloads = Downloads(home, connection.net, connection.hub, library)
        label = file.name.rpartition("/")[2]
        pulled = _followed(downloads, repo, file, label)
    if not pulled.checked:
        _tell(tr("The hub names no checksum for {file}: only its length and its header were checked.", file=label))
    return pulled


def _followed(downloads: Downloads, repo: HubRepo, file: HubFile, label: str) -> Pulled:
    """Run it with its progress on stderr; Ctrl+C keeps what came."""
    steps = downloads.pull(repo, file)
    try:
        if sys.stderr.isatty():
            return drain(steps, lambda step: _line(label, step))
        return _told_now_and_then(steps, lambda step: _line(label, step))
    except KeyboardInterrupt:
        steps.close()
        _tell(tr("{file} is paused. The same command goes on from there.", file=label))
        raise


def _suitable(connection: Connection, repo: HubRepo, home: Folders) -> HubFile:
    """The file for this machine; raises UserError where the repository has no model."""
    if not repo.files:
        raise UserError(tr("{repo} has no GGUF model file. Nothing was downloaded.", repo=repo.model.repo))
    repo = connection.hub.measured(repo)
    outlook = Outlook(forecaster(home), connection.settings.context_length or CONTEXT_LENGTH)
    return outlook.best(repo) or repo.files[0]


def _told_now_and_then(steps: Generator[PullProgress, None, Pulled], show: Callable[[PullProgress], str]) -> Pulled:
    """The same as `drain` for a log: a line at each new stage and every few seconds."""
    stage, told_at = "", 0.0
    run = Run(steps)
    for step in run:
        now = time.monotonic()
        if step.stage != stage or now - told_at >= TELL_EVERY_S:
            stage, told_at = step.stage, now
            _tell(show(step))
    return run.result


def _line(label: str, step: PullProgress) -> Sentence:
    if step.stage == "waiting":
        return tr("{file}: waiting. {reason}", file=label, reason=step.reason)
    total = step.total_bytes
    amount = f"{in_units(step.done_bytes, total)} / {in_units(total, total)} {unit(total)}"
    if step.stage == "checking":
        return tr("{file}: checking what is here, {amount}", file=label, amount=amount)
    if step.stage == "repairing":
        return tr("{file}: comparing with the hub to mend it, {amount}", file=label, amount=amount)
    speed, left = step.bytes_per_s / 1e6, step.seconds_left
    if left is None:
        return tr("{file}: {amount}", file=label, amount=amount)
    return tr(
        "{file}: {amount}, {speed:.1f} MB/s, {left} left", file=label, amount=amount, speed=speed, left=_time(left)
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
