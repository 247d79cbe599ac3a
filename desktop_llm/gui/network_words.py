"""How requests are written on screen: what for, how they ended, and how fast something comes in."""

from __future__ import annotations

from desktop_llm.gui.documents.words import plain, size
from desktop_llm.models.ledger import Entry
from desktop_llm.net import Unanswered
from desktop_llm.words import tr


def purpose(entry: Entry) -> str:
    """What a request was for; words of another version stay as they are."""
    return _purposes().get(entry.purpose, plain(entry.purpose))


def result(entry: Entry) -> str:
    """How a request ended, in two or three words."""
    if entry.result == "offline_switch" and entry.bytes_in:
        return tr("Stopped, offline")
    return _results().get(entry.result, plain(entry.result.replace("_", " ")))


def widest_words() -> tuple[str, str, str]:
    """The longest purpose, amount and result, which columns make room for."""
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
    return {
        "ok": tr("Done"),
        "open": tr("Under way"),
        "stopped": tr("Stopped"),
        "offline_switch": tr("Not sent, offline"),
        "no_internet": tr("No internet"),
        "no_connection": tr("No connection"),
        "login_page": tr("Login page instead"),
        "proxy_auth": tr("Proxy wants a login"),
        "unauthorized": tr("Token not accepted"),
        "gated": tr("Terms not accepted"),
        "not_found": tr("Not found"),
        "rate_limited": tr("Too many requests"),
        "server": tr("Server error"),
        "timeout": tr("No answer in time"),
        "tls": tr("Not secure"),
        "range_ignored": tr("Range ignored"),
        "changed": tr("Changed meanwhile"),
        "too_many_redirects": tr("Too many redirects"),
    }


def went_well(entry: Entry) -> bool:
    """Whether there is nothing to worry about."""
    return entry.result in ("ok", "open", "stopped", "offline_switch")


def rate(host: str, bytes_per_s: float) -> str:
    """ "huggingface.co, 24 MB/s"; the host alone before anything came."""
    if bytes_per_s < 1000:
        return plain(host)
    return tr("{host}, {size}/s").format(host=plain(host), size=size(round(bytes_per_s)))


def not_reached(request: Unanswered) -> str:
    """Who did not answer; "" where this computer itself says that it has no internet."""
    if request.cause == "no_internet":
        return ""
    return tr("{host} not reached", host=plain(request.host))
