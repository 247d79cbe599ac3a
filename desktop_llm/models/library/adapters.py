"""Adapters on this disk: taking them in, which models they fit, and what is to be loaded for a mix of them."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.errors import BadRequest, ModelFileError, NotFound, UserError
from desktop_llm.models import peft
from desktop_llm.models.gguf import read_header
from desktop_llm.models.library.library import Library, Model
from desktop_llm.models.library.records import Imported
from desktop_llm.words import tr

MAX_SCALE = 2.0  # of either sign; beyond it, adapters only make a model stammer


@dataclass(frozen=True, slots=True)
class Ready:
    """An adapter that was checked against a model: the file to load, and how strongly it counts. `id` is its path if it
    is not among the models here.
    """

    id: str
    name: str
    path: Path
    scale: float


def take_in(library: Library, path: Path) -> Imported:
    """Take the GGUF file of a model or of an adapter into the models folder, or a folder with an adapter as PEFT saves
    it, which is converted; raises ModelFileError or another UserError with what is wrong with it.
    """
    path = path.expanduser().absolute()
    if not path.is_dir():
        return library.import_file(path)
    if not peft.is_peft(path):
        raise BadRequest(
            tr("{name} is a folder without an adapter.", name=path.name),
            tr("Nothing was changed. Choose a GGUF file, or a folder that has {file}.", file=peft.CONFIG),
        )
    adapter = peft.read_peft(path)
    base = _base_of_peft(library, adapter)
    shape = library.header(base).shape
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{path.name}.gguf"
        peft.write_gguf(adapter, file, base.architecture, shape.heads, shape.kv_heads)
        return library.import_file(file)


def _base_of_peft(library: Library, adapter: peft.PeftAdapter) -> Model:
    """A model here for which the adapter can be converted; raises UserError if there is none."""
    usable = [model for model in library.snapshot().models if model.kind == "chat" and model.state in ("ok", "changed")]
    here = [model for model in usable if adapter.fits(library.weights(model))]
    if not here:
        raise BadRequest(
            tr("{name} was made for {base}, which is not here.", name=adapter.folder.name, base=adapter.base)
            if adapter.base
            else tr("The model that {name} was made for is not here.", name=adapter.folder.name),
            tr("Nothing was changed. Get that model first: it is needed to convert the adapter."),
        )
    named = _words(adapter.base)
    base = max(here, key=lambda model: len(named & _words(model.display_name)))
    if base.architecture not in peft.CONVERTIBLE:
        raise BadRequest(
            tr("Adapters for {model} can't be converted yet.", model=base.display_name),
            tr("Nothing was changed. Choose the adapter as a GGUF file."),
        )
    return base


def adapters(library: Library) -> list[Model]:
    """The adapters here, in any state."""
    return [model for model in library.snapshot().models if model.kind == "adapter"]


def fits(library: Library, adapter: Model, model: Model) -> bool:
    """Whether this model has everything that the adapter changes, in the same shapes."""
    if adapter.adapter is None or adapter.architecture != model.architecture or model.kind != "chat":
        return False
    try:
        return adapter.adapter.fits(library.weights(model))
    except ModelFileError:
        return False


def base_of(library: Library, adapter: Model) -> Model | None:
    """The model here that the adapter was made for: one of the name that its file gives, or else one that it fits."""
    here = [model for model in library.snapshot().models if fits(library, adapter, model)]
    named = _words(adapter.adapter.base) if adapter.adapter else set()
    return max(here, key=lambda model: len(named & _words(model.display_name)), default=None)


def base_name(library: Library, adapter: Model) -> str:
    """The name of the adapter's base for people; "" if neither its file nor a model here tells."""
    if adapter.adapter is not None and adapter.adapter.base:
        return adapter.adapter.base
    base = base_of(library, adapter)
    return base.display_name if base is not None else ""


def ready(library: Library, given: str, scale: float, model: Model) -> Ready:
    """The adapter with this id, or in this file, checked for `model`; raises UserError with what is wrong with it."""
    if not abs(scale) <= MAX_SCALE:
        raise BadRequest(
            tr("An adapter can't count {scale} times.", scale=f"{scale:g}"),
            tr("Give a number from {low:g} to {high:g}; 1 is what its maker meant.", low=-MAX_SCALE, high=MAX_SCALE),
        )
    adapter = _found(library, given)
    library.check_adapter(adapter.path)
    if not fits(library, adapter, model):
        raise wrong_base(library, adapter, model)
    return Ready(adapter.id, adapter.display_name, adapter.path, scale)


def wrong_base(library: Library, adapter: Model, model: Model) -> UserError:
    """The error for an adapter that was made for another model than this one."""
    name, base = adapter.display_name, base_name(library, adapter)
    text = tr("{model} is unchanged. Leave the adapter out, or choose its model.", model=model.display_name)
    if not base or base == model.display_name:
        return BadRequest(tr("{name} was not made for {model}.", name=name, model=model.display_name), text)
    return BadRequest(tr("{name} was made for {base}, not for this model.", name=name, base=base), text)


def _found(library: Library, given: str) -> Model:
    path = Path(given).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return _in_file(path.absolute())
    if path.is_dir():
        raise BadRequest(
            tr("{name} is a folder.", name=path.name),
            tr("Import it first: `{command}`.", command=f"desktop-llm import {given}"),
        )
    try:
        adapter = library.get(given)
    except NotFound as error:
        if (gone := library.known(given)) is not None:
            raise NotFound(gone.reason, gone.remedy) from error
        raise NotFound(
            tr("There is no adapter “{id}” here.", id=given),
            tr("`{command}` shows which there are.", command="desktop-llm adapter list"),
        ) from error
    return _checked(adapter)


def _in_file(path: Path) -> Model:
    """An adapter that is not among the models."""
    header = read_header(path)
    return _checked(
        Model(
            id=str(path),
            name=header.name or path.stem,
            path=path,
            size_bytes=path.stat().st_size,
            architecture=header.architecture,
            quantization=header.quantization,
            context_length=0,
            kind=header.kind,
            adapter=header.adapter,
        )
    )


def _checked(adapter: Model) -> Model:
    if adapter.kind != "adapter":
        raise BadRequest(
            tr("{id} is not an adapter.", id=adapter.id),
            tr("`{command}` shows those that are.", command="desktop-llm adapter list"),
        )
    return adapter


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", name.casefold()))
