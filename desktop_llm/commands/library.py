"""The library as every command opens it, with the folders that the person named in the settings; and its list."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from desktop_llm import settings
from desktop_llm.characters import one_line
from desktop_llm.commands.terminal import print_json
from desktop_llm.errors import BadRequest
from desktop_llm.models.library import Library, Model
from desktop_llm.paths import Folders
from desktop_llm.words import tr


def library(home: Folders) -> Library:
    """The models on this computer."""
    return Library(home, model_folders=lambda: settings.load(home.settings)[0].model_folders)


def chat_model(library: Library, id: str | None) -> Model:
    """The chat model with this id; None for the one used last, otherwise the starter. Raises NotFound, BadRequest."""
    model = library.get(id) if id else library.default()
    if model.kind != "chat":
        raise BadRequest(
            tr("{id} is not a chat model.", id=model.id),
            tr("`{command}` shows those that are.", command="desktop-llm list"),
        )
    return model


def run_list(options: argparse.Namespace, home: Folders) -> None:
    """List the models on this computer; the list for people also says where each one is and whether something is wrong
    with it.
    """
    models = library(home).models()
    if options.json:
        print_json([_as_json(model) for model in models if _is_here(model)])
        return
    for model in models:
        size = f"{model.size_bytes / 1e6:,.0f} MB"
        eyes = [tr("sees pictures")] if model.projector else []
        where = ", ".join([model.app or model.origin, *eyes, *([] if model.state == "ok" else [model.state])])
        row = f"{model.id:44} {model.kind:10} {model.quantization:8} {size:>10}  {where}"
        sys.stdout.write(f"{one_line(row)}\n")
        if model.reason:
            sys.stdout.write(f"  {one_line(model.explanation)}\n")


_FIELDS = ("id", "path", "size_bytes", "architecture", "quantization", "context_length", "kind")


def _as_json(model: Model) -> dict[str, Any]:
    """The facts for programs; only a model that sees pictures has a projector."""
    eyes = {"projector": model.projector} if model.projector else {}
    return {**{name: getattr(model, name) for name in _FIELDS}, **eyes}


def _is_here(model: Model) -> bool:
    """Whether the reader of the list can do something with the file: load it, or remove it."""
    return model.state in ("ok", "changed") or (model.state in ("damaged", "unsupported") and model.own)
