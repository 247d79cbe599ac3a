"""The Hugging Face token: in the keyring if there is one, otherwise in a whole private file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keyring.backends import fail
from keyring.errors import KeyringLocked, NoKeyringError

from desktop_llm.errors import BadRequest, TransferError, UserError
from desktop_llm.models.hub import Account
from desktop_llm.models.hub.token import KeptToken, TokenStore, check_and_keep, from_environment, this_system_s_keyring
from desktop_llm.net import causes
from desktop_llm.net.causes import Failure


class FakeKeyring:
    """A keyring that works, one that is locked, or one that refuses to delete."""

    def __init__(self, *, locked: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked
        self.read_only = False

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        if self.read_only:
            raise OSError("denied")
        del self.kept[service, username]

    def _open(self) -> None:
        if self.locked:
            raise KeyringLocked


def test_a_token_is_kept_in_the_keyring_and_in_no_file(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "hf-token", FakeKeyring())

    assert store.write(" hf_abc\n") == "keyring"
    assert store.read() == "hf_abc"
    assert list(tmp_path.iterdir()) == []


def test_where_no_keyring_works_the_token_is_kept_in_a_private_file(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "hf-token", FakeKeyring(locked=True))

    assert store.write("hf_abc") == "file"
    assert store.read() == "hf_abc"
    assert (tmp_path / "hf-token").stat().st_mode & 0o777 == 0o600


def test_a_keyring_that_works_again_takes_the_token_out_of_the_file(tmp_path: Path) -> None:
    ring = FakeKeyring(locked=True)
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_old")
    ring.locked = False

    assert store.write("hf_new") == "keyring"
    assert not (tmp_path / "hf-token").exists()


def test_a_token_in_the_file_is_newer_than_that_of_a_keyring_which_was_locked(tmp_path: Path) -> None:
    ring = FakeKeyring()
    TokenStore(tmp_path / "hf-token", ring).write("hf_old")
    ring.locked = True
    TokenStore(tmp_path / "hf-token", ring).write("hf_new")
    ring.locked = False

    assert TokenStore(tmp_path / "hf-token", ring).read() == "hf_new"


def test_a_keyring_that_keeps_the_token_is_told(tmp_path: Path) -> None:
    ring = FakeKeyring()
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_abc")
    ring.read_only = True

    with pytest.raises(UserError, match="still used"):
        store.forget()


def test_a_token_in_a_locked_keyring_is_not_called_forgotten(tmp_path: Path) -> None:
    ring = FakeKeyring()
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_abc")
    assert store.read() == "hf_abc"
    ring.locked = True

    with pytest.raises(UserError, match="still stored"):
        store.forget()
    assert store.read() == "hf_abc"

    ring.locked = False
    store.forget()
    assert (store.read(), ring.kept) == (None, {})


def test_an_older_token_in_a_locked_keyring_is_told_when_that_of_the_file_is_forgotten(tmp_path: Path) -> None:
    ring = FakeKeyring()
    TokenStore(tmp_path / "hf-token", ring).write("hf_old")
    ring.locked = True
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_new")

    with pytest.raises(UserError, match="still stored"):
        store.forget()
    assert (store.read(), list(tmp_path.iterdir())) == (None, [])


def test_where_there_is_no_keyring_the_file_is_all_there_is_to_forget(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "hf-token", fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no annotations
    store.write("hf_abc")
    store.forget()

    assert (store.read(), list(tmp_path.iterdir())) == (None, [])


def test_a_forgotten_token_is_in_neither_place(tmp_path: Path) -> None:
    ring = FakeKeyring()
    (tmp_path / "hf-token").write_text("hf_file")
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_ring")
    assert store.read() == "hf_ring"
    store.forget()

    assert store.read() is None
    assert ring.kept == {}
    store.forget()


def test_the_keyring_is_asked_once_and_not_for_every_request(tmp_path: Path) -> None:
    ring = FakeKeyring()
    store = TokenStore(tmp_path / "hf-token", ring)
    store.write("hf_abc")
    assert store.read() == "hf_abc"
    ring.locked = True

    assert store.read() == "hf_abc"


@pytest.mark.parametrize("text", ["", "  ", "hf_a b", "hf_\n2", "hf_ä", "x" * 513])
def test_what_can_be_no_token_is_refused_and_the_old_one_stays(tmp_path: Path, text: str) -> None:
    store = TokenStore(tmp_path / "hf-token", FakeKeyring())
    store.write("hf_old")

    with pytest.raises(BadRequest, match="not a Hugging Face token"):
        store.write(text)

    assert store.read() == "hf_old"


def test_a_file_that_is_no_text_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "hf-token").write_bytes(b"\xff\xfe")

    assert TokenStore(tmp_path / "hf-token", FakeKeyring(locked=True)).read() is None


def test_the_environment_of_a_command_line_may_bring_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_env ")
    assert from_environment() == "hf_env"
    monkeypatch.setenv("HF_TOKEN", "")
    assert from_environment() is None
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_old")
    assert from_environment() == "hf_old"


def test_a_token_is_kept_with_whose_it_is(tmp_path: Path) -> None:
    store, account = TokenStore(tmp_path / "hf-token", FakeKeyring()), Account("a-person", may_read=True)

    assert check_and_keep(" hf_abc ", store, lambda _: account) == KeptToken("keyring", account)
    assert store.read() == "hf_abc"


def test_a_token_that_the_hub_refuses_is_not_kept_and_one_that_could_not_be_checked_is(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "hf-token", FakeKeyring())

    def raising(failure: Failure) -> Callable[[str], Account]:
        def ask(_: str) -> Account:
            raise failure.error(host="huggingface.co")

        return ask

    with pytest.raises(TransferError, match="does not accept"):
        check_and_keep("hf_wrong", store, raising(causes.TOKEN_REFUSED))
    assert store.read() is None

    kept = check_and_keep("hf_abc", store, raising(causes.OFFLINE))
    assert (kept.place, kept.account, kept.doubt and kept.doubt.cause) == ("keyring", None, "offline_switch")
    assert store.read() == "hf_abc"


def test_what_can_be_no_token_is_not_sent_to_the_hub(tmp_path: Path) -> None:
    def never(token: str) -> Account:
        raise AssertionError(token)

    with pytest.raises(BadRequest, match="not a Hugging Face token"):
        check_and_keep("hf_a b", TokenStore(tmp_path / "hf-token", FakeKeyring()), never)


@pytest.mark.parametrize(
    ("system", "wanted"),
    [("linux", "SecretService"), ("freebsd14", "SecretService"), ("darwin", "macOS"), ("win32", "Windows")],
)
def test_each_system_has_its_keyring_and_no_other_is_looked_at(
    system: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def imported(name: str) -> Any:
        asked.append(name.rpartition(".")[2])
        raise ImportError(name)

    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("desktop_llm.models.hub.token.importlib.import_module", imported)
    with pytest.raises(NoKeyringError):
        this_system_s_keyring()
    assert asked[0] == wanted
    assert set(asked) <= {wanted, "kwallet"}


def test_a_keyring_that_the_person_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    assert type(this_system_s_keyring()).__module__ == "keyring.backends.null"
