"""What works here and what does not, as one report: the machine, the engine, the stores."""

from __future__ import annotations

import contextlib
import importlib.metadata
from dataclasses import asdict
from typing import Any

from desktop_llm import __version__
from desktop_llm.chats.reader import condition
from desktop_llm.engine.client import Engine, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.hardware import hardware
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders
from desktop_llm.words import tr


def report(home: Folders) -> dict[str, Any]:
    """Everything `doctor --json` prints; a thing that does not work is a sentence in it, never an exception."""
    engine, gpus = _engine(home)
    return {
        "version": __version__,
        "home": home.home,
        "hardware": {**asdict(hardware()), "gpus": gpus},
        "engine": engine,
        "stores": {"chats": condition(home.chats_db), "knowledge": condition(home.knowledge_db)},
    }


def _engine(home: Folders) -> tuple[dict[str, Any], list[str]]:
    """How the engine does with the starter model, and the GPUs that it can use."""
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
            loaded = engine.loaded
            gpus = [device.description for device in engine.devices() if device.kind == "gpu"]
    except UserError as error:
        return found | {"reason": error.message}, []
    if loaded is None:
        return found | {"reason": tr("The engine ended right after it had started.")}, []
    return found | {"ok": True, "backends": loaded.backend.split(", ")}, gpus


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
