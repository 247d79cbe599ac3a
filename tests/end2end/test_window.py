"""Chatting in the window as a person does, with the real engine and the starter model."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QListView

from desktop_llm.gui.all_keys import all_keys
from tests.end2end.person import LONG, Person, until
from tests.gui.samples import nameless

CTRL = Qt.KeyboardModifier.ControlModifier


def test_an_answer_streams_in_is_stored_and_tells_its_speed(person: Person) -> None:
    person.new_chat()
    answer = person.ask("Say hello.")
    assert answer.status == "complete"
    assert answer.text
    assert "tokens/s" in person.last_text()
    stored = person.stored()
    assert [message.role for message in stored] == ["user", "assistant"]
    assert stored[-1].text == answer.text
    assert stored[-1].status == "complete"
    assert person.window.windowTitle().startswith("Say hello")
    assert person.find("model_button").accessibleName().endswith("loaded")


def test_what_a_message_costs_is_shown_while_it_is_typed_once_a_model_is_loaded(person: Person) -> None:
    person.new_chat()
    person.ask("Say hello.")
    tokens = person.find("composer_tokens")
    assert tokens.text() == ""
    person.type("one two three")
    until(lambda: tokens.text() == "3 tokens")
    person.type(" four")
    until(lambda: tokens.text() == "4 tokens")
    person.key(Qt.Key.Key_Return)
    assert tokens.text() == ""
    person.answer(set(person.transcript.message_ids()))


def test_stop_keeps_what_was_written(person: Person) -> None:
    person.new_chat(LONG)
    person.begin_long_answer()
    assert person.find("composer_send").accessibleName() == "Stop"
    person.click("composer_send")
    answer = person.answer(set())
    assert answer.text
    assert "stopped early" in answer.foot
    assert person.stored()[-1].text == answer.text
    assert person.find("composer_send").accessibleName() == "Send"


def test_a_message_sent_while_answering_waits_and_then_goes_out(person: Person) -> None:
    person.new_chat(LONG)
    person.begin_long_answer()
    person.send("And now the hills.")
    assert person.sees("composer_queued")
    person.wiring.conversations.change(sampling={"max_tokens": 8})
    person.click("composer_send")
    until(lambda: len(person.transcript.message_ids()) == 4)
    assert not person.sees("composer_queued")
    until(person.idle)
    assert [message.role for message in person.stored()] == ["user", "assistant"] * 2


def test_a_waiting_message_goes_to_the_chat_it_was_written_in(person: Person) -> None:
    first = person.new_chat(LONG)
    person.begin_long_answer()
    person.send("For the first chat.")
    person.new_chat()
    assert not person.sees("composer_queued")
    person.type("half a thought")
    person.wiring.chat.stop()
    until(lambda: len(person.stored(first)) == 4 and person.wiring.chat.answering == first)
    person.wiring.chat.stop()
    until(person.idle)
    assert person.stored(first)[2].text == "For the first chat."
    assert person.find("composer_text").toPlainText() == "half a thought"
    person.wiring.chat._drafts.put_back("")
    person.find("composer_text").clear()


def test_an_edit_makes_a_branch_and_the_switcher_goes_back(person: Person) -> None:
    person.new_chat()
    person.ask("Name a colour.")
    person.foot(0, "message_edit")
    person.find("composer_text").selectAll()
    before = set(person.transcript.message_ids())
    person.send("Name a fruit.")
    person.answer(before)
    assert next(message.text for message in person.stored()) == "Name a fruit."
    assert person.transcript.message(person.transcript.message_ids()[0]).branches == 2
    person.foot(0, "message_branch_back")
    until(lambda: "Name a colour." in person.transcript.message_text(person.transcript.message_ids()[0]))


def test_escape_leaves_an_edit_and_the_next_message_goes_below(person: Person) -> None:
    person.new_chat()
    person.ask("Name a colour.")
    person.foot(0, "message_edit")
    person.key(Qt.Key.Key_Escape)
    assert person.find("composer_text").toPlainText() == ""
    person.ask("Name a fruit.")
    assert len(person.stored()) == 4


def test_regenerate_answers_once_more_beside_the_first(person: Person) -> None:
    person.new_chat()
    person.ask("Name a colour.")
    before = set(person.transcript.message_ids())
    person.foot(-1, "message_retry")
    again = person.answer(before)
    assert (again.branch, again.branches) == (2, 2)


def test_a_chat_is_titled_renamed_pinned_found_and_deleted_with_undo(person: Person) -> None:
    person.new_chat()
    chat = person.new_chat()
    person.ask("What is a quokka?")
    until(lambda: "What is a quokka?" in person.titles())
    person.key(Qt.Key.Key_F2)
    field = person.find("chat_list_rename")
    QTest.keyClicks(field, "Animals")
    QTest.keyClick(field, Qt.Key.Key_Return)
    until(lambda: "Animals" in person.titles() and person.window.windowTitle().startswith("Animals"))
    person.wiring.window.chats.list.pin_requested.emit(chat, True)
    until(lambda: person.titles()[0] == "Animals")
    person.type_in("chat_list_search", "quokka")
    until(lambda: person.titles() == ["Animals"])
    person.find("chat_list_search").clear()
    until(lambda: len(person.titles()) > 1)
    person.wiring.window.header.delete_requested.emit()
    until(lambda: "Animals" not in person.titles() and person.chat is None)
    person.click("undo_bar_undo")
    until(lambda: "Animals" in person.titles() and person.chat == chat)


def test_export_writes_markdown(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person.new_chat()
    answer = person.ask("Say hello.")
    target = tmp_path / "chat.md"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    person.key(Qt.Key.Key_S, CTRL)
    until(target.exists)
    text = target.read_text()
    assert "Say hello." in text
    assert answer.text[:8] in text


def test_a_new_chat_starts_without_the_text_that_was_sent(person: Person) -> None:
    person.wiring.conversations.new()
    person.type("typed and kept as a draft")
    until(lambda: person.draft("") == "typed and kept as a draft")
    person.key(Qt.Key.Key_Return)
    until(lambda: person.streaming_text() or person.newest())
    person.wiring.chat.stop()
    until(person.idle)
    person.key(Qt.Key.Key_N, CTRL)
    assert person.draft("") == ""
    assert person.find("composer_text").toPlainText() == ""


def test_settings_of_a_new_chat_are_kept_with_its_ticks(person: Person) -> None:
    person.wiring.documents.create("Shelf")
    until(lambda: "Shelf" in person.wiring.documents.names)
    before = len(person.titles())
    person.wiring.conversations.new()
    person.wiring.chat.tick(("Shelf",))
    person.type("not yet sent")
    person.wiring.commands.show_settings()
    person.type_in("chat_settings_instructions", "Be short.")
    person.type_in("chat_settings_seed", "7")
    person.type_in("chat_settings_max_tokens", "5")
    QTest.keyClick(person.wiring.commands.settings_sheet, Qt.Key.Key_Escape)
    until(lambda: person.current.system_prompt and person.current.sampling.get("max_tokens"))
    current = person.current
    assert (current.system_prompt, current.sampling) == ("Be short.", {"seed": 7, "max_tokens": 5})
    assert current.collections == ("Shelf",)
    assert person.find("composer_text").toPlainText() == "not yet sent"
    until(lambda: len(person.titles()) == before + 1)
    person.find("composer_text").clear()


def test_an_answer_goes_on_while_another_chat_is_open(person: Person) -> None:
    first = person.new_chat(LONG)
    answer = person.begin_long_answer()
    person.new_chat()
    person.wiring.conversations.open(first)
    until(lambda: answer in person.transcript.message_ids())
    shown = len(person.streaming_text())
    assert shown > 20
    assert person.find("composer_send").accessibleName() == "Stop"
    until(lambda: len(person.streaming_text()) > shown or person.idle())
    person.click("composer_send")
    assert person.answer(set()).id == answer


def test_deleting_the_chat_that_is_being_answered_stops_it(person: Person) -> None:
    chat = person.new_chat(LONG)
    person.begin_long_answer()
    person.wiring.window.header.delete_requested.emit()
    until(lambda: person.idle() and person.chat is None)
    assert person.stored(chat)[-1].status == "complete"
    person.new_chat()
    assert person.ask("Say hello.").status == "complete"


def test_an_engine_that_is_killed_costs_one_sentence(person: Person) -> None:
    person.new_chat(LONG)
    answer = person.begin_long_answer()
    worker = person.wiring.resources.engine._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    until(person.idle)
    shown = person.transcript.message(answer)
    assert shown.status == "interrupted"
    assert len(shown.text) > 20
    assert "stopped unexpectedly" in person.last_text()
    assert "SIGKILL" in person.last_text()
    assert person.stored()[-1].text == shown.text
    person.wiring.conversations.change(sampling={"max_tokens": 8})
    assert person.ask("Say hello.").status == "complete"


def test_a_damaged_model_is_refused_in_words_and_the_one_before_goes_on(person: Person, tmp_path: Path) -> None:
    person.new_chat()
    person.ask("Say hello.")
    before = person.wiring.models.model
    assert before is not None
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(before.path.read_bytes())
    person.wiring.pages.models_room.local.import_files([str(damaged)])
    until(lambda: any(model.id == "damaged" for model in person.wiring.models.models))
    chosen = next(model for model in person.wiring.models.models if model.id == "damaged")
    with chosen.path.open("r+b") as file:
        file.truncate(before.size_bytes // 2)
    person.wiring.models.use("damaged")
    until(person.banner_words)
    assert "damaged" in person.banner_words() or "file" in person.banner_words()
    assert person.wiring.models.model == before
    assert person.ask("And again.").status == "complete"


def test_a_broken_file_is_not_added_and_says_why(person: Person, tmp_path: Path) -> None:
    broken = tmp_path / "letter.gguf"
    broken.write_text("Dear Sir")
    person.drop([broken], "models")
    until(lambda: person.sees("models_notice") and "letter.gguf" in person.find("models_notice").accessibleName())


def test_a_text_longer_than_the_context_says_both_numbers(person: Person) -> None:
    person.new_chat()
    person.find("composer_text").setPlainText("word " * 12000)
    person.key(Qt.Key.Key_Return)
    until(lambda: person.newest() is not None and person.idle(), 60)
    words = person.last_text()
    assert sum(character.isdigit() for character in words) >= 8, words


def test_everything_a_person_can_act_on_has_a_name(person: Person) -> None:
    for page in ("chats", "models", "documents", "settings"):
        person.wiring.show_page(page)
    assert nameless(person.window) == []
    assert isinstance(person.window.findChild(QListView, "chat_list"), QListView)
    assert person.window.findChildren(QAbstractButton)


def test_every_key_of_the_window_is_in_the_list_of_all_keys(person: Person) -> None:
    listed = {key for _, keys in all_keys() for key, _ in keys}
    assert {action.shortcut().toString() for action in person.window.actions()} <= listed
