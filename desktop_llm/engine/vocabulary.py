"""Converts text to tokens and back, with the model's own vocabulary."""

from __future__ import annotations

import ctypes
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise, repeat
from typing import Any

from desktop_llm.engine.marks import Marks, Rendered
from desktop_llm.engine.native import bindings
from desktop_llm.engine.picture_marks import MARK
from desktop_llm.engine.streaming import THINKING_MARKS
from desktop_llm.engine.tool_calls import TOOL_MARKS

# llama.cpp's tokenizers recurse over an unbroken run; some 26,000 characters overflow the stack.
_LONGEST_RUN = 8_000
_LONG_RUN = re.compile(rf"\S{{{_LONGEST_RUN}}}|\s{{{_LONGEST_RUN}}}")
_PIECE_BYTES = 256
# llama_token_attr
_UNKNOWN, _CONTROL, _USER_DEFINED = 1, 8, 16
_ENDS = ("eos", "eot", "fim_pad", "fim_rep", "fim_sep")
_END_OF_MESSAGE = b"tokenizer.ggml.eom_token_id"
# How tokens of different kinds of vocabularies write a space and a line end (SentencePiece; GPT-2's byte alphabet).
_WRITTEN_SPACES = str.maketrans({"▁": " ", "Ġ": " ", "Ċ": "\n"})
_HTML = re.compile(
    r"</?(?:a|b|i|u|s|p|em|strong|code|pre|sub|sup|small|h[1-6]|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tfoot|tr|th|td"
    r"|blockquote|br|hr|div|span|img)>"
)


class Vocabulary:
    """The vocabulary of a loaded model; lives as long as the model."""

    def __init__(self, model: Any) -> None:
        self._native = bindings()
        self._vocab = self._native.llama_model_get_vocab(model)
        self.size: int = self._native.llama_vocab_n_tokens(self._vocab)
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        # What `piece` and `is_end` have found, since asking llama.cpp takes longer.
        self._pieces: tuple[dict[int, bytes], dict[int, bytes]] = {}, {}
        self._ends: dict[int, bool] = {}
        self._written: dict[int, int] = {}  # the bytes of a token, marks among them
        self._bos: int = self._native.llama_vocab_bos(self._vocab)
        self.bos = self._special(self._bos)
        self.eos = self._special(self._native.llama_vocab_eos(self._vocab))
        self._adds_bos = self._bos >= 0 and bool(self._native.llama_vocab_get_add_bos(self._vocab))
        self._mark_ids = self._marks_of(model)
        self.marks = Marks(form for token in self._mark_ids for form in self._forms(token))
        self._thinking_ids = {token for token in self._mark_ids if self._special(token) in THINKING_MARKS}
        self._tool_ids = {token for token in self._mark_ids if self._special(token) in TOOL_MARKS}
        self._bytes: dict[bytes, int] | None = None
        # What stands for the picture with this mark; set if the model sees pictures.
        self.picture_tokens: Callable[[str], list[int]] | None = None

    def prompt_tokens(self, prompt: Rendered) -> list[int]:
        """The tokens of a whole prompt, with the beginning token if the model needs one and the text has none."""
        written = self.bos and prompt.text.startswith(self.bos) and not prompt.cuts_before(len(self.bos))
        return [*([self._bos] if self._adds_bos and not written else ()), *self.tokens(prompt)]

    def tokens(self, prompt: Rendered, start: int = 0) -> list[int]:
        """The tokens of a prompt from the character `start` on; the marks that it is not cut in count as such."""
        found: list[int] = []
        cuts = prompt.cuts[bisect_left(prompt.cuts, start) :]
        alone = set(cuts)
        pictures = {edge for mark in MARK.finditer(prompt.text, start) for edge in mark.span()}
        for part_start, part_end in pairwise(sorted({start, *alone, *pictures, len(prompt.text)})):
            part = prompt.text[part_start:part_end]
            if part_start in pictures and self.picture_tokens is not None and MARK.fullmatch(part):
                found += self.picture_tokens(part)
                continue
            if len(part) == 1 and part in self.marks.texts and part_start in alone:
                found += self._plain(part)
                continue
            for index, run in enumerate(self._short_runs(part)):
                found += self._tokenize(run) if part_start == start and index == 0 else self._continued(run)
        return found

    def text_tokens(self, text: str) -> list[int]:
        """The tokens of a plain text, without a beginning token; marks in it count as text."""
        return self._tokenize(text, parse_special=False)

    def continued_tokens(self, text: str) -> list[int]:
        """The tokens of a plain text that continues another one; marks in it count as text."""
        tokens = self._continued(text)
        return self.text_tokens(text) if self._mark_ids.intersection(tokens) else tokens

    @property
    def native(self) -> Any:
        """llama.cpp's own object."""
        return self._vocab

    def is_end(self, token: int) -> bool:
        """Whether this token ends an answer."""
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(self._native.llama_vocab_is_eog(self._vocab, token))
        return known

    def is_mark(self, token: int) -> bool:
        """Whether this token is one of the template's marks rather than text."""
        return token in self._mark_ids

    def piece(self, token: int, *, tools: bool = False) -> bytes:
        """The bytes of one token, which may be only part of a character. Control tokens have none, except the marks
        around thinking and, with `tools`, around calls.
        """
        known = self._pieces[tools]
        if token not in known:
            special = token in self._thinking_ids or (tools and token in self._tool_ids)
            known[token] = self._piece(token, special=special)
        return known[token]

    def lengths(self, prompt: str, tokens: Sequence[int]) -> list[int]:
        """How many bytes of a prompt each of its tokens stands for; 0 for pictures, and for a beginning token that the
        text lacks.
        """
        found = [self._length(token) for token in tokens]
        if tokens and tokens[0] == self._bos and not prompt.startswith(self.bos):
            found[0] = 0
        return found

    def _length(self, token: int) -> int:
        if token < 0:
            return 0
        known = self._written
        if token not in known:
            known[token] = len(self._piece(token, special=True))
        return known[token]

    def _marks_of(self, model: Any) -> frozenset[int]:
        """The tokens that are marks: control tokens, ends of an answer, and user-defined ones that look like marks."""
        native, found = self._native, set()
        for token, attributes in enumerate(map(native.llama_vocab_get_attr, repeat(self._vocab), range(self.size))):
            if attributes & (_CONTROL | _UNKNOWN | _USER_DEFINED) and (
                attributes & (_CONTROL | _UNKNOWN) or self.is_end(token) or _looks_like_mark(self._text(token))
            ):
                found.add(token)
        # An end of an answer may be an ordinary token, if a property of the file says so.
        found |= {getattr(native, f"llama_vocab_{name}")(self._vocab) for name in _ENDS}
        length = native.llama_model_meta_val_str(model, _END_OF_MESSAGE, self._buffer, len(self._buffer))
        if length > 0 and self._buffer.value.isdigit():
            found.add(int(self._buffer.value))
        return frozenset(token for token in found if 0 <= token < self.size)

    def _forms(self, token: int) -> set[str]:
        """The texts that become this token; a space may be written in another way, or be added by the tokenizer."""
        forms = {self._text(token), self._special(token)}
        forms |= {form.translate(_WRITTEN_SPACES) for form in forms}
        return forms | {form[1:] for form in forms if form[:1] in ("▁", " ") and form.strip()}

    def _text(self, token: int) -> str:
        text: bytes = self._native.llama_vocab_get_text(self._vocab, token) or b""
        return text.decode("utf-8", "replace")

    def _continued(self, part: str) -> list[int]:
        """The tokens of a part that follows another one, without the space that SentencePiece puts before a text."""
        tokens = self._tokenize(part)
        if self._leading_spaces(tokens) <= len(part) - len(part.lstrip(" ")):
            return tokens
        for lead in "\n\t\x01":
            with_lead, alone = self._tokenize(lead + part), self._tokenize(lead)
            if with_lead[: len(alone)] == alone:
                return with_lead[len(alone) :]
        return self._in_bytes(part)

    def _leading_spaces(self, tokens: list[int]) -> int:
        count = 0
        for token in tokens:
            piece = self._piece(token, special=True)
            count += len(piece) - len(piece.lstrip(b" "))
            if piece.strip(b" "):
                break
        return count

    def _plain(self, mark: str) -> list[int]:
        """The tokens of a mark of one character as a text, which no cut can keep from being one."""
        tokens = self._tokenize(mark, parse_special=False)
        if self._mark_ids.intersection(tokens) or self._leading_spaces(tokens):
            return self._in_bytes(mark)
        return tokens

    def _in_bytes(self, text: str) -> list[int]:
        """The tokens of the single bytes; a byte that the vocabulary has no token for is left out."""
        if self._bytes is None:
            usable = (token for token in range(self.size - 1, -1, -1) if token not in self._mark_ids)
            self._bytes = {piece: token for token in usable if len(piece := self._piece(token, special=True)) == 1}
        single = (bytes([byte]) for byte in text.encode("utf-8", "replace"))
        return [self._bytes[byte] for byte in single if byte in self._bytes]

    def _short_runs(self, text: str) -> list[str]:
        """The text cut into parts, so that none has an unbroken run too long for the tokenizer; no mark is cut."""
        parts, start = [], 0
        while (match := _LONG_RUN.search(text, start)) is not None:
            end = self.marks.outside(text, match.end())
            parts.append(text[start:end])
            start = end
        return [*parts, text[start:]] if start < len(text) or not parts else parts

    def _tokenize(self, text: str, *, parse_special: bool = True) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        count = self._native.llama_tokenize(self._vocab, data, len(data), tokens, room, False, parse_special)
        return list(tokens[: max(count, 0)])

    def _piece(self, token: int, *, special: bool) -> bytes:
        count = self._native.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, special)
        if count < 0:
            self._buffer = ctypes.create_string_buffer(-count)
            return self._piece(token, special=special)
        return self._buffer.raw[:count]

    def _special(self, token: int) -> str:
        return self._piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""


def _looks_like_mark(text: str) -> bool:
    """Whether a user-defined token is a mark: runs of one character, words and HTML are only there to save tokens."""
    core = text.translate(_WRITTEN_SPACES).strip()
    if len(set(core)) <= 1 or core.replace(" ", "").isalnum():
        return False
    return not _HTML.fullmatch(core)
