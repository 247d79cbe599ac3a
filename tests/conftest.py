"""Gives every test folders of its own and no network but loopback, and lets it leave nothing running."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.paths import folders
from tests.known_machine import say_known
from tests.leftovers import nothing_left_running

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["DESKTOP_LLM_STARTER"] = os.devnull  # the small starter is quicker, and every machine has it

# With several processes, these files begin first: each takes more than half a minute, and the last one to begin would
# keep a single processor busy at the end.
_LONGEST = ("end2end/test_network.py", "end2end/test_kills.py", "test_cli_documents.py", "end2end/")

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: next((n for n, name in enumerate(_LONGEST) if f"/{name}" in str(item.path)), 99))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app's own folders for this test alone."""
    root = tmp_path / "home"
    monkeypatch.setenv("DESKTOP_LLM_HOME", str(root))
    return root


@pytest.fixture(autouse=True)
def person_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder of the person, so that no test looks into the real one."""
    folder = tmp_path_factory.mktemp("person")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder))
    for variable in _POINTS_ELSEWHERE:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("OLLAMA_MODELS", str(folder))  # or a folder of the system is searched too
    return folder


@pytest.fixture
def known_machine(home: Path) -> None:
    """This test's own home has tested and measured the machine already."""
    say_known(folders(home))


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a child process or a thread behind."""
    with nothing_left_running():
        yield
