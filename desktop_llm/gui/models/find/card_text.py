"""A model card as safe text: only the Markdown we know, no pictures, no HTML; links open only at a click."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QTextCursor, QTextTableFormat, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

from desktop_llm.gui.look import markdown, theme
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr

# Some cards have thousands of lines. Nobody reads these here, and laying them out would block the window.
_MOST_CHARACTERS = 24_000

_FENCE = re.compile(r"^(?: {0,3})(```|~~~)", re.MULTILINE)
_HTML = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)|!\[[^\]]*\]\[[^\]]*\]")
_EMPTY_LINK = re.compile(r"\[\s*\]\([^)]*\)")


def card_blocks(card: str) -> list[markdown.Block]:
    """The blocks of a card below its title, without HTML and pictures.

    A card may be long, so don't call this in the window's thread.
    """
    blocks = _shown(markdown.parse(_without_markup(card[:_MOST_CHARACTERS])))
    return blocks[1:] if blocks and isinstance(blocks[0], markdown.Heading) else blocks


def _without_markup(card: str) -> str:
    """The card without HTML and pictures outside its blocks of code."""
    parts = _FENCE.split(card)
    kept, inside = [], False
    for part in parts:
        if part in ("```", "~~~"):
            inside = not inside
            kept.append(part)
        else:
            kept.append(part if inside else _EMPTY_LINK.sub("", _PICTURE.sub("", _HTML.sub("", part))))
    return "".join(kept)


def _shown(blocks: Sequence[markdown.Block]) -> list[markdown.Block]:
    """The blocks that have text, with headings made smaller than those of the page."""
    shown: list[markdown.Block] = []
    for block in blocks:
        if isinstance(block, markdown.Paragraph | markdown.Heading) and not markdown.runs_text(block.runs).strip():
            continue
        shown.append(markdown.Heading(3, block.runs) if isinstance(block, markdown.Heading) else block)
    return shown


class _CardWriter(DocumentWriter):
    """Writes tables as tables: here, unlike in an answer, they are part of one document."""

    def _write_block(self, block: markdown.Block, depth: int, margin: float) -> None:
        if not isinstance(block, markdown.Table):
            super()._write_block(block, depth, margin)
            return
        columns = max((len(row) for row in block.rows), default=1)
        table = self._cursor.insertTable(len(block.rows), columns, self._table_format())
        for number, row in enumerate(block.rows):
            for column, cell in enumerate(row):
                place = table.cellAt(number, column).firstCursorPosition()
                DocumentWriter(place, self._type, self._body, self._colour).runs(cell, self._body, bold=number == 0)
        self._cursor.movePosition(QTextCursor.MoveOperation.End)

    def _table_format(self) -> QTextTableFormat:
        format_ = QTextTableFormat()
        format_.setBorder(1)
        format_.setBorderCollapse(True)
        format_.setBorderBrush(self._type.colour("border_subtle"))
        format_.setBorderStyle(QTextTableFormat.BorderStyle.BorderStyle_Solid)
        format_.setCellPadding(4)
        format_.setTopMargin(8)
        return format_


class CardText(QTextBrowser):
    """Shows all blocks at full height and loads nothing. Signal: `link_requested` with the address of a link."""

    link_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "model_card", tr("Model card"))
        self._blocks: tuple[markdown.Block, ...] = ()
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("bare", True)
        self.setStyleSheet("QTextBrowser { background: transparent; border: 0; padding: 0; }")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.anchorClicked.connect(self._on_anchor)
        theme.notifier().changed.connect(self._write)

    def set_blocks(self, blocks: Sequence[markdown.Block]) -> None:
        """Show the blocks of a card."""
        self._blocks = tuple(blocks)
        self._write()

    def loadResource(self, _kind: int, _name: Any) -> None:
        """Load nothing, neither from the net nor from the disk."""

    def _write(self) -> None:
        type_ = Typography(theme.current())
        document = new_document(type_, "ui")
        document.setParent(self)
        writer = _CardWriter(QTextCursor(document), type_, "ui", "text_secondary")
        writer.write(self._blocks)
        self.setDocument(document)
        self._fit()

    def _fit(self) -> None:
        document = self.document()
        document.setTextWidth(max(1, self.viewport().width()))
        height = int(document.size().height()) + 2
        if height != self.height():
            self.setFixedHeight(height)

    def _on_anchor(self, url: Any) -> None:
        self.link_requested.emit(bytes(url.toEncoded().data()).decode())

    def sizeHint(self) -> QSize:
        """The height of the whole text."""
        return QSize(320, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the lines for the new width."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page, not the card."""
        event.ignore()
