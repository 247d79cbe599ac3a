"""The composer: write a message, attach files to it, and tick collections for the chat.

It knows nothing about models or stores: data comes in through setters, requests go out as signals.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.chat.chips import Attachment, Chip, attachment_chip
from desktop_llm.gui.chat.picture_chip import PictureChip, ShownPicture
from desktop_llm.gui.chat.thinking_menu import ThinkingButton
from desktop_llm.gui.chat.way_menu import WayMenu
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.layouts import FlowLayout
from desktop_llm.gui.look.literal import menu_text, set_tip
from desktop_llm.gui.look.widgets import Action, Banner, Button, IconButton, Label
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import plural, tr

_MOST_LINES = 8
_DRAFT_PAUSE_MS = 300
_COMPACT_BELOW = 440
_QUEUE, _EDIT = "queued", "edit"


class GrowingText(QPlainTextEdit):
    """Text of one to eight lines. Enter sends, Shift+Enter is a new line, Up in an empty text asks for the last one.

    Pasted pictures and files are sent on: `picture_pasted`, and `files_pasted` with their paths.
    """

    submitted = Signal()
    picture_pasted = Signal(QImage)
    files_pasted = Signal(tuple)
    up_in_empty = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("bare", "true")
        set_names(self, "composer_text", tr("Your message"))
        self.setPlaceholderText(tr("Ask about these documents, or anything else"))
        self.setFont(theme.current().font("reading"))
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)  # the window takes dropped files everywhere
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(3)
        self.textChanged.connect(self.fit)
        self.installEventFilter(self)
        self.fit()

    def fit(self) -> None:
        """Set the height to fit the lines; scroll if there are more than eight."""
        line = self.fontMetrics().lineSpacing()
        lines = max(1, round(self.document().size().height()))
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > _MOST_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        height = min(lines, _MOST_LINES) * line + 2 * 3 + 6
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Send, break the line, or type."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.submitted.emit()
        elif event.key() == Qt.Key.Key_Up and not self.toPlainText():
            self.up_in_empty.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, pictures and files can be pasted."""
        return source.hasImage() or source.hasUrls() or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert text; send on files and, if there is no text with it, a picture."""
        paths = tuple(url.toLocalFile() for url in source.urls() if url.isLocalFile())
        if paths:
            self.files_pasted.emit(paths)
        elif source.hasImage() and not source.hasText():
            self.picture_pasted.emit(QImage(source.imageData()))
        else:
            super().insertFromMimeData(source)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the height again: the lines break elsewhere at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Repaint the card when its text gains or loses the focus."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.focus_changed.emit()
        return super().eventFilter(watched, event)


class StayingMenu(QMenu):
    """A menu that stays open while things are ticked."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tick an entry without closing the menu."""
        action = self.activeAction()
        if action is not None and action.isCheckable() and action.isEnabled():
            action.trigger()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tick and stay open on Space, tick and close on Enter."""
        action = self.activeAction()
        if event.key() == Qt.Key.Key_Space and action is not None and action.isCheckable():
            action.trigger()
            return
        super().keyPressEvent(event)


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
    edit_cancelled = Signal()
    picture_pasted = Signal(QImage)
    files_pasted = Signal(tuple)
    picture_removed = Signal(str)
    eyes_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "composer", tr("Message"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._answering = False
        self._ticked: tuple[str, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        self._pictures: tuple[ShownPicture, ...] = ()
        self._blind: Banner | None = None
        self._queued: str | None = None
        self._editing = False
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips)
        self.editor = GrowingText(self)
        self._attach = IconButton("clip", tr("Attach files"), tr("Attach files (Ctrl+O)"), side=32)
        self._attach.setObjectName("composer_attach")
        self._menu = StayingMenu(self)
        self.way = WayMenu(self)
        self._documents = Button(tr("Documents"), "library", kind="quiet", chevron=True)
        self.thinking = ThinkingButton(self)
        self._tokens = Label("", "figures", "text_secondary", object_name="composer_tokens")
        self._warning = Label("", "small", "warning_text", wrap=True, object_name="composer_warning")
        self._send = Button(tr("Send"), "send", kind="primary", object_name="composer_send")
        self._build()
        self._draft = QTimer(self, singleShot=True, interval=_DRAFT_PAUSE_MS)
        self._connect()
        repaint_on_theme(self)

    def _build(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setSpacing(4)
        self._column.addWidget(self._chips)
        self._column.addWidget(self.editor)
        self._column.addWidget(self._warning)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._attach)
        row.addWidget(self._documents)
        row.addWidget(self.thinking)
        row.addStretch(1)
        row.addWidget(self._tokens)
        row.addSpacing(8)
        row.addWidget(self._send)
        self._column.addLayout(row)
        self._chips.hide()
        self._warning.hide()
        self._documents.setMenu(self._menu)
        set_names(self._documents, "composer_documents", "")
        widths = [self._width_of(tr("Stop"), "stop"), self._width_of(tr("Send"), "send")]
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
        self.editor.picture_pasted.connect(self.picture_pasted)
        self.editor.files_pasted.connect(self.files_pasted)
        self._send.clicked.connect(self._on_send_clicked)
        self._attach.clicked.connect(self.attach_requested)
        self._menu.triggered.connect(self._on_menu_triggered)

    # --- data in --------------------------------------------------------------------------------------------------

    def set_collections(self, available: Sequence[str], ticked: Sequence[str]) -> None:
        """Set the collections that exist, and those that this chat uses."""
        self._ticked = tuple(name for name in available if name in ticked)
        self._menu.clear()
        for name in available:
            action = self._menu.addAction(menu_text(plain(name)))
            action.setCheckable(True)
            action.setChecked(name in self._ticked)
            action.setData(name)
        self._menu.addSeparator()
        self._menu.addMenu(self.way)
        self._menu.addAction(icons.icon("plus"), tr("New collection…"))
        self._show_ticked()

    def set_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Set the files attached to the message being written."""
        self._attachments = tuple(attachments)
        self._show_chips()

    def set_pictures(self, pictures: Sequence[ShownPicture], blind: str = "", actions: tuple[Action, ...] = ()) -> None:
        """Set the pictures of the message being written. `blind` says that the chosen model sees none of them, and
        `actions` what can be done.
        """
        self._pictures = tuple(pictures)
        if self._blind is not None:
            self._blind.hide()
            self._blind.deleteLater()
            self._blind = None
        if blind:
            self._blind = Banner(blind, "", actions, kind="warning", beside=True, object_name="composer_blind")
            self._blind.action_triggered.connect(self.eyes_requested)
            self._column.insertWidget(1, self._blind)
        self._show_chips()

    def set_queued(self, text: str | None) -> None:
        """Show the message that will be sent when the answer has ended; None for none."""
        self._queued = text
        self._show_chips()

    def set_editing(self, editing: bool) -> None:
        """Say whether the text will replace an earlier message."""
        self._editing = editing
        self._show_chips()

    def set_answering(self, answering: bool) -> None:
        """Turn Send into Stop while an answer is being written; place and size stay."""
        self._answering = answering
        if answering:
            self._send.set_content(tr("Stop"), "stop", "default")
            set_tip(self._send, tr("Stop the answer (Esc)"))
        else:
            self._send.set_content(tr("Send"), "send", "primary")
            set_tip(self._send, tr("Send (Enter)"))
        self._enable_send()

    def set_token_count(self, words: str) -> None:
        """Show the size of this message, such as "2,900 tokens"."""
        self._tokens.setText(words)

    def set_warning(self, words: str) -> None:
        """Show a warning about sending this message, "" for none."""
        self._warning.setText(words)
        self._warning.setVisible(bool(words))

    def set_placeholder(self, words: str) -> None:
        """Set the text shown while the field is empty."""
        self.editor.setPlaceholderText(words)

    def set_text(self, text: str) -> None:
        """Put a text into the field: a draft, or a message to edit. It is not announced as a draft, and its cost is
        unknown."""
        self.editor.blockSignals(True)
        self.editor.setPlainText(text)
        self.editor.blockSignals(False)
        self.editor.moveCursor(self.editor.textCursor().MoveOperation.End)
        self._draft.stop()
        self._tokens.setText("")
        self.set_warning("")
        self.editor.fit()
        self._enable_send()

    def text(self) -> str:
        """The text in the field."""
        return self.editor.toPlainText()

    def submit(self) -> None:
        """Send the message, if there is something to send."""
        self._on_submitted()

    def focus_text(self) -> None:
        """Move the keyboard focus to the text."""
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_ticked(self) -> None:
        match len(self._ticked):
            case 0:
                words, said = str(tr("Documents")), str(tr("Documents, none"))
            case 1:
                words, said = self._ticked[0], self._ticked[0]
            case count:
                words, said = plural("%n collection", "%n collections", count), ", ".join(self._ticked)
        compact = self.width() < _COMPACT_BELOW
        self.thinking.set_compact(compact)
        shown = self._documents.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, 180)
        self._documents.set_content("" if compact else shown)
        self._documents.setAccessibleName(tr("Documents of this chat: {names}", names=said))
        set_tip(self._documents, said)
        about = tr("Ask about these documents, or anything else") if self._ticked else tr("Ask anything")
        self.set_placeholder(about)

    def _show_chips(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        chips: list[QWidget] = []
        if self._queued is not None:
            chips.append(self._queue_chip(self._queued))
        if self._editing:
            chips.append(self._edit_chip())
        for picture in self._pictures:
            shown = PictureChip(picture, self._chips)
            shown.removed.connect(self.picture_removed)
            chips.append(shown)
        for attachment in self._attachments:
            file = attachment_chip(attachment, self._chips)
            file.removed.connect(self.attachment_removed)
            chips.append(file)
        for chip in chips:
            self._flow.addWidget(chip)
            chip.show()  # at once; the layout would show it at the next event
        self._chips.setVisible(self._flow.count() > 0)
        self._enable_send()

    def _queue_chip(self, text: str) -> Chip:
        line = " ".join(text.split())
        chip = Chip(
            _QUEUE,
            line,
            tr("is sent next"),
            icon="clock",
            object_name="composer_queued",
            remove_words=tr("Do not send this message"),
            parent=self._chips,
        )
        chip.removed.connect(lambda _: self.queue_cancelled.emit())
        return chip

    def _edit_chip(self) -> Chip:
        chip = Chip(
            _EDIT,
            tr("Editing an earlier message"),
            icon="pencil",
            object_name="composer_editing",
            remove_words=tr("Do not change this message (Esc)"),
            parent=self._chips,
        )
        chip.removed.connect(lambda _: self.edit_cancelled.emit())
        return chip

    def _enable_send(self) -> None:
        self._send.setEnabled(self._answering or self._is_complete())

    def _is_complete(self) -> bool:
        """Whether there is something to send, and no picture of it is still being read."""
        states = [picture.state for picture in self._pictures]
        return "reading" not in states and bool(self.text().strip() or "ready" in states)

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
        if self._is_complete():
            self.set_text("")
            self.draft_changed.emit("")
            self.send_requested.emit(text)

    def _on_menu_triggered(self, action: QAction) -> None:
        if action in self.way.actions() or action.menu() is not None:
            return
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
        """Align the card with the reading column."""
        super().resizeEvent(event)
        self._fit_column()
        self._show_ticked()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Focus the text on a click anywhere on the card."""
        self.focus_text()
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card; its border is the focus ring while the text has the focus."""
        margins = self._column.contentsMargins()
        card = self.rect().adjusted(margins.left() - 11, 0, 8 - margins.right(), -16)
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("surface"))
        focused = self.editor.hasFocus()
        border = colour("focus_ring" if focused else "border_control")
        draw_box(painter, card, 12, colour("surface"), border, 2 if focused else 1)
        painter.end()
