"""Turns messages into a prompt with the model's own chat template, in a sandbox: a template is a stranger's code.

What limits its time and memory is `rendering`, which has it done in a process of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desktop_llm.engine.picture_marks import without_marks
from desktop_llm.engine.shapes import ChatMessage
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
from desktop_llm.errors import CHOOSE_FORMAT, BadRequest, UserError
from desktop_llm.message import Image, ToolCall, ToolResult, thinking_of
from desktop_llm.words import tr

__all__ = ["CHATML", "ChatTemplate", "Message", "for_template", "unusable"]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RENDER_LIMIT_BYTES = 8 << 20
_THINKING_NAMES = ("reasoning_content", "thinking")  # what most templates call it, and what gpt-oss does
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


def for_template(
    messages: Iterable[ChatMessage], hide: Callable[[str], str], picture: Callable[[Path], str] | None = None
) -> list[Message]:
    """Messages as chat templates read them; `hide` marks the characters that may belong to a mark of the
    template's own (`marks.Marks.hide`), `picture` gives the mark that stands for a picture, before the text.

    The thinking of an earlier answer goes with it; whether the model sees it again is the template's decision. Raises
    BadRequest for a picture if the model has no eyes.
    """
    asked: list[Message] = []
    tools: dict[str, str] = {}  # the name of the tool by the id of its call
    for message in messages:
        pictures = [Path(part.path) for part in message.parts if isinstance(part, Image)]
        if pictures and picture is None:
            raise BadRequest(
                tr("This model can't see pictures."), tr("Take the picture out of the message, and send it again.")
            )
        content = "".join(map(picture, pictures)) if picture else ""
        content += hide(without_marks(message.text))
        calls = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                result = {"tool_call_id": hide(part.id), "name": tools.get(part.id, "")}
                asked.append({"role": "tool", "content": hide(part.text), **result})
            elif isinstance(part, ToolCall):
                tools[part.id] = hide(part.name)
                function = {"name": tools[part.id], "arguments": _arguments(part.arguments, hide)}
                calls.append({"id": hide(part.id), "type": "function", "function": function})
        if content or not any(isinstance(part, ToolResult) for part in message.parts):
            thinking = hide(thinking_of(message.parts))
            thoughts = dict.fromkeys(_THINKING_NAMES, thinking) if thinking else {}
            called = {"tool_calls": calls} if calls else {}
            asked.append({"role": message.role, "content": content, **thoughts, **called})
    return asked


def _arguments(text: str, hide: Callable[[str], str]) -> Any:
    """A call's arguments as an object, as most templates expect them. Text that is not JSON stays text."""
    try:
        return _hidden_within(json.loads(text), hide)
    except (ValueError, RecursionError):
        return hide(text)


def _hidden_within(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hidden_within(item, hide) for item in value]
    if isinstance(value, dict):
        return {hide(key): _hidden_within(item, hide) for key, item in value.items()}
    return value


class ChatTemplate:
    """A model's chat template, or ChatML if the file has none."""

    def __init__(self, source: str | None, *, bos: str = "", eos: str = "") -> None:
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._source = source or CHATML
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


def unusable(error: Exception, reason: str = "") -> UserError:
    """The error for a template that fails; without `reason`, the reason is the error's own."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, MemoryError):
        reason = tr("it takes too much memory")
    elif isinstance(error, TimeoutError):
        reason = tr("it does not end")
    elif isinstance(error, RecursionError):
        reason = tr("it goes too deep")
    reason = reason or (str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
    return UserError(
        tr("This model's chat template can't be used: {reason}.", reason=reason),
        tr("Nothing was lost. Choose another chat format for this model, or another model."),
        action=CHOOSE_FORMAT,
        details=repr(error),
    )
