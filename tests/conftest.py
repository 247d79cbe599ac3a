"""What every test gets: folders of its own, no network but loopback, and nothing left running behind it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.leftovers import nothing_left_running

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_POINTS_ELSEWHERE = (
    *("HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HUGGINGFACE_HUB_CACHE", "JAN_DATA_FOLDER"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA"),
)
_LOOPBACK = ("127.", "::1", "localhost")


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not host.startswith(_LOOPBACK):
            raise RuntimeError(f"a test tried to reach {host}")


sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's own folders for this test alone."""
    root = tmp_path / "home"
    monkeypatch.setenv("DESKTOP_LLM_HOME", str(root))
    return root


@pytest.fixture(autouse=True)
def person_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder of the person, so that no test looks into that of whoever runs it."""
    folder = tmp_path_factory.mktemp("person")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder))
    for variable in _POINTS_ELSEWHERE:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("OLLAMA_MODELS", str(folder))  # else a folder of the system is looked at too
    return folder


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a child process or a thread behind."""
    with nothing_left_running():
        yield
