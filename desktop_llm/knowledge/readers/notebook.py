"""Jupyter notebooks: the cells in their order, code with what it printed; places are cells by number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Heading, Page, Parsing, Source, Summary
from desktop_llm.knowledge.readers.encodings import decode
from desktop_llm.knowledge.readers.markdown import headings_of
from desktop_llm.words import tr

_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Below every heading that Markdown has, so that a cell belongs to the heading above it.
_CELL_LEVEL = 7
# What a cell prints can be a log of megabytes; its beginning says what it is.
_LONGEST_OUTPUT = 20_000


def read(source: Source) -> Parsing:
    """All cells as one page. Pictures and data for programs are left out. Raises DocumentError for what is none."""
    try:
        notebook = json.loads(decode(source.data))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        texts = [(str(cell.get("cell_type", "")), _text_of(cell)) for cell in cells]
    except RecursionError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DocumentError(tr("Damaged or not a notebook"), cause="damaged") from None
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for number, (kind, text) in enumerate(texts, start=1):
        if not text.strip():
            continue
        headings.append((length, _CELL_LEVEL, f"cell {number}"))
        if kind == "markdown":
            headings += [(length + start, level, title) for start, level, title in headings_of(text)]
        parts.append(text)
        length += len(text) + 2
    if not parts:
        raise DocumentError(tr("Empty"), cause="empty")
    yield Page(None, "\n\n".join(parts), tuple(headings))
    return Summary(next((title for _, level, title in headings if level < _CELL_LEVEL), source.stem))


def _text_of(cell: dict[str, Any]) -> str:
    source = _joined(cell.get("source", cell.get("input", "")))
    shown = [each[:_LONGEST_OUTPUT] for each in _outputs(cell.get("outputs") or [])]
    return "\n\n".join(each.strip("\n") for each in (source, *shown) if each.strip())


def _outputs(outputs: list[dict[str, Any]]) -> Iterator[str]:
    for output in outputs:
        if output.get("output_type") in ("error", "pyerr"):
            yield _joined(f"{output.get('ename', '')}: {output.get('evalue', '')}")
        elif "text" in output:  # what was printed, and all results of old notebooks
            yield _joined(output["text"])
        else:
            data = output.get("data") or {}
            yield _joined(
                next((data[kind] for kind in ("text/markdown", "text/plain", "text/latex") if kind in data), "")
            )


def _joined(text: str | list[str]) -> str:
    return _TERMINAL_COLOURS.sub("", text if isinstance(text, str) else "".join(map(str, text)))
