"""Reports whether the parts of the app work here: the machine, the engine, its confinement, the stores."""

from __future__ import annotations

import contextlib
import importlib.metadata
from dataclasses import asdict
from typing import Any

from desktop_llm import __version__
from desktop_llm.chats.reader import condition
from desktop_llm.commands.documents import knowledge
from desktop_llm.engine.client import Engine, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.hardware import hardware
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders
from desktop_llm.words import tr
from desktop_llm.workers.confine import Enforced, enforced


def report(home: Folders) -> dict[str, Any]:
    """Everything that `doctor --json` prints; a part that does not work becomes a sentence, never an exception."""
    engine, gpus, confined = _engine(home)
    confined = confined or enforced()
    return {
        "version": __version__,
        "home": home.home,
        "hardware": {**asdict(hardware()), "gpus": gpus},
        "engine": engine,
        "confinement": {**asdict(confined), "says": confined.in_words()},
        "stores": stores(home),
    }


def stores(home: Folders) -> dict[str, str]:
    """The condition of both databases."""
    return {"chats": condition(home.chats_db), "knowledge": _documents(home)}


def _documents(home: Folders) -> str:
    """The condition of the documents' text: opening it recovers a damaged file, and says so."""
    if not home.knowledge_db.exists() and not home.index.exists():
        return "ok"
    try:
        with knowledge(home) as client:
            notice = client.notice()
    except UserError as error:
        return error.message
    return tr("damaged: {reason}", reason=notice) if notice else condition(home.knowledge_db, of_chats=False)


def _engine(home: Folders) -> tuple[dict[str, Any], list[str], Enforced | None]:
    """Whether the engine can load the starter model, which GPUs it can use, and what the kernel enforces on it."""
    found: dict[str, Any] = {
        "ok": False,
        "llama_cpp_python": _installed("llama-cpp-python"),
        "backends": [],
        "reason": None,
    }
    try:
        with contextlib.closing(Engine(home)) as engine:
            for _ in engine.load(Library(home).starter().path, LoadSettings(context_length=512)):
                pass
            loaded, confined = engine.loaded, engine.enforced()
            gpus = [device.description for device in engine.installation.devices() if device.kind == "gpu"]
    except UserError as error:
        return found | {"reason": error.message}, [], None
    if loaded is None:
        return found | {"reason": tr("The engine ended right after it had started.")}, [], None
    return found | {"ok": True, "backends": loaded.backend.split(", ")}, gpus, confined


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
