"""Pages as a person sees them: the stored text, and a PDF's page drawn by a reader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from desktop_llm.errors import DocumentError, NotFound
from desktop_llm.knowledge import catalog
from desktop_llm.knowledge.readahead import Reader
from desktop_llm.knowledge.shapes import PageText
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.walk import content_of
from desktop_llm.words import tr

DRAW_STALL_S = 20.0
MAX_WIDTH_PX = 4000
_MAX_PASSWORDS = 8


class Pages:
    """Owns a reader of its own for pictures, so that they need not wait for a run. Opens only files that were read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader(None)
        self._passwords: list[str] = []

    def remember_password(self, password: str | None) -> None:
        """Keep a password while this process lives, to draw pages of what it opened; never on the disk."""
        if password and password not in self._passwords:
            self._passwords = [password, *self._passwords][:_MAX_PASSWORDS]

    def text(self, path: Path, page: int | None) -> PageText:
        """A page's stored text. Raises NotFound."""
        found = catalog.page_text(self._store, os.fsencode(path), page)
        if found is None:
            raise NotFound(_not_read(path, page))
        return found

    def quoted(self, document: str, page: int | None) -> str | None:
        """A page's stored text to check quotes against; None where it is not there any more."""
        found = catalog.page_text(self._store, os.fsencode(document), page)
        return found.text if found else None

    def picture(self, data: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """A drawn page and its facts. Raises DocumentError where the file has gone, changed or has no pages."""
        path: Path = data["path"]
        self.text(path, data["page"])
        content = content_of(path)
        query = "SELECT 1 FROM document JOIN source ON source.id = document.source WHERE path = ? AND sha256 = ?"
        if not self._store.rows(query, os.fsencode(path), content.sha256):
            raise DocumentError(tr("The file has changed since it was read. Read it again to see its pages."))
        wanted = {
            "name": path.name,
            "page": data["page"],
            "width_px": min(max(1, data["width_px"]), MAX_WIDTH_PX),
            "start": data["start"] or 0,
            "end": data["end"] or 0,
        }
        return self._drawn(wanted, content.data)

    def _drawn(self, wanted: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        for password in [None, *self._passwords]:
            try:
                return self._reader.draw({**wanted, "password": password}, body, DRAW_STALL_S)
            except DocumentError as error:
                refusal = error
        raise refusal


def _not_read(path: Path, page: int | None) -> str:
    if page is None:
        return tr("{file} is not among what was read. It may have been removed; add it again.", file=path)
    return tr(
        "Page {page} of {file} is not among what was read. It may have been removed; add it again.",
        page=page,
        file=path,
    )
