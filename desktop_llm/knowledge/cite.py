"""Finds the passages that support an answer: checks its marks, finds the quotes, adds missing marks.

Small models write few marks or wrong ones, so each sentence of the answer is compared with the passages
(`agreement.py`). A sentence keeps a mark only if the passage that it names says the same; otherwise it gets the mark of
one that does, or none. A citation shows a span of the stored text, never the model's words. For a sentence that none
supports, the passage that says otherwise is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from desktop_llm.knowledge.agreement.evidence import Evidence
from desktop_llm.knowledge.agreement.verdict import Support
from desktop_llm.knowledge.sentences import Span, sentences, words
from desktop_llm.knowledge.shapes import Cited
from desktop_llm.message import Check, Citation, Verdict

StoredText = Callable[[str, int | None], str | None]
"""The stored text of a document's page, None if it is gone."""

# A mark or a group of marks, but not the text of a link.
_MARK = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()")
_CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_NO_STATEMENT = re.compile(r"\s*(#|\||>|[-=*_]{3,}\s*$)")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")

_FEWEST_WORDS = 3
_APART = 300  # characters between two pieces of evidence from which on each is a quote of its own


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the answer: a sentence with the passage numbers it names, or text to leave as it is (`words` 0)."""

    text: str
    marks: tuple[int, ...]
    words: int


def cite(answer: str, passages: Sequence[Citation], stored_text: StoredText) -> Cited:
    """Check an answer against the passages that the model was given; each mark of the result has a citation."""
    columns = [passage.context.partition("\n")[2] for passage in passages]
    evidence = Evidence([passage.text for passage in passages], columns)
    text = ""
    citations: list[Citation] = []
    checks: list[Check] = []
    for piece in _pieces(answer):
        quotes = _quotes(piece, passages, evidence) if piece.words else []
        found = [_citation(quote, passages[quote.passage], stored_text) for quote in quotes]
        cited = _marked(piece.text, [quote.number for quote in found])
        start = len(text) + len(cited) - len(cited.lstrip())
        end = len(text) + len(cited.rstrip())
        if found:
            checks.append(Check(start, end, _verdict(piece, found), tuple(found)))
        elif passages and piece.words >= _FEWEST_WORDS:
            checks.append(_refused(piece, start, end, passages, evidence, stored_text))
        citations += found
        text += cited
    unsupported = tuple((check.start, check.end) for check in checks if check.verdict in ("contradicts", "not_found"))
    return Cited(text, tuple(citations), unsupported, tuple(checks))


def _refused(
    piece: _Piece, start: int, end: int, passages: Sequence[Citation], evidence: Evidence, stored_text: StoredText
) -> Check:
    """What came out for a sentence that no passage supports: one says otherwise, and in what, or none says it."""
    verdict = evidence.verdict(_sentence(piece), range(len(passages)))
    if (span := verdict.against) is None or verdict.reason is None:
        return Check(start, end, "not_found")
    quote = _citation(span, passages[span.passage], stored_text)
    return Check(start, end, "contradicts", (quote,), str(verdict.reason))


def _verdict(piece: _Piece, found: Sequence[Citation]) -> Verdict:
    """How a sentence relates to the quotes that support it."""
    if not all(quote.verified for quote in found):
        return "not_checked"
    said = f" {' '.join(words(_sentence(piece)))} "
    is_there = any(said in f" {' '.join(words(quote.text))} " for quote in found)
    return "word_for_word" if is_there else "small_differences"


def _sentence(piece: _Piece) -> str:
    return _BULLET.sub("", piece.text, count=1)


def _quotes(piece: _Piece, passages: Sequence[Citation], evidence: Evidence) -> list[Support]:
    """The quotes to show with a sentence: from the passages it names if they say the same, otherwise from any."""
    sentence = _sentence(piece)
    named = [place for place, passage in enumerate(passages) if passage.number in piece.marks]
    if found := [quote for place in named for quote in evidence.support(sentence, [place])]:
        return _joined(found)
    if piece.words < _FEWEST_WORDS and not piece.marks:
        return []
    return _joined(evidence.support(sentence, range(len(passages))))


def _joined(found: Sequence[Support]) -> list[Support]:
    """The quotes in the order of their passages, those that lie close to each other as one."""
    joined: list[Support] = []
    for quote in sorted(found, key=lambda quote: (quote.passage, quote.start)):
        last = joined[-1] if joined else None
        if last is not None and last.passage == quote.passage and quote.start - last.end <= _APART:
            end, share = max(last.end, quote.end), min(last.share, quote.share)
            joined[-1] = Support(quote.passage, last.start, end, share)
        else:
            joined.append(quote)
    return joined


def _pieces(answer: str) -> Iterator[_Piece]:
    """The answer cut into pieces, with the marks taken out of its sentences."""
    position = 0
    for code in _CODE.finditer(answer):
        if code.group().startswith("`") and "\n" not in code.group() and not code.group().startswith("```"):
            continue  # code inside a sentence is part of it
        yield from _statements(answer[position : code.start()])
        yield _Piece(code.group(), (), 0)
        position = code.end()
    yield from _statements(answer[position:])


def _statements(text: str) -> Iterator[_Piece]:
    position = 0
    for start, end in _with_trailing_marks(text):
        if start > position:
            yield _Piece(text[position:start], (), 0)
        yield _statement(text[start:end])
        position = end
    if position < len(text):
        yield _Piece(text[position:], (), 0)


def _with_trailing_marks(text: str) -> Iterator[Span]:
    """The spans of the sentences; a mark behind a full stop belongs to the sentence before it."""
    held: Span | None = None
    for start, end in sentences(text, lines_end=True):
        behind = re.match(rf"(?:{_MARK.pattern})+[.]?", text[start:end])
        if held is not None and behind and "\n" not in text[held[1] : start]:
            held = (held[0], start + behind.end())
            if start + behind.end() >= end:
                continue
            start += behind.end()
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _statement(text: str) -> _Piece:
    marks = tuple(dict.fromkeys(int(number) for group in _MARK.findall(text) for number in re.findall(r"\d+", group)))
    bare = _MARK.sub("", text)
    is_statement = not _NO_STATEMENT.match(bare) and not bare.rstrip("*_ ").endswith((":", "?"))
    return _Piece(bare, marks, len(words(bare)) if is_statement else 0)


def _marked(text: str, passage_numbers: Sequence[int]) -> str:
    """The sentence with its marks before the full stop."""
    if not passage_numbers:
        return text
    body = text.rstrip()
    ending = re.search(r"[.!…。！]+$", body)
    cut = ending.start() if ending else len(body)
    marks = "".join(f"[{number}]" for number in passage_numbers)
    return f"{body[:cut]} {marks}{body[cut:]}{text[len(body) :]}"


def _citation(quote: Support, passage: Citation, stored_text: StoredText) -> Citation:
    start, end = passage.start + quote.start, passage.start + quote.end
    text = passage.text[quote.start : quote.end]
    stored = stored_text(passage.document, passage.page)
    return Citation(
        number=passage.number,
        document=passage.document,
        page=passage.page,
        start=start,
        end=end,
        text=text,
        score=round(min(1.0, quote.share), 4),
        place=passage.place,
        verified=stored is not None and stored[start:end] == text,
        also_in=passage.also_in,
    )
