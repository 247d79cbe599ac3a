"""The command `index`: documents into a collection, what it holds, and how it is kept in step with its folders."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from desktop_llm.commands.options import positive
from desktop_llm.commands.terminal import drain, print_json, read_text
from desktop_llm.errors import UserError
from desktop_llm.paths import Folders
from desktop_llm.words import plural, tr


def add_index(commands: Any, common: ArgumentParser) -> None:
    """Add the command `index` with its actions."""
    text = "Read documents into a collection and manage it."
    actions = commands.add_parser("index", help=text, description=text).add_subparsers(required=True, metavar="ACTION")

    def add(name: str, command: Callable[[Namespace, Folders], None], text: str) -> ArgumentParser:
        sub: ArgumentParser = actions.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    sub = add(
        "add",
        index_add,
        "Read files or folders into a collection. Folders are remembered: without PATH, the collection's files and "
        "folders are looked through again, and what is new, changed, moved or gone is taken in.",
    )
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    sub.set_defaults(wrong_usage=sub.error)
    for name, text in (
        ("include", "read only files of the given folders that fit, as '*.pdf'; several are possible, '' reads all"),
        ("exclude", "leave out what fits, as 'old/**', even if it is included; several are possible, '' is none"),
    ):
        sub.add_argument(f"--{name}", action="append", metavar="PATTERN", help=text)
    sub.add_argument(
        "--gone",
        choices=("keep", "remove"),
        help="keep or take out files that disappeared at once in such numbers that nothing was done about it",
    )
    sub.add_argument(
        "--password-file",
        type=Path,
        metavar="F",
        help="a file whose first line is the password for protected documents",
    )
    sub = add(
        "status",
        index_status,
        "Show the content of one collection, or of all; of one, also how many of its files have changed.",
    )
    sub.add_argument("collection", nargs="?", metavar="COLLECTION")
    sub = add("rm", index_remove, "Remove a document, or a whole collection. The files themselves stay.")
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("path", nargs="?", type=Path, metavar="PATH")
    sub = add("test", index_test, "Ask questions made from the collection's own passages, and say which are found.")
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("--questions", type=positive, default=60, metavar="N", help="how many questions (60)")
    text = (
        "Remove every trace of a file's text, from all collections and from older copies of the store. The file itself "
        "stays, and so do quotes in chats, which are counted."
    )
    add("forget", index_forget, text).add_argument("path", type=Path, metavar="PATH")
    for name, command, text in (
        ("verify", index_verify, "Check the search index against the stored passages."),
        ("rebuild", index_rebuild, "Rebuild the search index from the stored passages; nothing is read again."),
    ):
        add(name, command, text).add_argument("collection", metavar="COLLECTION")


@contextlib.contextmanager
def opened(home: Folders) -> Iterator[Any]:
    """The knowledge client, until the block ends; what was lost or recovered is told on stderr."""
    from desktop_llm.commands.documents import knowledge

    with knowledge(home) as client:
        if notice := client.notice():
            print(notice, file=sys.stderr)
        yield client


def index_add(options: Namespace, home: Folders) -> None:
    """Read documents; progress on stderr."""
    from desktop_llm.commands.documents import absolute, progress_line
    from desktop_llm.jobs.reading import ReadingWork

    if (options.include or options.exclude) and not options.paths:
        options.wrong_usage(tr("Name the folder that --include and --exclude are about."))
    password = None
    if options.password_file is not None:
        password = read_text(options.password_file).partition("\n")[0].rstrip("\r")
    patterns = {"include": options.include, "exclude": options.exclude}
    with opened(home) as client:
        if options.gone:
            client.decide(options.collection, keep=options.gone == "keep")
        if not options.paths:
            client.status(options.collection)  # raises NotFound
        work = ReadingWork(
            client,
            options.collection,
            [absolute(path) for path in options.paths],
            password,
            look="" if options.paths else "all",
            **patterns,
        )
        report = drain(work.steps(), progress_line)
    _print_report(options, _fields(report))
    refused = [each for each in report.failed if each.cause != "partly"]
    if refused and not (report.read or report.skipped):
        raise UserError(
            tr("None of the files could be read."),
            tr("{file}: {reason}", file=refused[0].document, reason=refused[0].reason),
        )


def index_status(options: Namespace, home: Folders) -> None:
    """Print one collection, or a list of all."""
    with opened(home) as client:
        one = options.collection
        reports = [_fields(report) for report in ([client.changes(one)] if one else client.status())]
    if options.json:
        print_json(reports[0] if options.collection else reports)
        return
    for report in reports:
        _print_report(options, report)


def index_remove(options: Namespace, home: Folders) -> None:
    """Remove a document or a collection."""
    from desktop_llm.commands.documents import absolute

    with opened(home) as client:
        if options.path is None:
            report = client.remove(options.collection)
        else:
            report = client.remove_document(options.collection, str(absolute(options.path)))
    _print_report(options, _fields(report))


def index_forget(options: Namespace, home: Folders) -> None:
    """Remove every trace of a file, and say what that was."""
    from desktop_llm.chats.reader import ChatReader
    from desktop_llm.commands.documents import absolute

    path = absolute(options.path)
    with opened(home) as client:
        forgotten = client.forget(path)
    answers = 0
    if home.chats_db.exists():
        with ChatReader(home.chats_db) as chats:
            answers = chats.answers_quoting(str(path))
    if options.json:
        print_json({**asdict(forgotten), "answers": answers})
        return
    for sentence in forgotten.words(answers):
        print(sentence)


def index_verify(options: Namespace, home: Folders) -> None:
    """Check the search index by asking it for vectors that it must hold."""
    with opened(home) as client:
        _print_report(options, _fields(client.verify(options.collection)))


def index_rebuild(options: Namespace, home: Folders) -> None:
    """Throw the index away and build it again from the stored vectors."""
    from desktop_llm.commands.documents import progress_line
    from desktop_llm.jobs.job import told
    from desktop_llm.jobs.reading import progress_of

    with opened(home) as client:
        steps = told(client.rebuild(options.collection), progress_of)
        _print_report(options, _fields(drain(steps, progress_line)))


def index_test(options: Namespace, home: Folders) -> None:
    """Test the search of a collection with questions made from its passages."""
    from desktop_llm.commands.self_test import run_self_test

    run_self_test(options, home)


def _fields(report: Any) -> dict[str, Any]:
    """A report as JSON; `notice` only if there is something to say."""
    fields = asdict(report)
    return fields if fields["notice"] else {key: value for key, value in fields.items() if key != "notice"}


def _print_report(options: Namespace, report: dict[str, Any]) -> None:
    if options.json:
        print_json(report)
        return
    print(tr("{collection}: {state}, {documents:,} documents, {chunks:,} passages", **report))
    for sentence in _changes(report):
        print(f"  {sentence}")
    for failed in report["failed"]:
        if failed["cause"] == "partly":
            print(tr("  {document}: {reason}", **failed))
        else:
            print(tr("  not read: {document}: {reason}", **failed))


def _changes(report: dict[str, Any]) -> Iterator[str]:
    """Sentences about a collection's folders: what a look took in or has found, what needs a person."""
    if any(report[name] for name in ("updated", "moved", "removed")):
        yield tr("{added:,} new, {updated:,} changed, {moved:,} moved, {removed:,} gone", **report)
    if report["changed"]:
        text = plural("One file is not as it was read.", "%n files are not as they were read.", report["changed"])
        yield f"{text} {tr('`index add {name}` reads them.', name=report['collection'])}"
    for folder in report["folders"]:
        if folder["problem"]:
            yield folder["problem"]
        for link in folder["links"]:
            yield tr("{folder}: {link} leads out of the folder and is not followed.", folder=folder["path"], link=link)
