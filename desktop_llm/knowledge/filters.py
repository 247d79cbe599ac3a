"""Which of a collection's documents a search is limited to: by file, folder, type and date of change."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePath

from desktop_llm.errors import NotFound
from desktop_llm.knowledge.keywords import plain
from desktop_llm.knowledge.shapes import Only
from desktop_llm.knowledge.store import Store
from desktop_llm.words import tr

_FAMILIES = {
    "spreadsheets": "xlsx xls xlsb xlsm ods csv tsv",
    "presentations": "pptx ppt odp",
    "letters": "docx doc odt rtf",
    "mails": "eml msg mbox",
    "pictures": "png jpg jpeg webp tif tiff bmp gif",
    "notes": "md markdown txt rst adoc",
}
TYPES = {name: frozenset(endings.split()) for name, endings in _FAMILIES.items()}
"""Names for several types of files, with their endings."""

# How people name them after "in the", "from the" and the like, as plain text.
_SPOKEN = {
    "spreadsheets": "spreadsheets?|excel (?:files?|sheets?)|tabellen(?:dateien)?|excel-?dateien|tableurs?|"
    "feuilles de calcul|hojas de calculo|fogli di calcolo",
    "presentations": "presentations?|slides?|slide decks?|powerpoints?|prasentation(?:en)?|folien|diapositives?|"
    "presentaciones|diapositivas|presentazioni",
    "mails": "e-?mails?|mails|courriels?|correos(?: electronicos)?",
    "pictures": "pictures|photos|images|bildern?|fotos|imagenes|immagini",
    "pdf": "pdfs|pdf (?:files?|documents?)|pdf-?(?:dateien|dokumenten?)|fichiers pdf|archivos pdf",
}
_BEFORE_TYPE = (
    r"\b(?:in|from|among|within|aus|unter|dans|parmi|en|nelle|nei)(?: (?:the|my|our|all|den|meinen|les|mes|las|los))* "
)
_TYPE = {name: re.compile(rf"{_BEFORE_TYPE}(?:{words})\b") for name, words in _SPOKEN.items()}
_FOLDER = "folder|directory|ordner|verzeichnis|dossier|repertoire|carpeta|cartella|map"
_FOLDERS = (
    re.compile(rf"\b(?:{_FOLDER}) (?:named |called |namens )?[\"'„“«]?([\w][\w .&-]*)"),
    re.compile(r"[\"'„“«]?([\w][\w.&-]*)[\"'”“»]? (?:folder|directory)\b"),
)
_FILES = "notes?|files?|documents?|reports?|e-?mails?|letters?|invoices?|dateien|dokumenten?|notizen|berichten?"
_LATELY = {
    "day": "today|heute|heutigen",
    "day before": "yesterday|gestern|gestrigen",
    "week before": "last week|letzte[nr]? woche|vorige[nr]? woche",
    "month before": "last month|letzten monats?|letztem monat",
}
_TIMES = {
    name: re.compile(
        rf"\b(?:{said})(?:'s)? (?:\w+ )?(?:{_FILES})\b|\b(?:{_FILES})(?: changed| added| modified)? "
        rf"(?:from |of |aus |von |der )?(?:{said})\b"
    )
    for name, said in _LATELY.items()
}


@dataclass(frozen=True, slots=True)
class _Document:
    source: int
    path: PurePath
    changed_s: float


def sources_of(store: Store, collections: Sequence[int], only: Only) -> frozenset[int]:
    """The contents of the documents that all of the filters leave. Raises NotFound if they leave none."""
    documents = _documents(store, collections)
    found = frozenset(each.source for each in documents if _is_left(each, only))
    if not found:
        raise NotFound(
            tr("No document is left to search."),
            tr("None of {count:,} documents fits: {filters}.", count=len(documents), filters=only.told),
        )
    return found


def in_question(store: Store, collections: Sequence[int], question: str, now: datetime) -> frozenset[int] | None:
    """The contents of the documents that a question limits itself to: "in the spreadsheets", "in the folder contracts",
    "last week's notes"; None if it does not, or if no document is one of those.
    """
    text = plain(question.replace("\u2019", "'"))
    asked = [*_folders(text)]
    kinds = [name for name, expression in _TYPE.items() if expression.search(text)]
    times = [_time(name, now) for name, expression in _TIMES.items() if expression.search(text)]
    if not (asked or kinds or times):
        return None
    documents = _documents(store, collections)
    folders = [name for name in asked if any(_is_below(each.path, name) for each in documents)]
    if not (folders or kinds or times):
        return None
    only = replace(times[0] if times else Only(), folder=folders[0] if folders else "", type=kinds[0] if kinds else "")
    return frozenset(each.source for each in documents if _is_left(each, only)) or None


def _folders(text: str) -> Iterator[str]:
    """What may be the name of a folder, longer ones first."""
    for expression in _FOLDERS:
        for found in expression.finditer(text):
            words = found.group(1).split()
            yield from (" ".join(words[:end]).rstrip(".-") for end in range(len(words), 0, -1))


def _time(name: str, now: datetime) -> Only:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    since, before = {
        "day": (today, now + timedelta(days=1)),
        "day before": (today - timedelta(days=1), today),
        "week before": (monday - timedelta(days=7), monday),
        "month before": ((first - timedelta(days=1)).replace(day=1), first),
    }[name]
    return Only(since=since.timestamp(), before=before.timestamp())


def _documents(store: Store, collections: Sequence[int]) -> list[_Document]:
    query = "SELECT source, path, mtime_ns FROM document WHERE collection = ? AND source IS NOT NULL"
    return [
        _Document(source, PurePath(os.fsdecode(path)), mtime_ns / 1e9)
        for collection in collections
        for source, path, mtime_ns in store.kept_rows(query, collection)
    ]


def _is_left(document: _Document, only: Only) -> bool:
    path, changed = document.path, document.changed_s
    return (
        (not only.file or _is_file(path, only.file))
        and (not only.folder or _is_below(path, only.folder))
        and (not only.type or path.suffix[1:].lower() in TYPES.get(only.type, {only.type}))
        and (only.since is None or changed >= only.since)
        and (only.before is None or changed < only.before)
    )


def _is_file(path: PurePath, wanted: str) -> bool:
    """Whether a path is a file, or the end of it, or its name fits the pattern."""
    name, wanted = plain(str(path)), plain(wanted)
    return name == wanted or name.endswith(f"{os.sep}{wanted}") or fnmatch.fnmatchcase(plain(path.name), wanted)


def _is_below(path: PurePath, wanted: str) -> bool:
    """Whether a file lies in a folder, given by its whole path or by the last names of it."""
    parents, wanted = plain(f"{path.parent}{os.sep}"), plain(wanted).strip(os.sep)
    return f"{os.sep}{wanted}{os.sep}" in parents
