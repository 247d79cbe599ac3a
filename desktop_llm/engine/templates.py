"""Turns messages into the prompt text by the model's own chat template, in a sandbox: a template is a stranger's code.

Also separates an answer's thinking (between `<think>` tags) from its text while it streams.
"""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desktop_llm.errors import UserError
from desktop_llm.words import tr

Message = dict[str, str]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RENDER_LIMIT_S = 2.0
RENDER_LIMIT_BYTES = 8 << 20
_GRACE_S = 1.0
# What a stranger's code may raise besides the template language's own errors.
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class ChatTemplate:
    """A model's chat template, or ChatML where the file brings none (`own` is False then)."""

    def __init__(self, source: str | None, *, bos: str = "", eos: str = "") -> None:
        self.own = bool(source)
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            with _time_limit(RENDER_LIMIT_S):
                self._template = _environment().from_string(source or CHATML)
        except _FAULTS as error:
            raise _unusable(error) from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt up to where the answer begins; raises UserError for a template that fails or never ends.

        Some templates refuse a system message; its text then goes before the first question.
        """
        try:
            return self._render(messages)
        except _FAULTS as error:
            if messages and messages[0]["role"] == "system" and len(messages) > 1:
                return self._render_or_tell(_system_within_question(messages))
            raise _unusable(error) from error

    def _render_or_tell(self, messages: Sequence[Message]) -> str:
        try:
            return self._render(messages)
        except _FAULTS as error:
            raise _unusable(error) from error

    def _render(self, messages: Sequence[Message]) -> str:
        parts: list[str] = []
        size = 0
        with _time_limit(RENDER_LIMIT_S):
            for part in self._template.generate(
                messages=list(messages), add_generation_prompt=True, tools=None, **self._tokens
            ):
                parts.append(part)
                size += len(part)
                if size > RENDER_LIMIT_BYTES + sum(len(message["content"]) for message in messages):
                    raise _unusable(ValueError(), tr("its output has no end"))
        return "".join(parts)


class ThinkingSplitter:
    """Tells thinking from text in a stream of pieces; a tag may be cut anywhere between two pieces."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self, prompt: str) -> None:
        # Some templates open the tag themselves, so that the answer begins within the thinking.
        self._thinking = prompt.rstrip().endswith(self._OPEN)
        self._start = not self._thinking
        self._trim = self._thinking
        self._held = ""

    def feed(self, piece: str) -> Iterator[tuple[str, str]]:
        """Pairs of ("thinking" or "text", what can be shown now)."""
        self._held += piece
        if self._start and not self._opened():
            return
        if self._thinking:
            yield from self._within()
        if not self._thinking:
            yield from self._out("text", self._held)
            self._held = ""

    def finish(self) -> Iterator[tuple[str, str]]:
        """What was held back when the answer ended."""
        kind = "thinking" if self._thinking else "text"
        yield from self._out(kind, self._held)
        self._held = ""

    def _opened(self) -> bool:
        """Decide whether the answer begins with thinking; False while it can't be told."""
        begin = self._held.lstrip()
        if len(begin) < len(self._OPEN) and self._OPEN.startswith(begin):
            return False
        self._start = False
        if begin.startswith(self._OPEN):
            self._thinking = self._trim = True
            self._held = begin[len(self._OPEN) :]
        return True

    def _within(self) -> Iterator[tuple[str, str]]:
        thought, closed, rest = self._held.partition(self._CLOSE)
        if closed:
            self._thinking, self._held = False, rest
            yield from self._out("thinking", thought.rstrip())
            self._trim = True
            return
        keep = _overlap(thought, self._CLOSE)
        shown = thought[: len(thought) - keep]
        self._held = thought[len(thought) - keep :]
        yield from self._out("thinking", shown)

    def _out(self, kind: str, text: str) -> Iterator[tuple[str, str]]:
        if self._trim:
            text = text.lstrip()
        if text:
            self._trim = False
            yield kind, text


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` could be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0


def _system_within_question(messages: Sequence[Message]) -> list[Message]:
    system, first, *rest = messages
    return [{"role": first["role"], "content": f"{system['content']}\n\n{first['content']}"}, *rest]


class _GenerationBlock(Extension):
    """`{% generation %}` marks what training counts as the answer; in a chat it is only its content."""

    tags = {"generation"}  # noqa: RUF012 - jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[loopcontrols, _GenerationBlock],
        optimized=False,  # a constant that is computed beforehand may be of any size, and is written into code
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = time.strftime
    return environment


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, indent: int | None = None) -> str:
    # Jinja's own filter escapes for HTML, which would change what the model reads.
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _unusable(error: Exception, reason: str = "") -> UserError:
    reason = reason or (str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
    return UserError(
        tr(
            "This model's chat template can't be used: {reason}. Nothing was lost; choose another model.",
            reason=reason,
        ),
        repr(error),
    )


@contextmanager
def _time_limit(limit_s: float) -> Iterator[None]:
    """Interrupt Python code that runs too long; where the system has no alarms (Windows), or native code does not look
    up at them, the process is ended a moment later.
    """
    faulthandler.dump_traceback_later(limit_s + _GRACE_S, exit=True)
    try:
        with _alarm(limit_s):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _alarm(limit_s: float) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    before: Callable[..., Any] | int | None = signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _on_alarm(_signal: int, _frame: object) -> None:
    raise _unusable(TimeoutError(), tr("it does not end"))
