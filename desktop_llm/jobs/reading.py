"""The job of reading documents into a collection. After a quit, the files not read yet still wait in knowledge.db."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from desktop_llm.jobs.job import Job, Kind, Progress, Work, told
from desktop_llm.knowledge.client import IndexProgress, IndexReport, Knowledge, LookFor


@dataclass(frozen=True, slots=True)
class Reading(Job):
    """Files and folders being read into a collection, which is the job's subject."""

    kind: ClassVar[Kind] = "reading"


class ReadingWork(Work[IndexReport]):
    """Reads `paths` and the files that already wait. The knowledge worker itself does one reading after another."""

    at_once = 1_000
    held_in_place = True

    def __init__(
        self,
        knowledge: Knowledge,
        collection: str,
        paths: Sequence[str | Path] = (),
        password: str | None = None,
        *,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        look: LookFor = "",
    ) -> None:
        """The parameters are those of `Knowledge.index`."""
        self._knowledge, self._collection = knowledge, collection
        self._paths, self._password = paths, password
        self._include, self._exclude, self._look = include, exclude, look

    def steps(self) -> Generator[Progress, None, IndexReport]:
        """Read the files; the report lists those that could not be read."""
        steps = self._knowledge.index(
            self._collection,
            self._paths,
            self._password,
            include=self._include,
            exclude=self._exclude,
            look=self._look,
        )
        return (yield from told(steps, progress_of))

    def pause(self) -> None:
        """Pause after the current passages."""
        self._knowledge.pause(self._collection)

    def resume(self) -> None:
        """Resume reading."""
        self._knowledge.resume(self._collection)

    def cancel(self) -> None:
        """Forget the files that still wait; files already read stay."""
        self._knowledge.stop(self._collection)


def progress_of(step: IndexProgress) -> Progress:
    """Translate the knowledge worker's progress."""
    return Progress(
        done=step.done,
        total=step.total,
        failed=step.failed,
        speed=step.chunks_per_s,
        seconds_left=step.seconds_left,
        current=step.current,
    )
