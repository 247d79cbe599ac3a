"""Models in the window, with the real engine and the starter: welcome, model menu, what is remembered, what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from desktop_llm.models.facts import Facts
from desktop_llm.models.library import STARTER_CHAT
from desktop_llm.paths import Folders, folders
from tests.end2end.person import LEFT, Person, until

SPEEDS = {"formats": {"Q4_1": {"bytes_per_s": 8e9, "weights_per_s": 5e10, "rearranged": False}}}


@pytest.fixture(scope="module", autouse=True)
def _measured_before(shared_home: Folders) -> None:
    """This machine was measured already: that takes seconds of both cores, and other tests do it."""
    Facts(shared_home.facts_db).note_measured("speeds", SPEEDS)


@pytest.fixture
def newcomer(qapp: QApplication, home: Path) -> Iterator[Person]:
    """A person who starts the app for the first time."""
    person = Person(folders())
    Facts(person.home.facts_db).note_measured("speeds", SPEEDS)
    person.open(first_time=True)
    yield person
    person.close()


def text(person: Person, name: str) -> str:
    """What a label says."""
    label: QLabel = person.find(name)
    return label.text()


def test_the_first_start_welcomes_and_leads_to_a_chat_without_any_connection(newcomer: Person) -> None:
    until(lambda: newcomer.sees("first_run"))
    until(lambda: "SmolLM2" in text(newcomer, "first_run_ready_title"))
    until(lambda: newcomer.sees("recommended_1"))
    newcomer.click("first_run_start")
    newcomer.wiring.conversations.change(sampling={"max_tokens": 8})
    assert newcomer.ask("Say hello.").status == "complete"
    assert newcomer.wiring.resources.ledger.entries() == []
    newcomer.close()
    newcomer.open(first_time=True)
    until(lambda: newcomer.sees("composer_text"))
    assert not newcomer.sees("first_run"), "it welcomes once"


def test_the_welcome_page_is_found_again_in_the_more_menu(person: Person) -> None:
    person.window.header.welcome_requested.emit()
    assert person.sees("first_run")


def test_load_settings_are_forecast_used_and_remembered(person: Person) -> None:
    person.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    until(lambda: person.sees("load_main_memory_amount"))
    before = text(person, "load_main_memory_amount")
    field = person.find("load_context")
    field.selectAll()
    QTest.keyClicks(field, "1024")
    QTest.keyClick(field, Qt.Key.Key_Return)
    until(lambda: text(person, "load_main_memory_amount") != before, says="a smaller context needs no less memory")
    QTest.mouseClick(person.find("load_again"), LEFT)
    engine = person.wiring.resources.engine
    until(lambda: engine.loaded is not None and engine.loaded.context_length == 1024)
    until(lambda: text(person, "model_in_use_state").startswith("Loaded"))
    person.reopen()
    until(lambda: person.wiring.models.load.context_length == 1024)


def test_an_answer_teaches_the_forecast(person: Person) -> None:
    person.new_chat({"max_tokens": 24, "temperature": 0.0})
    person.ask("Write a long story about the sea and a ship that sails over it to a far country.")
    resources = person.wiring.resources
    model = resources.library.get(STARTER_CHAT.id)
    header = resources.library.header(model)
    until(lambda: resources.forecaster.forecast(header, model.size_bytes, context_length=8192).measured)


def test_a_chat_whose_model_is_gone_says_so_and_goes_on_with_another(person: Person, tmp_path: Path) -> None:
    starter = person.wiring.resources.library.starter().path
    copy = tmp_path / "second.gguf"
    copy.write_bytes(starter.read_bytes())
    imported = person.wiring.resources.library.import_file(copy).model
    person.wiring.models.refresh()
    until(lambda: person.wiring.models.find(imported.id) is not None)
    person.wiring.models.use(imported.id)
    person.new_chat()
    person.ask("Say hello.")
    person.wiring.resources.library.remove(imported.id)
    person.reopen()
    until(lambda: person.sees("missing_model"))
    banner = person.find("missing_model")
    assert "is not on this computer any more" in banner.accessibleName()
    assert "SmolLM2 135M" in banner.accessibleName()
    person.activate()
    person.ask("Say it again.")
    assert not person.sees("missing_model")


def test_a_model_whose_file_vanished_can_be_got_again_where_that_is_said(person: Person, tmp_path: Path) -> None:
    starter = person.wiring.resources.library.starter().path
    copy = tmp_path / "second.gguf"
    copy.write_bytes(starter.read_bytes())
    imported = person.wiring.resources.library.import_file(copy).model
    person.wiring.models.refresh()
    until(lambda: person.wiring.models.find(imported.id) is not None)
    person.window.settings.change(offline=True)
    imported.path.unlink()
    person.wiring.models.use(imported.id)
    until(lambda: person.sees("notice_get_again"))
    assert "is not in" in person.banner_words()
    person.click("notice_get_again")
    until(lambda: person.sees("models_search"))
    assert person.find("models_search").text()
    assert not person.sees("notice_get_again")


def test_choosing_another_model_keeps_the_conversation(person: Person) -> None:
    chat = person.new_chat()
    person.ask("Say hello.")
    person.wiring.models.use(STARTER_CHAT.id)
    person.ask("Say it again.")
    assert person.chat == chat
    assert len(person.stored(chat)) == 4
