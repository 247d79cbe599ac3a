"""A shipped list of well-known open models, from which three are recommended for this machine without any network.

The list is data (`assets/catalog.json`): a newer one in the data folder takes its place. Sizes are those of the day it
was written; a download asks the hub for the file as it is then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from desktop_llm.models.fit.forecast import READING_TPS, Forecast, Forecaster
from desktop_llm.models.fit.speeds import weight_bytes
from desktop_llm.models.gguf import Header, size_label
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.gguf.tables import BLOCKS, KNOWN_ARCHITECTURES
from desktop_llm.paths import asset
from desktop_llm.words import tr

log = logging.getLogger(__name__)

FILE_NAME = "catalog.json"
CONTEXT_LENGTH = 4_096  # for which the recommended ones must fit: several long answers
_SCHEMA = 1
_USUAL_BYTES_PER_S = 20e9  # of a laptop's memory, where this machine's is not measured yet
_MUCH_FASTER = 2.0

Use = Literal["chat", "code"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue; `quality` orders them, `header` is what its file's header says, as far as needed."""

    repo: str
    file: str
    name: str
    text: str
    license: str
    use: Use
    quality: int
    size_bytes: int
    header: Header


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One of three models for this machine; `title` says what it is the best of, `text` what it is good for."""

    repo: str
    file: str
    name: str
    title: str
    text: str
    size_bytes: int
    forecast: Forecast
    license: str
    quantization: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    entry: Entry
    forecast: Forecast

    @property
    def tokens_per_s(self) -> float:
        """The forecast speed, or that of a usual laptop."""
        if self.forecast.tokens_per_s is not None:
            return self.forecast.tokens_per_s
        return _USUAL_BYTES_PER_S / sum(weight_bytes(name, count) for name, count in self.entry.header.shape.active)


def recommended(forecaster: Forecaster, folder: Path | None = None) -> list[Recommendation]:
    """Three models that this machine has room for: the best one that is not slow, a much faster one, one for code.

    Fewer where there is room for fewer. `folder` may hold a newer catalogue.
    """
    known = [_Candidate(entry, _forecast(forecaster, entry)) for entry in entries(folder)]
    possible = [candidate for candidate in known if candidate.forecast.fit != "too_big"]
    chats = [candidate for candidate in possible if candidate.entry.use == "chat"]
    codes = [candidate for candidate in possible if candidate.entry.use == "code"]
    balance = _best(chats, READING_TPS)
    others = [candidate for candidate in chats if candidate is not balance]
    fast = _best(others, balance.tokens_per_s * _MUCH_FASTER) if balance else None
    code = _best(codes, READING_TPS)
    titled = ((tr("Best balance"), balance), (tr("Fast"), fast), (tr("For code"), code))
    return [_recommendation(title, candidate) for title, candidate in titled if candidate]


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """The catalogue: the shipped one, or that of `folder` where it is newer and readable."""
    shipped = _read(asset(FILE_NAME).read_bytes())
    path = folder / FILE_NAME if folder else None
    if path is None or not path.exists():
        return shipped[1]
    try:
        newer = _read(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the newer catalogue could not be read: %s", type(error).__name__)
        return shipped[1]
    return max(shipped, newer, key=lambda catalog: catalog[0])[1]


def _best(candidates: Iterable[_Candidate], tokens_per_s: float) -> _Candidate | None:
    """The best of those that fit and are fast enough, else the fastest there is."""
    fitting = [candidate for candidate in candidates if candidate.forecast.fit == "fits"] or list(candidates)
    quick = [candidate for candidate in fitting if candidate.tokens_per_s >= tokens_per_s]
    if quick:
        return max(quick, key=lambda candidate: candidate.entry.quality)
    return max(fitting, key=lambda candidate: candidate.tokens_per_s, default=None)


def _recommendation(title: str, candidate: _Candidate) -> Recommendation:
    entry = candidate.entry
    return Recommendation(
        repo=entry.repo,
        file=entry.file,
        name=entry.name,
        title=title,
        text=entry.text,
        size_bytes=entry.size_bytes,
        forecast=candidate.forecast,
        license=entry.license,
        quantization=entry.header.quantization,
    )


def _forecast(forecaster: Forecaster, entry: Entry) -> Forecast:
    return forecaster.forecast(entry.header, entry.size_bytes, context_length=CONTEXT_LENGTH)


def _read(data: bytes) -> tuple[int, tuple[Entry, ...]]:
    """Version and entries; models that this version can't run are passed over. Raises for what is no catalogue."""
    catalog = json.loads(data)
    if catalog["schema"] != _SCHEMA:
        raise ValueError("another schema")
    models = [model for model in catalog["models"] if model["architecture"] in KNOWN_ARCHITECTURES]
    return int(catalog["version"]), tuple(_entry(model) for model in models)


def _entry(model: Mapping[str, Any]) -> Entry:
    names = ("repo", "file", "name", "text", "license", "use", "quality", "size_bytes")
    return Entry(**{name: model[name] for name in names}, header=_header(model))


def _header(model: Mapping[str, Any]) -> Header:
    """What the file's header would say, with its weights spread evenly over the layers."""
    shape = Shape(**model["shape"])
    layers, size_bytes, quantization = shape.layers, model["size_bytes"], model["quantization"]
    number_format = next(name for name in (quantization, quantization.rpartition("_")[0]) if name in BLOCKS)
    # The file's own bytes for each weight, since a quantization mixes number formats.
    share = size_bytes / weight_bytes(number_format, model["parameters"])
    return Header(
        architecture=model["architecture"],
        name=model["name"],
        quantization=quantization,
        context_length=model["context_length"],
        layers=layers,
        chat_template=None,
        kind="chat",
        size_label=size_label(model["parameters"]),
        parameters=model["parameters"],
        parts=1,
        shape=Shape(
            **model["shape"],
            kv_values=(shape.kv_heads * (shape.key_length + shape.value_length),) * layers,
            layer_bytes=(size_bytes // (layers + 1),) * layers,
            output_bytes=size_bytes // (layers + 1),
            active=((number_format, int(model["active_parameters"] * share)),),
            matrix_bytes=((number_format, size_bytes),),
        ),
    )
