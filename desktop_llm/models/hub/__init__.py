"""Hugging Face: searching, file lists, cards, remote headers, the access token. Everything goes through `net`."""

from desktop_llm.models.hub.hub import (
    DEFAULT_ENDPOINT,
    ENDPOINT_VARIABLE,
    Hub,
    HubFile,
    HubModel,
    HubPart,
    HubRepo,
    Reference,
    Sort,
    parse_reference,
)

__all__ = [
    "DEFAULT_ENDPOINT",
    "ENDPOINT_VARIABLE",
    "Hub",
    "HubFile",
    "HubModel",
    "HubPart",
    "HubRepo",
    "Reference",
    "Sort",
    "parse_reference",
]
