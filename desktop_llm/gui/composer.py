"""The composer: where a message is written, files are put beside it, and collections are ticked for the chat.

It knows nothing of models or stores: data comes in through setters, wishes go out as signals.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.chips import Attachment, Chip, attachment_chip
from desktop_llm.gui.composer_parts import GrowingText, StayingMenu
from desktop_llm.gui.widgets import Button, IconButton, Label
from desktop_llm.gui.widgets.flow import FlowLayout
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

_DRAFT_PAUSE_MS = 300
_COMPACT_BELOW = 440
_QUEUE = "queued"


class Composer(QWidget):
    """A card with chips, a text that grows, and a row of controls."""

    send_requested = Signal(str)
    stop_requested = Signal()
    attach_requested = Signal()
    attachment_removed = Signal(str)
    collections_changed = Signal(tuple)
    draft_changed = Signal(str)
    edit_last_requested = Signal()
    new_collection_requested = Signal()
    queue_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "composer", self.tr("Message"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._answering = False
        self._ticked: tuple[str, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        self._queued: str | None = None
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips)
        self.editor = GrowingText(self)
        self._attach = IconButton("clip", self.tr("Attach files"), self.tr("Attach files (Ctrl+O)"), side=32)
        self._attach.setObjectName("composer_attach")
        self._menu = StayingMenu(self)
        self._documents = Button(self.tr("Documents"), "library", kind="quiet", chevron=True)
        self._tokens = Label("", "figures", "text_secondary", object_name="composer_tokens")
        self._send = Button(self.tr("Send"), "send", kind="primary", object_name="composer_send")
        self._build()
        self._draft = QTimer(self, singleShot=True, interval=_DRAFT_PAUSE_MS)
        self._connect()
        repaint_on_theme(self)

    def _build(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setSpacing(4)
        self._column.addWidget(self._chips)
        self._column.addWidget(self.editor)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._attach)
        row.addWidget(self._documents)
        row.addStretch(1)
        row.addWidget(self._tokens)
        row.addSpacing(8)
        row.addWidget(self._send)
        self._column.addLayout(row)
        self._chips.hide()
        self._documents.setMenu(self._menu)
        set_names(self._documents, "composer_documents", "")
        widths = [self._width_of(self.tr("Stop"), "stop"), self._width_of(self.tr("Send"), "send")]
        self._send.setFixedWidth(max(widths))
        self._fit_column()

    def _width_of(self, text: str, icon: str) -> int:
        self._send.set_content(text, icon)
        return self._send.sizeHint().width()

    def _connect(self) -> None:
        self._draft.timeout.connect(self._on_draft_paused)
        self.editor.textChanged.connect(self._on_text_changed)
        self.editor.submitted.connect(self._on_submitted)
        self.editor.up_in_empty.connect(self.edit_last_requested)
        self.editor.focus_changed.connect(self.update)
        self._send.clicked.connect(self._on_send_clicked)
        self._attach.clicked.connect(self.attach_requested)
        self._menu.triggered.connect(self._on_menu_triggered)

    # --- data in --------------------------------------------------------------------------------------------------

    def set_collections(self, available: Sequence[str], ticked: Sequence[str]) -> None:
        """The collections that exist, and those this chat asks."""
        self._ticked = tuple(name for name in available if name in ticked)
        self._menu.clear()
        for name in available:
            action = self._menu.addAction(name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(name in self._ticked)
            action.setData(name)
        self._menu.addSeparator()
        self._menu.addAction(icons.icon("plus"), self.tr("New collection…"))
        self._show_ticked()

    def set_attachments(self, attachments: Sequence[Attachment]) -> None:
        """The files of the message being written."""
        self._attachments = tuple(attachments)
        self._show_chips()

    def set_queued(self, text: str | None) -> None:
        """The message that is sent once the answer has ended, None for none."""
        self._queued = text
        self._show_chips()

    def set_answering(self, answering: bool) -> None:
        """While an answer is written Send is Stop, in the same place and size."""
        self._answering = answering
        if answering:
            self._send.set_content(self.tr("Stop"), "stop", "default")
            self._send.setToolTip(self.tr("Stop the answer (Esc)"))
        else:
            self._send.set_content(self.tr("Send"), "send", "primary")
            self._send.setToolTip(self.tr("Send (Enter)"))
        self._enable_send()

    def set_token_count(self, words: str) -> None:
        """What this message will cost, in words such as "2,900 tokens"."""
        self._tokens.setText(words)

    def set_placeholder(self, words: str) -> None:
        """What the empty text says."""
        self.editor.setPlaceholderText(words)

    def set_text(self, text: str) -> None:
        """Put a text here, as a draft or a message to be edited; no draft is announced for it, and no cost is known."""
        self.editor.blockSignals(True)
        self.editor.setPlainText(text)
        self.editor.blockSignals(False)
        self.editor.moveCursor(self.editor.textCursor().MoveOperation.End)
        self._draft.stop()
        self._tokens.setText("")
        self.editor.fit()
        self._enable_send()

    def text(self) -> str:
        """What is written."""
        return self.editor.toPlainText()

    def ticked_collections(self) -> tuple[str, ...]:
        """The collections this chat asks."""
        return self._ticked

    def focus_text(self) -> None:
        """Go on writing."""
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_ticked(self) -> None:
        match len(self._ticked):
            case 0:
                words, said = self.tr("Documents"), self.tr("Documents, none")
            case 1:
                words, said = self._ticked[0], self._ticked[0]
            case count:
                words, said = self.tr("{count} collections").format(count=count), ", ".join(self._ticked)
        compact = self.width() < _COMPACT_BELOW
        shown = self._documents.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, 180)
        self._documents.set_content("" if compact else shown)
        self._documents.setAccessibleName(self.tr("Documents of this chat: {names}").format(names=said))
        self._documents.setToolTip(said)
        about = self.tr("Ask about these documents, or anything else") if self._ticked else self.tr("Ask anything")
        self.set_placeholder(about)

    def _show_chips(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if self._queued is not None:
            self._flow.addWidget(self._queue_chip(self._queued))
        for attachment in self._attachments:
            chip = attachment_chip(attachment, self._chips)
            chip.removed.connect(self.attachment_removed)
            self._flow.addWidget(chip)
        self._chips.setVisible(self._flow.count() > 0)
        self._enable_send()

    def _queue_chip(self, text: str) -> Chip:
        line = " ".join(text.split())
        chip = Chip(
            _QUEUE,
            line,
            self.tr("is sent next"),
            icon="clock",
            object_name="composer_queued",
            remove_words=self.tr("Do not send this message"),
            parent=self._chips,
        )
        chip.removed.connect(self._on_queue_removed)
        return chip

    def _enable_send(self) -> None:
        self._send.setEnabled(self._answering or bool(self.text().strip()))

    # --- what is done here ----------------------------------------------------------------------------------------

    def _on_text_changed(self) -> None:
        self._enable_send()
        self._draft.start()

    def _on_draft_paused(self) -> None:
        self.draft_changed.emit(self.text())

    def _on_send_clicked(self) -> None:
        if self._answering:
            self.stop_requested.emit()
        else:
            self._on_submitted()

    def _on_submitted(self) -> None:
        text = self.text().strip()
        if text:
            self.set_text("")
            self.draft_changed.emit("")
            self.send_requested.emit(text)

    def _on_queue_removed(self, _key: str) -> None:
        self.queue_cancelled.emit()

    def _on_menu_triggered(self, action: QAction) -> None:
        if not action.isCheckable():
            self.new_collection_requested.emit()
            return
        self._ticked = tuple(str(each.data()) for each in self._menu.actions() if each.isChecked())
        self._show_ticked()
        self.collections_changed.emit(self._ticked)

    # --- Qt -------------------------------------------------------------------------------------------------------

    def _fit_column(self) -> None:
        tokens = theme.current()
        padding = tokens.length("column", "reading_padding")
        width = min(tokens.length("column", "reading_max"), self.width() - 2 * padding)
        left = max(padding, (self.width() - width) // 2)
        right = max(padding, self.width() - width - left)
        self._column.setContentsMargins(left + 11, 11, right + 8, 24)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The card lies under the reading column."""
        super().resizeEvent(event)
        self._fit_column()
        self._show_ticked()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The whole card is the field."""
        self.focus_text()
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The card; its border is the focus ring while one writes."""
        margins = self._column.contentsMargins()
        card = self.rect().adjusted(margins.left() - 11, 0, 8 - margins.right(), -16)
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("surface"))
        focused = self.editor.hasFocus()
        border = colour("focus_ring" if focused else "border_control")
        draw_box(painter, card, 12, colour("surface"), border, 2 if focused else 1)
        painter.end()
