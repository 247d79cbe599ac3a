"""The network part of the Settings page, as a person uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked, NoKeyringError
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from desktop_llm.gui.settings.network import NetworkSettings
from desktop_llm.gui.settings.page import ModelFolders
from desktop_llm.gui.settings.token_keeper import TokenKeeper, words_of
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.models.hub import Account
from desktop_llm.models.hub.token import KeptToken, TokenStore
from desktop_llm.net import causes
from tests.gui.samples import find, heard, nameless

TOKEN = "hf_abcdefghijklmnop"


class NoKeyring:
    """A system with no keyring or with a locked one; with `token`, a keyring that can be read but not changed."""

    def __init__(self) -> None:
        self.error: Exception = NoKeyringError()
        self.token: str | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.token is not None:
            return self.token
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error

    def delete_password(self, service: str, username: str) -> None:
        raise self.error


def account_of(token: str) -> Account:
    """A hub that knows one token."""
    if token != TOKEN:
        raise causes.TOKEN_REFUSED.error(host="huggingface.co")
    return Account("a-person", may_read=True)


@pytest.fixture
def section(qtbot: QtBot) -> NetworkSettings:
    section = NetworkSettings()
    qtbot.addWidget(section)
    section.show()
    return section


@pytest.fixture
def keyring() -> NoKeyring:
    return NoKeyring()


@pytest.fixture
def store(tmp_path: Path, keyring: NoKeyring) -> TokenStore:
    return TokenStore(tmp_path / "token", keyring)


@pytest.fixture
def controller(section: NetworkSettings, store: TokenStore, qtbot: QtBot) -> Iterator[TokenKeeper]:
    tasks = Tasks()
    controller = TokenKeeper(store, account_of, tasks, section)
    qtbot.waitUntil(lambda: "Looking" not in find(section, "settings_token_state").text())
    yield controller
    tasks.close()


def test_the_offline_switch_is_told(qtbot: QtBot, section: NetworkSettings) -> None:
    told = heard(section.offline_changed)
    qtbot.mouseClick(find(section, "settings_offline"), Qt.MouseButton.LeftButton)
    section.set_offline(False)
    assert told == [True]


def test_it_says_where_models_come_from(section: NetworkSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find(section, "settings_source")
    assert source.text() == "Models come from huggingface.co."
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    section.set_endpoint(None)
    assert source.text().startswith("Models come from mirror.example, as HF_ENDPOINT says.")
    section.set_endpoint("https://own.example/hub")
    assert source.text().startswith("Models come from mirror.example, as HF_ENDPOINT says.")
    monkeypatch.delenv("HF_ENDPOINT")
    section.set_endpoint("https://own.example/hub")
    assert source.text() == "Models come from own.example."


def test_a_mirror_is_taken_and_a_wrong_address_is_not(qtbot: QtBot, section: NetworkSettings) -> None:
    told = heard(section.endpoint_changed)
    field = find(section, "settings_endpoint")
    qtbot.keyClicks(field, "http://mirror.example")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told == []
    assert "https://" in find(section, "settings_endpoint_said").text()
    field.clear()
    qtbot.keyClicks(field, "https://mirror.example/")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told == ["https://mirror.example"]
    assert "next start" in find(section, "settings_endpoint_said").text()


def test_a_token_is_kept_and_never_shown_again(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, controller: TokenKeeper
) -> None:
    field = find(section, "settings_token")
    assert field.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClicks(field, TOKEN)
    with qtbot.waitSignal(controller.changed):
        qtbot.mouseClick(find(section, "settings_token_keep"), Qt.MouseButton.LeftButton)
    assert store.read() == TOKEN
    assert not field.isVisible()
    assert field.text() == ""
    said = find(section, "settings_token_state").text()
    assert said.startswith("This is the token of a-person, and it may read models.")
    assert "a file that only you can read" in said


def test_a_token_that_the_hub_does_not_accept_is_not_kept(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, controller: TokenKeeper
) -> None:
    qtbot.keyClicks(find(section, "settings_token"), "hf_wrong")
    qtbot.mouseClick(find(section, "settings_token_keep"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "does not accept" in find(section, "settings_token_state").text())
    assert store.read() is None
    assert find(section, "settings_token").isVisible()


def test_a_kept_token_says_what_it_is_good_for() -> None:
    offline = causes.OFFLINE.error(host="huggingface.co")
    assert "could not be checked: Offline is on" in words_of(KeptToken("keyring", None, offline))
    assert "It may not read models" in words_of(KeptToken("keyring", Account("a-person", may_read=False)))


def test_a_token_can_be_removed(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, controller: TokenKeeper
) -> None:
    store.write(TOKEN)
    section.set_token(True)
    with qtbot.waitSignal(controller.changed):
        qtbot.mouseClick(find(section, "settings_token_remove"), Qt.MouseButton.LeftButton)
    assert store.read() is None
    assert find(section, "settings_token").isVisible()


def test_a_locked_keyring_is_told_where_a_token_is_looked_for(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, keyring: NoKeyring
) -> None:
    keyring.error, tasks = KeyringLocked(), Tasks()
    keeper = TokenKeeper(store, account_of, tasks, section)
    qtbot.waitUntil(lambda: "keyring of this system is locked" in find(section, "settings_token_state").text())
    assert keeper.parent() is section
    assert find(section, "settings_token").isVisible()
    tasks.close()


def test_a_token_that_a_locked_keyring_keeps_is_not_said_to_be_removed(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, keyring: NoKeyring
) -> None:
    keyring.token, tasks = TOKEN, Tasks()
    keeper = TokenKeeper(store, account_of, tasks, section)
    qtbot.waitUntil(lambda: "A token is kept" in find(section, "settings_token_state").text())
    keyring.error, keyring.token = KeyringLocked(), None
    qtbot.mouseClick(find(section, "settings_token_remove"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "still stored" in find(section, "settings_token_state").text())
    assert keeper.parent() is section
    assert find(section, "settings_token_remove").isVisible()
    tasks.close()


def test_what_can_be_no_token_is_refused_in_words(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, controller: TokenKeeper
) -> None:
    qtbot.keyClicks(find(section, "settings_token"), "two words")
    qtbot.keyClick(find(section, "settings_token"), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "not a Hugging Face token" in find(section, "settings_token_state").text())
    assert store.read() is None


def test_a_failure_hides_no_token_that_is_kept(
    qtbot: QtBot, section: NetworkSettings, store: TokenStore, controller: TokenKeeper
) -> None:
    store.write(TOKEN)
    section.token_entered.emit("two words")
    qtbot.waitUntil(lambda: "not a Hugging Face token" in find(section, "settings_token_state").text())
    assert find(section, "settings_token_remove").isVisible()


def test_folders_with_models_come_and_go(qtbot: QtBot) -> None:
    folders = ModelFolders()
    qtbot.addWidget(folders)
    folders.show()
    told = heard(folders.changed)
    folders.add("/models/one")
    folders.add("/models/two")
    folders.add("/models/two")
    qtbot.mouseClick(find(folders, "settings_model_folder_1_remove"), Qt.MouseButton.LeftButton)
    assert told == [("/models/one",), ("/models/one", "/models/two"), ("/models/two",)]
    assert not nameless(folders)


def test_everything_has_a_name(section: NetworkSettings) -> None:
    section.set_token(True)
    assert not nameless(section)
