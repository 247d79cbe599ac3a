"""Fetches pages for the evidence panel from the knowledge worker: as pictures or text, with the quote highlighted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.search_details import SearchDetails
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
        self._knowledge, self._chats = resources.knowledge, resources.chats
        self._tasks = resources.tasks
        self._panel = panel
        self._wish = 0
        panel.details_requested.connect(self._on_details_requested)
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
        self._answer = None
        self._panel.show_evidence([], [passage], passage)

    def show_details(self, message_id: str) -> None:
        """Show how the passages of a stored answer were found, and its prompt."""
        self._chats.read(lambda reader: reader.message(message_id), self._on_answer)

    def _on_answer(self, answer: StoredMessage) -> None:
        if answer != self._answer:
            self._answer = answer
            self._panel.show_evidence(answer.citations, answer.sources)
        if self._panel.shows_details:
            self._on_details_requested()
        else:
            self._panel.show_details()

    def _on_details_requested(self) -> None:
        answer = self._answer
        if answer is None:
            return

        def read(reader: ChatReader) -> tuple[SearchDetails | None, str]:
            asked = reader.message(answer.parent_id).text if answer.parent_id else ""
            return SearchDetails.from_bytes(reader.search_details(answer.id)), asked

        self._chats.read(read, functools.partial(self._on_details, answer.id))

    def _on_details(self, answer_id: str, found: tuple[SearchDetails | None, str]) -> None:
        details, asked = found
        if details is None or details.trace is None:
            self._show_details(answer_id, details, asked, [])
            return
        candidates = details.trace.candidates
        show = functools.partial(self._show_details, answer_id, details, asked)
        without = functools.partial(self._on_no_texts, show, len(candidates))
        self._tasks.call(functools.partial(self._knowledge.beginnings, candidates), show, without)

    def _on_no_texts(self, show: Callable[[list[str]], None], count: int, _error: UserError) -> None:
        show([""] * count)

    def _show_details(self, answer_id: str, details: SearchDetails | None, asked: str, texts: list[str]) -> None:
        if self._answer is not None and self._answer.id == answer_id:
            self._panel.details.show_details(details, texts, asked)

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
