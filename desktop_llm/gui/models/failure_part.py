"""The part of a download's card that says why it stopped: one sentence, what helps, and the whole story on request."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.models.failures import actions_for, long_words, short_words
from desktop_llm.gui.models.parts import empty_layout
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.widgets import Action, Button, Label
from desktop_llm.gui.widgets.flow import FlowLayout
from desktop_llm.gui.widgets.painting import RING_MARGIN

DETAILS = "details"


class FailurePart(QWidget):
    """Hidden until something fails. Signal: `action_requested` with the name of an action."""

    action_requested = Signal(str)

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

    def set_download(self, download: Download) -> None:
        """Say why it stopped; the same failure once more leaves everything as it is."""
        shown = download if download.stage == "failed" else None
        if shown == self._shown:
            return
        self._shown = shown
        self.setVisible(shown is not None)
        empty_layout(self._flow)
        self._details.hide()
        if shown is not None and shown.error is not None:
            self._error.setText(short_words(shown))
            self._error.setToolTip(long_words(shown.error))
            self._details.setText(long_words(shown.error))
            for action in self._offers(shown):
                self._flow.addWidget(self._button(action, shown.full_name))

    def _offers(self, download: Download) -> tuple[Action, ...]:
        """Details come last, where there is more to say."""
        assert download.error is not None
        offers = actions_for(download.error)
        if long_words(download.error) == short_words(download):
            return offers
        return *offers, Action(DETAILS, self.tr("Details"), "", "quiet")

    def _button(self, action: Action, name: str) -> Button:
        button = Button(action.text, action.icon, kind=action.kind, height=28, object_name=f"download_{action.name}")
        button.setAccessibleName(self.tr("{action}, {name}").format(action=action.text, name=name))
        button.setProperty("action", action.name)
        button.clicked.connect(self._on_action)
        return button

    def _on_action(self) -> None:
        action = str(self.sender().property("action"))
        if action == DETAILS:
            self._details.setVisible(self._details.isHidden())
        else:
            self.action_requested.emit(action)
