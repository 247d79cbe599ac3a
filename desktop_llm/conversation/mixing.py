"""The mix of adapters that an answer gets: those of its chat that are on, checked against the model that answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.engine.client import AdapterUse
from desktop_llm.errors import UserError
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.adapters import ready


def mixed(
    library: Library, model: Model, adapters: Iterable[ChatAdapter]
) -> tuple[tuple[ChatAdapter, ...], Sequence[AdapterUse]]:
    """The adapters that count, and what the engine gets of them: one that is missing, damaged or made for another model
    has its problem, and is left out.
    """
    recorded, used = [], []
    for adapter in adapters:
        if not adapter.on or not adapter.scale:
            continue
        try:
            found = ready(library, adapter.id, adapter.scale, model)
        except UserError as error:
            recorded.append(replace(adapter, problem=error.title))
        else:
            recorded.append(replace(adapter, name=found.name))
            used.append(AdapterUse(found.path, found.scale))
    return tuple(recorded), used
