"""One window for a module's tests, on a home of its own, with the real workers and the real starter model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from desktop_llm.paths import Folders, folders
from tests.end2end.person import Person
from tests.known_machine import say_known
from tests.leftovers import nothing_left_running
from tests.sample_documents import write_samples


def pytest_configure(config: pytest.Config) -> None:
    """Filter Qt's warnings that offscreen windows have no manager to tell size limits to."""
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """Fail like the fixture for every test, but after the module: its tests share a window and its workers."""
    with nothing_left_running():
        yield


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The folders of the window that the tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESKTOP_LLM_HOME", str(tmp_path_factory.mktemp("window") / "home"))
        home = folders()
    say_known(home)
    return home


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lease, a letter, notes, and files that can't be read."""
    folder = tmp_path_factory.mktemp("papers") / "House"
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def shared_person(qapp: QApplication, shared_home: Folders, _nothing_left_running: None) -> Iterator[Person]:
    """The person whose window stays open for the module."""
    person = Person(shared_home)
    person.open()
    yield person
    person.close()


@pytest.fixture
def person(shared_person: Person) -> Iterator[Person]:
    """The person, on the Chats page, with nothing under way."""
    shared_person.go("chats")
    shared_person.activate()
    yield shared_person
    shared_person.wiring.chat.stop_all()
    shared_person.dismiss_banners()
