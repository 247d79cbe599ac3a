"""Documents in the window as a person uses them: drop, read, ask, open the page, with the real workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from tests.end2end.person import Person, until
from tests.gui.samples import heard

QUESTION = "How much notice do I have to give?"


@pytest.fixture(scope="module")
def reader(shared_person: Person, documents: Path) -> Person:
    """The person, after the folder was dropped on the default collection and read."""
    shared_person.drop([documents], "collection", "My documents")
    until(lambda: "My documents" in shared_person.wiring.collections.names)
    shared_person.read("My documents")
    return shared_person


def test_a_dropped_folder_is_read_and_what_failed_is_said_in_words(reader: Person, person: Person) -> None:
    person.go("documents")
    words = person.words(person.wiring.documents_page)
    collection = person.collection("My documents")
    assert collection.documents == 4
    reasons = {Path(failed.document).name: failed.reason for failed in collection.failed}
    assert set(reasons) == {"Payroll_2023.pdf", "Empty notes.txt", "Scan.pdf"}
    assert "password" in reasons["Payroll_2023.pdf"].lower()
    assert "Payroll_2023.pdf" in words


def test_activity_has_what_could_not_be_read_and_leads_to_its_files(reader: Person, person: Person) -> None:
    person.key(Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier, "composer_text")
    page = person.find("activity_page")
    assert "Payroll_2023.pdf" in person.words(page)
    assert person.find("rail_activity").accessibleName() == "Activity", "nothing runs, and nobody waits"
    person.click("collection_files", page)
    assert person.sees("documents_page")
    assert person.sees("documents_files")


def test_sources_come_before_the_answer_and_a_citation_opens_the_page(reader: Person, person: Person) -> None:
    person.new_chat({"max_tokens": 30, "temperature": 0.0}, ("My documents",))
    person.send(QUESTION)
    until(lambda: person.transcript.message_ids() and person.transcript.message(person.last_id()).sources, 60)
    assert person.transcript.message(person.last_id()).text == ""
    until(person.newest)
    stored = person.stored()[-1]
    assert stored.sources
    assert all(citation.verified for citation in stored.citations)
    quote = (stored.citations or stored.sources)[0]
    person.transcript.citation_activated.emit(stored.id, quote)
    until(lambda: person.sees("evidence_panel"))
    panel = person.wiring.evidence_panel
    until(lambda: not panel._waiting)
    assert "Lease_2024_signed.pdf" in person.words(panel)
    until(lambda: panel._pages == 4)
    person.key(Qt.Key.Key_Escape)
    assert not person.sees("evidence_panel")


def test_the_details_of_a_search_are_shown_beside_its_answer(reader: Person, person: Person) -> None:
    person.new_chat({"max_tokens": 10, "temperature": 0.0}, ("My documents",))
    person.ask(QUESTION)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    person.key(Qt.Key.Key_E, both, "composer_text")
    until(lambda: person.sees("xray_table"))
    words = person.words(person.find("evidence_search_details"))
    assert QUESTION in words
    assert f"{person.stored()[-1].usage['prompt_tokens']:,} tokens, as the model got it" in words
    assert not person.sees("chat_list")
    person.key(Qt.Key.Key_E, both, "composer_text")
    assert person.sees("chat_list")
    person.wiring.chats.show_panel(False)


def test_what_an_answer_stands_on_is_shown_again_when_its_chat_is_opened_anew(reader: Person, person: Person) -> None:
    chat = person.new_chat({"max_tokens": 40, "temperature": 0.0}, ("My documents",))
    fresh = person.ask(QUESTION)
    person.begin_chat()
    until(lambda: not person.transcript.message_ids())
    person.wiring.conversations.open(chat)
    until(person.transcript.message_ids)
    again = person.transcript.message(fresh.id)
    assert fresh.citations or fresh.unsupported
    assert (again.text, again.unsupported) == (fresh.text, fresh.unsupported)
    assert [quote.text for quote in again.citations] == [quote.text for quote in fresh.citations]
    assert [source.place for source in again.sources] == [source.place for source in fresh.sources]


def test_nothing_relevant_is_said_and_the_model_can_be_asked_without_documents(reader: Person, person: Person) -> None:
    chat = person.new_chat(collections=("My documents",))
    answer = person.ask("Who won the football world cup in 1990?")
    assert "Nothing about this was found in My documents" in person.last_text()
    person.begin_chat()
    until(lambda: not person.transcript.message_ids())
    person.wiring.conversations.open(chat)
    until(person.transcript.message_ids)
    before = set(person.transcript.message_ids())
    assert "documents were searched" in person.last_text()
    assert [action.name for action in person.transcript.message(answer.id).actions] == ["closest", "without"]
    person.click("nothing_found_closest")
    until(lambda: person.sees("evidence_panel"))
    assert person.wiring.evidence_panel.quote is not None
    person.click("nothing_found_without")
    again = person.answer(before)
    assert again.text
    assert not again.sources
    assert "Without documents" in person.last_text()


def test_a_file_attached_to_a_chat_is_asked_there_once_it_is_read(person: Person, documents: Path) -> None:
    person.begin_chat()
    person.drop([documents / "House rules.md"], "chat")
    until(lambda: person.chat is not None)
    person.wiring.conversations.change(sampling={"max_tokens": 8})
    answer = person.ask("When is the house quiet?")
    assert answer.sources
    assert person.stored()[0].attachments == (str(documents / "House rules.md"),)
    assert not any(name.startswith("chat:") for name in person.wiring.collections.names)


def test_a_search_hit_opens_its_page(reader: Person, person: Person) -> None:
    person.go("documents")
    person.type_in("documents_search", "bicycles in the cellar")
    page = person.wiring.documents_page
    until(lambda: "House rules.md" in person.words(page._found) or page._found.isVisible())
    page.passage_activated.emit(
        person.wiring.resources.knowledge.search(["My documents"], "bicycles in the cellar", 1)[0]
    )
    until(lambda: person.sees("evidence_panel"))
    until(lambda: not person.wiring.evidence_panel._waiting)
    person.wiring.chats.show_panel(False)
    page._search.clear()


def test_reading_goes_on_after_its_worker_was_killed(reader: Person, person: Person, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"note {number}.txt").write_text(f"Note {number}. " + "The harbour lies in the north. " * 25)
    documents = person.wiring.collections
    steps = heard(documents.progressed)
    documents.add("Notes", [str(tmp_path)])
    person.go("documents")
    until(lambda: steps and steps[-1].progress.done > 1 and "Notes" in documents.names)
    assert steps[-1].progress.done < 40
    worker = person.wiring.resources.knowledge._own
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: person.sees("documents_interrupted") and person.sees("documents_notice"))
    assert "stopped unexpectedly" in person.find("documents_notice").accessibleName()
    person.click("documents_interrupted_resume")
    until(lambda: documents.is_reading("Notes"))
    person.read("Notes")
    until(lambda: person.collection("Notes").documents == 40)
    assert person.collection("Notes").state == "ready"
