"""What the documents say about each sentence of an answer, as the transcript shows it: marks, words, differences."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from desktop_llm.message import Check, Citation, Part, Text, Verdict, text_of
from desktop_llm.words import plural, tr

_MARK = re.compile(r"\s*\[\d{1,3}\]")
_WORD = re.compile(r"\w+(?:[.,:’']\w+)*")
_ENDING = re.compile(r"[.!…。！]+$")
_MOST_DIFFERENCES = 3


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A check and the sentence that it is about, without its marks."""

    check: Check
    text: str

    @property
    def quote(self) -> Citation | None:
        """The first quote that was compared with it."""
        return self.check.quotes[0] if self.check.quotes else None

    @property
    def differences(self) -> list[tuple[str, str]]:
        """Where the sentence has other words than its quotes: its own, and those that stand there, "" if none do."""
        said, there, blocks = compared_words(self.text, " ".join(quote.text for quote in self.check.quotes))
        return [
            (self.text[said[one][0] : said[two - 1][1]], " ".join(there[three:four]))
            for kind, one, two, three, four in blocks
            if kind != "equal" and one < two  # what the quote has besides is no difference
        ]

    @property
    def look(self) -> tuple[str, str, str]:
        """The icon, the words and the colour of its verdict."""
        if self.check.accepted:
            return "pencil", tr("Right, you said"), "text_secondary"
        if self.check.verdict == "small_differences" and len(self.differences) > _MOST_DIFFERENCES:
            return "approx", tr("In other words"), "text_secondary"
        looks: dict[Verdict, tuple[str, str, str]] = {
            "word_for_word": ("check", tr("Word for word"), "success_text"),
            "small_differences": ("approx", tr("Small differences"), "text_secondary"),
            "contradicts": ("warn", tr("Contradicts the passage"), "warning_text"),
            "not_found": ("info", tr("Not from your documents"), "warning_text"),
            "not_checked": ("info", tr("Not checked"), "text_secondary"),
        }
        return looks[self.check.verdict]

    @property
    def difference_words(self) -> str:
        """ "“30” for “thirty”", the first differences only."""
        found = [
            tr("“{said}” for “{there}”", said=said, there=there) if there else tr("“{said}” added", said=said)
            for said, there in self.differences[:_MOST_DIFFERENCES]
        ]
        return ", ".join(found)


def compared_words(
    sentence: str, quote: str
) -> tuple[list[tuple[int, int]], list[str], list[tuple[str, int, int, int, int]]]:
    """The spans of a sentence's words, the words of a quote, and which of them are equal (as `difflib` tells it)."""
    spans = [match.span() for match in _WORD.finditer(sentence)]
    there = _WORD.findall(quote)
    said = [sentence[start:end].casefold() for start, end in spans]
    matcher = difflib.SequenceMatcher(None, said, [word.casefold() for word in there], autojunk=False)
    return spans, there, list(matcher.get_opcodes())


def sentences_of(parts: Sequence[Part], checks: Sequence[Check]) -> tuple[CheckedSentence, ...]:
    """The checks of an answer with their sentences."""
    text = text_of(parts)
    return tuple(
        CheckedSentence(check, _MARK.sub("", text[check.start : check.end]).lstrip("-*+•# ")) for check in checks
    )


def with_marks(parts: Sequence[Part], checks: Sequence[Check]) -> tuple[Part, ...]:
    """The parts of an answer with a mark behind each sentence that a passage contradicts."""
    shown: list[Part] = []
    begin = 0
    for part in parts:
        if not isinstance(part, Text):
            shown.append(part)
            continue
        text, end = part.text, begin + len(part.text)
        for check in reversed(checks):
            if check.verdict == "contradicts" and begin <= check.start and check.end <= end:
                sentence = text[: check.end - begin]
                ending = _ENDING.search(sentence)
                at = ending.start() if ending else len(sentence)
                marks = "".join(f"[{quote.number}]" for quote in check.quotes)
                text = f"{text[:at]} {marks}{text[at:]}"
        shown.append(Text(text))
        begin = end
    return tuple(shown)


def quotes_of(checked: Sequence[CheckedSentence], citations: Sequence[Citation]) -> tuple[Citation, ...]:
    """The quotes behind the marks of an answer as it is shown, in the order of its text."""
    return tuple(quote for each in checked for quote in each.check.quotes) or tuple(citations)


def summary(checked: Sequence[CheckedSentence]) -> str:
    """ "2 found, 1 contradicts, 1 not from your documents"."""
    checks = [each.check for each in checked]
    found = sum(check.is_found for check in checks)
    against = sum(check.verdict == "contradicts" for check in checks)
    absent = sum(check.verdict == "not_found" for check in checks)
    unchecked = sum(check.verdict == "not_checked" for check in checks)
    words = [
        plural("%n sentence found", "%n sentences found", found) if found else "",
        plural("%n contradicts a passage", "%n contradict a passage", against) if against else "",
        plural("%n not from your documents", "%n not from your documents", absent) if absent else "",
        plural("%n not checked", "%n not checked", unchecked) if unchecked else "",
    ]
    return ", ".join(filter(None, words))
