"""What to say of a model that is not as it was, in one sentence that tells what to do."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.models.facts import Stamp
from desktop_llm.models.gguf import Header
from desktop_llm.models.library.records import Model, State, app_name
from desktop_llm.models.library.register import UNPINNED, Entry
from desktop_llm.models.library.sets import FileSet
from desktop_llm.words import Sentence, tr


def state_of(entry: Entry, header: Header | ModelFileError | None, stamp: Stamp, files: FileSet) -> tuple[State, str]:
    """How the files that are here differ from what they should be, and the sentence for it."""
    if header is None:
        return "damaged", tr(
            "Only {count} of the {expected} files of {name} are here. Download it again; nothing else was changed.",
            count=len(files.paths),
            expected=files.expected,
            name=entry.name,
        )
    if isinstance(header, ModelFileError):
        state: State = "unsupported" if isinstance(header, UnsupportedModel) else "damaged"
        return state, _about(header.message, entry.name if files.found.name else files.path.name)
    if entry.stamp in (stamp, UNPINNED):
        return "ok", ""
    return "changed", _changed(entry)


def gone(path: Path, entry: Entry) -> Model:
    """The model whose files were here and are not any more."""
    return Model(
        id=entry.id,
        name=entry.name,
        path=path,
        size_bytes=entry.size_bytes,
        architecture=entry.architecture,
        quantization=entry.quantization,
        context_length=entry.context_length,
        kind=entry.kind,
        origin=entry.origin,
        state="missing",
        reason=_missing(path, entry),
        layers=entry.layers,
        parts=(path,),
        repo=entry.repo,
        file=entry.file,
        revision=entry.revision,
        sha256=entry.sha256s[0] if entry.sha256s else None,
        hidden=entry.hidden,
    )


def _changed(entry: Entry) -> Sentence:
    if entry.vouched:
        return tr(
            "The file of {name} was changed after it was added, and not by this app. Nothing else was touched. "
            "Remove it and get it again, or import the file again if the change was yours.",
            name=entry.name,
        )
    return tr(
        "The file of {name} was changed since it was used last. Your chats are untouched. "
        "Load it to go on with it as it is now.",
        name=entry.name,
    )


def _missing(path: Path, entry: Entry) -> Sentence:
    if entry.removed:
        return tr("{name} was removed. Your chats are untouched. Get it again to go on with it.", name=entry.name)
    if app := app_name(entry.origin):
        return tr(
            "{name} is not where {app} kept it any more. Your chats are untouched. Get it again to go on with it.",
            name=entry.name,
            app=app,
        )
    return tr(
        "The file of {name} is not in {folder} any more. Your chats are untouched. Get it again, or put the file back.",
        name=entry.name,
        folder=path.parent,
    )


def _about(message: str, name: str) -> str:
    """The sentence with another name for the file: a blob's own says nothing to a person."""
    if isinstance(message, Sentence) and "name" in message.values:
        return Sentence.made(message.template, {**message.values, "name": name})
    return message
