"""The command `search`: passages for a query or for many, and on request all that the search looked at."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from desktop_llm.characters import one_line
from desktop_llm.commands.documents import follow_changes
from desktop_llm.commands.index import opened
from desktop_llm.commands.options import filters
from desktop_llm.commands.terminal import print_json
from desktop_llm.knowledge.client import Knowledge, SearchTrace, Standing, TracedCandidate
from desktop_llm.message import Citation
from desktop_llm.paths import Folders
from desktop_llm.words import plural, tr

_SHOWN = 40  # characters of a name in the table


def run_search(options: Namespace, home: Folders) -> None:
    """Find passages for a query, or for each line of stdin."""
    if not options.batch and not options.query:
        options.wrong_usage(
            tr("There is nothing to search for. Give a query, or --batch and one query per line on stdin.")
        )
    with opened(home) as client:
        client.only = filters(options)
        if not options.no_update:
            follow_changes(client, [options.collection])
        if options.batch:
            _search_batch(client, options)
        elif options.explain:
            _explain(client, options)
        else:
            _show(client.search([options.collection], options.query, options.k), as_json=options.json)


def _show(hits: Sequence[Citation], *, as_json: bool) -> None:
    if as_json:
        print_json(_hits(hits))
        return
    for hit in hits:
        sys.stdout.write(
            one_line(f"{hit.number}. {hit.document}{_place(hit.page, hit.place)} ({hit.score:.2f})") + "\n"
        )
        if hit.also_in:
            sys.stdout.write(one_line(f"   {tr('also in {files}', files=', '.join(hit.also_in))}") + "\n")
        sys.stdout.write(f"   {' '.join(hit.text.split())}\n\n")


def _search_batch(client: Knowledge, options: Namespace) -> None:
    """Print a line of JSON for each line of stdin; an empty line finds nothing."""
    queries = [line.strip() for line in sys.stdin]
    found = iter(client.search_many([options.collection], [query for query in queries if query], options.k))
    for query in queries:
        print_json(_hits(next(found)) if query else [], indent=None)


def _hits(passages: Sequence[Citation]) -> list[dict[str, Any]]:
    fields = ("score", "document", "page", "place", "start", "end", "text")
    return [{"rank": hit.number, **{name: getattr(hit, name) for name in fields}, **also_in(hit)} for hit in passages]


def also_in(passage: Citation) -> dict[str, list[str]]:
    """The other documents with the text of a passage, as a field of its JSON; none if there are none."""
    return {"also_in": list(passage.also_in)} if passage.also_in else {}


def _explain(client: Knowledge, options: Namespace) -> None:
    hits = client.search([options.collection], options.query, options.k)
    _, trace = client.retrieve_traced([options.collection], options.query, options.budget)
    texts = client.beginnings(trace.candidates)
    if options.json:
        print_json({"results": _hits(hits), "trace": trace_json(trace, texts)})
    else:
        sys.stdout.writelines(f"{one_line(line)}\n" for line in table(trace, texts))


def trace_json(trace: SearchTrace, texts: Sequence[str]) -> dict[str, Any]:
    """The trace as JSON, each candidate with the beginning of its text."""
    told = trace.to_json()
    told["candidates"] = [{**row, "text": text} for row, text in zip(told["candidates"], texts, strict=True)]
    return told


def table(trace: SearchTrace, texts: Sequence[str]) -> Iterator[str]:
    """The lines of a table: a candidate each with its rank and score by each way, and where the budget ended."""
    yield tr("Searched for: {query}", query=trace.query)
    yield tr("{count:,} passages searched in {seconds:.2f} s", count=trace.searched, seconds=trace.seconds)
    if not trace.is_related:
        yield tr(
            "Nothing has to do with the question: the best passage fits it at {best:.2f}, and at least {least:.2f} is "
            "needed.",
            best=trace.relevance,
            least=trace.threshold,
        )
    headings = (tr("meaning"), tr("words"), tr("wording"))
    yield f"{'':>4} {tr('document'):{_SHOWN}} {''.join(f'{each:>14}' for each in headings)} {tr('score'):>7} " + tr(
        "tokens  result"
    )
    counts = trace.counts()
    for row, (each, text) in enumerate(zip(trace.candidates, texts, strict=True), 1):
        if row == counts["used"] + 1:
            yield "     " + budget_line(trace)
        name = (Path(each.document).name + _place(each.page, each.place))[-_SHOWN:]
        ways = "".join(f"{_standing(each, way):>14}" for way in ("meaning", "words", "wording"))
        yield f"{row:>3}. {name:{_SHOWN}} {ways} {each.score:7.2f} {each.tokens:6}  {result_words(each)}"
        yield f"     {' '.join(text.split())[:100]}"
    yield tr("A rank in each column, and the score behind it. {counts}", counts=_counted(counts))


def budget_line(trace: SearchTrace) -> str:
    """Where the budget of tokens ended."""
    said = tr("Token budget for passages: {used:,} of {budget:,} used.", used=trace.used_tokens, budget=trace.budget)
    return f"{said} {tr('The next one needs {tokens:,}.', tokens=trace.next_tokens)}" if trace.next_tokens else said


def result_words(each: TracedCandidate) -> str:
    """What came of a candidate, in words."""
    said = {"used": tr("Used"), "cut": tr("Cut by budget"), "weak": tr("Too weak")}
    return tr("Same as {row}", row=each.same_as) if each.result == "same" else said[each.result]


def _standing(each: TracedCandidate, way: str) -> str:
    if way not in each.standings:
        return tr("not run")
    found: Standing | None = each.standings[way]
    return tr("no hit") if found is None else f"{found.rank}  {found.score:.3f}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(
        (
            plural("%n used", "%n used", counts["used"]),
            plural("%n cut by the budget", "%n cut by the budget", counts["cut"]),
            plural("%n the same as another", "%n the same as another", counts["same"]),
            plural("%n too weak", "%n too weak", counts["weak"]),
        )
    )


def _place(page: int | None, place: str) -> str:
    return tr(", page {page}", page=page) if page is not None else f", {place}" if place else ""
