"""What goes into a chat template: messages as templates read them, and the one that stands in for a missing template.

Rendering is `templates`, which brings in the template language; the engine's worker leaves that to a child.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from desktop_llm.engine.picture_marks import without_marks
from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.engine.versions import Message
from desktop_llm.errors import CHOOSE_FORMAT, BadRequest, UserError
from desktop_llm.message import Image, ToolCall, ToolResult, thinking_of
from desktop_llm.words import tr

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_THINKING_NAMES = ("reasoning_content", "thinking")  # what most templates call it, and what gpt-oss does


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
