"""Which hub models come from: one rule for the window and the command line."""

from __future__ import annotations

import os

DEFAULT_ENDPOINT = "https://huggingface.co"
ENDPOINT_VARIABLE = "HF_ENDPOINT"


def chosen_endpoint(setting: str | None) -> str:
    """The address that HF_ENDPOINT names, else that of the settings, else Hugging Face's own.

    The environment goes first because it is the nearer choice: it is set for one start, the settings for all.
    """
    return (given_endpoint() or setting or DEFAULT_ENDPOINT).rstrip("/")


def given_endpoint() -> str:
    """What HF_ENDPOINT names; empty where it names nothing."""
    return os.environ.get(ENDPOINT_VARIABLE, "").strip()
