"""Models of every kind as rows of the page's lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_llm.gui.documents.words import moment, plain, size
from desktop_llm.gui.model_words import model_name, size_word
from desktop_llm.gui.models import words
from desktop_llm.gui.models.rows import Entry, Mark
from desktop_llm.models.hub import HubModel
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.gui.discovery import Found
    from desktop_llm.models.fit import Forecast
    from desktop_llm.models.fit.catalog import Recommendation

# What a model is for where that is not chatting; its pill says so in place of the fit.
_NO_CHAT = ("feature-extraction", "sentence-similarity", "text-ranking")


def found_entry(found: Found) -> Entry:
    """A repository of the hub; its key is its id."""
    model = found.model
    mark = words.fit_mark(found.forecast.fit) if found.forecast is not None else None
    if model.task in _NO_CHAT:
        mark = Mark(tr("Embedding") if model.task != "text-ranking" else tr("Ranking"))
    facts = []
    if model != HubModel(model.repo):  # of one that was never opened nothing is known but its name
        facts = [("download", words.amount(model.downloads)), ("heart", words.amount(model.likes))]
    if model.license:
        facts.append(("", words.licence(model.license)))
    return Entry(
        model.repo,
        words.repository_title(model.repo),
        plain(model.author),
        mark=mark,
        facts=tuple(facts),
        locked=model.gated,
    )


def recommended_entry(key: str, recommendation: Recommendation) -> Entry:
    """A model of the catalogue."""
    return Entry(
        key,
        plain(recommendation.name),
        plain(recommendation.title),
        tag=size_word(recommendation.quantization),
        mark=words.fit_mark(recommendation.forecast.fit),
        facts=(("", size(recommendation.size_bytes)),),
    )


def local_entry(model: Model, *, in_use: bool = False, forecast: Forecast | None = None) -> Entry:
    """A model on this computer; its key is "local " and its id."""
    return Entry(
        f"local {model.id}",
        model_name(model),
        ", ".join(filter(None, (size(model.size_bytes), origin_word(model)))),
        tag=size_word(model.quantization),
        mark=_local_mark(model, forecast, in_use=in_use),
        facts=(("", moment(model.used_at)),) if model.used_at is not None else (),
    )


def origin_word(model: Model) -> str:
    """Where the model came from."""
    own = {
        "starter": tr("came with this app"),
        "imported": tr("added from a file"),
        "pulled": "Hugging Face",
        "folder": tr("a folder of yours"),
    }
    return own.get(model.origin) or model.app


def _local_mark(model: Model, forecast: Forecast | None, *, in_use: bool) -> Mark | None:
    states = {
        "missing": Mark(tr("Missing"), "danger", "alert"),
        "damaged": Mark(tr("Damaged"), "danger", "alert"),
        "unsupported": Mark(tr("Not supported"), "danger", "alert"),
        "changed": Mark(tr("Changed"), "warning", "warn"),
    }
    if model.state != "ok":
        return states[model.state]
    if in_use:
        return Mark(tr("In use"), "success", "check")
    if forecast is not None:
        return words.fit_mark(forecast.fit)
    return Mark(tr("Embedding")) if model.kind == "embedding" else None
