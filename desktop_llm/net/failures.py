"""The error table, third part: what it means when no answer came at all, or not in time.

The libraries below wrap the cause once or twice; `failure` looks through to the error of the socket or of TLS, which
says more than their own names do.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Iterator

import httpcore2

from desktop_llm.errors import TransferError
from desktop_llm.words import Sentence, tr

# What httpcore raises, and what sockets raise where the body is read past it.
NETWORK_ERRORS: tuple[type[Exception], ...] = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    OSError,
)
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
# OpenSSL's verification results, x509_vfy.h.
_NOT_YET_VALID, _EXPIRED, _WRONG_HOST, _WRONG_ADDRESS = 9, 10, 62, 64


def offline(host: str) -> TransferError:
    """The person's own switch, before anything was sent."""
    sentence = tr(
        "Offline is on, so nothing was sent to {host}. Everything on this computer works as before. "
        "Turn Offline off to use Hugging Face.",
        host=host,
    )
    return TransferError(sentence, "offline_switch")


def aborted(host: str) -> TransferError:
    """The person's own switch, while a transfer was under way."""
    sentence = tr(
        "The transfer from {host} was stopped because Offline was turned on. What arrived is kept. "
        "Turn Offline off to go on.",
        host=host,
    )
    return TransferError(sentence, "offline_switch")


def too_slow(host: str) -> TransferError:
    """Bytes trickle in, but the whole answer is overdue."""
    sentence = tr(
        "{host} answers too slowly, so the request was given up. Nothing was changed. "
        "Try again later or over another connection.",
        host=host,
    )
    return TransferError(sentence, "timeout")


def cut_short(host: str) -> TransferError:
    """The connection ended before the announced number of bytes."""
    sentence = tr(
        "The connection to {host} was cut in the middle. What arrived is kept. Try again to go on from there.",
        host=host,
    )
    return TransferError(sentence, "no_connection")


def proxy_unknown(host: str, proxy: str) -> TransferError:
    """A kind of proxy that is not supported."""
    sentence = tr(
        "The proxy {proxy} is of a kind that this app can't use, so nothing was sent to {host}. "
        "Set an http or https proxy in HTTPS_PROXY and start the app again.",
        host=host,
        proxy=proxy,
    )
    return TransferError(sentence, "no_connection")


def failure(error: Exception, host: str, proxy: str = "") -> TransferError:
    """The error for what a connection to `host`, through `proxy` if there is one, raised."""
    if isinstance(error, httpcore2.ProxyError):
        cause, sentence = _proxy(str(error), host, proxy)
    elif proxy and isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout) and not _of_tls(error):
        cause, sentence = "no_connection", _proxy_away(host, proxy)
    else:
        cause, sentence = _direct(error, host)
    return TransferError(sentence, cause, f"{type(error).__name__}: {error}")


def _direct(error: Exception, host: str) -> tuple[str, Sentence]:
    if (tls := _of_tls(error)) is not None:
        return _tls(tls, host)
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return _name(cause, host)
        if isinstance(cause, OSError) and cause.errno is not None and not isinstance(cause, TimeoutError):
            return _socket(cause, host)
    if isinstance(error, httpcore2.ConnectTimeout):
        return "timeout", tr(
            "{host} can't be reached: no answer within ten seconds. Nothing was changed. "
            "Check the internet connection, then try again.",
            host=host,
        )
    if isinstance(error, httpcore2.TimeoutException | TimeoutError):
        return "timeout", tr(
            "{host} stopped answering. What arrived is kept. Check the internet connection, then try again.", host=host
        )
    return _protocol(error, host)


def _protocol(error: Exception, host: str) -> tuple[str, Sentence]:
    if "without sending a response" in str(error):
        return "server", tr("{host} hung up without an answer. Nothing was changed. Try again in a minute.", host=host)
    if "without sending complete message body" in str(error) or isinstance(error, httpcore2.NetworkError):
        short = cut_short(host)
        assert isinstance(short.message, Sentence)
        return short.cause, short.message
    return "server", tr(
        "{host} does not speak the web's language properly, so its answer was not used. Nothing was changed. "
        "Something in this network may be interfering; try another one.",
        host=host,
    )


def _name(error: socket.gaierror, host: str) -> tuple[str, Sentence]:
    if error.errno == socket.EAI_AGAIN:
        return "no_internet", tr(
            "This computer seems to be without internet: nobody could be asked where {host} is. "
            "Everything on this computer works as before. Connect, then try again.",
            host=host,
        )
    return "no_connection", tr(
        "There is no {host} on the internet as far as this network knows. Nothing was changed. "
        "Check the internet connection, and the hub's address if you set one yourself.",
        host=host,
    )


def _socket(error: OSError, host: str) -> tuple[str, Sentence]:
    if error.errno == errno.ECONNREFUSED:
        return "no_connection", tr(
            "{host} is there but accepts no connection. Nothing was changed. "
            "If it is a hub of your own, check that it is running; else try again later.",
            host=host,
        )
    if error.errno in _UNREACHABLE:
        return "no_internet", tr(
            "There is no way from this network to {host}. Everything on this computer works as before. "
            "Check the cable, the Wi-Fi or the VPN, then try again.",
            host=host,
        )
    if error.errno in _FORBIDDEN:
        return "no_connection", tr(
            "This computer does not let the app connect to {host}. Nothing was changed. "
            "Allow it in the firewall or the security program, then try again.",
            host=host,
        )
    broke = tr("The connection to {host} broke. What arrived is kept. Try again to go on from there.", host=host)
    return "no_connection", broke


def _of_tls(error: Exception) -> ssl.SSLError | None:
    return next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)


def _tls(error: ssl.SSLError, host: str) -> tuple[str, Sentence]:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "no_connection", tr(
            "The encrypted connection to {host} was cut off. What arrived is kept. Try again; "
            "if it stays so, something in this network is blocking it.",
            host=host,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls", _certificate(getattr(error, "verify_code", 0), host)
    return "tls", tr(
        "No safe connection to {host} came about. Nothing was sent. "
        "Something in this network may be interfering; try another network.",
        host=host,
    )


def _certificate(code: int, host: str) -> Sentence:
    if code == _NOT_YET_VALID:
        return tr(
            "The certificate of {host} is not valid yet, going by this computer's date, {date}. Nothing was sent. "
            "Check the date and time of this computer, then try again.",
            host=host,
            date=time.strftime("%Y-%m-%d"),
        )
    if code == _EXPIRED:
        return tr(
            "The certificate of {host} has expired, or this computer's date, {date}, is wrong. Nothing was sent. "
            "Check the date; if it is right, try again another day.",
            host=host,
            date=time.strftime("%Y-%m-%d"),
        )
    if code in (_WRONG_HOST, _WRONG_ADDRESS):
        return tr(
            "Something else answers in the name of {host}: the certificate is for another address. Nothing was sent. "
            "If this network asks you to log in, do so in your browser; else try another network.",
            host=host,
        )
    return tr(
        "The certificate of {host} comes from nobody whom this computer trusts. Nothing was sent. In a company or "
        "school, ask for its certificate to be installed on this computer; elsewhere try another network.",
        host=host,
    )


def _proxy(words: str, host: str, proxy: str) -> tuple[str, Sentence]:
    if words.startswith("407"):
        return "proxy_auth", tr(
            "The proxy {proxy} asks for a name and a password. Nothing was sent to {host}. "
            "Set them in HTTPS_PROXY, as in http://name:password@proxy:8080, and start the app again.",
            proxy=proxy,
            host=host,
        )
    if words.startswith("403"):
        return "no_connection", tr(
            "The proxy {proxy} does not allow connections to {host}. Nothing was sent. "
            "Ask whoever looks after this network to allow it, or use another network.",
            proxy=proxy,
            host=host,
        )
    return "no_connection", tr(
        "The proxy {proxy} could not reach {host}. Nothing was sent. Try again later, or check HTTPS_PROXY.",
        proxy=proxy,
        host=host,
    )


def _proxy_away(host: str, proxy: str) -> Sentence:
    return tr(
        "The proxy {proxy}, through which this computer reaches {host}, does not answer. Nothing was sent. "
        "Check HTTPS_PROXY and the network, then start the app again.",
        proxy=proxy,
        host=host,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
