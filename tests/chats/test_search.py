"""Words are found in titles and messages of any script, and nothing a person types breaks the search."""

import string

import pytest

from desktop_llm.chats import search
from desktop_llm.chats.store import ChatStore
from desktop_llm.message import Text


def keep(store: ChatStore, text: str, title: str = "A chat") -> str:
    chat = store.create(title=title)
    store.add(chat.id, None, "user", [Text(text)])
    return chat.id


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The Roman aqueduct at Segovia", "aque segov"),
        ("Ein Überblick über Brücken", "uberblick brucke"),
        ("a cafe\u0301 in Paris", "café"),
        ("これは日本語の文章です", "文章"),
        ("我们讨论了量子计算的未来", "量子计算"),
        ("안녕하세요 세계", "안녕"),
        ("ภาษาไทยไม่มีช่องว่าง", "ไทย"),
        ("Привет, мир", "привет"),
        ("call snake_case_name() twice", "snake_case"),
        ("full width ＡＢＣ", "abc"),
    ],
)
def test_a_message_is_found_by_the_beginning_of_its_words(store: ChatStore, text: str, query: str) -> None:
    chat = keep(store, text)
    keep(store, "something else")
    assert [found.id for found in store.conversations(query)] == [chat]


def test_titles_are_searched_too(store: ChatStore) -> None:
    in_text = keep(store, "about bridges")
    in_title = keep(store, "nothing", title="Bridges")
    assert {found.id for found in store.conversations("bridge")} == {in_title, in_text}


def test_a_new_title_is_found_and_the_old_one_no_longer(store: ChatStore) -> None:
    chat = keep(store, "nothing", title="Bridges")
    store.update(chat, title="Tunnels")
    assert store.conversations("bridges") == []
    assert [found.title for found in store.conversations("tunnels")] == ["Tunnels"]


def test_a_chat_is_found_by_an_emoji_in_its_title(store: ChatStore) -> None:
    chat = keep(store, "nothing", title="Holidays 🎉")
    keep(store, "nothing")
    assert [found.id for found in store.conversations("🎉")] == [chat]


def test_nothing_that_can_be_typed_breaks_the_search(store: ChatStore) -> None:
    keep(store, 'NEAR AND OR NOT "quoted" a*b col:umn (x) ^y -z')
    typed = [*string.punctuation, "\0", "\ud800", '"', '""', "a AND", "NOT", "NEAR(a b", "text:", "*", "a" * 99_999]
    typed += [f"{first}a{second}" for first in string.punctuation for second in string.punctuation]
    for query in typed:
        store.conversations(query)
    assert store.conversations("near and or not")
    assert store.conversations("col:umn")


def test_a_query_without_words_is_no_query() -> None:
    assert search.match_expression(' "" -- \0 ') == ""
