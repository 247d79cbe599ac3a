"""The commands that look beyond this computer: find models on the hub, and tell what was sent where."""

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
from desktop_llm.commands.terminal import print_json
from desktop_llm.engine.client import Engine
from desktop_llm.errors import UserError
from desktop_llm.hardware import graphics_cards
from desktop_llm.models.facts import Facts
from desktop_llm.models.fit import Forecast, Forecaster, Gpu, best_size, this_machine
from desktop_llm.models.gguf import in_units, unit
from desktop_llm.models.hub import DEFAULT_ENDPOINT, Hub, HubFile, HubRepo, chosen_endpoint, parse_reference
from desktop_llm.models.hub.quantizations import plain_word
from desktop_llm.models.hub.token import TokenStore, from_environment
from desktop_llm.models.ledger import Ledger
from desktop_llm.net import Net
from desktop_llm.paths import Folders
from desktop_llm.words import tr

# With the 25 s that a request may take before these, a hub that is dead is given up within a minute.
FILES_WITHIN_S = 30.0
# What a model is loaded with unless the person chose otherwise.
CONTEXT_LENGTH = 8_192

_PLAIN = {
    "Small": tr("Small"),
    "Balanced": tr("Balanced"),
    "Large": tr("Large"),
    "Largest": tr("Largest"),
    "Full": tr("Full"),
}
_VERDICTS = {"fits": tr("Fits"), "slow": tr("Slow"), "too_big": tr("Too big")}


@dataclass(frozen=True, slots=True)
class Connection:
    """What a command needs to reach the hub."""

    net: Net
    hub: Hub
    settings: settings.Settings


@dataclass(frozen=True, slots=True)
class Outlook:
    """How files will do on this machine, going by their size and the model's number of weights."""

    forecaster: Forecaster
    context_length: int

    def of(self, repo: HubRepo, file: HubFile) -> Forecast:
        """What a file will need, and how fast it will be."""
        length = min(self.context_length, repo.model.context_length or self.context_length)
        return self.forecaster.rough(file.size_bytes, repo.model.parameters, length)

    def best(self, repo: HubRepo) -> HubFile | None:
        """The file to recommend; None where not even the smallest has room."""
        sized = [file for file in repo.files if file.size_bytes]
        name = best_size([(file.quantization, self.of(repo, file)) for file in sized])
        return next((file for file in repo.files if file.quantization == name), None)


@contextlib.contextmanager
def connected(home: Folders) -> Iterator[Connection]:
    """The network as the settings and the environment have it; every connection is ended behind the command."""
    chosen, complaint = settings.load(home.settings)
    if complaint:
        sys.stderr.write(f"{complaint}\n")
    net = Net(Ledger(home.ledger_db), offline=chosen.offline)
    token = TokenStore(home.token_file)
    hub = Hub(
        net,
        endpoint=chosen_endpoint(chosen.endpoint),
        token=lambda: from_environment() or token.read(),
        facts=Facts(home.facts_db),
    )
    if hub.endpoint != DEFAULT_ENDPOINT:
        sys.stderr.write(f"{tr('Models come from {endpoint}.', endpoint=hub.endpoint)}\n")
    try:
        yield Connection(net, hub, chosen)
    finally:
        net.close()


def run_find(options: argparse.Namespace, home: Folders) -> None:
    """Repositories for a query, or the one that an id or address names, with their files."""
    with connected(home) as connection:
        repos = list(_found(options, connection.hub))
        outlook = Outlook(forecaster(home), connection.settings.context_length or CONTEXT_LENGTH)
    if options.json:
        print_json([_as_json(repo, outlook) for repo in repos])
        return
    if not repos:
        sys.stdout.write(f"{tr('Nothing was found. Try other words, or fewer.')}\n")
    for repo in repos:
        sys.stdout.writelines(f"{line}\n" for line in _lines(repo, outlook))


def run_ledger(options: argparse.Namespace, home: Folders) -> None:
    """Every request that left this computer, the newest first."""
    entries = Ledger(home.ledger_db).entries()
    if options.json:
        fields = ("host", "purpose", "bytes_in", "bytes_out", "result")
        print_json(
            [{"time": _moment(entry.time), **{name: getattr(entry, name) for name in fields}} for entry in entries]
        )
        return
    row = "{:19}  {:28} {:14} {:>15} {:>9}  {}\n".format
    if entries:
        heads = tr("Time"), tr("Host"), tr("For"), tr("Received"), tr("Sent"), tr("Result")
        sys.stdout.write(row(*heads))
    for entry in entries:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time))
        moved = f"{entry.bytes_in:,}", f"{entry.bytes_out:,}"
        sys.stdout.write(row(when, entry.host, entry.purpose, *moved, entry.result))
    if not entries:
        sys.stdout.write(f"{tr('Nothing has left this computer.')}\n")


def _found(options: argparse.Namespace, hub: Hub) -> Iterator[HubRepo]:
    """The named repository, or those that were found, in the hub's order; one that fails is told and left out."""
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
        sys.stderr.write(f"{message}\n")


def forecaster(home: Folders) -> Forecaster:
    """Forecasts for this machine, with its GPUs; where it has no card at all, no engine is started to ask for one."""
    machine = this_machine(_gpus(home)) if graphics_cards() else this_machine()
    return Forecaster(Facts(home.facts_db), lambda: machine)


def _gpus(home: Folders) -> list[Gpu]:
    with contextlib.closing(Engine(home)) as engine:
        try:
            found = [device for device in engine.devices() if device.kind == "gpu"]
        except UserError:  # without its small model the engine can't tell; then the forecast is one for the CPU
            return []
    return [Gpu(each.description, each.total_bytes, each.free_bytes, each.backend) for each in found]


def _as_json(repo: HubRepo, outlook: Outlook) -> dict[str, Any]:
    files = [
        {
            "name": file.name,
            "quantization": file.quantization,
            "size_bytes": file.size_bytes or None,
            "sha256": file.sha256,
            "fit": outlook.of(repo, file).fit if file.size_bytes else None,
        }
        for file in repo.files
    ]
    model = repo.model
    shown = {"repo": model.repo, "downloads": model.downloads, "likes": model.likes, "license": model.license}
    return {**shown, "gated": model.gated, "files": files}


def _lines(repo: HubRepo, outlook: Outlook) -> Iterator[str]:
    model = repo.model
    facts = [
        tr("{count:,} downloads", count=model.downloads),
        tr("{count:,} likes", count=model.likes),
        model.license,
        tr("licence to be accepted on its page") if model.gated else "",
    ]
    yield f"{model.repo}  ({', '.join(filter(None, facts))})"
    best = outlook.best(repo)
    for file in repo.files:
        size = f"{in_units(file.size_bytes, file.size_bytes)} {unit(file.size_bytes)}" if file.size_bytes else ""
        word = _PLAIN.get(plain_word(file.quantization), "")
        verdict = _VERDICTS[outlook.of(repo, file).fit] if file.size_bytes else tr("Size unknown")
        advice = tr("recommended here") if file is best else ""
        yield f"  {word:9} {file.quantization or file.name:14} {size:>10}  {verdict:8} {advice}".rstrip()


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
