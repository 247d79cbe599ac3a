"""The window, the disk or another process ends at a bad moment, and nothing that was written is lost."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop_llm.chats.store import ChatStore
from tests.end2end.person import LONG, Person, until
from tests.faulty_disk import full_disk

CLOSES_WITHIN_S = 5.0


def command(person: Person, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line beside the window."""
    environment = {**os.environ, "DESKTOP_LLM_HOME": str(person.home.data.parent)}
    line = [sys.executable, "-m", "desktop_llm", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)


def outcome(process: subprocess.Popen[str], limit_s: float = 60) -> str:
    """Run the window until the command has ended well; returns its output."""
    until(lambda: process.poll() is not None, limit_s, "the command did not end")
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return out


def test_draft_theme_size_and_open_chat_come_back(person: Person) -> None:
    chat = person.new_chat()
    person.ask("Say hello.")
    person.type("half a thought")
    person.wiring.resources.settings.change(theme="dark")
    person.window.resize(760, 620)
    person.reopen()
    until(lambda: person.chat == chat and len(person.transcript.message_ids()) == 2)
    until(lambda: person.find("composer_text").toPlainText() == "half a thought")
    assert (person.window.width(), person.window.height()) == (760, 620)
    assert person.wiring.resources.settings.current.theme == "dark"
    person.wiring.resources.settings.change(theme="light")
    person.window.resize(1280, 800)
    person.find("composer_text").clear()


def test_words_typed_before_the_last_chat_is_open_again_are_kept(person: Person) -> None:
    chat = person.new_chat()
    person.ask("Say hello.")
    person.close()
    person.start()
    until(lambda: person.sees("composer_text"))
    person.type("Early words")
    until(lambda: person.app.wiring is not None and person.chat == chat)
    until(lambda: len(person.transcript.message_ids()) == 2)
    person.wait(0.5)
    assert person.find("composer_text").toPlainText() == "Early words"
    person.find("composer_text").clear()
    until(lambda: person.draft(chat) == "")


def test_a_window_closed_while_answering_keeps_the_text_and_ends_soon(person: Person) -> None:
    chat = person.new_chat(LONG)
    person.begin_long_answer()
    shown = person.streaming_text()
    begun = time.monotonic()
    person.close()
    assert time.monotonic() - begun < CLOSES_WITHIN_S
    stored = person.stored(chat)[-1]
    assert stored.status == "interrupted"
    assert stored.text.startswith(shown)
    person.open()
    until(lambda: person.chat == chat and person.transcript.message_ids())
    assert "The app was closed while this was being written." in person.last_text()


def test_a_message_that_waited_at_the_end_is_a_draft_afterwards(person: Person) -> None:
    person.new_chat(LONG)
    person.begin_long_answer()
    person.send("Not sent yet.")
    person.reopen()
    until(lambda: person.find("composer_text").toPlainText() == "Not sent yet.")
    person.find("composer_text").clear()


def test_a_full_disk_keeps_the_answer_on_the_screen_until_it_can_be_saved(person: Person) -> None:
    person.new_chat({"max_tokens": 40, "temperature": 0.0})
    answer = person.begin_long_answer()
    with full_disk():
        until(lambda: person.idle() and person.banner_words())
    text = person.transcript.message(answer).text
    assert len(text) > 20
    assert "full" in person.banner_words() or "refused to write" in person.banner_words()
    assert [action.name for action in person.transcript.message(answer).actions] == ["save_again"]
    for _ in "twice":  # a person who doubts a click clicks again
        person.transcript.action_requested.emit(answer, "save_again")
    until(lambda: person.stored()[-1].status == "complete")
    assert person.stored()[-1].text == text


def test_try_again_in_the_banner_saves_what_a_full_disk_refused(person: Person) -> None:
    chat = person.new_chat({"max_tokens": 20, "temperature": 0.0})
    answer = person.begin_long_answer()
    with full_disk():
        until(lambda: person.idle() and person.sees("notice_try_again"))
        person.type("Not sent yet")
        person.click("notice_try_again")
        until(lambda: "is full" in person.banner_words())
    until(lambda: person.sees("notice_try_again") or not person.banner_words())
    if person.banner_words():  # the app may have noticed by itself that there is space again
        person.click("notice_try_again")
    until(lambda: person.stored()[-1].status == "complete" and person.draft(chat) == "Not sent yet")
    assert person.stored()[-1].text == person.transcript.message(answer).text
    until(lambda: not person.banner_words())
    person.find("composer_text").clear()


def test_a_message_that_cannot_be_stored_goes_back_into_the_composer(person: Person) -> None:
    person.begin_chat()
    with full_disk():
        person.send("Please keep me.")
        until(person.banner_words)  # the disk's own banner may come first
        until(lambda: person.find("composer_text").toPlainText() == "Please keep me.")
    person.find("composer_text").clear()
    person.wait(0.6)  # it is saved when typing pauses; otherwise the next new chat has it
    until(lambda: person.draft("") == "")


def test_a_message_does_not_wait_for_a_file_that_cannot_be_attached(person: Person, documents: Path) -> None:
    person.begin_chat()
    with full_disk():
        person.wiring.attachments.add([str(documents / "House rules.md")])
        person.send("What are the rules?")
        until(lambda: person.find("composer_text").toPlainText() == "What are the rules?")
    assert not person.sees("composer_queued")
    person.find("composer_text").clear()
    person.wait(0.6)
    until(lambda: person.draft("") == "")


def test_a_second_start_raises_the_first_window(person: Person) -> None:
    person.window.showMinimized()
    until(person.window.isMinimized)
    second = command(person)
    outcome(second)
    assert not person.window.isMinimized()


def test_commands_are_served_by_the_open_window_and_show_in_it(person: Person, documents: Path) -> None:
    added = json.loads(outcome(command(person, "index", "add", "--json", "House", str(documents / "House rules.md"))))
    assert added["documents"] == 1
    until(lambda: "House" in person.wiring.collections.names)
    assert "House rules.md" in outcome(command(person, "search", "House", "bicycles in the cellar"))
    outcome(command(person, "chat", "A question from the terminal.", "--max-tokens", "4", "--save"))
    until(lambda: "A question from the terminal" in " ".join(person.titles()))


def test_files_of_a_chat_that_is_gone_for_good_are_forgotten(person: Person, documents: Path) -> None:
    person.begin_chat()
    person.drop([documents / "House rules.md"], "chat")
    until(lambda: person.chat is not None)
    chat = person.chat
    until(lambda: not person.wiring.collections.is_reading(f"chat:{chat}"))
    assert f"chat:{chat}" in person.chat_collections()
    person.choose("Delete chat")
    until(lambda: person.chat is None)
    person.reopen()
    assert f"chat:{chat}" in person.chat_collections(), "the trash still has the chat"
    person.close()
    with contextlib.closing(ChatStore(person.home.chats_db)) as store:
        store.purge(older_than_days=0)
    person.open()
    until(lambda: f"chat:{chat}" not in person.chat_collections())


def test_a_window_closed_at_once_leaves_nothing_behind(person: Person) -> None:
    person.close()
    person.open(settled=False)
    person.close()
    person.open()
    QTest.keyClick(person.window, Qt.Key.Key_Escape)
