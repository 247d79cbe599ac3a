"""Fetches pages for the evidence panel from the knowledge worker: as pictures or text, with the quote highlighted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.records import StoredMessage
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.evidence.panel import EvidencePanel, PageRequest
from desktop_llm.gui.chat.transcript.checked import sentences_of
from desktop_llm.gui.work import links
from desktop_llm.gui.work.resources import Resources
from desktop_llm.knowledge.client import PagePicture, PageText
from desktop_llm.message import Citation
from desktop_llm.words import tr


class EvidenceController(QObject):
    """Answers the panel's requests; an answer that arrives after a newer request is ignored.

    Signal: `action_requested` with a message and what is to be done with it, named as in the transcript.
    """

    action_requested = Signal(str, str)

    def __init__(self, resources: Resources, panel: EvidencePanel, parent: QObject) -> None:
        super().__init__(parent)
        self._knowledge = resources.knowledge
        self._tasks = resources.tasks
        self._panel = panel
        self._wish = 0
        panel.page_requested.connect(self._on_page_requested)
        panel.open_file_requested.connect(self._on_open_file)
        self._answer: StoredMessage | None = None
        panel.contradiction.correct_requested.connect(self._on_correct)
        panel.contradiction.accepted.connect(self._on_accepted)
        panel.contradiction.ask_again_requested.connect(self._on_ask_again)

    def _on_correct(self) -> None:
        if (checked := self._panel.contradiction.checked) is not None and self._answer is not None:
            self.action_requested.emit(self._answer.id, f"correct:{checked.check.start}")

    def _on_accepted(self) -> None:
        if (checked := self._panel.contradiction.checked) is not None and self._answer is not None:
            self.action_requested.emit(self._answer.id, f"accept:{checked.check.start}")

    def _on_ask_again(self) -> None:
        if self._answer is not None:
            self.action_requested.emit(self._answer.id, "regenerate")

    def show(self, answer: StoredMessage, quote: Citation) -> None:
        """Show the evidence of an answer, with this quote or passage in front."""
        opposed = [each for each in sentences_of(answer.parts, answer.checks) if each.check.verdict == "contradicts"]
        self._answer = answer
        self._panel.show_evidence(answer.citations, answer.sources, quote, opposed)

    def show_passage(self, passage: Citation) -> None:
        """Show a search hit."""
        self._panel.show_evidence([], [passage], passage)

    def show_closest(
        self,
        collections: Sequence[str],
        question: str,
        shown: Callable[[], None],
        failed: Callable[[UserError], None],
    ) -> None:
        """Show the passage that comes closest to a question, and call `shown`; or `failed` if none does."""

        def show(found: Sequence[Citation]) -> None:
            if found:
                self.show_passage(found[0])
                shown()
            else:
                failed(UserError(tr("No passage comes close to the question."), tr("Ask in other words.")))

        self._tasks.call(functools.partial(self._knowledge.search, collections, question, 1), show, failed)

    def _on_page_requested(self, wanted: PageRequest) -> None:
        self._wish += 1
        self._panel.set_busy()
        read = functools.partial(self._read, self._wish, wanted)
        if wanted.page is None:
            read()
            return
        draw = functools.partial(
            self._knowledge.page_picture, wanted.document, wanted.page, wanted.width_px, wanted.start, wanted.end
        )
        # Some formats have pages without pictures, and a file may be gone; its text is still stored.
        self._tasks.call(draw, functools.partial(self._on_picture, self._wish, wanted.document, wanted.page), read)

    def _read(self, wish: int, wanted: PageRequest, _: UserError | None = None) -> None:
        read = functools.partial(self._knowledge.page_text, wanted.document, wanted.page)
        show = functools.partial(self._on_text, wish, wanted)
        self._tasks.call(read, show, functools.partial(self._on_failed, wish))

    def _on_picture(self, wish: int, document: str, page: int, picture: PagePicture) -> None:
        if wish == self._wish:
            self._panel.show_picture(picture, document, page)

    def _on_text(self, wish: int, wanted: PageRequest, text: PageText) -> None:
        if wish == self._wish:
            self._panel.show_text(text, wanted.document, wanted.page, wanted.start, wanted.end)

    def _on_failed(self, wish: int, error: UserError) -> None:
        if wish == self._wish:
            self._panel.set_error(error.message)

    def _on_open_file(self, quote: Citation) -> None:
        links.open_file(self._panel, quote.document)
