"""How requests are written on screen: their purpose, their result, and the speed of a transfer."""

from __future__ import annotations

from desktop_llm.gui.look.formats import plain, size
from desktop_llm.net import Unanswered
from desktop_llm.net.causes import CAUSES
from desktop_llm.net.ledger import LedgerEntry
from desktop_llm.words import tr


def purpose(entry: LedgerEntry) -> str:
    """The purpose of a request in words; a purpose noted by another version stays as it is."""
    return _purposes().get(entry.purpose, plain(entry.purpose))


def result(entry: LedgerEntry) -> str:
    """The result of a request in two or three words."""
    if entry.result == "offline_switch" and entry.bytes_in:
        return tr("Stopped, offline")
    return _results().get(entry.result, plain(entry.result.replace("_", " ")))


def widest_words() -> tuple[str, str, str]:
    """The longest purpose, amount and result, for the width of the columns."""
    return max(_purposes().values(), key=len), size(888_000_000_000), max(_results().values(), key=len)


def _purposes() -> dict[str, str]:
    return {
        "search models": tr("Search models"),
        "list files": tr("List files"),
        "read header": tr("Read a model’s header"),
        "download": tr("Download"),
        "model card": tr("Model card"),
        "check token": tr("Check the token"),
    }


def _results() -> dict[str, str]:
    noted = {name: str(cause.noted.filled()) for name, cause in CAUSES.items()}
    return {"ok": tr("Done"), "open": tr("Under way"), "stopped": tr("Stopped"), **noted}


def went_well(entry: LedgerEntry) -> bool:
    """Whether a request did not fail: it succeeded, is under way or was stopped on purpose."""
    return entry.result in ("ok", "open", "stopped", "offline_switch")


def rate(host: str, bytes_per_s: float) -> str:
    """ "huggingface.co, 24 MB/s"; only the host before any bytes arrived."""
    if bytes_per_s < 1000:
        return plain(host)
    return tr("{host}, {size}/s", host=plain(host), size=size(round(bytes_per_s)))


def not_reached(request: Unanswered) -> str:
    """Say which host did not answer; "" if this computer has no internet connection."""
    if request.cause == "no_internet":
        return ""
    return tr("{host} not reached", host=plain(request.host))
