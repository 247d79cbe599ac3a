"""A chat leaves as Markdown that reads well without this app."""

from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.store import ChatStore, StoredCitation

FIRST = StoredCitation(1, "/home/ada/engine.pdf", 3, 0, 8, "the\nanswer", 0.5, True)
SECOND = StoredCitation(2, "/home/ada/notes.md", None, 0, 5, "notes", 0.4, True)


def exported(store: ChatStore, answer: str, **facts: object) -> str:
    chat = store.create(title="Engines")
    asked = store.add(chat.id, None, "user", "Why?", attachments=["/home/ada/engine.pdf"])
    answered = store.add(chat.id, asked.id, "assistant", answer, status="streaming", model_name="SmolLM2 135M")
    store.append(answered.id, thinking="secret thought")
    store.finish(answered.id, "complete", citations=[FIRST, SECOND])
    again = store.add(chat.id, answered.id, "assistant", "More [1].")
    store.finish(again.id, "interrupted", citations=[SECOND.__class__(1, "/b.txt", 1, 0, 1, "b", 0.1, True)])
    return to_markdown(store.conversation(chat.id), store.messages(chat.id))


def test_headings_answers_and_footnotes_are_written_and_thinking_is_left_out(store: ChatStore) -> None:
    text = exported(store, "So [1], and [2].")
    assert text.startswith("# Engines\n\n")
    assert "## You\n\nAttached: engine.pdf\n\nWhy?" in text
    assert "## SmolLM2 135M\n\nSo [^1], and [^2]." in text
    assert "[^1]: engine.pdf, page 3: “the answer”" in text
    assert "[^2]: notes.md: “notes”" in text
    assert "secret" not in text


def test_footnotes_are_counted_through_the_whole_file(store: ChatStore) -> None:
    text = exported(store, "So [1].")
    assert "More [^3].\n\n*The answer was interrupted here.*" in text
    assert "[^3]: b.txt, page 1: “b”" in text


def test_an_index_in_code_a_link_and_an_unknown_number_stay_as_they_are(store: ChatStore) -> None:
    answer = "`a[1]` and [1](https://example.org) and [7]\n\n```\nb[2]\n```"
    assert answer in exported(store, answer)


def test_any_text_becomes_valid_utf_8(store: ChatStore) -> None:
    chat = store.create(title="\ud800")
    store.add(chat.id, None, "user", "\udfff")
    assert to_markdown(store.conversation(chat.id), store.messages(chat.id)).encode()
