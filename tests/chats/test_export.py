"""A chat leaves as Markdown that reads well without this app."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from desktop_llm.chats.export import to_markdown, write_markdown
from desktop_llm.chats.store import ChatStore
from desktop_llm.message import Citation, File, Image, Part, Text, Thinking, ToolCall, ToolResult

FIRST = Citation(1, "/home/ada/engine.pdf", 3, 0, 8, "the\nanswer", 0.5, True)
SECOND = Citation(2, "/home/ada/notes.md", None, 0, 5, "notes", 0.4, True)


def exported(store: ChatStore, answer: str, **facts: object) -> str:
    chat = store.create(title="Engines")
    asked = store.add(chat.id, None, "user", [Text("Why?"), File("/home/ada/engine.pdf")])
    answered = store.add(chat.id, asked.id, "assistant", [Text(answer)], status="streaming", model_name="SmolLM2 135M")
    store.append(answered.id, [Thinking("secret thought")])
    store.finish(answered.id, "complete", citations=[FIRST, SECOND])
    again = store.add(chat.id, answered.id, "assistant", [Text("More [1].")])
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
    store.add(chat.id, None, "user", [Text("\udfff")])
    assert to_markdown(store.conversation(chat.id), store.messages(chat.id)).encode()


def test_each_mark_leads_to_the_quote_of_its_own_sentence(store: ChatStore) -> None:
    lease = Citation(1, "/home/ada/lease.md", None, 0, 6, "notice", 0.5, True, "Leaving, line 12")
    later = Citation(1, "/home/ada/lease.md", None, 40, 44, "keys", 0.5, True, "Keys, line 20")
    chat = store.create(title="Lease")
    answer = store.add(chat.id, None, "assistant", [Text("Give notice [1]. Return the keys [1]. Give notice [1].")])
    store.finish(answer.id, "complete", citations=[lease, later, lease])
    text = to_markdown(store.conversation(chat.id), store.messages(chat.id))
    assert "Give notice [^1]. Return the keys [^2]. Give notice [^1]." in text
    assert "[^1]: lease.md, Leaving, line 12: “notice”" in text
    assert "[^2]: lease.md, Keys, line 20: “keys”" in text
    assert "[^3]" not in text


@pytest.mark.parametrize(
    "left_open",
    [
        "```python\nprint(1)",
        "~~~\ncode",
        "`````\n```\ncode",
        "- item\n\n  ```\n  code in a list",
        "> ```\n> code in a quote",
        "<!-- a comment",
        "Words <!-- a comment",
        "<details>\n<summary>More</summary>",
        "<script>\nalert(1)",
        "<?php",
        "<![CDATA[ data",
        "Look: <b",
        "[^1]: a footnote of its own",
    ],
)
def test_what_a_message_leaves_open_does_not_swallow_the_next_one(store: ChatStore, left_open: str) -> None:
    chat = store.create(title="Code")
    first = store.add(chat.id, None, "assistant", [Text(left_open)])
    second = store.add(chat.id, first.id, "user", [Text("A *question* [1].")])
    third = store.add(chat.id, second.id, "assistant", [Text("Answered [1].")])
    store.finish(third.id, "complete", citations=[FIRST])
    text = to_markdown(store.conversation(chat.id), store.messages(chat.id))
    page = MarkdownIt("commonmark").render(text)
    assert "<h2>You</h2>\n<p>A <em>question</em> [1].</p>" in page
    assert "<p>Answered [^1].</p>" in page
    assert not re.search(r"<!|<\?|<(?:details|script|summary|b)\b", page)
    assert text.count("\n[^1]:") == 1


def test_html_and_links_are_exported_as_they_are_seen(store: ChatStore) -> None:
    chat = store.create(title="Code")
    typed = "`<b>` and <https://example.org/?a=1> and <ada@example.org>, 1 < 2 \\<i>\n\n```html\n<b>[1]</b>\n```\n\n<u>"
    store.add(chat.id, None, "user", [Text(typed)])
    assert typed.replace("\n<u>", "\n\\<u>") in to_markdown(store.conversation(chat.id), store.messages(chat.id))


def test_the_parts_of_a_message_are_exported_in_their_order(store: ChatStore) -> None:
    chat = store.create(title="Weather")
    call = ToolCall("c1", "weather", '{"city": "Köln"}')
    parts: list[Part] = [Thinking("secret"), Text("Let me look."), call, Thinking("secret too"), Text("It is warm.")]
    answer = store.add(chat.id, None, "assistant", parts)
    store.add(chat.id, answer.id, "tool", [ToolResult("c1", "12 °C ``` <b>")])
    text = to_markdown(store.conversation(chat.id), store.messages(chat.id))
    assert 'Let me look.\n\nAsked the tool "weather":\n\n```\n{"city": "Köln"}\n```\n\nIt is warm.' in text
    assert "## Tool\n\nThe tool answered:\n\n````\n12 °C ``` <b>\n````" in text
    assert "secret" not in text


def test_files_and_pictures_of_a_question_are_named(store: ChatStore) -> None:
    chat = store.create()
    store.add(chat.id, None, "user", [Image("/home/ada/arch.png"), Text("What is it?"), File("/home/ada/a.pdf")])
    assert "## You\n\nAttached: arch.png, a.pdf\n\nWhat is it?" in to_markdown(
        store.conversation(chat.id), store.messages(chat.id)
    )


def test_pictures_are_copied_to_a_folder_beside_the_file(store: ChatStore, tmp_path: Path) -> None:
    kept = [tmp_path / "store" / each / "Die Brücke [1].png" for each in "ab"]
    for number, path in enumerate(kept):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"picture %d" % number)
    chat = store.create()
    gone = Image(str(tmp_path / "gone.png"))
    asked = store.add(chat.id, None, "user", [*(Image(str(path)) for path in kept), gone, Text("Which?")])
    store.add(chat.id, asked.id, "user", [Image(str(kept[0])), Text("And this?")])
    target = tmp_path / "Bridges.md"
    write_markdown(target, store.conversation(chat.id), store.messages(chat.id))
    text = target.read_text()
    links = [
        token.attrs for block in MarkdownIt().parse(text) for token in block.children or () if token.type == "image"
    ]
    copies = [target.parent / unquote(str(attributes["src"])) for attributes in links]
    assert [copy.name for copy in copies] == ["Die Brücke [1].png", "Die Brücke [1] 2.png", "Die Brücke [1].png"]
    assert [copy.read_bytes() for copy in copies[:2]] == [b"picture 0", b"picture 1"]
    assert {copy.parent.name for copy in copies} == {"Bridges pictures"}
    assert "Attached: gone.png" in text


def test_a_chat_without_pictures_is_one_file(store: ChatStore, tmp_path: Path) -> None:
    chat = store.create()
    store.add(chat.id, None, "user", [Text("Why?")])
    write_markdown(tmp_path / "Why.md", store.conversation(chat.id), store.messages(chat.id))
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".db" and "chats" not in path.name] == ["Why.md"]
