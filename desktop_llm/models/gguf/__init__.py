"""Reads and checks the header of a GGUF file before any native code sees the file."""

from desktop_llm.models.gguf.adapters import Adapter
from desktop_llm.models.gguf.header import Header, check_adapter, read_header, read_header_from, weights_of

__all__ = ["Adapter", "Header", "check_adapter", "read_header", "read_header_from", "weights_of"]
