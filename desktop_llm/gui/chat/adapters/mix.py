"""What the rows of adapters show: those of the chat, and all others that are here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_llm.chats.records import ChatAdapter
from desktop_llm.gui.look.formats import plain, size
from desktop_llm.models.library import Library, Model
from desktop_llm.models.library.adapters import adapters, base_name, fits
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """An adapter as the chat has it; `about` says what it is, `unusable` why the model can't use it, "" if it can."""

    adapter: ChatAdapter
    about: str = ""
    unusable: str = ""


def rows_of(library: Library, model: Model | None, mix: Iterable[ChatAdapter]) -> tuple[AdapterRow, ...]:
    """The rows for a chat with this mix and this model; its own adapters keep their scale, and are there if their file
    is gone. The first look at a model reads its header.
    """
    own = {adapter.id: adapter for adapter in mix}
    rows = []
    for here in adapters(library):
        adapter = own.pop(here.id, ChatAdapter(here.id, here.display_name, 1.0, on=False))
        rows.append(_row(library, model, adapter, here))
    return (*rows, *(AdapterRow(adapter, unusable=tr("not here any more")) for adapter in own.values()))


def _row(library: Library, model: Model | None, adapter: ChatAdapter, here: Model) -> AdapterRow:
    base = base_name(library, here)
    if here.state == "missing":
        return AdapterRow(adapter, unusable=tr("not here any more"))
    if here.state not in ("ok", "changed"):
        return AdapterRow(adapter, unusable=tr("its file is damaged"))
    if model is not None and not fits(library, here, model):
        named = plain(base) if base and base != model.display_name else tr("another model")
        return AdapterRow(adapter, unusable=tr("for {model}, not this model", model=named))
    about = (tr("LoRA"), size(here.size_bytes), tr("for {model}", model=plain(base)) if base else "")
    return AdapterRow(adapter, ", ".join(filter(None, about)))
