"""Gives the tests of models a library of their own that sees no other app on this computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.models.library import Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import Folders, folders


@pytest.fixture
def here(home: Path) -> Folders:
    """This app's own folders."""
    return folders(home)


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """The home folder of the person, where other apps keep their files."""
    folder = tmp_path / "person"
    folder.mkdir()
    return folder


@pytest.fixture
def places(person: Path) -> Places:
    """The places in which a library of these tests looks for other apps."""
    return Places(person, {"OLLAMA_MODELS": str(person / "ollama")})


@pytest.fixture
def library(here: Folders, places: Places) -> Library:
    """The library of these folders."""
    return Library(here, places)
