"""How the hub's repositories are written on the Models page: counts, licences, tasks, languages, dates."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from PySide6.QtCore import QLocale

from desktop_llm.gui.look.formats import decimal, locale, number, plain
from desktop_llm.models.names import repository_name
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.hub.repositories import Size

USUAL_HOST = "huggingface.co"

_LICENCES = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD 3-Clause",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0",
    "gpl-3.0": "GPL 3.0",
    "gemma": "Gemma",
    "llama2": "Llama 2",
    "llama3": "Llama 3",
    "llama3.1": "Llama 3.1",
    "llama3.2": "Llama 3.2",
    "llama3.3": "Llama 3.3",
    "llama4": "Llama 4",
    "openrail": "OpenRAIL",
}
_FREE = {"apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "gpl-3.0"}
_WITH_TERMS = {"gemma", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "openrail", "other"}


def amount(value: int) -> str:
    """A count as short as the lists need it: "96", "4.2K", "842K", "1.9M"."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= limit * 0.9995:
            scaled = value / limit
            return f"{decimal(scaled) if scaled < 9.95 else number(scaled)}{unit}"
    return number(value)


def licence(name: str) -> str:
    """A licence as people write it; an unknown one as the repository writes it."""
    return _LICENCES.get(name.lower(), tr("own licence") if name.lower() == "other" else plain(name))


def licence_sentence(name: str) -> str:
    """The licence and, if its name tells that, its limits."""
    key = name.lower()
    if not key:
        return tr("No licence given")
    if key in _FREE:
        return tr("{licence}, free to use", licence=licence(name))
    if "-nc" in key:
        return tr("{licence}, not for business", licence=licence(name))
    if key in _WITH_TERMS:
        return tr("{licence}, free within its terms", licence=licence(name))
    return licence(name)


def repository_title(repo: str) -> str:
    """The part of the id after the author, unchanged."""
    return plain(repo.rpartition("/")[2])


def friendly_name(repo: str) -> str:
    """A repository's name as a model's: "Qwen/Qwen3-8B-GGUF" becomes "Qwen3 8B"."""
    return plain(repository_name(repo))


def updated(timestamp: float | None) -> str:
    """ "Updated 12 June", with the year unless it is this one."""
    if timestamp is None:
        return ""
    then, now = datetime.fromtimestamp(timestamp), datetime.now()
    day = f"{then.day} {locale().standaloneMonthName(then.month)}"
    return tr("Updated {day}", day=day if then.year == now.year else f"{day} {then.year}")


def hub_name(endpoint: str) -> str:
    """The name of the hub: Hugging Face, or the host of a mirror."""
    host = urlsplit(endpoint).netloc
    return "Hugging Face" if host in ("", USUAL_HOST) else host


def language_name(code: str) -> str:
    """A language by its code in the words of the locale: "de" becomes "German"."""
    language = QLocale(code).language()
    if language == QLocale.Language.C:
        return plain(code)
    return QLocale.languageToString(language)


def size_class(size: Size) -> str:
    """A size class in words, with its range of weights."""
    words: dict[Size, str] = {
        "small": tr("Small, up to 4 billion weights"),
        "medium": tr("Medium, 4 to 15 billion"),
        "large": tr("Large, 15 to 45 billion"),
        "huge": tr("Very large, from 45 billion on"),
    }
    return words[size]


def task_word(task: str) -> str:
    """A model's purpose in words; an unknown task as the hub writes it."""
    words = {
        "text-generation": tr("Chat and text"),
        "image-text-to-text": tr("Sees pictures"),
        "any-to-any": tr("Sees and hears"),
        "feature-extraction": tr("Document search"),
        "sentence-similarity": tr("Document search"),
        "text-ranking": tr("Sorting results"),
        "translation": tr("Translation"),
        "summarization": tr("Summaries"),
    }
    return words.get(task, plain(task).replace("-", " ").capitalize())
