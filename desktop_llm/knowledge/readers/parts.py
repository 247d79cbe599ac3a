"""The files inside a file, attachments and members of archives, each read by its own format's reader.

They share one allowance, so that neither many of them nor deep ones cost more than one document may. What can't be
read is noted with its reason and said at the end; the rest is read all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.limits import MAX_INNER_FILES, MAX_PAGE_LENGTH
from desktop_llm.knowledge.readers import Page, Source, too_large
from desktop_llm.steps import Run
from desktop_llm.words import plural, tr

_MOST_NAMED = 5


class Parts:
    """Reads files inside `source` one after the other and remembers which of them were left out, and why."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._allowance = source.allowance
        self._key = hashlib.sha256(source.data).hexdigest()
        self._left_out: list[tuple[str, str]] = []
        self._causes: set[str] = set()
        self.read_any = False

    def pages(self, name: str, data: bytes, place: str, *, quiet: bool = False) -> Iterator[Page]:
        """The pages of a file inside, without numbers of their own and with `place` before their places.

        A file that can't be read gives none and is noted, unless it is `quiet`: one that nobody would miss.
        """
        allowance = self._allowance
        try:
            if allowance.files <= 0:
                raise too_large(tr("more than {count:,} files", count=MAX_INNER_FILES))
            allowance.files -= 1
            inside = self._entered(data)
            inner = Run(readers.read(Source(name, data, self._source.password, allowance)))
            try:
                for page in inner:
                    yield self._part(page, place)
            finally:
                self._leave(inside)
            self._left_out += [(f"{place}, {name}", reason) for name, reason in inner.result[1].left_out]
        except DocumentError as error:
            if not quiet:
                self.leave_out(place, error)

    def leave_out(self, name: str, error: DocumentError) -> None:
        """Note a file that was not read; `name` as a person knows it."""
        self._left_out.append((name, error.title))
        self._causes.add(error.cause)

    def nothing(self) -> DocumentError:
        """The error for a file of which not one inside could be read: with one alone, its own reason."""
        if not self._left_out:
            return DocumentError(tr("Empty"), cause="empty")
        cause = self._causes.pop() if len(self._causes) == 1 else "format"
        if len(self._left_out) == 1:
            name, reason = self._left_out[0]
            return DocumentError(tr("{name}: {reason}", name=name, reason=reason), cause=cause)
        return DocumentError(tr("Nothing in it can be read: {parts}", parts=_listed(self._left_out)), cause=cause)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """What was not read: names and reasons."""
        return tuple(self._left_out)

    def _entered(self, data: bytes) -> str:
        """The content of a file, among those around the files inside it. Raises DocumentError for one that is too deep
        or lies inside itself.
        """
        key = hashlib.sha256(data).hexdigest()
        around = self._allowance.around
        if key == self._key or key in around:
            raise DocumentError(tr("It is inside itself"), cause="format")
        if len(around) >= self._allowance.levels:
            raise DocumentError(tr("More than {levels} files deep", levels=self._allowance.levels), cause="too_large")
        around.append(self._key)
        return self._key

    def _leave(self, key: str) -> None:
        self._allowance.around.remove(key)

    def _part(self, page: Page, place: str) -> Page:
        if not page.place:  # else the file that it is inside has counted it
            if len(page.text) > self._allowance.characters:
                raise too_large(tr("more than {limit} million characters of text", limit=MAX_PAGE_LENGTH // 1_000_000))
            self._allowance.characters -= len(page.text)
        self.read_any = self.read_any or bool(page.text.strip())
        inner = page.place or (f"page {page.number}" if page.number else "")
        return replace(page, number=None, total=None, place=f"{place}, {inner}" if inner else place)


def sentence(left_out: Sequence[tuple[str, str]]) -> str:
    """What is said about parts that were not read, "" if there are none."""
    if not left_out:
        return ""
    if len(left_out) > _MOST_NAMED:
        return plural(
            "%n part of it was not read, among others {parts}.",
            "%n parts of it were not read, among them {parts}.",
            len(left_out),
            parts=_listed(left_out),
        )
    return plural(
        "one part of it was not read: {parts}.",
        "%n parts of it were not read: {parts}.",
        len(left_out),
        parts=_listed(left_out),
    )


def _listed(left_out: Sequence[tuple[str, str]]) -> str:
    name, reason = left_out[0]
    listed = tr("{name} ({reason})", name=name, reason=reason)
    for name, reason in left_out[1:_MOST_NAMED]:
        listed = tr("{others}; {name} ({reason})", others=listed, name=name, reason=reason)
    return listed
