"""How a model file, its size, and what is wrong with it are said."""

from __future__ import annotations

from desktop_llm.errors import ModelFileError, UnsupportedModel
from desktop_llm.words import Sentence, tr


def unsupported(name: str, what: str) -> UnsupportedModel:
    """A file that is nothing for this app, in its sentence."""
    return UnsupportedModel(_refusal(name, what))


def not_gguf(name: str) -> ModelFileError:
    """A file of another format, in its sentence."""
    return ModelFileError(_refusal(name, tr("is not a GGUF model file")))


def damaged(name: str, what: str) -> ModelFileError:
    """A file that contradicts itself, in its sentence."""
    return ModelFileError(
        tr("{name} is damaged: it {what}. Nothing was changed; download it again.", name=name, what=what)
    )


def _refusal(name: str, what: str) -> Sentence:
    return tr("{name} {what}. Nothing was changed; choose another file.", name=name, what=what)


def printable(text: str) -> str:
    """The text without control and bidirectional characters, which a stranger's file could use to deceive."""
    return "".join(character for character in text if character.isprintable()).strip()


def unit(size_bytes: int) -> str:
    """The decimal unit in which a size is shown."""
    return "GB" if size_bytes >= 10**9 else "MB" if size_bytes >= 10**6 else "bytes"


def in_units(size_bytes: int, whole_bytes: int) -> str:
    """`size_bytes` in the unit of `whole_bytes`, without the unit."""
    scale = {"GB": 10**9, "MB": 10**6, "bytes": 1}[unit(whole_bytes)]
    return f"{size_bytes / scale:.1f}" if scale > 1 else f"{size_bytes:,}"
