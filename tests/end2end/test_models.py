"""Models in the window, with the real engine and the starter: welcome, model menu, remembered and missing models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from desktop_llm.engine.room import Memory
from desktop_llm.models.fit import Setup
from desktop_llm.models.library import STARTER_SMALL
from desktop_llm.paths import asset, folders
from desktop_llm.steps import result_of
from desktop_llm.workers.process import Worker
from tests.end2end.person import LEFT, Person, until
from tests.engine.script_models import script_model
from tests.known_machine import say_known

GO = "{% for each in messages %}{{ each.content }}{% endfor %}<|go|>"


@pytest.fixture
def newcomer(qapp: QApplication, home: Path) -> Iterator[Person]:
    """A person who starts the app for the first time."""
    person = Person(folders())
    say_known(person.home)
    person.open(first_time=True)
    yield person
    person.close()


def text(person: Person, name: str) -> str:
    """The text of a label."""
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


def test_who_types_before_the_window_has_settled_keeps_the_words_and_is_not_taken_away(newcomer: Person) -> None:
    newcomer.close()
    settings = newcomer.home.settings
    settings.unlink()
    newcomer.start(first_time=True)
    until(lambda: newcomer.sees("composer_text"))
    newcomer.type("What is the capital of France?")
    until(lambda: newcomer.window.windowTitle() and newcomer.find("model_button").text() != "Choose a model")
    newcomer.wait(0.5)
    assert not newcomer.sees("first_run")
    assert newcomer.find("composer_text").toPlainText() == "What is the capital of France?"
    newcomer.close()
    newcomer.open(first_time=True)
    until(lambda: newcomer.sees("first_run"), says="whoever was not welcomed yet is welcomed at the next start")


def test_the_welcome_page_is_found_again_in_the_more_menu(person: Person) -> None:
    person.choose("Welcome page")
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
    engines = person.wiring.resources.engines
    until(lambda: [loaded.context_length for loaded in engines.loaded] == [1024])
    until(lambda: text(person, "model_in_use_state").startswith("Loaded"))
    person.reopen()
    until(lambda: person.wiring.models.load.context_length == 1024)


def test_an_answer_teaches_the_forecast(person: Person) -> None:
    person.new_chat({"max_tokens": 24, "temperature": 0.0})
    person.ask("Write a long story about the sea and a ship that sails over it to a far country.")
    resources = person.wiring.resources
    model = resources.library.get(STARTER_SMALL.id)
    header = resources.library.header(model)
    until(lambda: resources.forecaster.forecast(header, model.size_bytes, Setup(8192)).measured)


def test_an_answer_is_drawn_as_the_model_s_makers_recommend(person: Person) -> None:
    catalog = json.loads(asset("catalog.json").read_bytes())
    file, sampling = STARTER_SMALL.files[0][0], {"temperature": 0}
    model = {**catalog["models"][0], "file": file, "quantization": STARTER_SMALL.quantization, "sampling": sampling}
    newer = person.wiring.resources.folders.data / "catalog.json"
    newer.write_text(json.dumps({**catalog, "version": 30_000_101, "models": [model]}))
    answers = []
    for _ in range(2):
        person.new_chat({"max_tokens": 16})
        answers.append(person.ask("Write a long story about the sea.").text)
    newer.unlink()
    assert answers[0] == answers[1], "always the likeliest token"


def test_a_chat_whose_model_is_gone_says_so_and_goes_on_with_another(person: Person, tmp_path: Path) -> None:
    starter = person.wiring.resources.library.starter().path
    copy = tmp_path / "second.gguf"
    copy.write_bytes(starter.read_bytes())
    imported = person.wiring.resources.library.import_file(copy).model
    person.wiring.shelf.look()
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
    person.wiring.shelf.look()
    until(lambda: person.wiring.models.find(imported.id) is not None)
    person.wiring.resources.settings.change(offline=True)
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
    person.wiring.models.use(STARTER_SMALL.id)
    person.ask("Say it again.")
    assert person.chat == chat
    assert len(person.stored(chat)) == 4


def test_each_chat_has_its_model_and_both_stay_in_memory(person: Person, tmp_path: Path) -> None:
    models, spoken = person.wiring.models, {"anna": "I am Anna.", "bert": "I am Bert."}
    for name, words in spoken.items():
        add_model(person, tmp_path / f"{name}.gguf", words)
    chats, workers = {}, {}
    for name, words in spoken.items():
        chats[name] = person.new_chat()
        models.use(name)
        assert person.ask("Who are you?").text == words
        workers[name] = worker_of(person, name)
    for name, words in [*spoken.items()] * 2:
        person.wiring.conversations.open(chats[name])
        until(lambda name=name: models.model is not None and models.model.id == name)  # type: ignore[misc]
        assert person.find("model_button").accessibleName().endswith("loaded")
        assert person.ask("And who are you?").text == words
        assert worker_of(person, name) is workers[name], "it was loaded again"
    person.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    until(lambda: person.sees("model_in_use_2"))
    buttons = person.wiring.picker.menu.findChildren(QAbstractButton)
    QTest.mouseClick(next(each for each in buttons if each.accessibleName() == "Unload, anna"), LEFT)
    until(lambda: worker_of(person, "anna") is None, says="Unload did nothing")
    busy = result_of(person.wiring.resources.engines.take(models.model.path, models.load))  # type: ignore[union-attr]
    models.unload("bert")
    until(lambda: "bert is answering. It is unloaded when the answer has ended." in person.words())
    person.wiring.resources.engines.give_back(busy)
    assert worker_of(person, "bert") is None
    person.wiring.picker.menu.close_popup()


def test_a_model_without_room_waits_in_line_and_then_takes_that_of_the_idle_one(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, engines = person.wiring.models, person.wiring.resources.engines
    add_model(person, tmp_path / "clara.gguf", "I am Clara.")
    starter = person.wiring.resources.library.starter()
    busy = result_of(engines.take(starter.path, models.load_of(starter)))  # as a long answer does
    monkeypatch.setattr(engines, "_free", Memory)
    person.new_chat()
    models.use("clara")
    person.send("Who are you?")
    until(lambda: person.sees("reading_progress"))
    assert person.find("reading_progress").accessibleName().startswith("Next in line, There is no room")
    assert person.find("model_button").text() == "Waiting"
    engines.give_back(busy)
    until(lambda: "I am Clara." in person.last_text())
    assert "SmolLM2 135M was unloaded to make room for clara." in person.words()
    assert worker_of(person, starter.id) is None


def add_model(person: Person, file: Path, words: str) -> None:
    """Import a model that always says these words."""
    script_model(file, GO, ("<|go|>", words), marks=["<|go|>"], name=file.stem)
    person.wiring.pages.models_room.local.import_files([str(file)])
    until(lambda: person.wiring.models.find(file.stem) is not None)


def worker_of(person: Person, model_id: str) -> Worker | None:
    """The worker that holds a model."""
    model = person.wiring.models.find(model_id)
    engine = person.wiring.resources.engines.of(model.path) if model is not None else None
    return engine._worker if engine is not None else None
