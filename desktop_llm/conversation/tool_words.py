"""What a tool does or did, in one sentence for people: the window and the command line show the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from desktop_llm.characters import one_line
from desktop_llm.conversation import tools
from desktop_llm.message import Citation, ToolCall, ToolResult
from desktop_llm.words import plural, tr

_MOST = 80  # characters of an argument


def step_words(call: ToolCall, result: ToolResult | None, sources: Iterable[Citation] = ()) -> str:
    """What this step is doing (without a result), did, or could not do; `sources` are the passages of the turn."""
    if result is None:
        return _doing(call)
    return _failed(call, result) if result.failed else _done(call, result, sources)


def tool_name(name: str) -> str:
    """A tool's name on screen."""
    names = {
        tools.SEARCH: tr("Search documents"),
        tools.READ: tr("Read documents"),
        tools.CALCULATE: tr("Calculator"),
        tools.DATE: tr("Date and time"),
    }
    return names.get(name) or name


def _doing(call: ToolCall) -> str:
    values = arguments_of(call)
    match call.name:
        case tools.SEARCH:
            return tr("Searching your documents for “{query}”", query=_short(values.get("query")))
        case tools.READ:
            return tr("Reading {name}", name=_short(values.get("document")))
        case tools.CALCULATE:
            return tr("Calculating {expression}", expression=_short(values.get("expression")))
        case tools.DATE:
            return tr("Looking at the date and time")
    return tr("Asking for the tool “{name}”", name=_short(call.name))


def _done(call: ToolCall, result: ToolResult, sources: Iterable[Citation]) -> str:
    values = arguments_of(call)
    match call.name:
        case tools.SEARCH:
            count = len(tools.passages_in(result.text, sources))
            query = tr("Searched your documents for “{query}”", query=_short(values.get("query")))
            found = plural("%n passage", "%n passages", count) if count else tr("nothing found")
            return tr("{searched}, {found}", searched=query, found=found)
        case tools.READ:
            return _read(values, result)
        case tools.CALCULATE:
            expression = _short(values.get("expression"))
            return tr("Calculated {expression} = {value}", expression=expression, value=_short(tools.came_back(result)))
        case tools.DATE:
            return tr("Looked at the date and time: {moment}", moment=_short(tools.came_back(result)))
    return tr("Asked for the tool “{name}”", name=_short(call.name))


def _read(values: dict[str, Any], result: ToolResult) -> str:
    name = result.text.removeprefix("Quoted from ").partition(", which has ")[0]
    first, last = values.get("first_page"), values.get("last_page")
    if first is None and last is None:
        return tr("Read {name}", name=_short(name))
    if last is None or first == last:
        return tr("Read {name}, from page {page}", name=_short(name), page=_short(first))
    return tr("Read {name}, pages {first} to {last}", name=_short(name), first=_short(first or 1), last=_short(last))


def _failed(call: ToolCall, result: ToolResult) -> str:
    values, reason = arguments_of(call), one_line(tools.came_back(result))
    match call.name:
        case tools.SEARCH:
            return tr("Could not search your documents: {reason}", reason=reason)
        case tools.READ:
            return tr("Could not read {name}: {reason}", name=_short(values.get("document")), reason=reason)
        case tools.CALCULATE:
            expression = _short(values.get("expression"))
            return tr("Could not calculate {expression}: {reason}", expression=expression, reason=reason)
    return tr("Could not use the tool “{name}”: {reason}", name=_short(call.name), reason=reason)


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call, {} if they can't be read."""
    try:
        values = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _short(value: object) -> str:
    text = one_line(" ".join(str(value if value is not None else "").split()))
    text = PurePath(text).name if text.startswith("/") else text
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
