"""The error table, second part: what each status that refuses means.

Each sentence says what happened, what is safe and what to do; the cause beside it is the word by which the window
chooses what to offer. Sources: the hub's status codes and its `X-Error-Code` header, RFC 9110.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desktop_llm.words import Sentence, tr


@dataclass(frozen=True, slots=True)
class Answer:
    """What the table decides by: the status, the hub's own word for it, and what was asked."""

    status: int
    code: str
    host: str
    repo: str  # "" where the address names none
    token_sent: bool


def verdict(answer: Answer, message: str, wait_s: float | None) -> tuple[str, Sentence]:
    """Cause and sentence; `message` is what the hub says itself, `wait_s` how long it asks to wait."""
    if answer.status == 429:
        return _limited(answer, wait_s)
    if "resource is disabled" in message:
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
