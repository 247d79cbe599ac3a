"""What `index model` does: which model embeds a collection, and the work when another one takes over."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.commands.library import library as open_library
from desktop_llm.commands.terminal import drain
from desktop_llm.errors import BadRequest
from desktop_llm.jobs.embedding import EmbeddingWork
from desktop_llm.jobs.job import Progress
from desktop_llm.knowledge.client import IndexReport, Knowledge
from desktop_llm.paths import Folders
from desktop_llm.words import tr

STARTER, OFF = "starter", "off"


def chosen_file(model_id: str, home: Folders) -> tuple[str, Path | None]:
    """The name and file of an embedding model of the library; the starter has no file. Raises UserError."""
    if model_id == STARTER:
        return "", None
    library = open_library(home)
    model = library.get(model_id)
    if model.kind == "embedding" and model.starter:
        return "", None
    if model.kind != "embedding":
        raise BadRequest(
            tr("{id} is no model for searching.", id=model.id),
            tr("Nothing was changed. `{command}` shows those of the kind “embedding”.", command="desktop-llm list"),
        )
    library.header(model)  # refuses what llama.cpp should not see
    return model.display_name, model.path


def chosen_reranker(model_id: str, home: Folders) -> tuple[str, Path | None]:
    """The name and file of a reranker of the library; none for "off". Raises UserError."""
    if model_id == OFF:
        return "", None
    library = open_library(home)
    model = library.get(model_id)
    if model.kind != "reranker":
        raise BadRequest(
            tr("{id} is no reranker.", id=model.id),
            tr("Nothing was changed. `{command}` shows those of the kind “reranker”.", command="desktop-llm list"),
        )
    library.header(model)
    return model.display_name, model.path


def embedded(client: Knowledge, collection: str) -> IndexReport:
    """Embed what is due in a collection; progress on stderr."""
    return drain(EmbeddingWork(client, collection).steps(), _line)


def _line(progress: Progress) -> str:
    left = "" if progress.seconds_left is None else tr(", {seconds:.0f} s left", seconds=progress.seconds_left)
    return tr("{done:,} of {total:,} passages{left}", done=progress.done, total=progress.total, left=left)
