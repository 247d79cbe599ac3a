"""Collect every sentence of the app into a template for translators: python packaging/translations.py [FILE.ts]

A translator fills in the template with Qt Linguist, and `lrelease` turns it into a .qm file. All sentences stand in the
empty context, because rooms without Qt make many of them. Plurals are looked up by their English plural.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence as the code has it; `is_plural` if its words depend on a number."""

    text: str
    is_plural: bool
    file: str
    line: int


def sentences(package: Path = ROOT / "desktop_llm") -> Iterator[Source]:
    """Every literal that `tr` and `plural` are called with. Raises ValueError for a call with anything else."""
    for path in sorted(package.rglob("*.py")):
        if path == package / "words.py":
            continue
        file = path.relative_to(package.parent).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "plural"):
                is_plural = node.func.id == "plural"
                text = node.args[1 if is_plural else 0]
                if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
                    raise ValueError(f"{file}:{node.lineno}: the sentence must be a literal")
                yield Source(text.value, is_plural, file, node.lineno)


def catalogue_texts(catalogue: Path = ROOT / "assets" / "catalog.json") -> Iterator[Source]:
    """What the shipped catalogue says of its models."""
    for model in json.loads(catalogue.read_bytes())["models"]:
        yield Source(model["text"], False, f"assets/{catalogue.name}", 1)


def template(found: Iterable[Source]) -> bytes:
    """Qt's TS file with each sentence once and every place that says it."""
    root = ElementTree.Element("TS", version="2.1", sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name")
    messages: dict[tuple[str, bool], ElementTree.Element] = {}
    for source in found:
        message = messages.get((source.text, source.is_plural))
        if message is None:
            message = ElementTree.SubElement(context, "message", {"numerus": "yes"} if source.is_plural else {})
            messages[source.text, source.is_plural] = message
        ElementTree.SubElement(message, "location", filename=source.file, line=str(source.line))
    for (text, is_plural), message in messages.items():
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation", type="unfinished")
        if is_plural:
            ElementTree.SubElement(translation, "numerusform")
    ElementTree.indent(root)
    body: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n'.encode()


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "desktop_llm.ts")
    target.write_bytes(template([*sentences(), *catalogue_texts()]))
    sys.stderr.write(f"{target}\n")
