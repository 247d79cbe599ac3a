"""Automatic titles: the first words of the first message, without markup; no model is asked."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 48

_RULES = (
    (re.compile(r"```[^\n]*\n?|~~~[^\n]*\n?"), " "),  # fences; the code stays, since there may be nothing else
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),  # links and pictures keep their words
    (re.compile(r"^\s{0,3}(?:#{1,6}\s+|>+\s?|[-*+]\s+|\d+[.)]\s+)", re.MULTILINE), ""),
    (re.compile(r"<[^<>\n]{1,100}>"), " "),
    (re.compile(r"(\*\*|__|~~|`)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_])(?=\S)(.+?)(?<=\S)\1(?!\w)"), r"\2"),
)
_SENTENCE_END = re.compile(r"(?<=[^\s.!?。！？]{2})(?:[.!?]+(?=\s)|[。！？]+)")
_ENOUGH = 2000  # only so many characters are read; that is enough even for a pasted book


def title_from(text: str) -> str:
    """A title of at most 48 characters, cut between words if possible; empty if the message has no words."""
    words = _plain(text[:_ENOUGH])
    end = _SENTENCE_END.search(words)
    sentence = words[: end.end()] if end else words
    return _cut(sentence).rstrip(" .,;:。，、") if len(sentence) <= MAX_LENGTH else _cut(sentence)


def _plain(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    # Controls, lone surrogates and direction overrides would garble the list of chats.
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character
        for character in text
        if character == "\u200d" or unicodedata.category(character) != "Cf"
    )
    return " ".join("".join(kept).split())


def _cut(text: str) -> str:
    if len(text) <= MAX_LENGTH:
        return text
    room = text[: MAX_LENGTH - 1]
    at_word = room.rsplit(" ", 1)[0] if " " in room and text[MAX_LENGTH - 1] != " " else room
    short = at_word if len(at_word) >= MAX_LENGTH // 3 else room
    # A joiner at the end would wait for the other half of an emoji.
    return short.rstrip(" .,;:。，、\u200d") + "…"
