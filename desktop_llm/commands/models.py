"""The commands about the network: find models on the hub, and list the requests that were sent."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from desktop_llm import settings
from desktop_llm.characters import one_line
from desktop_llm.commands.terminal import print_json, tell
from desktop_llm.engine.installation import Installation
from desktop_llm.errors import UserError
from desktop_llm.hardware import graphics_cards
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecaster, Gpu, fit_word, this_machine
from desktop_llm.models.fit.repositories import RoughForecasts
from desktop_llm.models.hub import DEFAULT_ENDPOINT, Hub, HubRepo, chosen_endpoint, parse_reference
from desktop_llm.models.hub.token import TokenStore, from_environment
from desktop_llm.models.names import plain_word, size_text
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import Folders
from desktop_llm.words import tr

# A request may take 25 s before these, so a command gives up on a dead hub within a minute.
FILES_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Connection:
    """The network, the hub and the settings of one command."""

    net: Net
    hub: Hub
    settings: settings.Settings


@contextlib.contextmanager
def connected(home: Folders) -> Iterator[Connection]:
    """The network as the settings and the environment describe it; all connections end with the command."""
    chosen, complaint = settings.load(home.settings)
    if complaint:
        tell(complaint)
    net = Net(Ledger(home.ledger_db), offline=chosen.offline)
    token = TokenStore(home.token_file)
    hub = Hub(
        net,
        endpoint=chosen_endpoint(chosen.endpoint),
        token=lambda: from_environment() or token.read(),
        facts=Facts(home.facts_db),
    )
    if hub.endpoint != DEFAULT_ENDPOINT:
        tell(tr("Models come from {endpoint}.", endpoint=hub.endpoint))
    try:
        yield Connection(net, hub, chosen)
    finally:
        net.close()


def run_find(options: argparse.Namespace, home: Folders) -> None:
    """Repositories for a query, or the one that an id or address names, with their files."""
    with connected(home) as connection:
        repos = list(_found(options, connection.hub))
        forecasts = RoughForecasts(forecaster(home), connection.settings.context_length)
    if options.json:
        print_json([_as_json(repo, forecasts) for repo in repos])
        return
    if not repos:
        sys.stdout.write(f"{tr('Nothing was found. Try other words, or fewer.')}\n")
    for repo in repos:
        sys.stdout.writelines(f"{one_line(line)}\n" for line in _lines(repo, forecasts))


def run_ledger(options: argparse.Namespace, home: Folders) -> None:
    """List every request that left this computer, the newest first."""
    ledger = Ledger(home.ledger_db)
    entries, missing = ledger.entries(), ledger.missing()
    if missing:
        (sys.stderr if options.json else sys.stdout).write(f"{missing}\n")
    if options.json:
        fields = ("host", "purpose", "bytes_in", "bytes_out", "result")
        print_json(
            [{"time": _moment(entry.time), **{name: getattr(entry, name) for name in fields}} for entry in entries]
        )
        return
    row = "{:19}  {:28} {:14} {:>15} {:>9}  {}".format
    if entries:
        heads = tr("Time"), tr("Host"), tr("For"), tr("Received"), tr("Sent"), tr("Result")
        sys.stdout.write(f"{row(*heads)}\n")
    for entry in entries:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time))
        moved = f"{entry.bytes_in:,}", f"{entry.bytes_out:,}"
        sys.stdout.write(f"{one_line(row(when, entry.host, entry.purpose, *moved, entry.result))}\n")
    if not entries and not missing:
        sys.stdout.write(f"{tr('No request from this computer is recorded.')}\n")


def _found(options: argparse.Namespace, hub: Hub) -> Iterator[HubRepo]:
    """The named repository, or those that were found, in the hub's order; one that fails is reported and left out."""
    reference = parse_reference(options.query, hub.endpoint)
    if reference is not None:
        yield hub.measured(hub.repo(reference.repo, reference.revision))
        return
    pages = hub.search(
        options.query,
        sort=options.sort,
        license=options.license,
        task=options.task,
        language=options.language,
        size=options.size,
        limit=options.limit,
    )
    ids = [model.repo for model in chain.from_iterable(pages)]
    failures = []
    for repo in hub.repos(ids, FILES_WITHIN_S):
        if isinstance(repo, HubRepo):
            yield repo
        else:
            failures.append(repo)
    _tell(failures, len(ids))


def _tell(failures: list[UserError], asked: int) -> None:
    if failures and len(failures) == asked:
        raise failures[0]
    for message in dict.fromkeys(failure.message for failure in failures):
        tell(message)


def forecaster(home: Folders) -> Forecaster:
    """A forecaster for this machine and its GPUs; without a graphics card, no engine is started to ask for GPUs."""
    machine = this_machine(_gpus(home)) if graphics_cards() else this_machine()
    return Forecaster(Facts(home.facts_db), lambda: machine)


def _gpus(home: Folders) -> list[Gpu]:
    try:
        found = [device for device in Installation(home).devices() if device.kind == "gpu"]
    except UserError:  # without its small model the engine can't list GPUs, so the forecast is for the CPU
        return []
    return [Gpu(each.description, each.total_bytes, each.free_bytes, each.backend) for each in found]


def _as_json(repo: HubRepo, forecasts: RoughForecasts) -> dict[str, Any]:
    files = [
        {
            "name": file.name,
            "quantization": file.quantization,
            "size_bytes": file.size_bytes or None,
            "sha256": file.sha256,
            "fit": forecasts.of_file(repo.model, file).fit if file.size_bytes else None,
        }
        for file in repo.files
    ]
    model = repo.model
    shown = {"repo": model.repo, "downloads": model.downloads, "likes": model.likes, "license": model.license}
    return {**shown, "gated": model.gated, "files": files}


def _lines(repo: HubRepo, forecasts: RoughForecasts) -> Iterator[str]:
    model = repo.model
    facts = [
        tr("{count:,} downloads", count=model.downloads),
        tr("{count:,} likes", count=model.likes),
        model.license,
        tr("its licence must be accepted on its page") if model.gated else "",
    ]
    yield f"{model.repo}  ({', '.join(filter(None, facts))})"
    best = forecasts.best(repo)
    for file in repo.files:
        size = size_text(file.size_bytes) if file.size_bytes else ""
        word = plain_word(file.quantization)
        verdict = fit_word(forecasts.of_file(repo.model, file).fit) if file.size_bytes else tr("Size unknown")
        advice = tr("recommended here") if file is best else ""
        yield f"  {word:9} {file.quantization or file.name:14} {size:>10}  {verdict:8} {advice}".rstrip()
    eyes = repo.projector_for(best or repo.files[0]) if repo.files else None
    if eyes is not None and eyes.size_bytes:
        yield f"  {tr('Sees pictures: {size} more come with it', size=size_text(eyes.size_bytes))}"
    elif eyes is not None:
        yield f"  {tr('Sees pictures')}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
