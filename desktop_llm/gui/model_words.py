"""How models are written on screen: the plain word for a quantization, and names that come from files."""

from __future__ import annotations

from desktop_llm.gui.documents.words import plain
from desktop_llm.models.hub.quantizations import plain_word
from desktop_llm.models.library import Model
from desktop_llm.words import tr


def size_word(quantization: str) -> str:
    """Small, Balanced, Large, Largest or Full for names such as "Q4_K_M"; an unknown one stays as it is."""
    words = {
        "Small": tr("Small"),
        "Balanced": tr("Balanced"),
        "Large": tr("Large"),
        "Largest": tr("Largest"),
        "Full": tr("Full"),
    }
    return words.get(plain_word(quantization), plain(quantization))


def model_name(model: Model) -> str:
    """The model's name as one line; the name comes from a file and may hold anything."""
    return plain(model.display_name)


def kind_word(model: Model) -> str:
    """What the model is for."""
    if model.kind == "chat":
        return tr("Chat")
    return tr("Document search") if model.kind == "embedding" else plain(model.kind)
