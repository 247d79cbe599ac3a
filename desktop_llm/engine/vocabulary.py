"""Text to tokens and back, with the model's own vocabulary."""

from __future__ import annotations

import ctypes
import re
from typing import Any

from desktop_llm.engine.backends import bindings

# llama.cpp's tokenizers recurse over an unbroken run; some 26,000 characters overflow the stack.
_LONGEST_RUN = 8_000
_LONG_RUN = re.compile(rf"\S{{{_LONGEST_RUN}}}|\s{{{_LONGEST_RUN}}}")
_LOOKS_LIKE_CONTROL = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z_]{2,40}\]")
_PIECE_BYTES = 256
_INVISIBLE_BREAK = "\u200b"


class Vocabulary:
    """The vocabulary of a loaded model; lives as long as the model."""

    def __init__(self, model: Any) -> None:
        self._native = bindings()
        self._vocab = self._native.llama_model_get_vocab(model)
        self.size: int = self._native.llama_vocab_n_tokens(self._vocab)
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        self.bos = self._special(self._native.llama_vocab_bos(self._vocab))
        self.eos = self._special(self._native.llama_vocab_eos(self._vocab))
        self._adds_bos = bool(self._native.llama_vocab_get_add_bos(self._vocab))
        self._defused: dict[str, str] = {}

    def prompt_tokens(self, text: str) -> list[int]:
        """The tokens of a whole prompt, with the beginning token where the model wants one and the text has none."""
        return self.tokens(text, beginning=self._adds_bos and not (self.bos and text.startswith(self.bos)))

    def tokens(self, text: str, *, beginning: bool = False) -> list[int]:
        """The tokens of a piece of prompt; control tokens written out in it count as such."""
        found: list[int] = []
        for index, part in enumerate(_short_runs(text)):
            found += self._tokenize(part, add_special=beginning and index == 0)
        return found

    def is_end(self, token: int) -> bool:
        """Whether this token ends an answer."""
        return bool(self._native.llama_vocab_is_eog(self._vocab, token))

    def is_control(self, token: int) -> bool:
        """Whether this token is one of the template's marks rather than text."""
        return bool(self._native.llama_vocab_is_control(self._vocab, token))

    def piece(self, token: int) -> bytes:
        """The bytes of one token: perhaps only a part of a character; control tokens are empty."""
        return self._piece(token, special=False)

    def defuse(self, text: str) -> str:
        """The text with an invisible break in whatever would be read as a control token.

        Without it a document could end its own message and speak as the system.
        """
        return _LOOKS_LIKE_CONTROL.sub(self._defuse_one, text)

    def _defuse_one(self, match: re.Match[str]) -> str:
        mark = match[0]
        if mark not in self._defused:
            control = any(self.is_control(token) for token in self._tokenize(mark, add_special=False))
            self._defused[mark] = mark[0] + _INVISIBLE_BREAK + mark[1:] if control else mark
        return self._defused[mark]

    def _tokenize(self, text: str, *, add_special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        count = self._native.llama_tokenize(self._vocab, data, len(data), tokens, room, add_special, True)
        return list(tokens[: max(count, 0)])

    def _piece(self, token: int, *, special: bool) -> bytes:
        count = self._native.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, special)
        if count < 0:
            self._buffer = ctypes.create_string_buffer(-count)
            return self._piece(token, special=special)
        return self._buffer.raw[:count]

    def _special(self, token: int) -> str:
        return self._piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""


def _short_runs(text: str) -> list[str]:
    """The text cut so that no part has an unbroken run the tokenizer can't take."""
    parts, start = [], 0
    for match in _LONG_RUN.finditer(text):
        parts.append(text[start : match.end()])
        start = match.end()
    return [*parts, text[start:]] if start < len(text) or not parts else parts
