"""Offers tools to a model: through its chat template, or in words if the template knows nothing of tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from desktop_llm.engine.versions import Message
from desktop_llm.errors import UserError

Tools = Sequence[Mapping[str, Any]]
Render = Callable[[Sequence[Message], Mapping[str, Any]], str]

_ASKED: list[Message] = [{"role": "user", "content": "q7q"}]
_UNLIKELY = "f7f_g7g"
_PROBE = {
    "type": "function",
    "function": {"name": _UNLIKELY, "description": "", "parameters": {"type": "object", "properties": {}}},
}


def knows_tools(render: Render) -> bool:
    """Whether a template tells the model of the tools that it is given."""
    try:
        return _UNLIKELY in render(_ASKED, {"tools": [_PROBE]})
    except UserError:
        return False


def with_tools_described(messages: Sequence[Message], tools: Tools) -> list[Message]:
    """The messages with the tools described in the system message.

    The form of a call is that of Hermes (https://github.com/NousResearch/Hermes-Function-Calling), which most models
    have seen.
    """
    listed = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    described = (
        f"You can call these tools:\n\n{listed}\n\n"
        "To call one, write only this, and nothing after it:\n"
        '<tool_call>\n{"name": "the tool\'s name", "arguments": {…}}\n</tool_call>\n'
        "You then get its result. Answer without a tool if you need none."
    )
    if messages and messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{described}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": described}, *messages]
