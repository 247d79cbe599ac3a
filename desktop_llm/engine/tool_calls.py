"""Takes the tool calls out of a model's answer while it streams: text before a call is shown, a call is not.

Each family of models writes calls in its own way: `FORMS` has the marks around them, `tool_call_syntax` reads what
stands between. Calls within thinking never get here, because `streaming.ThinkingSplitter` comes first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from desktop_llm.engine.tool_call_syntax import Call, calls_in, is_whole, named_in

# What opens calls, and what closes them; "" if they go on to the end of the answer.
FORMS = {
    "<tool_call>": "</tool_call>",  # Hermes, Qwen, GLM, Granite 4 and most others
    "<function=": "</function>",  # Qwen3-Coder, Functionary 3.1
    "<tools>": "</tools>",  # Qwen2.5-Coder at times
    "[TOOL_CALLS]": "",  # Mistral
    "<|python_tag|>": "",  # Llama 3
    "<|tool_call|>": "<|/tool_call|>",  # Phi-4-mini, Granite 3
    "<|tool_call_start|>": "<|tool_call_end|>",  # LFM2
    "<|tool_calls_section_begin|>": "<|tool_calls_section_end|>",  # Kimi K2
    "<｜tool▁calls▁begin｜>": "<｜tool▁calls▁end｜>",  # DeepSeek
    "<|START_ACTION|>": "<|END_ACTION|>",  # Command
}
_WITHIN = (
    *("[ARGS]", "[CALL_ID]"),
    *("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
    *("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"),
)
# These have to reach the reader even if a vocabulary has them as control tokens, which are no text otherwise.
TOOL_MARKS = frozenset(mark for mark in (*FORMS, *FORMS.values(), *_WITHIN) if mark)
MOST_CALLS = 8
"""Calls in one answer: a model that repeats itself would go on for ever."""

_OPENING = re.compile("|".join(map(re.escape, FORMS)) + r"|^[ \t]*```(?P<info>[^\n`]*)\n", re.MULTILINE)
_CLOSING = re.compile("|".join(re.escape(mark) for mark in FORMS.values() if mark))
_FENCE_END = re.compile(r"^[ \t]*```[ \t]*(\n|\Z)", re.MULTILINE)
_ANOTHER = re.compile(r"\}\s*\{")
_HALF_A_FENCE = re.compile(r"[ \t]*(?:`{1,2}|```[^\n`]*)")
# Fences that may hold a call: Qwen2.5-Coder writes its calls like that.
_CALL_FENCES = ("", "json", "tool_call", "tool_calls")
_TO_TOOL = "to="  # stands for a mark: a message of gpt-oss that is addressed to a tool
# The beginnings of an object that may be a call, without white space.
_KEYS = ("name", "type", "function", "tool", "tool_name", "tool_call_id", "id", "arguments", "parameters", "tool_calls")
_BEGINNINGS = tuple(f'{bracket}"{key}"' for bracket in ("{", "[{") for key in _KEYS)

Found = list[str | Call]


class ToolCallReader:
    """Separates calls from text in a stream of pieces, which may cut a mark anywhere.

    `tools` are those offered, in the form of OpenAI's API. An object without a mark of its own, bare at the start of
    an answer or in a fence, is a call only if it names one of them. `ended` is True once anything but another call
    follows a call: the model has to wait for the results.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self._tools = tools
        self._names = {tool["function"]["name"] for tool in tools}
        self._held = ""
        self._line = ""  # what is shown of the present line
        self._mark = ""  # the mark before what is held
        self._maybe: str | None = None  # the opening, "" or a fence, before what may become a call
        self._at_start = True
        self._in_code = False
        self._calls = 0
        self.ended = False

    @property
    def called(self) -> bool:
        """Whether there was a call."""
        return self._calls > 0

    def feed(self, text: str) -> Iterator[str | Call]:
        """Yield the text that can be shown now, and whole calls."""
        self._held += text
        while self._held and not self.ended:
            found = self._step()
            if found is None:
                return
            yield from found

    def feed_to_tool(self, text: str) -> None:
        """Take a piece of a message that is addressed to a tool, with its header."""
        self._mark = _TO_TOOL
        self._held += text

    def finish(self, *, cut: bool = False) -> Iterator[str | Call]:
        """Yield what is still held back when the answer has ended; if it was `cut` off, half a call is dropped."""
        if self.ended or not self._held:
            return
        if self._mark:
            if not cut or is_whole(self._held):
                yield from self._read(self._held)
        elif self._maybe is not None and (is_whole(self._held) or not cut) and (calls := self._known(self._held)):
            yield from calls
        elif not self._calls:
            yield (self._maybe or "") + self._held
        self._held = ""

    def _step(self) -> Found | None:
        """What can be told of the text held; None if more of it is needed."""
        if self._mark:
            return self._marked()
        if self._maybe is not None:
            return self._undecided()
        if self._calls:
            return self._after_call()
        return self._text()

    def _text(self) -> Found | None:
        if self._at_start:
            if not self._held.strip():
                return None
            self._at_start = False
            if _may_begin(self._held.lstrip()):
                self._maybe = ""
                return []
        if self._in_code:
            return self._code()
        text, shown = self._line + self._held, len(self._line)
        for match in _OPENING.finditer(text):
            if match.end() <= shown:
                continue
            if match["info"] is None and text[: match.start()].rpartition("\n")[2].count("`") % 2:
                continue  # quoted as code
            if not self._open(match):
                return self._show(match.end() - shown)
            before = self._held[: max(0, match.start() - shown)]
            self._held = self._held[match.end() - shown :]
            return [before] if before.strip() else []
        return self._show(len(self._held) - self._unsure(text)) or None

    def _code(self) -> Found | None:
        """Code in a fence, which is never a call."""
        text, shown = self._line + self._held, len(self._line)
        end = _FENCE_END.search(text)
        if end is None or not end[1]:  # the line may go on
            return self._show(len(self._held) - len(self._held.rpartition("\n")[2])) or None
        self._in_code = False
        return self._show(end.end() - shown)

    def _open(self, match: re.Match[str]) -> bool:
        """Begin what this opening opens; False if it is no call for certain."""
        if match["info"] is None:
            self._mark = match[0]
        elif match["info"].strip().lower() in _CALL_FENCES:
            self._maybe = match[0]
        else:
            self._in_code = True
            return False
        return True

    def _marked(self) -> Found | None:
        """Calls up to the mark that closes them."""
        if self._mark == _TO_TOOL:
            return None
        close = FORMS[self._mark]
        if end := _end_of_first(self._held):
            mark, body, self._held = self._mark, self._held[:end], self._held[end:].lstrip()
            calls: Found = list(self._read(body))
            self._mark = mark
            return calls
        if not close:
            if self._held.rstrip()[-1:] not in ("}", "]") or "{" not in self._held or not is_whole(self._held):
                return None
            body, self._held = self._held, ""
            return list(self._read(body))
        at = self._held.find(close)
        while at >= 0 and _in_json_string(self._held[:at]):
            at = self._held.find(close, at + 1)
        if at < 0:
            return None
        body, self._held = self._held[:at], self._held[at + len(close) :]
        return list(self._read(body))

    def _undecided(self) -> Found | None:
        """An object that is a call if it names a tool, and text otherwise."""
        opening, begin = self._maybe or "", self._held.lstrip()
        if _may_begin(begin) or not begin:
            end = _FENCE_END.search(self._held) if opening else None
            body = self._held[: end.start()] if end is not None else self._held
            if not (end is not None if opening else is_whole(body)):
                return None
            if calls := self._known(body):
                self._held = self._held[end.end() :] if end is not None else ""
                self._maybe = None
                return list(calls)
        self._maybe = None
        if self._calls:
            self.ended = True
            return []
        self._held, self._in_code = opening + self._held, bool(opening)
        return self._show(len(opening)) if opening else []

    def _after_call(self) -> Found | None:
        """Only another call may follow a call."""
        self._held = self._held.lstrip(" \t\r\n;,")
        if not self._held:
            return None
        for pattern in (_CLOSING, _OPENING):
            if (match := pattern.match(self._held)) is not None:
                if pattern is _OPENING and not self._open(match):
                    break
                self._held = self._held[match.end() :]
                return []
        if _may_begin(self._held):
            self._maybe = ""
            return []
        if self._unsure(self._held) == len(self._held):
            return None
        self.ended = True
        return []

    def _known(self, body: str) -> list[Call]:
        """The calls of tools that were offered; none if the object is something else."""
        calls = calls_in(body, self._tools) or []
        if any(call.name not in self._names for call in calls):
            return []
        return self._counted(calls)

    def _read(self, body: str) -> list[Call]:
        """The calls between two marks. What can't be read is passed on as it is, so that the model can be told."""
        if self._mark == "<function=":
            body = self._mark + body
        self._mark = ""
        calls = calls_in(body, self._tools)
        return self._counted([Call(named_in(body), body.strip())] if calls is None else calls)

    def _counted(self, calls: list[Call]) -> list[Call]:
        calls = calls[: MOST_CALLS - self._calls]
        self._calls += len(calls)
        self.ended = self._calls >= MOST_CALLS
        return calls

    def _unsure(self, text: str) -> int:
        """The number of characters at the end that may become a mark or a fence."""
        line = text.rpartition("\n")[2]
        if _HALF_A_FENCE.fullmatch(line):
            return min(len(line), len(self._held))
        for length in range(min(_LONGEST, len(self._held)), 0, -1):
            if any(mark.startswith(text[-length:]) for mark in TOOL_MARKS):
                return length
        return 0

    def _show(self, end: int) -> Found:
        shown, self._held = self._held[:end], self._held[end:]
        self._line = (self._line + shown).rpartition("\n")[2]
        return [shown] if shown else []


class ToolCalls:
    """Passes on the pieces of an answer as `ThinkingSplitter` tells them apart, with the calls taken out of the text: a
    piece "tool_call" is JSON with `name` and `arguments`. Without `tools` it changes nothing.

    `looks` says whether it does; `ended` is True once the answer has to end for the results.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self._reader = ToolCallReader(tools) if tools else None
        self.looks = bool(tools)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come after the calls."""
        return self._reader is not None and self._reader.ended

    @property
    def called(self) -> bool:
        """Whether the model asked for a tool."""
        return self._reader is not None and self._reader.called

    def passed(self, parts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """The pieces that can be passed on now."""
        reader = self._reader
        for kind, text in parts:
            if reader is None or kind not in ("text", "call"):
                yield kind, text
            elif kind == "call":
                reader.feed_to_tool(text)
            else:
                yield from _told(reader.feed(text))

    def rest(self, *, cut: bool) -> Iterator[tuple[str, str]]:
        """What was held back when the answer has ended; if it was `cut` off, half a call is dropped."""
        if self._reader is not None:
            yield from _told(self._reader.finish(cut=cut))


def _told(found: Iterator[str | Call]) -> Iterator[tuple[str, str]]:
    for each in found:
        if isinstance(each, str):
            yield "text", each
        else:
            yield "tool_call", json.dumps(asdict(each), ensure_ascii=False)


_LONGEST = max(map(len, TOOL_MARKS)) - 1


def _may_begin(text: str) -> bool:
    """Whether an object that calls a tool may begin like this."""
    if text[:1] not in ("{", "["):
        return False
    compact = "".join(text[:200].split())
    return any(beginning.startswith(compact) or compact.startswith(beginning) for beginning in _BEGINNINGS)


def _end_of_first(text: str) -> int:
    """Where the first of several objects ends that stand behind one mark: small models often forget to close it, and
    would go on for ever; 0 if there is only one.
    """
    if text.lstrip()[:1] == "{" and _ANOTHER.search(text) is not None:
        try:
            begin = len(text) - len(text.lstrip())
            return json.JSONDecoder().raw_decode(text, begin)[1]
        except (ValueError, RecursionError):
            pass
    return 0


def _in_json_string(text: str) -> bool:
    """Whether the text is JSON, and a string is open at its end."""
    return text.lstrip()[:1] in ("{", "[") and len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1
