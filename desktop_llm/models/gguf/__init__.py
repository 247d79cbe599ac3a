"""Reads and checks the header of a GGUF file: what a model is, told before any native code sees the file."""

from desktop_llm.models.gguf.header import Header, read_header, read_header_from, size_label
from desktop_llm.models.gguf.words import in_units, printable, unit

__all__ = [
    "Header",
    "in_units",
    "printable",
    "read_header",
    "read_header_from",
    "size_label",
    "unit",
]
