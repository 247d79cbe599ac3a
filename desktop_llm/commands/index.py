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
    sub = add(
        "model",
        index_model,
        "Choose the model that embeds a collection, so that it is found by meaning: an embedding model's id, or "
        "'starter'. The one before answers until all passages are embedded; without MODEL, go on with that.",
    )
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("model", nargs="?", metavar="MODEL")
    sub = add(
        "reranker",
        index_reranker,
        "Choose the model that reads the best passages of each search again and orders them, within 0.3 s: "
        "a reranker's id, or 'off'.",
    )
    sub.add_argument("model", nargs="?", metavar="MODEL")
    text = (
        "Remove every trace of a file's text, from all collections and from older copies of the store. The file itself "
        "stays, and so do quotes in chats, which are counted."
    )
    add("forget", index_forget, text).add_argument("path", type=Path, metavar="PATH")
    _add_folders(add)
    for name, command, text in (
        ("verify", index_verify, "Check the search index against the stored passages."),
        ("rebuild", index_rebuild, "Rebuild the search index from the stored passages; nothing is read again."),
    ):
        add(name, command, text).add_argument("collection", metavar="COLLECTION")


def _add_folders(add: Callable[..., ArgumentParser]) -> None:
    """Add the actions that are about the folders of a collection."""
    for name, text in (
        ("watch", "Watch a folder of a collection for changes while the window is open; without FOLDER, all of them."),
        ("unwatch", "Watch a folder no more: its files stay as they were read until `index add` looks through it."),
    ):
        sub = add(name, index_watch, text)
        sub.add_argument("collection", metavar="COLLECTION")
        sub.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
        sub.set_defaults(watched=name == "watch")
    sub = add(
        "patterns",
        index_patterns,
        "Show which files of a collection's folders are read and left out, with how many files each pattern fits; or "
        "say it anew. What is left out stays on the disk.",
    )
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="one of its folders (all)")
    for name, text in (
        ("include", "read only what fits, as '*.pdf'; several are possible, '' reads all"),
        ("exclude", "leave out what fits, as 'old/**', even if it is included; several are possible, '' is none"),
    ):
        sub.add_argument(f"--{name}", action="append", metavar="PATTERN", help=text)
    sub.add_argument("--dry-run", action="store_true", help="only say what these patterns would do")
    sub = add("move", index_move, "Say where a folder of a collection was moved to; nothing in it is read again.")
    sub.add_argument("collection", metavar="COLLECTION")
    sub.add_argument("folder", type=Path, metavar="FOLDER")
    sub.add_argument("new", type=Path, metavar="NEW")


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
    _print_report(options, report)
    refused = [each for each in report.failed if not each.in_use]
    if refused and not (report.read or report.skipped):
        raise UserError(
            tr("None of the files could be read."),
            tr("{file}: {reason}", file=refused[0].document, reason=refused[0].reason),
        )


def index_status(options: Namespace, home: Folders) -> None:
    """Print one collection, or a list of all."""
    with opened(home) as client:
        one = options.collection
        reports = [client.changes(one)] if one else client.status()
    if options.json:
        fields = [_fields(report) for report in reports]
        print_json(fields[0] if options.collection else fields)
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
    _print_report(options, report)


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


def index_watch(options: Namespace, home: Folders) -> None:
    """Watch folders of a collection, or watch them no more."""
    with opened(home) as client:
        for path in _chosen_folders(client, options):
            client.set_folder(options.collection, path, watched=options.watched)
        (report,) = client.status(options.collection)
    _print_report(options, report)


def index_patterns(options: Namespace, home: Folders) -> None:
    """Count what the patterns of folders fit, and store new ones."""
    given = {"include": options.include, "exclude": options.exclude}
    is_new = any(each is not None for each in given.values())
    with opened(home) as client:
        paths = _chosen_folders(client, options)
        counted = [client.count_patterns(options.collection, path, **given) for path in paths]
        saved = is_new and not options.dry_run
        for path in paths if saved else ():
            client.set_folder(options.collection, path, **given)
    if options.json:
        print_json({"collection": options.collection, "saved": saved, "folders": [_counts(each) for each in counted]})
        return
    for each in counted:
        print(tr("{folder}: {read:,} of {files:,} files are read", folder=each.path, read=each.read, files=each.files))
        for pattern, files in each.include:
            print(tr("  read: {pattern} ({files:,})", pattern=pattern, files=files))
        for pattern, files in each.exclude:
            print(tr("  left out: {pattern} ({files:,})", pattern=pattern, files=files))
        if is_new:
            print(f"  {each.effect()}")
    if saved:
        print(tr("Saved. `index add {name}` does it now.", name=options.collection))


def index_move(options: Namespace, home: Folders) -> None:
    """Remember a folder at its new place, and take in what changed there."""
    from desktop_llm.commands.documents import absolute, progress_line
    from desktop_llm.jobs.reading import ReadingWork

    new = absolute(options.new)
    if not new.is_dir():
        raise UserError(tr("{folder} is not a folder.", folder=new), tr("Nothing was changed."))
    with opened(home) as client:
        client.relocate(options.collection, absolute(options.folder), new)
        report = drain(ReadingWork(client, options.collection, look="changes").steps(), progress_line)
    _print_report(options, report)


def _chosen_folders(client: Any, options: Namespace) -> list[str]:
    """The folder that was named, or all that the collection remembers. Raises UserError if there is none."""
    from desktop_llm.commands.documents import absolute

    (report,) = client.status(options.collection)
    known = [folder.path for folder in report.folders]
    if options.folder is None and known:
        return known
    if options.folder is None:
        raise UserError(
            tr("{name} has no folders, only files that were added one by one.", name=options.collection),
            tr("Nothing was changed. Add a folder first."),
        )
    if (path := str(absolute(options.folder))) not in known:
        raise UserError(
            tr("{folder} is not a folder of this collection.", folder=path),
            tr("Nothing was changed. Add it to the collection first."),
        )
    return [path]


def _counts(counted: Any) -> dict[str, Any]:
    lists = {
        name: [{"pattern": pattern, "files": files} for pattern, files in getattr(counted, name)]
        for name in ("include", "exclude")
    }
    return asdict(counted) | lists


def index_verify(options: Namespace, home: Folders) -> None:
    """Check the search index by asking it for vectors that it must hold."""
    with opened(home) as client:
        _print_report(options, client.verify(options.collection))


def index_rebuild(options: Namespace, home: Folders) -> None:
    """Throw the index away and build it again from the stored vectors."""
    from desktop_llm.commands.documents import progress_line
    from desktop_llm.jobs.job import told
    from desktop_llm.jobs.reading import progress_of

    with opened(home) as client:
        steps = told(client.rebuild(options.collection), progress_of)
        _print_report(options, drain(steps, progress_line))


def index_model(options: Namespace, home: Folders) -> None:
    """Choose the model of a collection and embed its passages with it; without MODEL, go on with what is due."""
    from desktop_llm.commands.embedding import chosen_file, embedded

    chosen = None if options.model is None else chosen_file(options.model, home)
    with opened(home) as client:
        if chosen is not None:
            client.choose_model(options.collection, *chosen)
        _print_report(options, embedded(client, options.collection))


def index_reranker(options: Namespace, home: Folders) -> None:
    """Choose the reranker, and say which one it is."""
    from desktop_llm.commands.embedding import chosen_reranker

    chosen = None if options.model is None else chosen_reranker(options.model, home)
    with opened(home) as client:
        if chosen is not None:
            client.use_reranker(*chosen)
        name, problem = client.reranker()
    if options.json:
        print_json({"reranker": name, "problem": problem})
    else:
        print(problem or name or tr("No reranker is used."))


def index_test(options: Namespace, home: Folders) -> None:
    """Test the search of a collection with questions made from its passages."""
    from desktop_llm.commands.self_test import run_self_test

    run_self_test(options, home)


def _fields(report: Any) -> dict[str, Any]:
    """A report as JSON; `notice` only if there is something to say."""
    fields = asdict(report)
    return fields if fields["notice"] else {key: value for key, value in fields.items() if key != "notice"}


def _print_report(options: Namespace, report: Any) -> None:
    report = _fields(report)
    if options.json:
        print_json(report)
        return
    print(tr("{collection}: {state}, {documents:,} documents, {chunks:,} passages", **report))
    for sentence in (*_changes(report), *_meaning(report)):
        print(f"  {sentence}")
    for failed in report["failed"]:
        if failed["in_use"]:
            print(tr("  {document}: {reason}", **failed))
        else:
            print(tr("  not read: {document}: {reason}", **failed))


def _meaning(report: dict[str, Any]) -> Iterator[str]:
    """Sentences about the embedding model, if there is something to say."""
    if report["problem"]:
        yield report["problem"]
    if report["next_model"]:
        told = tr("{next_model} is to take over from {model}.", **report)
        yield f"{told} {tr('`index model {name}` goes on with that.', name=report['collection'])}"


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
