"""Search details of an answer: what was searched for, every candidate and what came of it, and the exact prompt."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop_llm.conversation.search_details import PromptPart, SearchDetails
from desktop_llm.gui.chat.evidence.candidates_table import NARROW, CandidatesTable, Row
from desktop_llm.gui.look import formats
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, Picture, Segments, Select
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.knowledge.client import SearchTrace, TracedCandidate
from desktop_llm.words import plural, tr

_RESULTS = ("", "used", "cut", "same", "weak")
_PART_HEIGHT, _PROMPT_HEIGHT = 140, 230


class SearchDetailsView(QWidget):
    """Signal: `opened` with a candidate whose page is to be shown."""

    opened = Signal(TracedCandidate)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_search_details")
        self._rows: list[Row] = []
        self._trace: SearchTrace | None = None
        self._said = Label("", "ui", "text_secondary", wrap=True, object_name="xray_state")
        self._search = self._make_search()
        self._prompt = _Prompt()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._said)
        column.addWidget(self._search, 1)
        column.addWidget(self._prompt)
        column.addStretch(0)
        self.show_state(tr("Ask your documents: how the passages behind an answer were found stands here."))

    def show_state(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._said.setText(text)
        self._said.show()
        self._search.hide()
        self._prompt.hide()

    def show_details(self, details: SearchDetails | None, texts: Sequence[str], asked: str) -> None:
        """Show the search and the prompt of an answer to the question `asked`; `texts` are the beginnings of the
        candidates' texts. None: they were not kept.
        """
        if details is None:
            self.show_state(
                tr("The search of this answer was not kept. The answer and its citations are. Ask again to see it.")
            )
            return
        self._trace = details.trace
        self._search.setVisible(details.trace is not None)
        self._said.setVisible(details.trace is None or details.trace.whole)
        if details.trace is None:
            self._said.setText(tr("This answer used no documents."))
        else:
            self._said.setText(tr("The documents fitted in, so all of their pages were given, in order."))
            self._show_search(details.trace, texts, asked)
        self._prompt.show_parts(details.prompt)
        self._prompt.show()

    def _make_search(self) -> QWidget:
        self._query = ElidedLabel("", "ui_strong", object_name="xray_query")
        self._made = Label("", "small", "text_secondary", object_name="xray_query_made")
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(Picture("search", 14, "text_secondary"))
        head.addWidget(Label(tr("Searched for"), "ui", "text_secondary"))
        head.addWidget(self._query, 1)
        head.addWidget(self._made)
        names = (tr("All"), tr("Used"), tr("Cut"), tr("Same"), tr("Too weak"))
        self._filter = Segments(names, object_name="xray_filter", accessible_name=tr("Candidates by result"))
        self._filter.currentChanged.connect(self._refresh)
        self._document = Select(object_name="xray_document", accessible_name=tr("Candidates of a document"))
        self._document.setMaximumWidth(170)
        self._document.currentIndexChanged.connect(self._refresh)
        self._filters = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._filters.setSpacing(8)
        self._filters.addWidget(self._filter, 1)
        self._filters.addWidget(self._document)
        self._table = CandidatesTable()
        self._table.opened.connect(self.opened)
        self._foot = Label("", "small", "text_secondary", wrap=True, object_name="xray_foot")
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(self._filters)
        column.addWidget(self._table, 1)
        column.addWidget(self._foot)
        return page

    def _show_search(self, trace: SearchTrace, texts: Sequence[str], asked: str) -> None:
        self._rows = [(at, each, text) for at, (each, text) in enumerate(zip(trace.candidates, texts, strict=True), 1)]
        self._query.set_text(formats.plain(trace.query))
        set_tip(self._query, formats.plain(trace.query))
        self._made.setText(tr("made from your message") if trace.rewritten else "")
        set_tip(self._made, formats.plain(asked) if trace.rewritten else "")
        counts = [len(self._rows), *trace.counts().values()]
        names = (tr("All"), tr("Used"), tr("Cut"), tr("Same"), tr("Too weak"))
        for index, (name, count) in enumerate(zip(names, counts, strict=True)):
            self._filter.setTabText(index, f"{name}  {formats.number(count)}")
        self._filter.setCurrentIndex(0)
        self._document.blockSignals(True)
        self._document.clear()
        self._document.addItem(tr("All documents"), "")
        for path in dict.fromkeys(each.document for each in trace.candidates):
            self._document.addItem(formats.file_name(path), path)
        self._document.blockSignals(False)
        self._foot.setText(
            tr(
                "First line: rank, second: score. {passages} searched (cosine, BM25, very words), {seconds:.2f} s.",
                passages=plural("%n passage", "%n passages", trace.searched),
                seconds=trace.seconds,
            )
        )
        self._refresh()

    def _refresh(self, _index: int = 0) -> None:
        if self._trace is None:
            return
        result, document = _RESULTS[self._filter.currentIndex()], self._document.currentData() or ""
        shown = [row for row in self._rows if result in ("", row[1].result) and document in ("", row[1].document)]
        self._table.show_rows(shown, self._trace, with_budget=not result and not document)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the choice of a document below the results if both have no room beside each other."""
        super().resizeEvent(event)
        narrow, direction = self.width() < NARROW, QBoxLayout.Direction
        self._filters.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)


class _Prompt(QWidget):
    """The exact prompt, folded by part."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "xray_prompt", tr("Exact prompt"))
        self._text = ""
        self._about = ElidedLabel("", "small", "text_secondary", object_name="xray_prompt_tokens")
        self._copy = Button(tr("Copy"), "copy", kind="quiet", object_name="xray_prompt_copy")
        self._copy.clicked.connect(self._on_copy)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(tr("Exact prompt"), "ui_strong"))
        head.addWidget(self._about, 1)
        head.addWidget(self._copy)
        inner = QWidget()
        inner.setProperty("page", True)
        self._parts = QVBoxLayout(inner)
        self._parts.setContentsMargins(0, 0, 0, 0)
        self._parts.setSpacing(2)
        self._scroll = QScrollArea()
        set_names(self._scroll, "xray_prompt_parts", tr("Parts of the prompt"))
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMaximumHeight(_PROMPT_HEIGHT)
        self._scroll.setWidget(inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._scroll)

    def show_parts(self, parts: Sequence[PromptPart]) -> None:
        """Show these parts; without any, say that there is no prompt."""
        self._text = "".join(part.text for part in parts)
        total = sum(part.tokens for part in parts)
        told = tr("{count} tokens, as the model got it", count=formats.number(total))
        self._about.set_text(told if parts else tr("No prompt was kept: no model ran, or it was very long."))
        self._copy.setVisible(bool(parts))
        self._scroll.setVisible(bool(parts))
        while (item := self._parts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for part in parts:
            self._parts.addWidget(_Part(part, part.tokens / max(1, total)))
        self._parts.addStretch(1)

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._text)


class _Part(QWidget):
    """A part of the prompt: its name, tokens and share, and its text once it is unfolded."""

    def __init__(self, part: PromptPart, share: float) -> None:
        super().__init__()
        name, about = _named(part)
        tokens = plural("%n token", "%n tokens", part.tokens)
        self._fold = Button(name, "right", kind="quiet", object_name=f"xray_part_{part.kind}")
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._on_folded)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._fold)
        head.addWidget(ElidedLabel(about, "small", "text_secondary"), 1)
        head.addWidget(Label(tr("{tokens}, {share} %", tokens=tokens, share=round(100 * share)), "small"))
        self._text = QPlainTextEdit()
        set_names(self._text, f"xray_text_{part.kind}", name)
        self._text.setReadOnly(True)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.setPlainText(part.text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd"))
        self._text.setFixedHeight(_PART_HEIGHT)
        self._text.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._text)

    def _on_folded(self, unfolded: bool) -> None:
        self._text.setVisible(unfolded)


def _named(part: PromptPart) -> tuple[str, str]:
    match part.kind:
        case "instructions":
            return tr("Instructions"), tr("system message and marks of the template")
        case "earlier":
            return tr("Earlier messages"), plural("%n message, oldest first", "%n messages, oldest first", part.count)
        case "passages":
            return tr("Passages"), plural("%n passage", "%n passages, best first", part.count)
        case "results":
            return tr("Tools"), tr("calls and what they returned")
    return tr("Your message"), ""
