"""Several models in memory at once, as far as memory allows: one engine for each.

Whoever wants an answer takes the engine of a model and gives it back afterwards. A model that is not in memory is
loaded beside the others. If there is no room, the least recently used idle ones are unloaded; if even that is not
enough, the request waits in line until an answer ends, and none that came later overtakes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.engine.client import STOP_GRACE_S, Engine
from desktop_llm.engine.events import InLine, Loading, Unloaded
from desktop_llm.engine.installation import STALL_S, Installation
from desktop_llm.engine.room import Memory, count_to_unload, free_memory
from desktop_llm.engine.shapes import LoadedModel, LoadSettings
from desktop_llm.errors import LESS_MEMORY, UserError
from desktop_llm.paths import Folders

_WATCH_S = 0.05


@dataclass(slots=True, eq=False)
class _Place:
    """A model's engine, how many requests hold it, and whether it is unloaded as soon as none does."""

    model: Path
    engine: Engine
    holders: int = 0
    leaving: bool = False


@dataclass(slots=True, eq=False)
class _Request:
    """A request in line, and the models that are unloaded for it. If it found no room, it looks again once there are
    more changes than it `knows`.
    """

    model: Path
    settings: LoadSettings
    needs: Memory
    unloads: Sequence[_Place] = ()
    lacks_memory: bool = False
    knows: int = 0


class Engines:
    """The engines of this process. Any thread may call anything.

    `free` tells how much memory another model may take now; without it, the system is asked.
    """

    def __init__(
        self,
        home: Folders,
        *,
        command: Sequence[str] | None = None,
        stall_s: float = STALL_S,
        stop_grace_s: float = STOP_GRACE_S,
        free: Callable[[], Memory] | None = None,
    ) -> None:
        self.installation = Installation(home, command=command, stall_s=stall_s)
        self._stop_grace_s = stop_grace_s
        self._free = free or self._free_now
        self._lock = threading.Lock()  # not for the window's thread: finding out what is free may take a second
        self._places: dict[Path, _Place] = {}  # the least recently used first
        self._line: list[_Request] = []
        self._loader: _Request | None = None  # one model is loaded at a time, so that the free memory says something
        self._changes = 0

    @property
    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory, the least recently used first."""
        return tuple(loaded for place in self._all() if (loaded := place.engine.loaded) is not None)

    def of(self, model: Path) -> Engine | None:
        """The engine that has this model in memory, None if none has. It may be unloaded at any time."""
        place = self._places.get(model)
        return place.engine if place is not None and place.engine.loaded is not None else None

    def take(
        self, model: Path, settings: LoadSettings, needs: Memory | None = None, *, asked_for: bool = False
    ) -> Generator[Loading | InLine | Unloaded, None, Engine]:
        """The engine with this model in memory, which stays there until `give_back`; `needs` is the memory it will
        take, as far as known.

        While it waits, it yields its place in line again and again, so that it can be closed. Raises the errors of
        `Engine.load`; a model that runs out of memory is loaded once more after all idle ones are unloaded.
        """
        request = _Request(model, settings, needs or Memory())
        with self._lock:
            self._line.append(request)
        try:
            while (place := self._admit(request)) is None:
                yield self._in_line(request)
                threading.Event().wait(_WATCH_S)
        finally:
            with self._lock:
                self._line.remove(request)
        try:
            yield from self._load(place, request, asked_for=asked_for)
        except BaseException:
            self.give_back(place.engine)
            raise
        return place.engine

    def give_back(self, engine: Engine) -> None:
        """Say that an answer has ended; the model stays in memory until its room is needed."""
        with self._lock:
            place = next(each for each in self._places.values() if each.engine is engine)
            place.holders -= 1
            self._changes += 1
            goes = not place.holders and (place.leaving or engine.loaded is None)
            if goes:
                del self._places[place.model]
        if goes:
            engine.close()

    def unload(self, model: Path) -> bool:
        """Free this model's memory, as soon as no answer needs it; returns whether it is free now."""
        with self._lock:
            place = self._places.get(model)
            if place is not None and place.holders:
                place.leaving = True
                return False
            self._places.pop(model, None)
        if place is not None:
            place.engine.close()
        return True

    def unload_all(self) -> None:
        """Free all memory, as soon as no answer needs it."""
        for place in self._all():
            self.unload(place.model)

    def stop(self, slot: str | None = None) -> None:
        """End this conversation's answer, or all answers; the text so far stays. Harmless if there is none."""
        for place in self._all():
            place.engine.stop(slot)

    def answer_now(self, slot: str) -> None:
        """End the thinking in this conversation's answer and let the answer begin. Harmless if there is none."""
        for place in self._all():
            place.engine.answer_now(slot)

    def forget(self, slots: Sequence[str]) -> None:
        """Forget what was kept of these conversations, in memory and on the disk."""
        self.installation.forget(slots)
        for place in self._all():
            place.engine.forget(slots)

    def why_not(self, model: Path) -> UserError | None:
        """Why the window should not choose this model by itself, because it ended the app or its worker; else None."""
        return self.installation.crashes.reason(model)

    def beside(self) -> Engine:
        """An engine of its own on the same installation, for measuring a model; the caller closes it."""
        return Engine(self.installation, stop_grace_s=self._stop_grace_s)

    def close(self) -> None:
        """End all workers and free the memory."""
        for place in self._all():
            place.engine.close()

    def end(self) -> None:
        """Close for good, from any thread: children that test or measure end too, and none starts any more."""
        self.installation.end()
        self.close()

    def _all(self) -> list[_Place]:
        return list(self._places.values())

    def _admit(self, request: _Request) -> _Place | None:
        """The place of its model, held for this request; None as long as it must wait."""
        with self._lock:
            in_front = self._line[: self._line.index(request)]
            if any(each.lacks_memory for each in in_front):
                return None
            place = self._places.get(request.model)
            if place is not None and self._serves(place, request):
                return self._hold(place)
            if in_front or self._loader is not None or (request.lacks_memory and request.knows == self._changes):
                return None
            request.knows = self._changes
            unloads = None if place is not None and place.holders else self._idle_to_unload(request)
            request.lacks_memory = unloads is None
            if unloads is None:
                return None
            for idle in unloads:
                del self._places[idle.model]
            self._loader, request.unloads = request, unloads
            return self._hold(place or _Place(request.model, self.beside()))

    def _in_line(self, request: _Request) -> InLine:
        """The place of a request; those for one model count as one, because they go on together."""
        with self._lock:
            up_to_it = self._line[: self._line.index(request) + 1]
        lacks_memory = any(each.lacks_memory for each in up_to_it if each.model == request.model)
        return InLine(len({each.model for each in up_to_it} | {request.model}), for_memory=lacks_memory)

    def _serves(self, place: _Place, request: _Request) -> bool:
        """Whether a model is in memory, or is being loaded, just as this request wants it."""
        loader = self._loader
        if loader is not None and loader.model == request.model:
            return loader.settings == request.settings
        lives = place.engine.loaded is not None or place.holders > 0  # whoever holds one that died loads it again
        return lives and place.engine.is_for(request.model, request.settings)

    def _hold(self, place: _Place) -> _Place:
        place.holders += 1
        place.leaving = False
        self._places.pop(place.model, None)
        self._places[place.model] = place  # the most recently used is the last
        return place

    def _idle_to_unload(self, request: _Request) -> list[_Place] | None:
        """The idle models that must go for this one; None if that does not suffice while others are in use."""
        idle = [
            (place, Memory.of(loaded))
            for place in self._all()
            if not place.holders and place.model != request.model and (loaded := place.engine.loaded) is not None
        ]
        in_use = any(place.holders for place in self._all())
        if not idle and not in_use:
            return []
        free, own = self._free(), self.of(request.model)
        if own is not None and own.loaded is not None:  # with other settings, so it goes
            free += Memory.of(own.loaded)
        count = count_to_unload(request.needs, free, [memory for _, memory in idle])
        if count is None and in_use:
            return None
        return [place for place, _ in idle[:count]]

    def _load(self, place: _Place, request: _Request, *, asked_for: bool) -> Generator[Loading | Unloaded, None, None]:
        """Load the model on its engine, unless it is loaded; first unload what must go."""
        try:
            yield from _unload(request.unloads, request.model)
            try:
                yield from place.engine.load(request.model, request.settings, asked_for=asked_for)
            except UserError as error:
                if error.action != LESS_MEMORY or not (idle := self._take_out_idle()):
                    raise
                yield from _unload(idle, request.model)
                yield from place.engine.load(request.model, request.settings, asked_for=asked_for)
        finally:
            with self._lock:
                if self._loader is request:
                    self._loader = None
                self._changes += 1

    def _take_out_idle(self) -> list[_Place]:
        with self._lock:
            idle = [place for place in self._all() if not place.holders]
            for place in idle:
                del self._places[place.model]
            return idle

    def _free_now(self) -> Memory:
        return free_memory(self.installation.devices_now())


def _unload(places: Sequence[_Place], other: Path) -> Generator[Unloaded, None, None]:
    """Free their memory for another model; one that ended by itself is not worth telling."""
    for place in places:
        was_loaded = place.engine.loaded is not None
        place.engine.close()
        if was_loaded:
            yield Unloaded(place.model, other)
