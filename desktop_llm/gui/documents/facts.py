"""What a collection holds, as figures over their words: documents, pages, passages, last change."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets import Label
from desktop_llm.knowledge.client import Collection


class FactsRow(QWidget):
    """Four figures beside each other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("collection_facts")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        self._documents = _Figure(row)
        self._pages = _Figure(row)
        self._passages = _Figure(row)
        self._changed = _Figure(row)
        row.addStretch(1)

    def set_facts(self, collection: Collection) -> None:
        """Show the figures of a collection."""
        one = collection.documents == 1
        self._documents.set(words.number(collection.documents), self.tr("document") if one else self.tr("documents"))
        self._pages.set(words.number(collection.pages), self.tr("page") if collection.pages == 1 else self.tr("pages"))
        self._passages.set(
            words.number(collection.chunks), self.tr("passage") if collection.chunks == 1 else self.tr("passages")
        )
        self._changed.set(words.moment(collection.changed_at), self.tr("last change"))


class _Figure:
    """A number and the word below it."""

    def __init__(self, row: QHBoxLayout) -> None:
        self._number = Label("", "heading")
        self._word = Label("", "small", "text_secondary")
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._number)
        column.addWidget(self._word)
        row.addLayout(column)

    def set(self, number: str, word: str) -> None:
        """Show these."""
        self._number.setText(number)
        self._word.setText(word)
