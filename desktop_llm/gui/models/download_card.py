"""One download as a card: name, size word, bar, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.model_words import size_word
from desktop_llm.gui.models.failure_part import FailurePart
from desktop_llm.gui.models.failures import first_sentence, short_words
from desktop_llm.gui.models.parts import IconText
from desktop_llm.gui.models.transfers import Download, facts_line
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Label, ProgressBar, Tag
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme


class DownloadCard(QWidget):
    """Made once a download and updated in place. Signal: `action_requested` with its key and one of pause, resume,
    cancel, use, or the name of an action after a failure."""

    action_requested = Signal(str, str)

    def __init__(self, download: Download, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._download = download
        self.setObjectName("download_card")
        self._alert = IconText("alert", "", "danger_text")
        self._name = ElidedLabel(plain(download.name), "ui_strong", mode=Qt.TextElideMode.ElideMiddle)
        self._tag = Tag(size_word(download.quantization))
        self._pause = IconButton("pause", "", object_name="download_pause", side=24)
        self._cancel = IconButton("x", "", object_name="download_cancel", side=24)
        self._bar = ProgressBar(object_name="download_bar")
        self._amount = ElidedLabel("", "figures", "text_secondary", object_name="download_amount")
        self._left = Label("", "figures", "text_secondary", object_name="download_left")
        self._reason = Label("", "small", "text_secondary", wrap=True, object_name="download_reason")
        self._failure = FailurePart()
        self._use = Button(self.tr("Use now"), "play", height=28, object_name="download_use")
        self._in_use = IconText("check", self.tr("In use"), "success_text", object_name="download_in_use")
        self._lay_out()
        self._pause.clicked.connect(self._on_pause)
        self._cancel.clicked.connect(self._on_cancel)
        self._use.clicked.connect(self._on_use)
        self._failure.action_requested.connect(self._send)
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
        self._reason.setText(first_sentence(reason))
        self._reason.setToolTip(reason)
        self._reason.setVisible(bool(reason))
        for widget in (self._bar, self._amount, self._left):
            widget.setVisible(not failed)
        self._alert.setVisible(failed)
        self._use.setVisible(done and bool(download.model_id) and not download.in_use)
        self._in_use.setVisible(done and download.in_use)
        self._failure.set_download(download)
        self._name_buttons()
        self.update()

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
        said = short_words(self._download) or ", ".join(filter(None, self._words()))
        self.setAccessibleName(self.tr("Download of {name}, {state}").format(name=name, state=said))

    def _words(self) -> tuple[str, ...]:
        in_use = self.tr("in use") if self._download.in_use else ""
        return self._amount.text(), self._left.text(), self._reason.text(), in_use

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
        in_use = QHBoxLayout()
        in_use.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        in_use.addWidget(self._in_use)
        in_use.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12 - RING_MARGIN, 7, 12 - RING_MARGIN, 9)
        column.setSpacing(4)
        column.addLayout(top)
        column.addLayout(body)
        column.addWidget(self._failure)
        column.addWidget(self._use, 0, Qt.AlignmentFlag.AlignLeading)
        column.addLayout(in_use)

    def _send(self, action: str) -> None:
        self.action_requested.emit(self._download.key, action)

    def _on_pause(self) -> None:
        self._send("resume" if self._download.stage == "paused" else "pause")

    def _on_cancel(self) -> None:
        self._send("cancel")

    def _on_use(self) -> None:
        self._send("use")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The card, its edge red where it failed."""
        painter, colour = QPainter(self), theme.current().colour
        failed = self._download.stage == "failed"
        draw_box(painter, self.rect(), 8, colour("surface"), colour("danger_border" if failed else "border"))
        painter.end()
