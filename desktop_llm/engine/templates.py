"""Turns messages into a prompt with the model's own chat template, in a sandbox: a template is a stranger's code.

What limits its time and memory is `rendering`, which has it done in a process of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desktop_llm.engine.template_messages import unusable
from desktop_llm.engine.versions import (
    Habits,
    Message,
    has_stand_ins,
    is_whole,
    plain_text,
    stand_ins,
    versions,
    with_content,
)
from desktop_llm.errors import UserError
from desktop_llm.words import tr

RENDER_LIMIT_BYTES = 8 << 20
_THINKING_FIELDS = ("reasoning_content", ".thinking", "['thinking']", '["thinking"]', "'thinking' in", '"thinking" in')
# A stranger's code may raise these besides the template language's own errors.
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class ChatTemplate:
    """A chat template."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._source = source
        try:
            self._template = _environment().from_string(self._source)
        except _FAULTS as error:
            raise unusable(error) from error

    def render(self, messages: Sequence[Message], variables: Mapping[str, Any] | None = None) -> str:
        """The prompt up to the point where the answer begins, with every message in it. The first of the `versions`
        of the conversation that works is taken; `variables` are further ones of the template, such as `tools`.

        Raises UserError if the template fails, or leaves a message out of all versions.
        """
        failure: Exception | None = None
        leaves_out = False
        for version in versions(messages, self._habits):
            try:
                prompt = self._write(version, variables or {})
            except _FAULTS as error:
                failure = failure or error
                continue
            if self._has_all(version, prompt, variables or {}):
                return prompt
            leaves_out = True
        if leaves_out:
            raise unusable(ValueError(), tr("it leaves out a part of the conversation"))
        raise unusable(failure or ValueError()) from failure

    def _write(self, messages: Sequence[Message], variables: Mapping[str, Any]) -> str:
        parts: list[str] = []
        size = 0
        limit = RENDER_LIMIT_BYTES + sum(len(plain_text(message["content"])) for message in messages)
        given = {"tools": None, "documents": None, "add_generation_prompt": True, **variables, **self._tokens}
        for part in self._template.generate(messages=list(messages), **given):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise unusable(ValueError(), tr("its output has no end"))
        return "".join(parts)

    def _has_all(self, version: Sequence[Message], prompt: str, variables: Mapping[str, Any]) -> bool:
        """Whether the prompt has every message. A template may write a text in its own way, such as in capitals or as
        JSON; whether it then leaves something out is seen with other words in its place.
        """
        texts = [{**message, "content": plain_text(message["content"])} for message in version]
        if is_whole(texts, prompt):
            return True
        others = stand_ins(texts)
        pairs = zip(version, others, strict=True)
        shaped = [with_content(message, other["content"], self._habits) for message, other in pairs]
        return has_stand_ins(others, self._attempt(shaped, variables))

    @cached_property
    def _habits(self) -> Habits:
        """What this template reads, told from what it writes of small conversations."""
        asked = {"role": "user", "content": "q7q"}
        in_parts = {"role": "user", "content": [{"type": "text", "text": "q7q"}]}
        parts = "q7q" not in self._attempt([asked]) and "q7q" in self._attempt([in_parts])
        call = {"id": "000000001", "type": "function", "function": {"name": "f7f", "arguments": {"k7k": "v7v"}}}
        called = [in_parts if parts else asked, {"role": "assistant", "content": "", "tool_calls": [call]}]
        written = self._attempt(called)  # a template that expects a text fails here, or writes Python's form of a dict
        return Habits(
            parts=parts,
            text_arguments="k7k" not in written or "'k7k'" in written,
            thinking=any(field in self._source for field in _THINKING_FIELDS),
        )

    def _attempt(self, messages: Sequence[Message], variables: Mapping[str, Any] | None = None) -> str:
        """What the template writes, "" if it fails."""
        try:
            return self._write(messages, variables or {})
        except (*_FAULTS, UserError):
            return ""


class _GenerationBlock(Extension):
    """`{% generation %}` marks the answer for training; in a chat only its content counts."""

    tags = {"generation"}  # noqa: RUF012 - jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[loopcontrols, _GenerationBlock],
        optimized=False,  # a constant that is computed in advance may be of any size, and is written into the code
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = time.strftime
    return environment


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """The filter `tojson` with the signature that transformers gives it, for which templates are written. Jinja's own
    one escapes HTML, which would change the text for the model.
    """
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
