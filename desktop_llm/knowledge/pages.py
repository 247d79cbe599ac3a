"""Pages as a person sees them: the stored text, and a page of a PDF or a picture drawn by a reader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from desktop_llm.errors import DocumentError, NotFound
from desktop_llm.knowledge import catalog
from desktop_llm.knowledge.limits import MAX_PICTURE_WIDTH
from desktop_llm.knowledge.readahead import Reader
from desktop_llm.knowledge.shapes import PageText
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.walk import content_of
from desktop_llm.words import tr

_MAX_PASSWORDS = 8
_BEGINNING = 200  # characters that tell what a passage is about


class Pages:
    """Owns a separate reader for pictures, so that they need not wait for a run. Opens only files that were read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader(None)
        self._passwords: list[str] = []

    def remember_password(self, password: str | None) -> None:
        """Keep a password in memory, to draw pages of the files it opens; it is never written to disk."""
        if password and password not in self._passwords:
            self._passwords = [password, *self._passwords][:_MAX_PASSWORDS]

    def text(self, path: Path, page: int | None) -> PageText:
        """A page's stored text. Raises NotFound."""
        found = catalog.page_text(self._store, os.fsencode(path), page)
        if found is None:
            raise NotFound(_not_read(path, page))
        return found

    def quoted(self, document: str, page: int | None) -> str | None:
        """A page's stored text, for checking quotes; None if it is gone."""
        found = catalog.page_text(self._store, os.fsencode(document), page)
        return found.text if found else None

    def beginning(self, path: Path, page: int | None, start: int, end: int) -> str:
        """The first characters of `[start:end]` of a page's stored text, "" if it is gone."""
        query = (
            "SELECT substr(page.text, ?, ?) FROM document JOIN page ON page.source = document.source "
            "WHERE document.path = ? AND page.number IS ? LIMIT 1"
        )
        count = min(end - start, _BEGINNING)
        found = self._store.rows(query, start + 1, count, os.fsencode(path), page)
        return str(found[0][0]) if found else ""

    def picture(self, data: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """A drawn page and its facts. Raises DocumentError if the file is gone, has changed or has no pages."""
        path: Path = data["path"]
        start, end = data["start"] or 0, data["end"] or 0
        words = self.text(path, data["page"]).text[start:end]
        content = content_of(path)
        query = "SELECT 1 FROM document JOIN source ON source.id = document.source WHERE path = ? AND sha256 = ?"
        if not self._store.rows(query, os.fsencode(path), content.sha256):
            raise DocumentError(tr("The file has changed since it was read."), tr("Read it again to see its pages."))
        wanted = {
            "name": path.name,
            "page": data["page"],
            "width_px": min(max(1, data["width_px"]), MAX_PICTURE_WIDTH),
            "start": start,
            "end": end,
            "words": words,
        }
        return self._drawn(wanted, content.data)

    def _drawn(self, wanted: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        for password in [None, *self._passwords]:
            try:
                return self._reader.draw({**wanted, "password": password}, body)
            except DocumentError as error:
                refusal = error
        raise refusal


def _not_read(path: Path, page: int | None) -> str:
    if page is None:
        return tr("{file} is not among the files that were read. It may have been removed; add it again.", file=path)
    return tr(
        "Page {page} of {file} is not among the pages that were read. It may have been removed; add it again.",
        page=page,
        file=path,
    )
