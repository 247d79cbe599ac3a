"""Remembers, across restarts, which model ended its worker or the whole app before it wrote more than a few words.

Such a model would end them again. After two deaths with the same load settings it is started only if the person asks
for it; after a death of the app, the window does not choose it at its start. A word that it writes clears it, unless it
dies after the same few words of an answer to the same question: then that is its own fault, and nobody's from outside.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from desktop_llm.engine.shapes import ChatMessage, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.files import write_atomically
from desktop_llm.words import tr

log = logging.getLogger(__name__)

ENOUGH = 2  # deaths
_FEW = 8  # pieces of text


Place = tuple[LoadSettings, tuple[ChatMessage, ...], int]


@dataclass(frozen=True, slots=True)
class _Record:
    """What is known of a model file; `starting` is the process that is starting it, 0 for none."""

    seal: list[int]
    deaths: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    starting: int = 0


class Crashes:
    """The notes on models in one file. Without a place to write, nothing is remembered. For any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._places: dict[Path, Place] = {}  # where the last answer ended, by model; never written, as it has text

    def begin(self, model: Path) -> None:
        """Note that this process starts the model."""
        self._change(model, starting=os.getpid())

    def end(self, model: Path) -> None:
        """Note that starting it ended, however it did, and that this process lives."""
        self._change(model, starting=0)

    def died(self, model: Path, settings: LoadSettings) -> int:
        """Note that the worker died before the model wrote a word; returns how often it did so in a row."""
        deaths = self._deaths(model, settings) + 1
        self._change(model, starting=0, deaths=deaths, settings=asdict(settings))
        return deaths

    def died_writing(self, model: Path, settings: LoadSettings, messages: Sequence[ChatMessage], pieces: int) -> int:
        """Note that the worker died after so many pieces of an answer; returns how often it died at this very place,
        if that was among the first few.
        """
        place = settings, tuple(messages), pieces
        before, self._places[model] = self._places.get(model), place
        if pieces > _FEW or before != place:
            return 1
        self._change(model, starting=0, deaths=ENOUGH, settings=asdict(settings))
        return ENOUGH

    def finished(self, model: Path) -> None:
        """Forget where it died: an answer came to its end."""
        self._places.pop(model, None)

    def clear(self, model: Path) -> None:
        """Forget everything: the model writes."""
        self._change(model, starting=0, deaths=0)

    def allow(self, model: Path) -> None:
        """Let it be started once more, because the person asked for it."""
        deaths = self._record(model, self._read()).deaths
        self._change(model, starting=0, deaths=min(deaths, ENOUGH - 1))

    def check(self, model: Path, settings: LoadSettings) -> None:
        """Raises UserError for a model that died often enough with these settings."""
        if self._deaths(model, settings) >= ENOUGH:
            raise held_back(model)

    def reason(self, model: Path) -> UserError | None:
        """Why the window should not choose this model by itself at its start; None if it may."""
        record = self._record(model, self._read())
        if record.deaths >= ENOUGH:
            return held_back(model)
        if record.starting in (0, os.getpid()) or _runs(record.starting):
            return None
        return UserError(
            tr("The app ended unexpectedly while {name} was being started.", name=model.name),
            tr(
                "Your chats are kept. The model is not chosen by itself now; another one may suit this computer better."
            ),
        )

    def _deaths(self, model: Path, settings: LoadSettings) -> int:
        record = self._record(model, self._read())
        return record.deaths if record.settings == asdict(settings) else 0

    def _change(self, model: Path, **changes: Any) -> None:
        with self._lock:
            records = self._read()
            record = self._record(model, records)
            changed = replace(record, **changes)
            if changed == record:
                return
            records.pop(str(model), None)
            if changed.deaths or changed.starting:
                records[str(model)] = asdict(changed)
            try:
                write_atomically(self._file, json.dumps(records).encode())
            except UserError as error:
                log.warning("the start of a model could not be noted: %s", type(error.__cause__).__name__)

    def _read(self) -> dict[str, Any]:
        try:
            records = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return records if isinstance(records, dict) else {}

    def _record(self, model: Path, records: Mapping[str, Any]) -> _Record:
        """What is known of this very file; one that was replaced by another begins anew."""
        try:
            status = model.stat()
            seal = [status.st_size, status.st_mtime_ns]
        except OSError:
            seal = []
        try:
            record = _Record(**records[str(model)])
        except (KeyError, TypeError):
            return _Record(seal)
        return record if record.seal == seal else _Record(seal)


def held_back(model: Path) -> UserError:
    """The error for a model that is not started by itself any more."""
    return UserError(
        tr(
            "{name} stopped twice before it wrote more than a few words, so it is not started again by itself.",
            name=model.name,
        ),
        tr(
            "Your chats are kept. Choose another model, or open the model menu and load this one with other settings, "
            "such as a shorter context length."
        ),
        action="choose_model",
    )


def _runs(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid))
