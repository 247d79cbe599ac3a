"""Downloads as cards, on the Models and Activity pages: name, bar, the reason if one stopped, and the actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import amount_of, plain, size, time_left, transfer_speed
from desktop_llm.gui.look.layouts import CardAction, CardColumn, FlowLayout, empty_layout
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.model_words import size_word
from desktop_llm.gui.look.widgets import Action, Button, ElidedLabel, IconButton, Label, ProgressBar, Tag
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme
from desktop_llm.gui.work.transfer_failures import actions_after, long_words, short_words
from desktop_llm.jobs.download import Download
from desktop_llm.words import tr

_DETAILS = "details"


def full_name(download: Download) -> str:
    """The name with its size word, which tells two downloads of one repository apart."""
    return f"{plain(download.title)} {size_word(download.quantization)}".strip()


def facts_line(download: Download) -> tuple[str, str]:
    """The texts below the bar, left and right: "3.9 of 6.7 GB, 18 MB/s" and "2 min left"."""
    progress = download.progress
    amount = amount_of(progress.done, progress.total)
    match download.state, progress.stage:
        case "waiting", _:
            return amount, tr("Waiting for its turn")
        case "paused", _:
            return amount, tr("Paused")
        case "done", _:
            return size(progress.total), tr("Checked, ready to use") if download.checked else tr("Ready to use")
        case _, "waiting":
            return amount, tr("Trying again")
        case _, "checking":
            return tr("Checking sha256"), amount
        case _, "repairing":
            return tr("Repairing a part"), amount
    if progress.speed:
        amount = f"{amount}, {transfer_speed(progress.speed)}"
    return amount, "" if progress.seconds_left is None else time_left(progress.seconds_left)


class DownloadList(CardColumn["DownloadCard"]):
    """Signal: `acted` when a button of a card is pressed."""

    acted = Signal(CardAction)

    def show_downloads(self, downloads: Sequence[Download], model_in_use: str = "") -> None:
        """Show these downloads; the card of the model in use does not offer to use it."""
        shown = {download.subject: download for download in downloads}
        self.show_cards(list(shown), lambda subject: self._card(shown[subject]))
        for subject, download in shown.items():
            self.cards[subject].show_download(download, in_use=download.model_id == model_in_use)

    def _card(self, download: Download) -> DownloadCard:
        card = DownloadCard(download, self)
        card.acted.connect(self.acted)
        return card


class DownloadCard(QWidget):
    """One download. Signal: `acted` with pause, resume, cancel, use, or the name of an action after a failure."""

    acted = Signal(CardAction)

    def __init__(self, download: Download, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._download = download
        self.setObjectName("download_card")
        self._alert = IconText("alert", "", "danger_text")
        self._name = ElidedLabel(plain(download.title), "ui_strong", mode=Qt.TextElideMode.ElideMiddle)
        self._tag = Tag(size_word(download.quantization))
        self._pause = IconButton("pause", "", object_name="download_pause", side=24)
        self._cancel = IconButton("x", "", object_name="download_cancel", side=24)
        self._bar = ProgressBar(object_name="download_bar")
        self._amount = ElidedLabel("", "figures", "text_secondary", object_name="download_amount")
        self._left = Label("", "figures", "text_secondary", object_name="download_left")
        self._reason = Label("", "small", "text_secondary", wrap=True, object_name="download_reason")
        self._failure = FailurePart()
        self._use = Button(tr("Use now"), "play", height=28, object_name="download_use")
        self._in_use = IconText("check", tr("In use"), "success_text", object_name="download_in_use")
        self._lay_out()
        self._pause.clicked.connect(self._on_pause)
        self._cancel.clicked.connect(self._on_cancel)
        self._use.clicked.connect(self._on_use)
        self._failure.acted.connect(self._act)
        repaint_on_theme(self)
        self.show_download(download)

    def show_download(self, download: Download, *, in_use: bool = False) -> None:
        """Show the download's present state; cheap enough for twice a second."""
        self._download = download
        in_use = in_use and bool(download.model_id)
        failed, done = download.state == "failed", download.state == "done"
        self._name.set_text(plain(download.title))
        self._bar.set_fraction(1.0 if done else download.progress.fraction)
        amount, left = facts_line(download)
        self._amount.set_text(amount)
        self._left.setText(left)
        reason = download.progress.reason if download.state == "running" else ""
        self._reason.setText(reason)
        set_tip(self._reason, reason)
        self._reason.setVisible(bool(reason))
        for widget in (self._bar, self._amount, self._left):
            widget.setVisible(not failed)
        self._alert.setVisible(failed)
        self._use.setVisible(done and bool(download.model_id) and not in_use)
        self._in_use.setVisible(in_use)
        self._failure.show_download(download)
        self._name_buttons(in_use=in_use)
        self.update()

    def _name_buttons(self, *, in_use: bool) -> None:
        name, state = full_name(self._download), self._download.state
        paused, done = state == "paused", state == "done"
        self._pause.setVisible(paused or self._download.under_way)
        if paused:
            self._pause.set_content("play", tr("Resume download of {name}", name=name))
        else:
            self._pause.set_content("pause", tr("Pause download of {name}", name=name))
        if done:
            self._cancel.set_content("x", tr("Take {name} off this list", name=name))
        else:
            self._cancel.set_content("x", tr("Cancel download of {name}", name=name))
        self._use.setAccessibleName(tr("Use {name} now", name=name))
        words = (self._amount.text(), self._left.text(), self._reason.text(), tr("in use") if in_use else "")
        said = short_words(self._download) or ", ".join(filter(None, words))
        self.setAccessibleName(tr("Download of {name}, {state}", name=name, state=said))

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

    def _act(self, action: str) -> None:
        self.acted.emit(CardAction(action, self._download.subject))

    def _on_pause(self) -> None:
        self._act("resume" if self._download.state == "paused" else "pause")

    def _on_cancel(self) -> None:
        self._act("cancel")

    def _on_use(self) -> None:
        self._act("use")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card, with a red edge if the download failed."""
        painter, colour = QPainter(self), theme.current().colour
        failed = self._download.state == "failed"
        draw_box(painter, self.rect(), 8, colour("surface"), colour("danger_border" if failed else "border"))
        painter.end()


class FailurePart(QWidget):
    """Says why a download stopped: one sentence, actions that help, and all details on request. Hidden until it fails.

    Signal: `acted` with the name of an action.
    """

    acted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._shown: Download | None = None
        self._error = Label("", "ui", wrap=True, object_name="download_error")
        self._details = Label("", "small", "text_secondary", wrap=True, object_name="download_details_text")
        self._actions = QWidget()
        self._flow = FlowLayout(self._actions, 0)
        words = QVBoxLayout()
        words.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        words.setSpacing(4)
        words.addWidget(self._error)
        words.addWidget(self._details)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(words)
        column.addWidget(self._actions)
        self.hide()

    def show_download(self, download: Download) -> None:
        """Say why the download stopped; nothing changes if the failure is the same as before."""
        shown = download if download.state == "failed" else None
        if shown == self._shown:
            return
        self._shown = shown
        self.setVisible(shown is not None)
        empty_layout(self._flow)
        self._details.hide()
        if shown is None or shown.error is None:
            return
        short, long = short_words(shown), long_words(shown.error)
        self._error.setText(short)
        set_tip(self._error, long)
        self._details.setText(long)
        details = () if long == short else (Action(_DETAILS, tr("Details"), "", "quiet"),)
        for action in (*actions_after(shown.error), *details):
            self._flow.addWidget(self._button(action, full_name(shown)))

    def _button(self, action: Action, name: str) -> Button:
        button = Button(action.text, action.icon, kind=action.kind, height=28, object_name=f"download_{action.name}")
        button.setAccessibleName(tr("{action}, {name}", action=action.text, name=name))
        button.setProperty("action", action.name)
        button.clicked.connect(self._on_action)
        return button

    def _on_action(self) -> None:
        action = str(self.sender().property("action"))
        if action == _DETAILS:
            self._details.setVisible(self._details.isHidden())
        else:
            self.acted.emit(action)
