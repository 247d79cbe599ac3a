"""One download as a card: name, size word, bar, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.model_words import size_word
from desktop_llm.gui.models.parts import IconText, empty_layout
from desktop_llm.gui.models.transfers import Download, actions_for, facts_line
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Label, ProgressBar, Tag
from desktop_llm.gui.widgets.flow import FlowLayout
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme


class DownloadCard(QWidget):
    """Made once a download and updated in place. Signal: `action_requested` with its key and one of pause, resume,
    cancel, use, or the name of an action after a failure."""

    action_requested = Signal(str, str)

    def __init__(self, download: Download, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._download = download
        self._failed_as: object = None
        self.setObjectName("download_card")
        self._alert = IconText("alert", "", "danger_text")
        self._name = ElidedLabel(plain(download.name), "ui_strong", mode=Qt.TextElideMode.ElideMiddle)
        self._tag = Tag(size_word(download.quantization))
        self._pause = IconButton("pause", "", object_name="download_pause", side=24)
        self._cancel = IconButton("x", "", object_name="download_cancel", side=24)
        self._bar = ProgressBar(object_name="download_bar")
        self._amount = ElidedLabel("", "figures", "text_secondary", object_name="download_amount")
        self._left = Label("", "figures", "text_secondary", object_name="download_left")
        self._error = Label("", "ui", wrap=True, object_name="download_error")
        self._reason = Label("", "small", "text_secondary", wrap=True, object_name="download_reason")
        self._actions = QWidget()
        self._flow = FlowLayout(self._actions, 0)
        self._use = Button(self.tr("Use now"), "play", height=28, object_name="download_use")
        self._lay_out()
        self._error.hide()
        self._actions.hide()
        self._pause.clicked.connect(self._on_pause)
        self._cancel.clicked.connect(self._on_cancel)
        self._use.clicked.connect(self._on_use)
        repaint_on_theme(self)
        self.set_download(download)

    def set_download(self, download: Download) -> None:
        """Show how it stands; cheap enough for twice a second."""
        self._download = download
        failed, done = download.stage == "failed", download.stage == "done"
        self._bar.set_fraction(1.0 if done else download.fraction)
        amount, left = facts_line(download)
        self._amount.set_text(amount)
        self._left.setText(left)
        reason = download.reason if download.stage == "waiting" else ""
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        for widget in (self._bar, self._amount, self._left):
            widget.setVisible(not failed)
        self._alert.setVisible(failed)
        self._use.setVisible(done and bool(download.model_id))
        self._show_error()
        self._name_buttons()
        self.update()

    def _show_error(self) -> None:
        error = self._download.error if self._download.stage == "failed" else None
        if error is self._failed_as:
            return
        self._failed_as = error
        empty_layout(self._flow)
        self._error.setVisible(error is not None)
        self._actions.setVisible(error is not None)
        if error is None:
            return
        self._error.setText(error.message)
        for action in actions_for(error):
            button = Button(
                action.text, action.icon, kind=action.kind, height=28, object_name=f"download_{action.name}"
            )
            button.setAccessibleName(
                self.tr("{action}, {name}").format(action=action.text, name=self._download.full_name)
            )
            button.setProperty("action", action.name)
            button.clicked.connect(self._on_action)
            self._flow.addWidget(button)

    def _name_buttons(self) -> None:
        name, stage = self._download.full_name, self._download.stage
        paused = stage == "paused"
        self._pause.setVisible(stage in ("waiting", "downloading", "checking", "repairing", "paused"))
        words = self.tr("Resume download of {name}") if paused else self.tr("Pause download of {name}")
        self._pause.set_content("play" if paused else "pause", words.format(name=name))
        done = stage == "done"
        words = self.tr("Take {name} off this list") if done else self.tr("Cancel download of {name}")
        self._cancel.set_content("x", words.format(name=name))
        self._use.setAccessibleName(self.tr("Use {name} now").format(name=name))
        said = self._download.error.message if self._download.error else ", ".join(filter(None, self._words()))
        self.setAccessibleName(self.tr("Download of {name}, {state}").format(name=name, state=said))

    def _words(self) -> tuple[str, ...]:
        return self._amount.text(), self._left.text(), self._reason.text()

    def _lay_out(self) -> None:
        names = QHBoxLayout()
        names.setSpacing(6)
        names.addWidget(self._alert)
        names.addWidget(self._name, 1)
        names.addWidget(self._tag)
        top = QHBoxLayout()
        top.setContentsMargins(RING_MARGIN, 0, 0, 0)
        top.setSpacing(0)
        top.addLayout(names, 1)
        top.addSpacing(2)
        top.addWidget(self._pause)
        top.addWidget(self._cancel)
        facts = QHBoxLayout()
        facts.setSpacing(8)
        facts.addWidget(self._amount, 1)
        facts.addWidget(self._left)
        body = QVBoxLayout()
        body.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body.setSpacing(4)
        body.addWidget(self._bar)
        body.addLayout(facts)
        body.addWidget(self._reason)
        body.addWidget(self._error)
        column = QVBoxLayout(self)
        column.setContentsMargins(12 - RING_MARGIN, 7, 12 - RING_MARGIN, 9)
        column.setSpacing(4)
        column.addLayout(top)
        column.addLayout(body)
        column.addWidget(self._actions)
        column.addWidget(self._use, 0, Qt.AlignmentFlag.AlignLeading)

    def _send(self, action: str) -> None:
        self.action_requested.emit(self._download.key, action)

    def _on_pause(self) -> None:
        self._send("resume" if self._download.stage == "paused" else "pause")

    def _on_cancel(self) -> None:
        self._send("cancel")

    def _on_use(self) -> None:
        self._send("use")

    def _on_action(self) -> None:
        self._send(self.sender().property("action"))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The card, its edge red where it failed."""
        painter, colour = QPainter(self), theme.current().colour
        failed = self._download.stage == "failed"
        draw_box(painter, self.rect(), 8, colour("surface"), colour("danger_border" if failed else "border"))
        painter.end()
