"""Puts together what the files of a collection gave: equal results become one row, and code counts them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from desktop_llm.characters import one_line
from desktop_llm.conversation.coverage import DONE, PAUSED, Coverage, FileRead, Finding
from desktop_llm.conversation.events import Cited
from desktop_llm.conversation.every_file_evidence import key_of
from desktop_llm.message import Citation
from desktop_llm.words import plural, tr

_MARK = re.compile(r"\[(\d+)\]")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")
_STARTS_WITH_FIGURE = re.compile(r"[^\w]*\d")
_MOST_NAMES = 10


@dataclass(slots=True)
class Row:
    """One result with all the places that have it."""

    answer: str
    places: list[Citation] = field(default_factory=list)


@dataclass(slots=True)
class Results:
    """The results so far, in the order found: those that were confirmed, the others, and the notes of a summary."""

    confirmed: dict[str, Row] = field(default_factory=dict)
    others: dict[str, Row] = field(default_factory=dict)
    notes: list[FileRead] = field(default_factory=list)
    files: int = 0

    def add(self, read: FileRead) -> list[Row]:
        """Add what a file gave; returns the confirmed rows that are new. A result that other files have too joins their
        row, but a figure by itself belongs to its file.
        """
        if read.note:
            self.notes.append(read)
        self.files += bool(read.note or any(each.confirmed for each in read.findings))
        new = []
        for finding in () if read.note else read.findings:
            rows, key = self.confirmed if finding.confirmed else self.others, _key(finding)
            if key not in rows:
                rows[key] = Row(finding.answer)
                new += [rows[key]] if finding.confirmed else []
            rows[key].places.append(finding.citation)
        return new

    @property
    def count(self) -> int:
        """The number of different results, or of files with a note."""
        return len(self.confirmed) or len(self.notes)


def head() -> str:
    """The head of the table, before the first row."""
    return f"| {tr('Result')} | {tr('Found in')} |\n|---|---|\n"


def found_so_far(results: Results) -> tuple[Citation, ...]:
    """The first place of each confirmed row, numbered as in the rows that are shown while more are looked for."""
    return tuple(replace(row.places[0], number=at) for at, row in enumerate(results.confirmed.values(), 1))


def line(row: Row, number: int) -> str:
    """A row of the table; its places are numbered from `number` on."""
    return f"| {_plain(row.answer)} | {', '.join(_place(each, number + at) for at, each in enumerate(row.places))} |\n"


def whole(results: Results, coverage: Coverage, overall: str = "") -> Cited:
    """The whole answer in Markdown, the citations of its marks, and the results that were not confirmed as unsupported.
    `overall` stands before the notes of a summary.
    """
    citations: list[Citation] = []
    parts = [_counted(results, coverage)]
    if results.notes:
        parts += [overall] if overall else []
        parts += [_note(read, citations) for read in results.notes]
    if results.confirmed:
        parts.append(_table(results.confirmed.values(), citations))
    others = [row for key, row in results.others.items() if key not in results.confirmed]
    if others:
        parts += [tr("Noted, but not confirmed by the place it comes from:"), _table(map(_doubtful, others), citations)]
    parts += gaps(coverage)
    text = "\n\n".join(part.strip() for part in parts)
    return Cited(text, tuple(citations), tuple(_cells(text, others)))


def _doubtful(row: Row) -> Row:
    """The row with places that count as not checked: they are there, but do not say what was asked."""
    return Row(row.answer, [replace(place, verified=False) for place in row.places])


def _cells(text: str, rows: Iterable[Row]) -> Iterator[tuple[int, int]]:
    """Where the answers of rows stand, the last rows of a text."""
    end = len(text)
    spans: list[tuple[int, int]] = []
    for row in reversed(list(rows)):
        cell = f"| {_plain(row.answer)} |"
        end = text.rindex(cell, 0, end)
        spans.append((end + 2, end + len(cell) - 2))
    yield from reversed(spans)


def as_csv(results: Results) -> str:
    """The results with their places as a table for other programs: a line for each place, or for each file's note."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow([tr("Result"), tr("File"), tr("Page"), tr("Quote"), tr("Confirmed")])
    for read in results.notes:
        table.writerow([_safe(_MARK.sub("", read.note).strip()), _safe(read.path), "", "", tr("yes")])
    for rows, said in ((results.confirmed, tr("yes")), (results.others, tr("no"))):
        for key, row in rows.items():
            if rows is results.confirmed or key not in results.confirmed:
                for place in row.places:
                    where = place.page if place.page is not None else place.place
                    table.writerow([*map(_safe, (row.answer, place.document, str(where), one_line(place.text))), said])
    return file.getvalue()


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def gaps(coverage: Coverage) -> list[str]:
    """Sentences about what was not read, none if everything was."""
    said: list[str] = []
    if coverage.failed:
        names = ", ".join(_plain(PurePath(path).name) for path in coverage.failed[:_MOST_NAMES])
        more = len(coverage.failed) - _MOST_NAMES
        names += tr(" and {count} more", count=more) if more > 0 else ""
        said.append(
            plural(
                "One file could not be read and is not in the list: {names}.",
                "%n files could not be read and are not in the list: {names}.",
                len(coverage.failed),
                names=names,
            )
        )
    if coverage.state == PAUSED and coverage.unread:
        said.append(
            tr("Paused at {done} of {total} files. What was found is kept.", done=coverage.done, total=coverage.total)
        )
    elif coverage.state != DONE and coverage.unread:
        said.append(
            tr(
                "Stopped at {done} of {total} files. {unread} were not read, so the list may be incomplete.",
                done=coverage.done,
                total=coverage.total,
                unread=coverage.unread,
            )
        )
    return said


def _counted(results: Results, coverage: Coverage) -> str:
    read = tr("{done} of {total} files read", done=coverage.done, total=coverage.total)
    if results.notes:
        return tr("**{read}**", read=read)
    if not results.confirmed:
        return tr("{read}. None of them was found to answer this.", read=read)
    found = plural("%n result", "%n results", len(results.confirmed))
    files = plural("in one file", "in %n files", results.files)
    return tr("**{found}** {files}. {read}.", found=found, files=files, read=read)


def _table(rows: Iterable[Row], citations: list[Citation]) -> str:
    lines = []
    for row in rows:
        lines.append(line(row, len(citations) + 1))
        citations += [replace(place, number=len(citations) + at) for at, place in enumerate(row.places, 1)]
    return head() + "".join(lines)


def _note(read: FileRead, citations: list[Citation]) -> str:
    """A file's note with its marks numbered anew; each quote of it has a mark of its own."""
    quotes: dict[int, list[Citation]] = {}
    for finding in read.findings:
        quotes.setdefault(finding.citation.number, []).append(finding.citation)

    def renumbered(match: re.Match[str]) -> str:
        waiting = quotes.get(int(match.group(1)))
        if not waiting:
            return ""
        quote = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        citations.append(replace(quote, number=len(citations) + 1))
        return f"[{len(citations)}]"

    return f"**{_plain(PurePath(read.path).name)}**: {_MARK.sub(renumbered, read.note)}"


def _key(finding: Finding) -> str:
    key = key_of(finding.answer)
    return f"{key}\n{finding.citation.document}" if _STARTS_WITH_FIGURE.match(finding.answer) else key


def _place(place: Citation, number: int) -> str:
    name = _plain(PurePath(place.document).name)
    page = tr(", page {page}", page=place.page) if place.page is not None else ""
    return f"{name}{page} [{number}]"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", one_line(text))
