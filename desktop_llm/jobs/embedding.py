"""The job of embedding a collection with another model. After a quit or a kill, knowledge.db says what is still due."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from desktop_llm.jobs.job import Progress, Work, told
from desktop_llm.jobs.reading import progress_of
from desktop_llm.knowledge.client import IndexProgress, IndexReport, Knowledge

EMBEDDING = "embedding"


class EmbeddingWork(Work[IndexReport]):
    """Embeds what is due. The knowledge worker does one collection after another, and readings in between."""

    at_once = 1_000
    held_in_place = True

    def __init__(self, knowledge: Knowledge, collection: str) -> None:
        self._knowledge, self._collection = knowledge, collection

    def steps(self) -> Generator[Progress, None, IndexReport]:
        """Embed; the model takes over at the end."""
        return (yield from told(self._knowledge.reembed(self._collection), _progress_of))

    def pause(self) -> None:
        """Pause after the current passages."""
        self._knowledge.pause(self._collection)

    def resume(self) -> None:
        """Resume embedding."""
        self._knowledge.resume(self._collection)

    def cancel(self) -> None:
        """Keep the model before; what the other one embedded goes."""
        self._knowledge.stop(self._collection)


def _progress_of(step: IndexProgress) -> Progress:
    """The progress in passages, which the stage tells."""
    return replace(progress_of(step), stage=EMBEDDING)
