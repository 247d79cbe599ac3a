"""The evidence panel's way to the knowledge worker: pages as pictures, other formats as text, the quote lit."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject

from desktop_llm.chats.records import StoredMessage
from desktop_llm.errors import UserError
from desktop_llm.gui import outside
from desktop_llm.gui.citations import citation_of, passage_of, stored_passage
from desktop_llm.gui.evidence.panel import EvidencePanel
from desktop_llm.gui.resources import Resources
from desktop_llm.knowledge.client import PagePicture, PageText, Passage


class EvidenceController(QObject):
    """Answers the panel's wishes; an answer that comes after the next wish is passed over."""

    def __init__(self, resources: Resources, panel: EvidencePanel, parent: QObject) -> None:
        super().__init__(parent)
        self._knowledge = resources.knowledge
        self._tasks = resources.tasks
        self._panel = panel
        self._wish = 0
        panel.page_requested.connect(self._on_page_requested)
        panel.open_file_requested.connect(outside.show_file)

    def show(self, answer: StoredMessage, number: int) -> None:
        """Show what an answer stands on, the citation `number` in front; where it cites nothing, its sources."""
        self._panel.set_sources([passage_of(source) for source in answer.sources])
        self._panel.set_citations([citation_of(quote) for quote in answer.citations or answer.sources], number)

    def show_passage(self, passage: Passage) -> None:
        """Show a search hit."""
        self._panel.set_sources([passage])
        self._panel.set_citations([citation_of(stored_passage(passage))], passage.number)

    def _on_page_requested(self, document: str, page: int | None, width_px: int, start: int, end: int) -> None:
        self._wish += 1
        self._panel.set_busy()
        read = functools.partial(self._read, self._wish, document, page, start, end)
        if page is None:
            read()
            return
        draw = functools.partial(self._knowledge.page_picture, document, page, width_px, start, end)
        # A format may have pages and no pictures of them, and a file may be gone: its text is still stored.
        self._tasks.call(draw, functools.partial(self._on_picture, self._wish, document, page), read)

    def _read(
        self, wish: int, document: str, page: int | None, start: int, end: int, _: UserError | None = None
    ) -> None:
        read = functools.partial(self._knowledge.page_text, document, page)
        show = functools.partial(self._on_text, wish, document, page, start, end)
        self._tasks.call(read, show, functools.partial(self._on_failed, wish))

    def _on_picture(self, wish: int, document: str, page: int, picture: PagePicture) -> None:
        if wish == self._wish:
            self._panel.show_picture(picture, document, page)

    def _on_text(self, wish: int, document: str, page: int | None, start: int, end: int, text: PageText) -> None:
        if wish == self._wish:
            self._panel.show_text(text, document, page, start, end)

    def _on_failed(self, wish: int, error: UserError) -> None:
        if wish == self._wish:
            self._panel.set_error(error.message)
