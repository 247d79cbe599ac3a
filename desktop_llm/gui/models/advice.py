"""What the sizes of a repository come to on this computer, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop_llm.gui.documents.words import number, plain, size
from desktop_llm.gui.models.repository import Advice
from desktop_llm.gui.models.sizes import SizeRow, main_rows
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine


def machine_words(machine: Machine, context_length: int) -> str:
    """ "RTX 4060, 8.0 GB, context 16,384": for what the forecasts are."""
    context = tr("context {tokens}", tokens=number(context_length))
    if machine.gpus:
        gpu = machine.gpus[0]
        return f"{plain(gpu.name)}, {size(gpu.total_bytes)}, {context}"
    return tr("{size} of memory, {context}", size=size(machine.ram_bytes), context=context)


def advise(rows: Sequence[SizeRow], machine: Machine) -> Advice | None:
    """The recommended size and how it sits in memory; then what the next larger one would give and cost."""
    known = [row for row in rows if row.forecast is not None]
    if not known:
        return None
    chosen = next((row for row in known if row.recommended), None)
    if chosen is None or chosen.forecast is None:
        title = tr("None of these sizes has room on this computer.")
        return Advice(title, tr("A model with fewer parameters needs less memory."))
    return Advice(_how_it_sits(chosen.word, chosen.forecast, machine), _larger(chosen, main_rows(known)[0]))


def _how_it_sits(word: str, forecast: Forecast, machine: Machine) -> str:
    if machine.gpus and forecast.gpu_layers >= forecast.layers > 0:
        left = machine.gpus[0].total_bytes - forecast.gpu_bytes
        return tr(
            "{size} fits completely on your graphics card and leaves {free} free.", size=word, free=size(max(0, left))
        )
    if forecast.gpu_layers:
        return tr(
            "{size} puts {count} of {all} layers on your graphics card and the rest into memory.",
            size=word,
            count=number(forecast.gpu_layers),
            all=number(forecast.layers),
        )
    left = machine.ram_bytes - forecast.memory_bytes
    if forecast.fit == "fits":
        return tr("{size} fits into memory and leaves {free} for everything else.", size=word, free=size(max(0, left)))
    return tr("{size} runs here, but slowly.", size=word)


def _larger(chosen: SizeRow, rows: Sequence[SizeRow]) -> str:
    larger = [row for row in rows if row.file.size_bytes > chosen.file.size_bytes]
    if not larger or (forecast := larger[0].forecast) is None:
        return ""
    name = larger[0].word
    if forecast.fit == "too_big":
        return tr("{size} is too big for this computer.", size=name)
    before = chosen.forecast.tokens_per_s if chosen.forecast else None
    if not before or not forecast.tokens_per_s:
        return tr("{size} is a little more exact and needs more memory.", size=name)
    return tr("{size} is a little more exact and {slower}.", size=name, slower=_slower(forecast.tokens_per_s / before))


def _slower(ratio: float) -> str:
    steps = (
        (0.92, tr("about as fast")),
        (0.68, tr("about a quarter slower")),
        (0.42, tr("about half as fast")),
    )
    return next((text for least, text in steps if ratio >= least), tr("much slower"))
