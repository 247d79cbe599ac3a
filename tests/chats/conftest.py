"""A chats file of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.chats.store import ChatStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


@pytest.fixture
def store(path: Path) -> Iterator[ChatStore]:
    with ChatStore(path) as store:
        yield store
