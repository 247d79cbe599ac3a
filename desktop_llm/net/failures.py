"""Finds the cause of a failure in an answer or an exception; the sentences are in `causes`.

Sources: the hub's status codes and its `X-Error-Code` header, RFC 9110, OpenSSL's x509_vfy.h.
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import httpcore2

import desktop_llm.net.causes as causes
from desktop_llm.errors import TransferError
from desktop_llm.net.causes import Failure
from desktop_llm.net.rules import host_of
from desktop_llm.words import tr

MAX_WAIT_S = 24 * 3600.0
# Raised by httpcore, or by sockets if the body is read without it.
NETWORK_ERRORS: tuple[type[Exception], ...] = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    OSError,
)
_USED_UP = re.compile(r"\br=0\s*;\s*t=(\d+)")
_REPOSITORY = re.compile(r"/api/models/([^/]+/[^/]+)|/([^/]+/[^/]+)/(?:resolve|raw|blob)/")  # maybe below a path
_BY_STATUS = {
    400: causes.BAD_REQUEST,
    404: causes.NOTHING_THERE,
    407: causes.PROXY_ANSWERED_LOGIN,
    408: causes.HUB_WAITED,
    410: causes.GONE,
    416: causes.PAST_THE_END,
    451: causes.ILLEGAL,
    500: causes.HUB_BROKEN,
    502: causes.BEHIND_HUB_AWAY,
    503: causes.OVERLOADED,
    504: causes.BEHIND_HUB_SLOW,
}
_BY_SOCKET_ERROR = {
    errno.ECONNREFUSED: causes.REFUSED,
    errno.EACCES: causes.FIREWALL,
    errno.EPERM: causes.FIREWALL,
    errno.ENETUNREACH: causes.UNREACHABLE,
    errno.EHOSTUNREACH: causes.UNREACHABLE,
    errno.ENETDOWN: causes.UNREACHABLE,
    errno.EHOSTDOWN: causes.UNREACHABLE,
    errno.EADDRNOTAVAIL: causes.UNREACHABLE,
}
_BY_VERIFICATION = {  # OpenSSL's X509_V_ERR_…
    9: causes.CERTIFICATE_TOO_NEW,
    10: causes.CERTIFICATE_EXPIRED,
    62: causes.CERTIFICATE_OF_ANOTHER,
    64: causes.CERTIFICATE_OF_ANOTHER,
}


def refusal(status: int, headers: Mapping[str, str], url: str, *, token_sent: bool) -> TransferError:
    """The error for an HTTP status of 400 or more; header names are in lower case or case-insensitive."""
    code, message = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    repo, wait_s = _repository_in(url), _wait(headers)
    failure = _refused(status, code, message, repo, token_sent=token_sent)
    if failure is causes.LIMITED and wait_s is not None:
        failure = causes.LIMITED_FOR
    return failure.error(
        details=" ".join(f"HTTP {status} {code} {message} {headers.get('x-request-id', '')}".split()),
        retry_after_s=wait_s,
        host=host_of(url),
        repo=repo,
        what=repo or tr("This file"),
        status=status,
        seconds=wait_s,
    )


def failure(error: Exception, host: str, proxy: str = "") -> TransferError:
    """The error for an exception of a connection to `host`, through `proxy` if there is one.

    Libraries wrap the cause once or twice: the error of the socket or of TLS says more than their own exceptions.
    """
    details = f"{type(error).__name__}: {error}"
    return _found(error, proxy).error(details=details, host=host, proxy=proxy, date=time.strftime("%Y-%m-%d"))


def _refused(status: int, code: str, message: str, repo: str, *, token_sent: bool) -> Failure:
    if status == 429:
        return causes.LIMITED
    if "resource is disabled" in message:
        return causes.DISABLED
    if code == "GatedRepo":
        return causes.ACCESS_NOT_GRANTED if token_sent else causes.LICENCE_NOT_ACCEPTED
    if code == "RepoNotFound":
        return causes.NO_REPOSITORY if token_sent else causes.NO_PUBLIC_REPOSITORY
    if code == "RevisionNotFound":
        return causes.NO_REVISION
    if code == "EntryNotFound":
        return causes.NO_FILE
    if status == 401:
        return causes.TOKEN_REFUSED if token_sent else causes.TOKEN_WANTED
    if status == 403 and not repo:
        return causes.LINK_EXPIRED
    if status == 403:
        return causes.TOKEN_MAY_NOT_READ if token_sent else causes.SIGNED_IN_ONLY
    return _BY_STATUS.get(status) or (causes.UNKNOWN_FAULT if status >= 500 else causes.UNKNOWN_REFUSAL)


def _found(error: Exception, proxy: str) -> Failure:
    tls = next((cause for cause in _chain(error) if isinstance(cause, ssl.SSLError)), None)
    if isinstance(error, httpcore2.ProxyError):
        forbidden = causes.PROXY_FORBIDS if str(error).startswith("403") else causes.PROXY_FAILED
        return causes.PROXY_LOGIN if str(error).startswith("407") else forbidden
    if isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return causes.TLS_CUT
    if isinstance(tls, ssl.SSLCertVerificationError):
        return _BY_VERIFICATION.get(getattr(tls, "verify_code", 0), causes.CERTIFICATE_UNKNOWN)
    if tls is not None:
        return causes.TLS_FAILED
    if proxy and isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
        return causes.PROXY_AWAY
    for cause in _chain(error):
        if isinstance(cause, socket.gaierror):
            return causes.NO_INTERNET if cause.errno == socket.EAI_AGAIN else causes.UNKNOWN_HOST
        if isinstance(cause, OSError) and cause.errno is not None and not isinstance(cause, TimeoutError):
            return _BY_SOCKET_ERROR.get(cause.errno, causes.BROKEN)
    if isinstance(error, httpcore2.ConnectTimeout):
        return causes.NO_ANSWER
    if isinstance(error, httpcore2.TimeoutException | TimeoutError):
        return causes.SILENT
    if "without sending a response" in str(error):
        return causes.HUNG_UP
    if "without sending complete message body" in str(error) or isinstance(error, httpcore2.NetworkError):
        return causes.CUT_SHORT
    return causes.NOT_HTTP


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _repository_in(url: str) -> str:
    """The repository in an address of the hub; "" if it names none."""
    found = _REPOSITORY.search(unquote(urlsplit(url).path))
    return (found[1] or found[2]) if found else ""


def _wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that the hub asks us to wait, at most a day.

    `Retry-After` gives a number or a date (RFC 9110, 10.2.3); else a used-up window in the hub's `RateLimit` header.
    """
    window = _USED_UP.search(headers.get("ratelimit", ""))
    value = headers.get("retry-after", "") or (window[1] if window else "")
    if value.strip().isdecimal():
        return min(float(value), MAX_WAIT_S)
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    now = time.time()
    with contextlib.suppress(ValueError):  # by the server's clock, because this computer's may be wrong
        now = email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    return min(max(0.0, until - now), MAX_WAIT_S)
