"""Hugging Face: searching, file lists, cards, remote headers, the access token. Everything goes through `net`."""

from desktop_llm.models.hub.endpoint import DEFAULT_ENDPOINT, chosen_endpoint
from desktop_llm.models.hub.hub import (
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
    "Hub",
    "HubFile",
    "HubModel",
    "HubPart",
    "HubRepo",
    "Reference",
    "Sort",
    "chosen_endpoint",
    "parse_reference",
]
