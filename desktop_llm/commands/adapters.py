"""The commands about adapters: take them in, list them, and choose some for a chat."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from desktop_llm.characters import one_line
from desktop_llm.chats.records import ChatAdapter
from desktop_llm.commands.library import library as open_library
from desktop_llm.commands.terminal import print_json, tell
from desktop_llm.errors import BadRequest
from desktop_llm.models.library import Imported, Library, Model
from desktop_llm.models.library.adapters import adapters, base_name, base_of, ready, take_in
from desktop_llm.paths import Folders
from desktop_llm.words import tr


def run_import(options: argparse.Namespace, home: Folders) -> Imported:
    """Take in a model or an adapter; says what an adapter was made for, and whether that is here."""
    library = open_library(home)
    imported = take_in(library, options.path)
    if imported.model.kind == "adapter":
        tell(_told(library, imported.model))
    return imported


def run_list(options: argparse.Namespace, home: Folders) -> None:
    """The adapters: `base` is the id of the model here that an adapter was made for, or else the name in its file."""
    library = open_library(home)
    found = adapters(library)
    if options.json:
        print_json([_as_json(library, adapter) for adapter in found])
        return
    if not found:
        sys.stdout.write(
            f"{tr('There are no adapters here. `{command}` adds one.', command='desktop-llm import PATH')}\n"
        )
    for adapter in found:
        rank = tr("rank {rank}", rank=adapter.adapter.rank) if adapter.adapter else ""
        base = base_name(library, adapter) or tr("unknown model")
        size = f"{adapter.size_bytes / 1e6:,.1f} MB"
        sys.stdout.write(one_line(f"{adapter.id:44} {rank:10} {size:>12}  {tr('for {base}', base=base)}") + "\n")
        if adapter.reason:
            sys.stdout.write(f"  {one_line(adapter.explanation)}\n")


def check_adapter_id(adapter_id: str, home: Folders) -> None:
    """Raise UserError if this is not the id of an adapter."""
    if (found := open_library(home).find(adapter_id)).kind != "adapter":
        raise BadRequest(
            tr("{id} is not an adapter.", id=found.id),
            tr("Nothing was removed. `{command}` shows those that are.", command="desktop-llm adapter list"),
        )


def _as_json(library: Library, adapter: Model) -> dict[str, object]:
    base = base_of(library, adapter)
    named = adapter.adapter.base if adapter.adapter else ""
    return {
        "id": adapter.id,
        "path": adapter.path,
        "base": base.id if base is not None else named or None,
        "rank": adapter.adapter.rank if adapter.adapter else None,
        "size_bytes": adapter.size_bytes,
    }


def _told(library: Library, adapter: Model) -> str:
    base = base_of(library, adapter)
    if base is not None:
        return tr("{name} changes {model}.", name=adapter.display_name, model=base.display_name)
    named = adapter.adapter.base if adapter.adapter else ""
    if named:
        return tr("{name} was made for {base}, which is not here. It is kept.", name=adapter.display_name, base=named)
    return tr("The model that {name} was made for is not here. It is kept.", name=adapter.display_name)


def chosen(given: Sequence[str], library: Library, model: Model) -> tuple[ChatAdapter, ...]:
    """The adapters that `--adapter` names, each as ID or PATH, with =SCALE or 1; raises UserError if one does not fit
    the model.
    """
    found: dict[str, ChatAdapter] = {}
    for text in given:
        named, scale = _parsed(text)
        adapter = ready(library, named, scale, model)
        found[adapter.id] = ChatAdapter(adapter.id, adapter.name, adapter.scale)
    return tuple(found.values())


def _parsed(text: str) -> tuple[str, float]:
    named, _, scale = text.rpartition("=")
    try:
        return (named, float(scale)) if named else (text, 1.0)
    except ValueError:
        return text, 1.0
