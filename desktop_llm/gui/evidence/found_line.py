"""The line below a page that says how sure the quote is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui.documents.picture import Picture
from desktop_llm.gui.evidence.cards import Quote
from desktop_llm.gui.widgets import ElidedLabel, Label
from desktop_llm.knowledge.client import Citation
from desktop_llm.words import tr


class FoundLine(QWidget):
    """Icon and sentence at the left, the relevance at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = Picture("check", 14, "success_text")
        self._sentence = ElidedLabel("", "small", "success_text", object_name="evidence_found")
        self._relevance = Label("", "small", "text_secondary", object_name="evidence_relevance")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._icon)
        row.addWidget(self._sentence, 1)
        row.addWidget(self._relevance)

    def show_quote(self, quote: Quote) -> None:
        """Say what is known of this quote."""
        icon, colour, sentence = _verdict(quote)
        self._icon.set_icon(icon, colour)
        self._sentence.set_colour(colour)
        self._sentence.set_text(sentence)
        score = self.tr("relevance {score}").format(score=f"{quote.score:.2f}")
        self._relevance.setText(score if quote.score > 0 else "")


def _verdict(quote: Quote) -> tuple[str, str, str]:
    if not isinstance(quote, Citation):
        return "quote", "text_secondary", tr("Found in your documents")
    if not quote.verified:
        return "warn", "warning_text", tr("Not found: treat with care")
    if quote.page is None:
        return "check", "success_text", tr("Found word for word in this document")
    return "check", "success_text", tr("Found word for word on this page")
