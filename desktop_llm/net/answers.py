"""The error table, first part: an answer that is not the one asked for. What each status means is in `refusals.py`."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from desktop_llm.errors import TransferError
from desktop_llm.net.refusals import Answer, verdict
from desktop_llm.net.rules import host_of
from desktop_llm.words import tr

MAX_WAIT_S = 24 * 3600.0
_USED_UP = re.compile(r"\br=0\s*;\s*t=(\d+)")
_REPOSITORY = re.compile(r"/api/models/([^/]+/[^/]+)|/([^/]+/[^/]+)/(?:resolve|raw|blob)/")  # maybe below a path


def refusal(status: int, headers: Mapping[str, str], url: str, *, token_sent: bool) -> TransferError:
    """The error for an HTTP status from 400 on; header names in lower case or case-insensitive."""
    answer = Answer(status, headers.get("x-error-code", ""), host_of(url), repository_in(url), token_sent)
    wait_s, message = _wait(headers), headers.get("x-error-message", "")
    cause, sentence = verdict(answer, message, wait_s)
    details = f"HTTP {status} {answer.code} {message} {headers.get('x-request-id', '')}"
    return TransferError(sentence, cause, " ".join(details.split()), wait_s)


def login_page(url: str) -> TransferError:
    """A web page where data was asked for: the login of a hotel or a company stands between."""
    sentence = tr(
        "A login page or another web page answered instead of {host}. Nothing was saved. "
        "Open your browser, log in to this network, then try again.",
        host=host_of(url),
    )
    return TransferError(sentence, "login_page")


def not_understood(url: str) -> TransferError:
    """An answer that is not what the hub's API gives."""
    sentence = tr(
        "{host} answered with something that this app can't read. Nothing was changed. "
        "Check that the address in the settings or in HF_ENDPOINT belongs to a Hugging Face hub.",
        host=host_of(url),
    )
    return TransferError(sentence, "server")


def too_long(url: str) -> TransferError:
    """An answer beyond any use."""
    sentence = tr(
        "The answer of {host} is too long to be right and was not read to its end. Nothing was changed. "
        "Try again; if it stays so, the hub has a fault.",
        host=host_of(url),
    )
    return TransferError(sentence, "server")


def repository_in(url: str) -> str:
    """The repository that an address of the hub is about; "" where it names none."""
    found = _REPOSITORY.search(unquote(urlsplit(url).path))
    return (found[1] or found[2]) if found else ""


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the hub asks to wait: `Retry-After`, else the end of a used-up window in its `RateLimit` header."""
    window = _USED_UP.search(headers.get("ratelimit", ""))
    return _retry_after(headers.get("retry-after", "") or (window[1] if window else ""))


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, 10.2.3), at most a day."""
    if value.strip().isdecimal():
        return min(float(value), MAX_WAIT_S)
    import email.utils  # brings half of the standard library along, for a header that is rarely there

    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return min(max(0.0, until - time.time()), MAX_WAIT_S)
