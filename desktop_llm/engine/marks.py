"""Tells the marks that a chat template writes from the same texts in a message: only the template's become tokens.

llama.cpp turns the text of a control token into that token wherever it stands, and the text of a "user defined" one
even if special tokens are not to be parsed (`tokenizer_st_partition`). A document with `<|im_end|>` in it could so end
its own message and speak as the system. Templates also trim, cut and join messages, so what becomes of a text can only
be judged in the finished prompt.

`hide` replaces each character of a message that may belong to a mark by a stand-in: a lone surrogate, which no text can
contain and templates carry along like any other character. `reveal` puts the characters back and cuts the prompt within
every mark that has one of them. The tokenizer gets the parts one by one, and none of them is a mark.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_JOINT = "\ud800"  # stands between two characters and for none
_STAND_INS = [chr(code) for code in range(0xD801, 0xE000)]
_SURROGATE = re.compile("[\ud800-\udfff]")
# A template looks for these in messages or escapes them, so they are left as they are.
_LEFT_ALONE = frozenset("\"'\\")
_BARS = frozenset("|｜")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt, and the places within it at which the tokenizer must not see both sides at once."""

    text: str
    cuts: tuple[int, ...] = ()

    def cuts_before(self, end: int) -> tuple[int, ...]:
        """The cuts in the first `end` characters."""
        return self.cuts[: bisect_left(self.cuts, end)]


class Marks:
    """The texts that a vocabulary reads as marks."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = frozenset(text for text in texts if text)
        counted: Counter[str] = Counter()
        ends = {text: _ends(text) for text in self.texts}
        for characters in ends.values():
            counted.update(characters)
        alphabet = [character for character, _ in counted.most_common(len(_STAND_INS))]
        self._stand_ins = str.maketrans(dict(zip(alphabet, _STAND_INS, strict=False)))
        self._characters = str.maketrans(dict(zip(_STAND_INS, alphabet, strict=False)))
        # Marks of white space alone, such as an end of two newlines, are cut within the message.
        known = set(alphabet)
        unmarked = [text for text in self.texts if len(text) > 1 and not known & ends[text]]
        self._unmarked = re.compile(f"(?=(?:{'|'.join(map(re.escape, unmarked))}))(.)", re.DOTALL) if unmarked else None
        self._insides = "\0".join(text[1:-1] for text in self.texts if len(text) > 2)
        self._lengths: dict[str, set[int]] = defaultdict(set)
        for text in self.texts:
            self._lengths[text[0]].add(len(text))
        self._longest = max(map(len, self.texts), default=0)
        self._beginnings = re.compile(f"[{re.escape(''.join(self._lengths))}]") if self.texts else None

    def hide(self, text: str) -> str:
        """The text for a template: with stand-ins for the characters that may belong to a mark."""
        text = _SURROGATE.sub("\ufffd", text)
        core = text.strip()
        if core and core in self._insides:  # a template may write the ends of a mark around it
            text = text.replace(core, _JOINT + core, 1)
        if self._unmarked is not None:
            text = self._unmarked.sub(rf"\1{_JOINT}", text)
        return text.translate(self._stand_ins)

    def reveal(self, rendered: str) -> Rendered:
        """The rendered prompt with the characters of messages back in their places."""
        pieces = rendered.split(_JOINT)
        hidden = "".join(pieces)
        foreign = [match.start() for match in _SURROGATE.finditer(hidden)]
        if not foreign and len(pieces) == 1:
            return Rendered(rendered)
        cuts, at = set(), 0
        for piece in pieces[:-1]:
            at += len(piece)
            cuts.add(at)
        text = _SURROGATE.sub("\ufffd", hidden.translate(self._characters))
        for start, end in self._found_in(text) if foreign else ():
            index = bisect_left(foreign, start)
            if index == len(foreign) or foreign[index] >= end:
                continue  # the template alone wrote it
            first = foreign[index]
            # A mark of the template's own may end before the first foreign character, or begin after it.
            cuts |= {start, end} if end - start == 1 else {start + 1 if first == start else first}
        return Rendered(text, tuple(sorted(cuts)))

    def outside(self, text: str, at: int) -> int:
        """The last place up to `at` that is not within a mark."""
        first = max(0, at - 2 * self._longest)  # marks may overlap
        for start, end in sorted(self._found_in(text[first : at + self._longest]), reverse=True):
            if first + start < at < first + end:
                at = first + start
        return at

    def _found_in(self, text: str) -> Iterable[tuple[int, int]]:
        """Where marks begin and end; they may overlap."""
        if self._beginnings is None:
            return
        for match in self._beginnings.finditer(text):
            start = match.start()
            for length in self._lengths[match[0]]:
                if text[start : start + length] in self.texts:
                    yield start, start + length


def _ends(mark: str) -> set[str]:
    """The characters that tell where a mark comes from: its first and last ones that no template handles itself, and
    bars, which stand for little else.
    """
    told = [character for character in mark if not character.isspace() and character not in _LEFT_ALONE]
    return {*told[:1], *told[-1:], *(_BARS & set(told))}
