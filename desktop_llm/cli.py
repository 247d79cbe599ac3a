"""The command line: arguments in, one answer out. Each command is one small function; the work is done elsewhere.

Results go to stdout (with --json as one document), progress and sentences for people to stderr. Exit status: 0 done,
1 a UserError, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop_llm import __version__
from desktop_llm.commands.terminal import drain, forget_output, prepare_streams, print_json, read_text
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.paths import Folders, folders
from desktop_llm.words import tr

Command = Callable[[argparse.Namespace, Folders], None]
# The rule of `models/hub/endpoint.py`, which the window keeps too.
_SOURCE = (
    "Models come from the address that HF_ENDPOINT names, else from the one in the settings, else from "
    "https://huggingface.co."
)
_TOKEN = "HF_TOKEN brings a token for models whose terms you accepted, else the one that the window keeps is used."


def run(arguments: Sequence[str]) -> int:
    """Parse and run one command; the exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    prepare_streams()
    try:
        options.command(options, folders(options.home))
        sys.stdout.flush()
    except UserError as error:
        print(error.message, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(tr("Interrupted. What was finished is kept."), file=sys.stderr)
        return 130
    except BrokenPipeError:
        forget_output()
        return 1
    except Exception:  # noqa: BLE001 - the command line's edge
        text = tr("Something unexpected happened. Your data is untouched. Please report what follows.")
        print(text, file=sys.stderr)
        print(traceback.format_exc(), file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; also the source of the reference in the README."""
    # After a command these two have no default of their own, which would win over what stands before the command.
    common = _with_common(argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS), {})
    main = argparse.ArgumentParser(
        prog="desktop-llm",
        description="Chat with open models and your own documents, on your own machine. Without a command: the window.",
    )
    _with_common(main, {"home": None, "json": False})
    main.epilog = _SOURCE
    main.add_argument("--version", action="version", version=__version__)
    commands = main.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    add("doctor", doctor, "Check this installation: machine, engine, stores.")
    add("list", list_models, "List the models on this computer.")
    found = add("find", find, "Find models on Hugging Face.")
    _add_find(found)
    pulled = add("pull", pull, "Download a model from Hugging Face, or go on with it.")
    found.epilog = pulled.epilog = f"{_SOURCE} {_TOKEN}"
    pulled.add_argument("model", metavar="REPO[:QUANT or FILE]", help="owner/name, with a quantization, or an address")
    add("import", import_model, "Add a GGUF file to the models.").add_argument("path", type=Path, metavar="PATH")
    add("rm", remove_model, "Remove a model from this computer.").add_argument("id", metavar="ID")
    _add_chat(add("chat", chat, "Ask once, or chat."))
    _add_index(commands, common)
    _add_search(add("search", search, "Search a collection of documents."))
    _add_bench(add("bench", bench, "Measure a model on this machine."))
    add("ledger", ledger, "Show every request that left this computer.")
    return main


def _with_common(parser: argparse.ArgumentParser, defaults: dict[str, Any]) -> argparse.ArgumentParser:
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep all data under DIR (as DESKTOP_LLM_HOME does)")
    parser.add_argument("--json", action="store_const", const=True, help="print one JSON document on stdout")
    parser.set_defaults(**defaults)
    return parser


def _add_find(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("query", metavar="QUERY", help="words, or a repository's id or address")
    sub.add_argument("--sort", choices=("trending", "downloads", "likes", "recent"), default="trending")
    sub.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many repositories (20)")
    sizes = ("small", "medium", "large", "huge")
    sub.add_argument("--size", choices=sizes, default="", help="weights: up to 4, 15 or 45 billion, or more")
    sub.add_argument("--license", default="", metavar="L", help="only with this licence, as apache-2.0")
    sub.add_argument("--task", default="", metavar="T", help="only for this task, as text-generation")
    sub.add_argument("--language", default="", metavar="L", help="only for this language, as de")


def _add_chat(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("prompt", nargs="?", metavar="PROMPT", help="the message; - reads it from stdin")
    sub.add_argument("-m", "--model", metavar="ID", help="the model used last, else the starter")
    sub.add_argument("-c", "--collection", action="append", default=[], metavar="COLLECTION", dest="collections")
    sub.add_argument("--system", metavar="S", help="the system prompt")
    sub.add_argument("--temperature", type=_within(0, 5), metavar="T")
    sub.add_argument("--top-p", type=_within(0, 1), metavar="P")
    sub.add_argument("--seed", type=int, metavar="N")
    sub.add_argument("--max-tokens", type=_positive, metavar="N")
    sub.add_argument("--context-length", type=_positive, metavar="N")
    sub.add_argument("--threads", type=_positive, metavar="N")
    sub.add_argument(
        "--messages", type=Path, metavar="FILE", help='earlier messages: a JSON list of {"role", "content"}'
    )
    sub.add_argument("--save", action="store_true", help="keep the conversation; the window shows it")


def _add_index(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "Read documents into a collection and look after it."
    actions = commands.add_parser("index", help=text, description=text).add_subparsers(required=True, metavar="ACTION")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = actions.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    sub = add("add", index_add, "Read files or folders into a collection.")
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    sub.add_argument(
        "--password-file", type=Path, metavar="F", help="a file whose first line opens protected documents"
    )
    sub = add("status", index_status, "Show what a collection, or each, holds.")
    sub.add_argument("collection", nargs="?", metavar="COLLECTION")
    sub = add("rm", index_remove, "Remove a document, or a whole collection. The files themselves stay.")
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("path", nargs="?", type=Path, metavar="PATH")
    for name, command, text in (
        ("verify", index_verify, "Check the search index against what is stored."),
        ("rebuild", index_rebuild, "Make the search index anew from what is stored; nothing is read again."),
    ):
        add(name, command, text).add_argument("collection", metavar="COLLECTION")


def _add_search(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("query", nargs="?", metavar="QUERY")
    sub.add_argument("-k", type=_positive, default=10, metavar="N", help="how many passages (10)")
    sub.add_argument("--batch", action="store_true", help="a query a line on stdin, a JSON list a line on stdout")


def _add_bench(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("-m", "--model", metavar="ID")
    sub.add_argument("--prompt-tokens", type=_positive, default=512, metavar="N")
    sub.add_argument("--tokens", type=_positive, default=128, metavar="N")
    sub.add_argument("--threads", type=_positive, metavar="N")
    sub.add_argument("--repeat", type=_positive, default=1, metavar="N", help="runs; the median is printed")


def doctor(options: argparse.Namespace, home: Folders) -> None:
    """Machine, engine and stores; each problem is a sentence, not an exit status."""
    from desktop_llm.doctor import report

    found = report(home)
    if options.json:
        print_json(found)
        return
    hardware, engine = found["hardware"], found["engine"]
    print(tr("Desktop LLM {version}, data in {folder}", version=found["version"], folder=found["home"]))
    cpu, cores, memory = hardware["cpu"], hardware["cores"], hardware["ram_bytes"] / 1e9
    print(tr("Machine: {cpu}, {cores} cores, {memory:.1f} GB of memory", cpu=cpu, cores=cores, memory=memory))
    works = tr("works ({backends})", backends=", ".join(engine["backends"]))
    state = works if engine["ok"] else tr("does not work: {reason}", reason=engine["reason"])
    print(tr("Engine: llama-cpp-python {version}, {state}", version=engine["llama_cpp_python"], state=state))
    for name, state in found["stores"].items():
        print(tr("Store of {name}: {state}", name=name, state=state))


def list_models(options: argparse.Namespace, home: Folders) -> None:
    """What is on this computer; for people with where it lies, and what is wrong with it."""
    from desktop_llm.commands.library import library

    fields = ("id", "path", "size_bytes", "architecture", "quantization", "context_length", "kind")
    models = library(home).models()
    if options.json:
        print_json([{name: getattr(model, name) for name in fields} for model in models if _is_here(model)])
        return
    for model in models:
        size = f"{model.size_bytes / 1e6:,.0f} MB"
        where = ", ".join([model.app or model.origin, *([] if model.state == "ok" else [model.state])])
        print(f"{model.id:44} {model.kind:10} {model.quantization:8} {size:>10}  {where}")
        if model.reason:
            print(f"  {model.reason}")


def _is_here(model: Any) -> bool:
    """Whether a program that reads the list can do something with the file: load it, or remove it."""
    return model.state in ("ok", "changed") or (model.state in ("damaged", "unsupported") and model.own)


def find(options: argparse.Namespace, home: Folders) -> None:
    """Models on the hub with their files."""
    from desktop_llm.commands.models import run_find

    run_find(options, home)


def ledger(options: argparse.Namespace, home: Folders) -> None:
    """What left this computer."""
    from desktop_llm.commands.models import run_ledger

    run_ledger(options, home)


def pull(options: argparse.Namespace, home: Folders) -> None:
    """A model from the hub, checked against the sha256 that it names; where it names none, that is told."""
    from desktop_llm.commands.pull import run_pull

    pulled = run_pull(options, home)
    _print_model(options, pulled.model, pulled.sha256, pulled.bytes_transferred)


def import_model(options: argparse.Namespace, home: Folders) -> None:
    """Check a GGUF file and make it a model of ours, by hard link where possible."""
    from desktop_llm.commands.library import library

    imported = library(home).import_file(options.path)
    _print_model(options, imported.model, imported.sha256, imported.bytes_transferred)


def remove_model(options: argparse.Namespace, home: Folders) -> None:
    """Delete a model's files; that of another app is only taken off the list."""
    from desktop_llm.commands.library import library

    models = library(home)
    model = models.find(options.id)
    whole = model.own and model.state in ("ok", "changed")
    sha256 = models.sha256(model) if whole else model.sha256
    models.remove(model.id, undo=False)
    if model.app:
        text = tr("{id} belongs to {app}. Its file stays; this app only lists it no more.", id=model.id, app=model.app)
        print(text, file=sys.stderr)
    _print_model(options, model, sha256, 0)


def _print_model(options: argparse.Namespace, model: Any, sha256: str | None, transferred: int) -> None:
    if not options.json:
        print(model.id)
        return
    shown = {"id": model.id, "path": model.path, "sha256": sha256, "size_bytes": model.size_bytes}
    print_json({**shown, "bytes_transferred": transferred})


def chat(options: argparse.Namespace, home: Folders) -> None:
    """One answer, or a conversation in the terminal."""
    from desktop_llm.commands.chat import run_chat

    run_chat(options, home)


@contextlib.contextmanager
def _knowledge(home: Folders) -> Iterator[Any]:
    from desktop_llm.commands.documents import knowledge

    with knowledge(home) as client:
        yield client


def index_add(options: argparse.Namespace, home: Folders) -> None:
    """Read documents; progress on stderr."""
    from desktop_llm.commands.documents import absolute, progress_line

    password = None
    if options.password_file is not None:
        password = read_text(options.password_file).partition("\n")[0].rstrip("\r")
    with _knowledge(home) as client:
        steps = client.index(options.collection, [absolute(path) for path in options.paths], password)
        report = drain(steps, progress_line)
    _print_report(options, asdict(report))


def index_status(options: argparse.Namespace, home: Folders) -> None:
    """One collection, or a list of all."""
    with _knowledge(home) as client:
        reports = [asdict(report) for report in client.status(options.collection)]
    if options.json:
        print_json(reports[0] if options.collection else reports)
        return
    for report in reports:
        _print_report(options, report)


def index_remove(options: argparse.Namespace, home: Folders) -> None:
    """Forget a document or a collection."""
    from desktop_llm.commands.documents import absolute

    with _knowledge(home) as client:
        if options.path is None:
            report = client.remove(options.collection)
        else:
            report = client.remove_document(options.collection, str(absolute(options.path)))
    _print_report(options, asdict(report))


def index_verify(options: argparse.Namespace, home: Folders) -> None:
    """Ask the index for vectors that it must know."""
    with _knowledge(home) as client:
        _print_report(options, asdict(client.verify(options.collection)))


def index_rebuild(options: argparse.Namespace, home: Folders) -> None:
    """Throw the index away and make it from the stored vectors."""
    from desktop_llm.commands.documents import progress_line

    with _knowledge(home) as client:
        _print_report(options, asdict(drain(client.rebuild(options.collection), progress_line)))


def _print_report(options: argparse.Namespace, report: dict[str, Any]) -> None:
    if options.json:
        print_json(report)
        return
    print(tr("{collection}: {state}, {documents:,} documents, {chunks:,} passages", **report))
    for failed in report["failed"]:
        print(tr("  not read: {document}: {reason}", **failed))


def search(options: argparse.Namespace, home: Folders) -> None:
    """Passages for a query, or for each line of stdin."""
    if not options.batch and not options.query:
        raise BadRequest(tr("There is nothing to search for. Give a query, or --batch and a query a line on stdin."))
    with _knowledge(home) as client:
        if options.batch:
            _search_batch(client, options)
            return
        hits = client.search([options.collection], options.query, options.k)
    if options.json:
        print_json(_hits(hits))
        return
    for hit in hits:
        page = tr(", page {page}", page=hit.page) if hit.page is not None else f", {hit.place}" if hit.place else ""
        print(f"{hit.number}. {hit.document}{page} ({hit.score:.2f})\n   {' '.join(hit.text.split())}\n")


def _search_batch(client: Any, options: argparse.Namespace) -> None:
    """A line of JSON for each line of stdin; an empty line finds nothing."""
    queries = [line.strip() for line in sys.stdin]
    found = iter(client.search_many([options.collection], [query for query in queries if query], options.k))
    for query in queries:
        print_json(_hits(next(found)) if query else [], indent=None)


def _hits(passages: Sequence[Any]) -> list[dict[str, Any]]:
    fields = ("score", "document", "page", "place", "start", "end", "text")
    return [{"rank": hit.number, **{name: getattr(hit, name) for name in fields}} for hit in passages]


def bench(options: argparse.Namespace, home: Folders) -> None:
    """Speed and memory of a model; of several runs the median."""
    from desktop_llm.commands.chat import run_bench

    result = run_bench(options, home)
    if options.json:
        print_json(result)
        return
    for name, value in result.items():
        print(f"{name:18} {value:,.2f}" if isinstance(value, float) else f"{name:18} {value}")


def _positive(text: str) -> int:
    if not text.isdecimal() or (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(tr("must be a whole number from 1 on"))
    return number


def _within(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        with contextlib.suppress(ValueError):
            if low <= (value := float(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(tr("must be a number from {low:g} to {high:g}", low=low, high=high))

    return number
