"""Chatting in the window as a person does, with the real engine and the starter model."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QListView

from desktop_llm.chats.store import ChatStore
from desktop_llm.gui.frame.keys import all_keys
from desktop_llm.message import Text, Thinking
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


def test_a_new_chat_that_waits_leaves_the_draft_of_the_next_new_chat_alone(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering = person.new_chat(LONG)
    person.begin_long_answer()
    attachments = person.wiring.attachments
    monkeypatch.setattr(attachments, "is_reading", lambda chat: chat.id is None)  # the files of a new chat
    person.begin_chat()
    person.send("Which hills?")
    assert person.sees("composer_queued")
    person.begin_chat()
    person.type("Half a thought")
    until(lambda: person.draft("") == "Half a thought")
    person.wiring.conversations.open(answering)
    until(lambda: person.chat == answering and person.transcript.message_ids())
    person.click("composer_send")
    monkeypatch.undo()
    attachments.settled.emit()
    until(lambda: "Which hills?" in person.titles())
    person.begin_chat()
    until(lambda: person.find("composer_text").toPlainText() == "Half a thought")
    person.wiring.chat.stop_all()
    person.find("composer_text").clear()
    until(lambda: person.draft("") == "")


def test_a_waiting_message_goes_to_the_chat_it_was_written_in(person: Person) -> None:
    first = person.new_chat(LONG)
    person.begin_long_answer()
    person.send("For the first chat.")
    person.new_chat()
    assert not person.sees("composer_queued")
    person.type("half a thought")
    person.wiring.chat.stop_all()
    until(lambda: len(person.stored(first)) == 4 and first in person.wiring.chat.answering.chats)
    person.wiring.chat.stop_all()
    until(person.idle)
    assert person.stored(first)[2].text == "For the first chat."
    assert person.find("composer_text").toPlainText() == "half a thought"
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


def test_escape_leaves_an_edit_and_the_draft_comes_back(person: Person) -> None:
    person.new_chat()
    person.ask("Name a colour.")
    person.type("half a thought")
    person.foot(0, "message_edit")
    assert person.sees("composer_editing")
    assert person.find("composer_text").toPlainText() == "Name a colour."
    person.key(Qt.Key.Key_Escape)
    assert not person.sees("composer_editing")
    assert person.find("composer_text").toPlainText() == "half a thought"
    person.find("composer_text").clear()
    person.ask("Name a fruit.")
    assert len(person.stored()) == 4


def test_an_edit_is_still_an_edit_after_another_chat_was_open_and_after_a_restart(person: Person) -> None:
    chat = person.new_chat()
    person.ask("Name a colour.")
    person.type("half a thought")
    person.foot(0, "message_edit")
    person.type(" A dark one.")
    other = person.new_chat()
    assert not person.sees("composer_editing")
    assert person.find("composer_text").toPlainText() == ""
    assert other != chat
    person.wiring.conversations.open(chat)
    until(lambda: person.sees("composer_editing"))
    person.reopen()
    person.activate()
    until(lambda: person.sees("composer_editing"))
    assert person.find("composer_text").toPlainText() == "Name a colour. A dark one."
    before = set(person.transcript.message_ids())
    person.key(Qt.Key.Key_Return)
    person.answer(before)
    assert person.transcript.message(person.transcript.message_ids()[0]).branches == 2
    assert person.stored()[0].text == "Name a colour. A dark one."
    assert person.find("composer_text").toPlainText() == "half a thought"
    person.find("composer_text").clear()


def test_an_edit_that_waits_is_an_edit_again_when_it_is_taken_back(person: Person) -> None:
    person.new_chat(LONG)
    person.begin_long_answer()
    person.type("half a thought")
    person.foot(0, "message_edit")
    person.find("composer_text").selectAll()
    person.send("Another story.")
    assert person.sees("composer_queued")
    assert person.find("composer_text").toPlainText() == "half a thought"
    person.click("composer_queued_remove")
    until(lambda: person.sees("composer_editing"))
    assert person.find("composer_text").toPlainText() == "Another story."
    person.wiring.chat.stop()
    until(person.idle)
    person.reopen()
    until(lambda: person.sees("composer_editing"))
    person.activate()
    assert person.find("composer_text").toPlainText() == "Another story."
    person.key(Qt.Key.Key_Escape)
    assert person.find("composer_text").toPlainText() == "half a thought"
    person.find("composer_text").clear()


def test_an_edit_that_waited_at_the_end_is_an_edit_afterwards(person: Person) -> None:
    person.new_chat(LONG)
    person.begin_long_answer()
    person.foot(0, "message_edit")
    person.find("composer_text").selectAll()
    person.send("Another story.")
    person.reopen()
    until(lambda: person.sees("composer_editing"))
    assert person.find("composer_text").toPlainText() == "Another story."
    person.activate()
    person.key(Qt.Key.Key_Escape)
    assert not person.find("composer_text").toPlainText()


def test_a_question_in_another_chat_is_stored_at_once_and_answered_after_the_first(person: Person) -> None:
    first = person.new_chat(LONG)
    person.begin_long_answer()
    second = person.new_chat()
    person.send("Say hello.")
    until(lambda: person.wiring.chat.answering.chats == {first, second})
    until(lambda: len(person.transcript.message_ids()) == 2)
    assert not person.sees("composer_queued")
    assert person.stored(second)[0].text == "Say hello."
    person.wiring.conversations.open(first)
    until(lambda: person.chat == first and len(person.transcript.message_ids()) == 2)
    person.click("composer_send")
    until(person.idle)
    assert person.stored(first)[-1].finish_reason == "cancelled"
    assert person.stored(second)[-1].text


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
    person.wiring.chats.list.pin_requested.emit(chat, True)
    until(lambda: person.titles()[0] == "Animals")
    person.type_in("chat_list_search", "quokka")
    until(lambda: person.titles() == ["Animals"])
    person.find("chat_list_search").clear()
    until(lambda: len(person.titles()) > 1)
    person.choose("Delete chat")
    until(lambda: "Animals" not in person.titles() and person.chat is None)
    person.click("undo_bar_undo")
    until(lambda: "Animals" in person.titles() and person.chat == chat)


def test_export_writes_markdown(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person.new_chat()
    answer = person.ask("Say hello.")
    target = tmp_path / "chat.md"
    asked: list[QFileDialog.Option] = []

    def chosen(*_: object, options: QFileDialog.Option) -> tuple[str, str]:
        asked.append(options)
        return str(target), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", chosen)
    person.key(Qt.Key.Key_S, CTRL)
    until(target.exists)
    text = target.read_text()
    assert "Say hello." in text
    assert answer.text[:8] in text
    target.write_text("Something else.")
    person.key(Qt.Key.Key_S, CTRL)
    person.click("replace_file_cancel")
    assert target.read_text() == "Something else."
    person.key(Qt.Key.Key_S, CTRL)
    person.click("replace_file_confirm")
    until(lambda: target.read_text() == text)
    assert set(asked) == {QFileDialog.Option.DontConfirmOverwrite}, "Qt's own question shows a name as HTML"


def test_a_new_chat_starts_without_the_text_that_was_sent(person: Person) -> None:
    person.begin_chat()
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
    person.wiring.collections.create("Shelf")
    until(lambda: "Shelf" in person.wiring.collections.names)
    before = len(person.titles())
    person.begin_chat()
    person.wiring.chat.tick(("Shelf",))
    person.type("not yet sent")
    person.wiring.chat_settings.show()
    person.type_in("chat_settings_instructions", "Be short.")
    person.find("chat_settings_level").setCurrentIndex(1)
    person.type_in("setting_seed", "7")
    person.type_in("setting_max_tokens", "5")
    QTest.keyClick(person.wiring.chat_settings.panel, Qt.Key.Key_Escape)
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
    person.choose("Delete chat")
    until(lambda: person.idle() and person.chat is None)
    assert person.stored(chat)[-1].status == "complete"
    person.new_chat()
    assert person.ask("Say hello.").status == "complete"


def test_a_message_that_waited_in_a_deleted_chat_comes_back_with_it(person: Person) -> None:
    chat = person.new_chat(LONG)
    person.begin_long_answer()
    person.send("And then?")
    assert person.sees("composer_queued")
    person.choose("Delete chat")
    until(lambda: person.idle() and person.chat is None)
    assert not person.find("composer_text").toPlainText()
    person.wiring.conversations.undo()
    until(lambda: person.chat == chat and person.find("composer_text").toPlainText() == "And then?")
    person.find("composer_text").clear()
    until(lambda: person.draft(chat) == "")


def test_an_engine_that_is_killed_costs_one_sentence(person: Person) -> None:
    person.new_chat(LONG)
    answer = person.begin_long_answer()
    engine = person.wiring.models.engine
    assert engine is not None
    assert engine._worker is not None
    os.kill(engine._worker.pid, signal.SIGKILL)
    until(person.idle)
    shown = person.transcript.message(answer)
    assert shown.status == "interrupted"
    assert len(shown.text) > 20
    assert "stopped unexpectedly" in person.last_text()
    assert "the system or a person ended it" in person.last_text()
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


def test_a_text_longer_than_the_context_says_both_numbers_and_is_not_sent(person: Person) -> None:
    person.new_chat()
    person.ask("Say hello.")
    text = "word " * 12000
    person.find("composer_text").setPlainText(text)
    until(lambda: person.sees("composer_warning"))
    assert sum(character.isdigit() for character in person.find("composer_warning").text()) >= 8
    person.key(Qt.Key.Key_Return)
    until(lambda: person.banner_words() and person.idle())
    assert sum(character.isdigit() for character in person.banner_words()) >= 8, person.banner_words()
    assert person.find("composer_text").toPlainText() == text.strip()
    assert len(person.stored()) == 2, "nothing was stored or sent"
    person.find("composer_text").clear()


def test_an_answer_that_was_all_thinking_is_tried_again_with_short(person: Person) -> None:
    chat = person.new_chat()
    with contextlib.closing(ChatStore(person.home.chats_db)) as store:
        asked = store.add(chat, None, "user", [Text("Say hello.")])
        thought = store.add(chat, asked.id, "assistant", [Thinking("Hm, hello. " * 20)], status="streaming")
        store.finish(thought.id, "complete", finish_reason="length")
    person.new_chat()
    person.wiring.conversations.open(chat)
    until(lambda: thought.id in person.transcript.message_ids())
    assert "The model kept thinking until there was no room left." in person.words()
    before = set(person.transcript.message_ids())
    buttons = [each for each in person.window.findChildren(QAbstractButton) if each.isVisible()]
    QTest.mouseClick(next(each for each in buttons if each.text() == "Try again with Short"), Qt.MouseButton.LeftButton)
    answer = person.answer(before)
    assert answer.text
    assert person.current.sampling["thinking"] == "short"
    stored = person.stored()
    assert [message.role for message in stored] == ["user", "assistant"]
    assert (stored[-1].parent_id, stored[-1].branches) == (asked.id, 2), "the thinking is kept as another branch"


def test_what_will_be_left_out_is_told_while_the_message_is_typed(person: Person) -> None:
    chat = person.new_chat()
    with contextlib.closing(ChatStore(person.home.chats_db)) as store:
        parent = None
        for number in range(6):
            parent = store.add(chat, parent, "user", [Text(f"Question {number}. " + "word " * 1500)]).id
            parent = store.add(chat, parent, "assistant", [Text("Yes.")]).id
    person.new_chat()
    person.ask("Say hello.")
    person.wiring.conversations.open(chat)
    until(lambda: len(person.transcript.message_ids()) == 12)
    person.type("And now?")
    until(lambda: person.sees("composer_warning"))
    words = person.find("composer_warning").text()
    assert words.startswith("This chat is longer than the model can keep in mind. The first")
    assert words.endswith("messages will be left out; they stay saved.")
    person.find("composer_text").clear()
    until(lambda: not person.sees("composer_warning"))


def test_everything_a_person_can_act_on_has_a_name(person: Person) -> None:
    for page in ("chats", "models", "documents", "settings"):
        person.wiring.show_page(page)
    assert nameless(person.window) == []
    assert isinstance(person.window.findChild(QListView, "chat_list"), QListView)
    assert person.window.findChildren(QAbstractButton)


def test_every_key_of_the_window_is_in_the_list_of_all_keys(person: Person) -> None:
    listed = {key for _, keys in all_keys() for key, _ in keys}
    assert {action.shortcut().toString() for action in person.window.actions()} <= listed


def test_an_answer_is_gone_on_with_from_another_word_and_both_are_there_after_a_restart(person: Person) -> None:
    chat = person.new_chat({"max_tokens": 14, "temperature": 0.0})
    first = person.ask("Say hello.")
    person.click("answer_word_choices")
    until(lambda: person.sees("word_choices_notice"))
    assert "Word choices were not kept for this answer." in person.last_text()
    QTest.mouseClick(
        next(each for each in person.find("word_choices_notice").findChildren(QAbstractButton)),
        Qt.MouseButton.LeftButton,
    )
    words = person.transcript.words
    until(lambda: len(words.words(first.id)) > 4)
    person.transcript.setFocus()
    person.key(Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier, "transcript")
    for _ in range(3):
        QTest.keyClick(person.find("word_card"), Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    _, number = words.place
    tokens = person.transcript.message(first.id).choices.tokens
    other = next(n for n, choice in enumerate(tokens[number].likeliest) if choice.id != tokens[number].id)
    QTest.keyClick(person.find("word_card"), Qt.Key(Qt.Key.Key_1 + other))
    until(lambda: person.last_id() != first.id)
    until(person.idle)
    begun = "".join(token.text for token in tokens[:number]) + tokens[number].likeliest[other].text
    assert not person.sees("word_card")
    until(lambda: "Continued from" in person.last_text())
    assert person.stored(chat)[-1].text.startswith(begun.strip())
    until(lambda: len(words.words(person.last_id())) > 4, says="the new answer shows its words by itself")
    person.reopen()  # it opens the last chat by itself
    until(lambda: len(person.transcript.message_ids()) == 2)
    assert person.transcript.message(person.last_id()).branches == 2
    person.click("answer_word_choices")
    until(lambda: len(person.transcript.words.words(person.last_id())) > 4)
