"""The network part of the Settings page: the offline switch, where models come from, and the access token."""

from __future__ import annotations

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.setting_rows import SwitchRow
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.models.hub import DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, chosen_endpoint, given_endpoint
from desktop_llm.settings import is_endpoint
from desktop_llm.words import tr


class NetworkSettings(QWidget):
    """Signals: `offline_changed`; `endpoint_changed` with an address or ""; `token_entered` with a token, which is
    never shown; `token_removed`; `shown` each time it comes into view.
    """

    offline_changed = Signal(bool)
    endpoint_changed = Signal(str)
    token_entered = Signal(str)
    token_removed = Signal()
    shown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._used = ""
        self._offline = SwitchRow(
            tr("Offline"),
            tr("Nothing can leave this computer: no search, no download."),
            object_name="settings_offline",
        )
        self._source = Label("", "ui", wrap=True, object_name="settings_source")
        self._endpoint = _field(
            "settings_endpoint", tr("Address of a mirror"), tr("Another address, such as https://mirror.org")
        )
        self._said = Label("", "small", "text_secondary", wrap=True, object_name="settings_endpoint_said")
        self._token = _field("settings_token", tr("Hugging Face access token"), tr("Paste a token: hf_…"))
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._state = Label("", "small", "text_secondary", wrap=True, object_name="settings_token_state")
        self._keep = Button(tr("Keep"), "check", object_name="settings_token_keep")
        self._remove = Button(tr("Remove"), "trash", kind="danger", object_name="settings_token_remove")
        self._lay_out()
        self._connect()
        self._focus_token = False
        self._say("", wrong=False)
        self.set_endpoint(None)
        self.set_token(None)

    def set_offline(self, offline: bool) -> None:
        """Show the switch on or off without sending the signal."""
        self._offline.set_on(offline)

    def set_endpoint(self, endpoint: str | None) -> None:
        """Show where models come from; `endpoint` is the address set here."""
        host = plain(urlsplit(chosen_endpoint(endpoint)).netloc)
        words = tr("Models come from {host}.", host=host)
        if given_endpoint():
            words = tr(
                "Models come from {host}, as {variable} says. The address below is used if {variable} is not set.",
                host=host,
                variable=ENDPOINT_VARIABLE,
            )
        self._source.setText(words)
        self._used = endpoint or ""
        if not self._endpoint.hasFocus():
            self._endpoint.setText(self._used)

    def set_token(self, there: bool | None, words: str = "") -> None:
        """Show whether a token is kept, None while it is being looked for; `words` say more, such as where it is
        kept."""
        self._token.clear()
        self._token.setVisible(there is False)
        self._keep.setVisible(there is False)
        self._keep.setEnabled(False)
        self._remove.setVisible(there is True)
        usual = {
            None: tr("Looking for a token…"),
            True: tr("A token is kept. It is only sent to the address above."),
            False: tr("Needed only for models whose publishers ask you to accept terms first."),
        }[there]
        self._state.setText(words or usual)
        if self._focus_token and there is not None:
            self.focus_token()

    def set_busy(self, words: str) -> None:
        """Say what is being done with the token that was entered."""
        self._keep.setEnabled(False)
        self._state.setText(words)

    def focus_token(self) -> None:
        """Move the focus to the field of the token, as soon as it is known whether there is a token."""
        self._focus_token = self._token.isHidden() and self._remove.isHidden()
        (self._token if not self._token.isHidden() else self._remove).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Send `shown`."""
        super().showEvent(event)
        self.shown.emit()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._offline)
        column.addSpacing(10)
        column.addWidget(self._source)
        column.addWidget(self._endpoint)
        column.addWidget(self._said)
        column.addSpacing(10)
        column.addWidget(Label(tr("Hugging Face access token"), "ui_strong"))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._token, 1)
        row.addWidget(self._keep)
        column.addLayout(row)
        held = QHBoxLayout()
        held.setSpacing(6)
        held.addWidget(self._state, 1, Qt.AlignmentFlag.AlignVCenter)
        held.addWidget(self._remove)
        column.addLayout(held)

    def _connect(self) -> None:
        self._offline.toggled.connect(self.offline_changed)
        self._endpoint.editingFinished.connect(self._on_endpoint)
        self._token.textChanged.connect(self._on_typed)
        self._token.returnPressed.connect(self._on_keep)
        self._keep.clicked.connect(self._on_keep)
        self._remove.clicked.connect(self.token_removed)

    def _say(self, words: str, *, wrong: bool) -> None:
        self._said.setText(words)
        self._said.set_colour("danger_text" if wrong else "text_secondary")
        self._said.setVisible(bool(words))
        self._endpoint.setProperty("invalid", wrong)
        self._endpoint.style().polish(self._endpoint)

    def _on_endpoint(self) -> None:
        address = self._endpoint.text().strip().rstrip("/")
        if address and not is_endpoint(address):
            self._say(tr("An address begins with https://. Nothing was changed."), wrong=True)
            return
        address = "" if address == DEFAULT_ENDPOINT else address
        if address == self._used:
            self._say("", wrong=False)
            return
        self._say(tr("It is used after the next start of the app."), wrong=False)
        self.endpoint_changed.emit(address)

    def _on_typed(self, text: str) -> None:
        self._keep.setEnabled(bool(text.strip()))

    def _on_keep(self) -> None:
        if token := self._token.text().strip():
            self.token_entered.emit(token)


def _field(object_name: str, accessible_name: str, placeholder: str) -> QLineEdit:
    field = QLineEdit()
    set_names(field, object_name, accessible_name)
    field.setPlaceholderText(placeholder)
    return field
