"""Conversations come back as they were stored, branch as people edit, and leave when they are told to."""

import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from desktop_llm.chats.reader import ChatReader
from desktop_llm.chats.store import ChatStore
from desktop_llm.errors import NotFound
from desktop_llm.message import Citation, File, Image, Text, Thinking, ToolCall, ToolResult

CITATION = Citation(1, "/home/ada/engine.pdf", 3, 10, 17, "a quote", 0.5, True)
HOSTILE = [
    "a\0b",
    "\ud800 alone \udfff",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301",
    "\u202eمرحبا\u202c שלום",
    "'; DROP TABLE message; --",
    "\r\n\t\u2028\x1b[31m\ufeff",
    "x" * 300_000,
    "\U0010ffff\uffff",
]


def ask_and_answer(store: ChatStore, question: str = "Why?", answer: str = "Because.") -> tuple[str, str, str]:
    chat = store.create(title="A chat")
    asked = store.add(chat.id, None, "user", [Text(question)])
    answered = store.add(chat.id, asked.id, "assistant", [Text(answer)])
    return chat.id, asked.id, answered.id


def test_a_conversation_comes_back_as_it_was_stored(path: Path) -> None:
    with ChatStore(path) as store:
        chat = store.create(
            title="Engines", collections=("My documents",), system_prompt="Be brief.", sampling={"temperature": 0.2}
        )
    with ChatStore(path) as store:
        assert store.conversations() == [chat]
        assert chat.collections == ("My documents",)
        assert chat.sampling == {"temperature": 0.2}
        assert chat.state == "idle"


def test_an_answer_is_stored_piece_by_piece_and_finished_with_its_facts(path: Path) -> None:
    with ChatStore(path) as store:
        chat, asked, _ = ask_and_answer(store)
        answer = store.add(chat, asked, "assistant", status="streaming", model_name="SmolLM2 135M", seed=7)
        store.append(answer.id, [Thinking("Let me see. ")])
        store.append(answer.id, [Text("It is ")])
        store.append(answer.id, [Text("so [1].")])
        assert store.conversation(chat).state == "answering"
        store.finish(
            answer.id,
            "complete",
            citations=[CITATION],
            sources=[CITATION, CITATION],
            finish_reason="stop",
            usage={"prompt_tokens": 12},
            timings={"ttft_s": 0.25},
        )
    with ChatReader(path) as reader:
        stored = reader.messages(chat)[-1]
        assert (stored.text, stored.thinking) == ("It is so [1].", "Let me see. ")
        assert (stored.status, stored.finish_reason) == ("complete", "stop")
        assert (stored.model_name, stored.seed) == ("SmolLM2 135M", 7)
        assert (stored.usage, stored.timings) == ({"prompt_tokens": 12}, {"ttft_s": 0.25})
        assert stored.citations == (CITATION,)
        assert stored.sources == (CITATION, CITATION)


def test_parts_given_at_the_end_replace_what_was_streamed(store: ChatStore) -> None:
    chat, asked, _ = ask_and_answer(store)
    answer = store.add(chat, asked, "assistant", [Text("It is so [9].")], status="streaming")
    store.append(answer.id, [Thinking("Hm.")])
    finished = store.finish(answer.id, "complete", parts=[Thinking("Hm."), Text("It is so.")])
    assert finished.parts == (Thinking("Hm."), Text("It is so."))


def test_the_parts_of_a_message_keep_their_order_and_pieces_of_one_kind_are_joined(path: Path) -> None:
    picture, call = Image("/home/ada/bridge.png"), ToolCall("c1", "weather", '{"city": "Köln \udcff"}')
    with ChatStore(path) as store:
        chat = store.create()
        asked = store.add(chat.id, None, "user", [Text("Look: "), picture, Text("and?"), File("/home/ada/a.pdf")])
        answer = store.add(chat.id, asked.id, "assistant", status="streaming")
        store.append(answer.id, [Thinking("First, "), Thinking("the "), Text("It is "), Thinking("or "), Text("so")])
        store.append(answer.id, [Text(". ")])
        streamed = (Thinking("First, the "), Text("It is "), Thinking("or "), Text("so. "))
        assert store.message(answer.id).parts == streamed
        store.finish(answer.id, "complete", parts=[*streamed, call])
        result = store.add(chat.id, answer.id, "tool", [ToolResult("c1", "12 °C")])
        assert [message.id for message in store.conversations("12")] == []
    with ChatReader(path) as reader:
        question, stored, told = reader.messages(chat.id)
        assert question.parts == (Text("Look: "), picture, Text("and?"), File("/home/ada/a.pdf"))
        assert (question.text, question.attachments) == ("Look: and?", ("/home/ada/a.pdf",))
        assert stored.parts == (*streamed, call)
        assert (stored.text, stored.thinking) == ("It is so. ", "First, the or ")
        assert (told.id, told.role, told.parts) == (result.id, "tool", (ToolResult("c1", "12 °C"),))


def test_a_tool_call_that_is_damaged_is_shown_with_what_is_left(store: ChatStore, path: Path) -> None:
    chat = store.create()
    store.add(chat.id, None, "assistant", [Text("See."), ToolCall("c1", "weather", "{}")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE part SET content = '{\"id\": ' WHERE kind = 'tool_call'")
        connection.commit()
    assert store.messages(chat.id)[0].parts == (Text("See."), ToolResult("", '{"id": '))


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_character_by_character(store: ChatStore, text: str) -> None:
    chat = store.create(title=text, system_prompt=text, collections=(text,), sampling={"stop": text})
    message = store.add(chat.id, None, "user", [Text(text), File(text), File("/b")], error=text, error_text=text)
    store.append(message.id, [Thinking(text), Text(text)])
    store.save_draft(chat.id, text)
    cited = Citation(1, text, None, 0, 1, text, 0.0, False)
    store.finish(message.id, "complete", citations=[cited])
    with ChatReader(store.path) as reader:
        again = reader.conversation(chat.id)
        assert (again.title, again.system_prompt, again.collections) == (text, text, (text,))
        assert again.sampling == {"stop": text}
        stored = reader.messages(chat.id)[0]
        assert (stored.text, stored.thinking) == (text + text, text)
        assert (stored.error, stored.error_text) == (text, text)
        assert stored.attachments == (text, "/b")
        assert stored.citations == (cited,)
        assert reader.draft(chat.id) == text


def test_an_edited_question_opens_a_branch_and_each_branch_can_be_shown_again(store: ChatStore) -> None:
    chat, asked, answered = ask_and_answer(store)
    edited = store.add(chat, None, "user", [Text("Why not?")])
    assert [message.id for message in store.messages(chat)] == [edited.id]
    assert (edited.branch, edited.branches) == (2, 2)
    assert store.siblings(edited.id) == (asked, edited.id)
    store.choose_branch(asked)
    shown = store.messages(chat)
    assert [message.id for message in shown] == [asked, answered]
    assert (shown[0].branch, shown[0].branches) == (1, 2)


def test_a_regenerated_answer_is_another_child_of_the_same_question(store: ChatStore) -> None:
    chat, asked, answered = ask_and_answer(store)
    again = store.add(chat, asked, "assistant", [Text("For another reason.")])
    assert store.siblings(answered) == (answered, again.id)
    assert [message.text for message in store.messages(chat)] == ["Why?", "For another reason."]


def test_the_list_is_ordered_by_use_whatever_the_clock_says(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 4e9)
    first = store.create(title="first")
    monkeypatch.setattr("time.time", lambda: 0.0)
    second = store.create(title="second")
    assert [chat.title for chat in store.conversations()] == ["second", "first"]
    store.add(first.id, None, "user", [Text("Again")])
    assert [chat.title for chat in store.conversations()] == ["first", "second"]
    store.update(second.id, pinned=True)
    assert [chat.title for chat in store.conversations()] == ["second", "first"]


def test_a_chat_in_the_trash_is_found_nowhere_and_comes_back_whole(store: ChatStore) -> None:
    chat, *_ = ask_and_answer(store, "Where is the aqueduct?")
    store.trash(chat)
    assert (store.conversations(), store.conversations("aqueduct")) == ([], [])
    assert store.conversation(chat).title == "A chat"
    store.restore(chat)
    assert [found.id for found in store.conversations()] == [chat]
    assert len(store.messages(chat)) == 2


def test_what_is_purged_leaves_no_trace_in_any_file(path: Path) -> None:
    with ChatStore(path) as store:
        chat, *_ = ask_and_answer(store, "zanzibar " * 500, "The zanzibar answer")
        store.update(chat, title="zanzibar")
        store.save_draft(chat, "zanzibar draft")
        store.save_draft(store.messages(chat)[0].id, "zanzibar edit")
        kept, *_ = ask_and_answer(store)
        store.trash(chat)
        assert store.purge() == 0
        assert store.purge(older_than_days=0) == 1
        for file in path.parent.iterdir():
            assert b"zanzibar" not in file.read_bytes()
        assert [left.id for left in store.conversations()] == [kept]
        with pytest.raises(NotFound):
            store.restore(chat)


def test_a_draft_is_kept_for_each_chat_and_for_the_one_not_yet_begun(path: Path) -> None:
    with ChatStore(path) as store:
        chat = store.create()
        store.save_draft(chat.id, "half a thou")
        store.save_draft("", "a new chat")
    with ChatStore(path) as store:
        assert (store.draft(chat.id), store.draft("")) == ("half a thou", "a new chat")
        store.save_draft("", "")
        assert store.draft("") == ""


def test_an_answer_cut_off_by_a_crash_is_interrupted_with_its_text_kept(path: Path) -> None:
    with ChatStore(path) as store:
        chat, asked, _ = ask_and_answer(store)
        answer = store.add(chat, asked, "assistant", status="streaming")
        store.append(answer.id, [Text("The first half")])
    with ChatStore(path) as store:
        assert store.recover() == 1
        assert store.recover() == 0
        stored = store.messages(chat)[-1]
        assert (stored.status, stored.text) == ("interrupted", "The first half")
        assert store.conversation(chat).state == "interrupted"
        assert [found.id for found in store.conversations("half")] == [chat]


def test_a_reader_sees_what_was_saved_and_can_change_nothing(store: ChatStore) -> None:
    with ChatReader(store.path) as reader:
        chat, *_ = ask_and_answer(store)
        assert [message.text for message in reader.messages(chat)] == ["Why?", "Because."]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM message")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps other accounts out by the folder")
def test_no_other_account_can_read_the_files(store: ChatStore, path: Path) -> None:
    ask_and_answer(store)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_what_is_not_there_is_said_so(store: ChatStore) -> None:
    chat = store.create()
    for action in (
        lambda: store.conversation("none"),
        lambda: store.messages("none"),
        lambda: store.update("none", title="x"),
        lambda: store.trash("none"),
        lambda: store.add("none", None, "user", [Text("x")]),
        lambda: store.add(chat.id, "none", "user", [Text("x")]),
        lambda: store.append("none", [Text("x")]),
        lambda: store.choose_branch("none"),
    ):
        with pytest.raises(NotFound):
            action()
    assert store.messages(chat.id) == []


def test_a_method_that_fails_has_changed_nothing(store: ChatStore) -> None:
    chat = store.create()
    with pytest.raises(sqlite3.IntegrityError):
        store.add(chat.id, None, "narrator", [Text("not a role")])
    assert store.messages(chat.id) == []
    assert store.add(chat.id, None, "user", [Text("still works")]).text == "still works"
