"""The error table, first half: what an answer means that is not the one asked for.

Each sentence says what happened, what is safe and what to do; the cause beside it is the word by which the window
chooses what to offer. Sources: the hub's status codes and its `X-Error-Code` header, RFC 9110.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from desktop_llm.errors import TransferError
from desktop_llm.net.rules import host_of
from desktop_llm.words import Sentence, tr

MAX_WAIT_S = 24 * 3600.0
_USED_UP = re.compile(r"\br=0\s*;\s*t=(\d+)")
_REPOSITORY = re.compile(r"/api/models/([^/]+/[^/]+)|/([^/]+/[^/]+)/(?:resolve|raw|blob)/")  # maybe below a path


@dataclass(frozen=True, slots=True)
class Answer:
    """What the table decides by: the status, the hub's own word for it, and what was asked."""

    status: int
    code: str
    host: str
    repo: str  # "" where the address names none
    token_sent: bool


def refusal(status: int, headers: Mapping[str, str], url: str, *, token_sent: bool) -> TransferError:
    """The error for an HTTP status from 400 on; header names in lower case or case-insensitive."""
    answer = Answer(status, headers.get("x-error-code", ""), host_of(url), repository_in(url), token_sent)
    wait_s = _wait(headers)
    cause, sentence = _limited(answer, wait_s) if status == 429 else _verdict(answer, headers)
    details = f"HTTP {status} {answer.code} {headers.get('x-error-message', '')} {headers.get('x-request-id', '')}"
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


def _verdict(answer: Answer, headers: Mapping[str, str]) -> tuple[str, Sentence]:
    if "resource is disabled" in headers.get("x-error-message", ""):
        return "not_found", tr(
            "{host} has switched off {repo}. Nothing was changed. Choose another repository.",
            host=answer.host,
            repo=answer.repo,
        )
    decide = _BY_CODE.get(answer.code) or _BY_STATUS.get(answer.status)
    if decide is None:
        decide = _unknown_fault if answer.status >= 500 else _unknown_refusal
    return decide(answer)


def _gated(answer: Answer) -> tuple[str, Sentence]:
    if answer.token_sent:
        return "gated", tr(
            "The maker of {repo} has not given your account access. Nothing was changed. "
            "Open its page, ask for access there, and try again when it is granted.",
            repo=answer.repo,
        )
    return "gated", tr(
        "{repo} is for people who have accepted its licence. Nothing was changed. "
        "Open its page, accept the licence there, then add a Hugging Face token in the settings.",
        repo=answer.repo,
    )


def _no_repository(answer: Answer) -> tuple[str, Sentence]:
    if answer.token_sent:
        return "not_found", tr(
            "There is no repository {repo} on {host} that your account can see. Nothing was changed. "
            "Check the spelling, and that your token may read it.",
            repo=answer.repo,
            host=answer.host,
        )
    return "not_found", tr(
        "There is no public repository {repo} on {host}. Nothing was changed. Check the spelling; "
        "if it is a private one, add a Hugging Face token in the settings.",
        repo=answer.repo,
        host=answer.host,
    )


def _no_revision(answer: Answer) -> tuple[str, Sentence]:
    return "not_found", tr(
        "{repo} no longer has the version that was asked for. What you have is unchanged. "
        "Look at the repository's files again and choose from the present ones.",
        repo=answer.repo,
    )


def _no_entry(answer: Answer) -> tuple[str, Sentence]:
    return "not_found", tr(
        "This file is not in {repo} any more. What you have is unchanged. "
        "Look at the repository's files again and choose another one.",
        repo=answer.repo,
    )


def _not_there(answer: Answer) -> tuple[str, Sentence]:
    return "not_found", tr(
        "{host} has nothing at this address. Nothing was changed. "
        "Check the repository's name, and the hub's address in the settings or in HF_ENDPOINT.",
        host=answer.host,
    )


def _gone(answer: Answer) -> tuple[str, Sentence]:
    return "not_found", tr(
        "{what} was taken off {host} for good. What you have is unchanged. Choose another repository.",
        what=answer.repo or tr("This file"),
        host=answer.host,
    )


def _bad_request(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "{host} did not understand this request. Nothing was changed. Try other words or another filter.",
        host=answer.host,
    )


def _unauthorized(answer: Answer) -> tuple[str, Sentence]:
    if answer.token_sent:
        return "unauthorized", tr(
            "{host} does not accept your Hugging Face token: it is wrong or has expired. Nothing was changed. "
            "Make a new one on your account's page and put it into the settings.",
            host=answer.host,
        )
    return "unauthorized", tr(
        "{host} wants to know who asks. Nothing was changed. Add a Hugging Face token in the settings, then try again.",
        host=answer.host,
    )


def _forbidden(answer: Answer) -> tuple[str, Sentence]:
    if not answer.repo:
        return "server", tr(
            "{host} no longer accepts the link to this file. What arrived is kept. Try again to get a new link.",
            host=answer.host,
        )
    if answer.token_sent:
        return "unauthorized", tr(
            "Your Hugging Face token does not allow reading {repo}. Nothing was changed. "
            "Give it read access on your account's page, or put another one into the settings.",
            repo=answer.repo,
        )
    return "unauthorized", tr(
        "{host} shows {repo} to signed-in people only. Nothing was changed. "
        "Add a Hugging Face token in the settings, then try again.",
        host=answer.host,
        repo=answer.repo,
    )


def _proxy_login(answer: Answer) -> tuple[str, Sentence]:
    return "proxy_auth", tr(
        "The proxy between this computer and {host} asks for a name and a password. Nothing was changed. "
        "Set them in HTTPS_PROXY, as in https://name:password@proxy:8080, and start the app again.",
        host=answer.host,
    )


def _hub_timeout(answer: Answer) -> tuple[str, Sentence]:
    return "timeout", tr(
        "{host} waited in vain for the rest of the request. Nothing was changed. "
        "The connection may be weak; try again.",
        host=answer.host,
    )


def _past_the_end(answer: Answer) -> tuple[str, Sentence]:
    return "changed", tr(
        "{host} no longer has the part of the file that was asked for; the file was probably replaced. "
        "What arrived is kept. Look at the repository's files again.",
        host=answer.host,
    )


def _legal(answer: Answer) -> tuple[str, Sentence]:
    return "not_found", tr(
        "{host} may not show {what} here for legal reasons. Nothing was changed. Choose another repository.",
        host=answer.host,
        what=answer.repo or tr("this file"),
    )


def _limited(answer: Answer, wait_s: float | None) -> tuple[str, Sentence]:
    if wait_s is None:
        return "rate_limited", tr(
            "{host} has had too many requests from here. What arrived is kept. "
            "Wait a few minutes, or add a Hugging Face token in the settings for a higher limit.",
            host=answer.host,
        )
    return "rate_limited", tr(
        "{host} has had too many requests from here and asks to wait {seconds:,.0f} seconds. "
        "What arrived is kept. Try again after that.",
        host=answer.host,
        seconds=wait_s,
    )


def _broken(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "{host} had an error of its own. What arrived is kept. Try again in a minute.", host=answer.host
    )


def _behind(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "Something behind {host} is not reachable at the moment. What arrived is kept. Try again in a minute.",
        host=answer.host,
    )


def _closed(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "{host} is overloaded or being worked on. What arrived is kept. Try again in a few minutes.",
        host=answer.host,
    )


def _behind_slow(answer: Answer) -> tuple[str, Sentence]:
    return "timeout", tr(
        "Something behind {host} took too long to answer. What arrived is kept. Try again in a minute.",
        host=answer.host,
    )


def _unknown_fault(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "{host} can't answer at the moment (status {status}). What arrived is kept. Try again later.",
        host=answer.host,
        status=answer.status,
    )


def _unknown_refusal(answer: Answer) -> tuple[str, Sentence]:
    return "server", tr(
        "{host} refused the request (status {status}). Nothing was changed. Try again later.",
        host=answer.host,
        status=answer.status,
    )


_Decide = Callable[[Answer], tuple[str, Sentence]]
_BY_CODE: dict[str, _Decide] = {
    "GatedRepo": _gated,
    "RepoNotFound": _no_repository,
    "RevisionNotFound": _no_revision,
    "EntryNotFound": _no_entry,
}
_BY_STATUS: dict[int, _Decide] = {
    400: _bad_request,
    401: _unauthorized,
    403: _forbidden,
    404: _not_there,
    407: _proxy_login,
    408: _hub_timeout,
    410: _gone,
    416: _past_the_end,
    451: _legal,
    500: _broken,
    502: _behind,
    503: _closed,
    504: _behind_slow,
}


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
