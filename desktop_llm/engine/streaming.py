"""What becomes of a model's text while it streams: it ends at a stop text, and thinking is told from the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Generator, Iterator, Sequence

from desktop_llm.engine.versions import Message
from desktop_llm.errors import UserError

# What opens a piece of thinking, and what closes it.
_FORMS = {
    "<think>": "</think>",  # Qwen, DeepSeek, SmolLM3, GLM, LFM2, Nemotron and most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "◁think▷": "◁/think▷",  # Kimi
    "[THINK]": "[/THINK]",  # Magistral, Ministral
    "<|START_THINKING|>": "<|END_THINKING|>",  # Command
    "<|channel>thought": "<channel|>",  # Gemma 4
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
}
# gpt-oss names a channel before each message: https://developers.openai.com/cookbook/articles/openai-harmony
_CHANNEL, _START, _MESSAGE, _END = "<|channel|>", "<|start|>", "<|message|>", "<|end|>"
_HEADER = re.compile(
    r"(?:<\|start\|>[^<]*|to=[^<]*)?<\|channel\|>(?P<channel>[^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>"
)
_LONGEST_HEADER = 300
_CLOSING_STARTS = frozenset(close[0] for close in _FORMS.values())
OPENING_MARKS, CLOSING_MARKS = tuple(_FORMS), (*_FORMS.values(), f"{_CHANNEL}analysis")
# These have to reach the splitter even if a vocabulary has them as control tokens, which are no text otherwise.
THINKING_MARKS = frozenset({*_FORMS, *_FORMS.values(), _CHANNEL, _START, _MESSAGE, _END, "<|constrain|>", "<|channel>"})
# A mark such as <|im_end|> or [/INST]; otherwise a line such as "### Instruction:" or "User:".
_TURN_MARK = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])|(\n\s*[^\n]*\S)")
_SHORTEST_STOP = 4

Kinds = Iterator[tuple[str, str]]


class ThinkingSplitter:
    """Separates thinking from text in a stream of pieces, which may cut a mark anywhere.

    It yields pairs: "thinking" or "text" and the piece; or "rethink" and nothing, if all text so far turns out to have
    been thinking, because it ends with a closing mark that nothing opened. With `tools`, a message that is addressed to
    one is a "call", with its header; otherwise it counts as thinking.
    """

    def __init__(self, prompt: str, *, tools: bool = False) -> None:
        self._tools, self._to_tool = tools, False
        # A header may go on in the middle of the one that the prompt begins.
        prompt = prompt.rstrip()
        self._headers = (_CHANNEL, _START, *(["to=functions."] if prompt.endswith(f"{_START}assistant") else []))
        # Some templates open the thinking themselves, so that the answer begins within it.
        self._close = next((close for opening, close in _FORMS.items() if prompt.endswith(opening)), "")
        self._at_start = not self._close  # where an opening mark or a header may come
        self._trim = bool(self._close)
        self._has_thought = bool(self._close)
        self._channels = False
        self._held = ""
        self._said = ""  # the text so far, while it may still turn out to have been thinking

    @property
    def is_thinking(self) -> bool:
        """Whether the next piece belongs to thinking, as far as that is clear."""
        return bool(self._close)

    @property
    def closing(self) -> str:
        """The text that ends the present thinking, and lets the answer begin."""
        return f"{_END}{_START}assistant{_CHANNEL}final{_MESSAGE}" if self._channels else f"{self._close}\n\n"

    def plain(self, piece: str) -> str:
        """The kind of this piece, text or thinking, if all of it can be shown as it is; "" if `feed` has to look at it.

        Most pieces can, and a look takes longer.
        """
        if self._held or self._at_start or self._trim or self._channels or not piece:
            return ""
        if self._close:
            return "" if self._close[0] in piece else "thinking"
        if self._has_thought:
            return "text"
        if not _CLOSING_STARTS.isdisjoint(piece):
            return ""
        self._said += piece
        return "text"

    def feed(self, piece: str) -> Kinds:
        """Yield the pieces that can be shown now."""
        self._held += piece
        goes_on = True
        while goes_on and self._held:
            if self._at_start:
                goes_on = self._begun()
            elif self._close and not self._channels:
                goes_on = yield from self._within()
            else:
                goes_on = yield from self._outside()

    def finish(self) -> Kinds:
        """Yield the text still held back when the answer has ended."""
        if not (self._at_start and self._held.lstrip().startswith(self._headers)):  # half a header
            yield from self._out(self._held)
        self._held = ""

    def _begun(self) -> bool:
        """Decide whether thinking, a channel or text begins here; False while that is not clear."""
        begin = self._held.lstrip()
        if (header := _HEADER.match(begin)) is not None:
            # Only the final channel, and a comment that calls no tool, are for the person.
            channel = header["channel"].strip()
            self._channels = self._has_thought = True
            self._to_tool = self._tools and "to=" in header[0]
            self._close = "" if channel in ("final", "commentary") or self._to_tool else _END
            self._held = begin if self._to_tool else begin[header.end() :]
            self._at_start, self._trim = False, True
            return True
        if begin.startswith(self._headers) and len(begin) < _LONGEST_HEADER:
            return False
        for opening, close in _FORMS.items():
            if begin.startswith(opening):
                self._close, self._held = close, begin[len(opening) :]
                self._at_start, self._trim, self._has_thought = False, True, True
                return True
        if any(opening.startswith(begin) for opening in (*_FORMS, *self._headers)):
            return False
        self._at_start = False
        return True

    def _within(self) -> Generator[tuple[str, str], None, bool]:
        """Thinking up to its closing mark; returns whether there is more to look at."""
        thought, closed, rest = self._held.partition(self._close)
        if not closed:
            yield from self._out_but(_overlap(thought, self._close))
            return False
        self._held = rest
        yield from self._out(thought.rstrip())
        self._close, self._at_start, self._trim = "", True, True
        return True

    def _outside(self) -> Generator[tuple[str, str], None, bool]:
        """Text, or a message of a channel; returns whether there is more to look at."""
        marks = (_END,) if self._channels else () if self._has_thought else tuple(_FORMS.values())
        at, mark = min(((place, mark) for mark in marks if (place := self._held.find(mark)) >= 0), default=(-1, ""))
        if at < 0:
            yield from self._out_but(max((_overlap(self._held, mark) for mark in marks), default=0))
            return False
        before, self._held = self._held[:at], self._held[at + len(mark) :]
        if self._channels:
            yield from self._out(before)
            self._close, self._at_start, self._to_tool = "", True, False
        elif (self._said + before).count("`") % 2:  # quoted as code
            yield from self._out(before + mark)
        else:
            yield from self._out(before.rstrip())
            yield "rethink", ""
            self._at_start = self._trim = self._has_thought = True
        return True

    def _out_but(self, keep: int) -> Kinds:
        """Everything held, except the last characters, which may become a mark."""
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        yield from self._out(shown)

    def _out(self, text: str) -> Kinds:
        if self._trim:
            text = text.lstrip()
        if text:
            self._trim = False
            if not self._has_thought:
                self._said += text
            yield ("call" if self._to_tool else "thinking" if self._close else "text"), text


class StopTexts:
    """Ends an answer before the first of these texts, and holds back what may become one."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._starts = frozenset(text[0] for text in texts)
        self._held = ""
        self.reached = False

    def feed(self, piece: str) -> str:
        """The text that can be passed on now; after a stop text nothing more comes."""
        if not self._held and self._starts.isdisjoint(piece):
            return piece
        self._held += piece
        ends = [place for text in self._texts if (place := self._held.find(text)) >= 0]
        if ends:
            self.reached = True
            passed, self._held = self._held[: min(ends)], ""
            return passed
        keep = max((_overlap(self._held, text) for text in self._texts), default=0)
        passed, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return passed

    def finish(self) -> str:
        """The text still held back when the answer has ended."""
        return self._held


def thinking_close(text: str) -> str | None:
    """The mark that ends the thinking which the end of this text opens, None if it opens none."""
    text = text.rstrip()
    if text.endswith((_CHANNEL, _START)):
        return f"{_CHANNEL}final{_MESSAGE}"
    return next((close for opening, close in _FORMS.items() if text.endswith(opening)), None)


def as_written(thinking: str, text: str, prompt: str) -> str:
    """An answer to this prompt as its model may have written it, with the marks around its thinking."""
    splitter = ThinkingSplitter(prompt)
    if splitter.is_thinking:
        return f"{thinking}{splitter.closing}{text}"
    opening, close = next(iter(_FORMS.items()))
    return f"{opening}\n{thinking}\n{close}\n\n{text}" if thinking else text


def stop_texts(render: Callable[[Sequence[Message]], str], marks: Container[str]) -> tuple[str, ...]:
    """The text that ends an answer because no token does: the beginning of what the template writes between an answer
    and the next question, unless that is one of the vocabulary's `marks`.

    Without it, a model whose vocabulary lacks the mark of its template goes on and writes the person's part too.
    """
    said = (("user", "Q7q"), ("assistant", "A7a"), ("user", "R7r"))
    try:
        prompt = render([{"role": role, "content": text} for role, text in said])
    except UserError:  # it will be told when there is something to answer
        return ()
    found = _TURN_MARK.match(prompt.partition("A7a")[2].partition("R7r")[0])
    if found is None:
        return ()
    text = found[1] or found[2]
    return (text,) if text not in marks and len(text) >= _SHORTEST_STOP else ()


def _overlap(text: str, mark: str) -> int:
    """The number of characters at the end of `text` that could be the beginning of `mark`."""
    at = text.find(mark[:1], max(0, len(text) - len(mark) + 1))
    while at >= 0 and not mark.startswith(text[at:]):
        at = text.find(mark[:1], at + 1)
    return len(text) - at if at >= 0 else 0
