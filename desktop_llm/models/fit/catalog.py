"""The shipped list of well-known open models, from which up to three are recommended for this machine.

The list is data (`assets/catalog.json`); a newer one in the data folder replaces it. It has for each model:

- its file on the hub, the size in bytes when the list was written (a download asks the hub again), its licence;
- its dimensions from its makers' configuration, and the number of weights that follows from them;
- `sampling`: the settings that its makers recommend, if the engine has them (a system prompt that they recommend is
  part of the file's chat template);
- marks: `vision` (it accepts pictures), `thinking` ("on" if it thinks unless told not to, "off" if only on demand),
  `mtp` (multi-token prediction: "file" if this file contains the extra head, "companion" if another file does);
- `source`: its makers' page, from which licence, dimensions and settings were taken.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from desktop_llm.models.fit.forecast import READING_TPS, Forecast, Forecaster
from desktop_llm.models.fit.memory import Setup
from desktop_llm.models.fit.speeds import weight_bytes
from desktop_llm.models.gguf import Header
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.gguf.tables import BLOCKS, KNOWN_ARCHITECTURES
from desktop_llm.models.names import size_label
from desktop_llm.paths import asset
from desktop_llm.words import Sentence, tr

if TYPE_CHECKING:
    from desktop_llm.models.library import Model

log = logging.getLogger(__name__)

FILE_NAME = "catalog.json"
CONTEXT_LENGTH = 4_096  # recommended models must have room for this many tokens, which is several long answers
_SCHEMA = 1
_USUAL_BYTES_PER_S = 20e9  # how fast a typical laptop reads its memory; used until this machine is measured
_MUCH_FASTER = 2.0

Use = Literal["chat", "code"]


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One model of the catalogue, with the fields that the module's docstring explains.

    A higher `quality` means a better model. `header` has as much of the file's header as a forecast needs.
    """

    repo: str
    file: str
    name: str
    text: str
    license: str
    use: Use
    quality: int
    size_bytes: int
    header: Header
    sampling: Mapping[str, float]
    vision: bool
    thinking: Literal["", "on", "off"]
    mtp: Literal["", "file", "companion"]
    source: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A model recommended for this machine; `title` says why, `text` says what it is good at."""

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
    model: CatalogModel
    forecast: Forecast

    @property
    def tokens_per_s(self) -> float:
        """The speed that is forecast for this machine or, until it is measured, for a typical laptop."""
        if self.forecast.tokens_per_s is not None:
            return self.forecast.tokens_per_s
        return _USUAL_BYTES_PER_S / sum(weight_bytes(name, count) for name, count in self.model.header.shape.active)


def recommended(forecaster: Forecaster, folder: Path | None = None) -> list[Recommendation]:
    """Up to three models that fit this machine: the best that is not slow, a much faster one and one for code.

    `folder` may hold a newer catalogue.
    """
    known = [_Candidate(model, _forecast(forecaster, model)) for model in catalog(folder)]
    possible = [candidate for candidate in known if candidate.forecast.fit != "too_big"]
    chats = [candidate for candidate in possible if candidate.model.use == "chat"]
    codes = [candidate for candidate in possible if candidate.model.use == "code"]
    balance = _best(chats, READING_TPS)
    others = [candidate for candidate in chats if candidate is not balance]
    fast = _best(others, balance.tokens_per_s * _MUCH_FASTER) if balance else None
    code = _best(codes, READING_TPS)
    titled = ((tr("Best balance"), balance), (tr("Fast"), fast), (tr("For code"), code))
    return [_recommendation(title, candidate) for title, candidate in titled if candidate]


def makers_sampling(model: Model, folder: Path | None = None) -> Mapping[str, float]:
    """The fields of the engine's Sampling that the makers of this model recommend, as the catalogue has them or, for
    what it does not say, as the model's file does; empty if neither knows.

    The catalogue recognizes a model by its file name without the quantization. A chat starts with these values, and the
    person's own settings override them. `folder` may hold a newer catalogue.
    """
    base = _base_name(model.file or model.path.name, model.quantization)
    same = (known for known in catalog(folder) if _base_name(known.file, known.header.quantization) == base)
    return {**dict(model.sampling), **next((known.sampling for known in same), {})}


def catalog(folder: Path | None = None) -> tuple[CatalogModel, ...]:
    """The models of the shipped catalogue, or of the one in `folder` if it is newer and can be read."""
    shipped = _read(asset(FILE_NAME).read_bytes())
    path = folder / FILE_NAME if folder else None
    if path is None or not path.exists():
        return shipped[1]
    try:
        newer = _read(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the newer catalogue could not be read: %s", type(error).__name__)
        return shipped[1]
    return max(shipped, newer, key=lambda read: read[0])[1]


def _best(candidates: Iterable[_Candidate], tokens_per_s: float) -> _Candidate | None:
    """The best candidate that fits and is fast enough, or else the fastest of all."""
    fitting = [candidate for candidate in candidates if candidate.forecast.fit == "fits"] or list(candidates)
    quick = [candidate for candidate in fitting if candidate.tokens_per_s >= tokens_per_s]
    if quick:
        return max(quick, key=lambda candidate: candidate.model.quality)
    return max(fitting, key=lambda candidate: candidate.tokens_per_s, default=None)


def _recommendation(title: str, candidate: _Candidate) -> Recommendation:
    model = candidate.model
    return Recommendation(
        repo=model.repo,
        file=model.file,
        name=model.name,
        title=title,
        text=Sentence.made(model.text, {}),
        size_bytes=model.size_bytes,
        forecast=candidate.forecast,
        license=model.license,
        quantization=model.header.quantization,
    )


def _forecast(forecaster: Forecaster, model: CatalogModel) -> Forecast:
    return forecaster.forecast(model.header, model.size_bytes, Setup(CONTEXT_LENGTH))


def _read(data: bytes) -> tuple[int, tuple[CatalogModel, ...]]:
    """The catalogue's version and its models, without those that this engine can't run.

    Raises ValueError, KeyError, TypeError or AttributeError if `data` is not a catalogue.
    """
    told = json.loads(data)
    if told["schema"] != _SCHEMA:
        raise ValueError("another schema")
    models = [model for model in told["models"] if model["architecture"] in KNOWN_ARCHITECTURES]
    return int(told["version"]), tuple(_model(model) for model in models)


def _model(model: Mapping[str, Any]) -> CatalogModel:
    names = ("repo", "file", "name", "text", "license", "use", "quality", "size_bytes")
    return CatalogModel(
        **{name: model[name] for name in names},
        header=_header(model),
        sampling=model.get("sampling", {}),
        vision=model.get("vision", False),
        thinking=model.get("thinking", ""),
        mtp=model.get("mtp", ""),
        source=model.get("source", ""),
    )


def _base_name(file: str, quantization: str) -> str:
    """A file's name without folder, suffix and quantization: "qwen3.5-4b" for "Qwen3.5-4B-UD-Q4_K_M.gguf"."""
    name = file.rpartition("/")[2].lower().removesuffix(".gguf")
    name = re.sub(r"-0000\d-of-0000\d$", "", name)
    return name.removesuffix(quantization.lower()).rstrip("-._").removesuffix("-ud")


def _header(model: Mapping[str, Any]) -> Header:
    """Build the header that the file would have, with its weights spread evenly over the layers."""
    build = dict(model["shape"])
    caching = build.pop("kv_layers", build["layers"])  # the other layers keep no keys and values
    shape = Shape(**build)
    layers, size_bytes, quantization = shape.layers, model["size_bytes"], model["quantization"]
    number_format = next(name for name in (quantization, quantization.rpartition("_")[0]) if name in BLOCKS)
    # Use the file's average bytes per weight, because a quantization mixes number formats.
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
        sampling=dict(model.get("sampling", {})),
        shape=replace(
            shape,
            kv_values=(shape.kv_heads * (shape.key_length + shape.value_length),) * caching + (0,) * (layers - caching),
            layer_bytes=(size_bytes // (layers + 1),) * layers,
            output_bytes=size_bytes // (layers + 1),
            active=((number_format, int(model["active_parameters"] * share)),),
            matrix_bytes=((number_format, size_bytes),),
        ),
    )
