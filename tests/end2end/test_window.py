"""The window as a person uses it, with the real engine, the real knowledge worker and the starter model."""

from __future__ import annotations

from tests.end2end.person import Person, until


def test_an_answer_streams_in_is_stored_and_tells_its_speed(person: Person) -> None:
    person.new_chat()
    answer = person.ask("Say hello.")
    assert answer.status == "complete" and answer.text
    assert "tokens/s" in person.last_text()
    stored = person.stored()
    assert [message.role for message in stored] == ["user", "assistant"]
    assert stored[-1].text == answer.text and stored[-1].status == "complete"
