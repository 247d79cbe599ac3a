"""Hugging Face: searching, file lists, cards, remote headers, the access token. Everything goes through `net`."""

from desktop_llm.models.hub.files import HubFile, HubPart
from desktop_llm.models.hub.hub import (
    DEFAULT_ENDPOINT,
    ENDPOINT_VARIABLE,
    Hub,
    ModelCard,
    Sort,
    chosen_endpoint,
    given_endpoint,
)
from desktop_llm.models.hub.huggingface import Account
from desktop_llm.models.hub.references import Reference, parse_reference
from desktop_llm.models.hub.repositories import HubModel, HubRepo

__all__ = [
    "DEFAULT_ENDPOINT",
    "ENDPOINT_VARIABLE",
    "Account",
    "Hub",
    "HubFile",
    "HubModel",
    "HubPart",
    "HubRepo",
    "ModelCard",
    "Reference",
    "Sort",
    "chosen_endpoint",
    "given_endpoint",
    "parse_reference",
]
