"""The error table: each failure has its own sentence that says what to do, and a cause for the window to act on."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpcore2
import pytest

from desktop_llm.errors import TransferError, from_wire, to_wire
from desktop_llm.net import Net, causes, failures, rules
from desktop_llm.net.causes import CAUSES, Cause, Failure
from desktop_llm.words import Sentence
from tests.hub import GOOD_TOKEN, LocalHub, status

REPO = "https://huggingface.co/api/models/maker/Tiny-GGUF"
FILE = "https://huggingface.co/maker/Tiny-GGUF/resolve/main/a.gguf"
CDN = "https://cdn-lfs.hf.co/repos/a1/b2"
HOST = "huggingface.co"

# The things a person can do; every sentence names one.
ACTIONS = re.compile(
    r"\b(try|turn|check|open|add|choose|set|make|give|allow|connect|copy|look|use|wait|ask|start)\b", re.IGNORECASE
)
SAFE = re.compile(r"nothing (was|will)|kept|unchanged|none of it|as before|not (followed|read|used)", re.IGNORECASE)


def answered(
    code: int, url: str = REPO, *, error: str = "", words: str = "", wait: str = "", token: bool = False
) -> Any:
    headers = {"x-error-code": error, "x-error-message": words, "retry-after": wait}
    return failures.refusal(code, headers, url, token_sent=token)


def raised(error: Exception, cause: BaseException | None = None, proxy: str = "") -> TransferError:
    error.__cause__ = cause
    return failures.failure(error, HOST, proxy)


def refused(check: Callable[[], None]) -> TransferError:
    with pytest.raises(TransferError) as caught:
        check()
    return caught.value


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def connecting(number: int) -> TransferError:
    return raised(httpcore2.ConnectError(), OSError(number, "no"))


TABLE: dict[str, tuple[str, TransferError]] = {
    # Offline, and the app's own rules.
    "offline": ("offline_switch", causes.OFFLINE.error(host=HOST)),
    "offline turned on": ("offline_switch", causes.TURNED_OFFLINE.error(host=HOST)),
    "plain http": ("tls", refused(lambda: rules.check_address("http://hub.example"))),
    "redirect to plain http": ("tls", refused(lambda: rules.check_redirect(REPO, "http://huggingface.co/", 1))),
    "redirect elsewhere": ("login_page", refused(lambda: rules.check_redirect(REPO, "https://portal.example/", 1))),
    "redirects without end": ("too_many_redirects", refused(lambda: rules.check_redirect(REPO, REPO, 6))),
    # No answer.
    "no internet": ("no_internet", raised(httpcore2.ConnectError(), socket.gaierror(socket.EAI_AGAIN, "again"))),
    "no such host": ("no_connection", raised(httpcore2.ConnectError(), socket.gaierror(socket.EAI_NONAME, "none"))),
    "refused": ("no_connection", connecting(errno.ECONNREFUSED)),
    "unreachable": ("no_internet", connecting(errno.ENETUNREACH)),
    "firewall": ("no_connection", connecting(errno.EPERM)),
    "reset": ("no_connection", raised(httpcore2.ReadError(), OSError(errno.ECONNRESET, "reset"))),
    "connecting takes too long": ("timeout", raised(httpcore2.ConnectTimeout("timed out"), TimeoutError("timed out"))),
    "silence": ("timeout", raised(httpcore2.ReadTimeout("timed out"), TimeoutError("timed out"))),
    "too slow": ("timeout", causes.TOO_SLOW.error(host=HOST)),
    "hung up": ("server", raised(httpcore2.RemoteProtocolError("Server disconnected without sending a response."))),
    "not http": ("server", raised(httpcore2.RemoteProtocolError("illegal status line"))),
    "cut short": (
        "no_connection",
        raised(httpcore2.RemoteProtocolError("peer closed connection without sending complete message body")),
    ),
    # Encryption.
    "certificate too new": ("tls", raised(httpcore2.ConnectError(), certificate(9))),
    "certificate expired": ("tls", raised(httpcore2.ConnectError(), certificate(10))),
    "certificate of another": ("tls", raised(httpcore2.ConnectError(), certificate(62))),
    "certificate of nobody": ("tls", raised(httpcore2.ConnectError(), certificate(18))),
    "no common encryption": ("tls", raised(httpcore2.ConnectError(), ssl.SSLError(1, "handshake failure"))),
    "encryption cut off": ("no_connection", raised(httpcore2.ReadError(), ssl.SSLEOFError(8, "EOF"))),
    # Proxies.
    "proxy wants a login": ("proxy_auth", raised(httpcore2.ProxyError("407 Proxy"), proxy="proxy.example")),
    "proxy forbids": ("no_connection", raised(httpcore2.ProxyError("403 Forbidden"), proxy="proxy.example")),
    "proxy fails": ("no_connection", raised(httpcore2.ProxyError("502 Bad"), proxy="proxy.example")),
    "proxy is away": ("no_connection", raised(httpcore2.ConnectError(), OSError(111, "no"), proxy="proxy.example")),
    "proxy of another kind": ("no_connection", causes.PROXY_UNKNOWN.error(host=HOST, proxy="socks5://proxy.example")),
    "proxy answers for plain http": ("proxy_auth", answered(407)),
    # Useless answers.
    "login page": ("login_page", causes.LOGIN_PAGE.error(host=HOST)),
    "not understood": ("server", causes.NOT_UNDERSTOOD.error(host=HOST)),
    "too long": ("server", causes.TOO_LONG.error(host=HOST)),
    # Refusals.
    "400": ("server", answered(400)),
    "401 without a token": ("unauthorized", answered(401)),
    "401 with a token": ("unauthorized", answered(401, words="Invalid credentials", token=True)),
    "401 no such repository": ("not_found", answered(401, error="RepoNotFound")),
    "401 gated": ("gated", answered(401, FILE, error="GatedRepo")),
    "403 gated": ("gated", answered(403, FILE, error="GatedRepo", token=True)),
    "403 without a token": ("unauthorized", answered(403)),
    "403 with a token": ("unauthorized", answered(403, token=True)),
    "403 of an expired link": ("server", answered(403, CDN)),
    "disabled": ("not_found", answered(403, words="Access to this resource is disabled.")),
    "404 no such repository": ("not_found", answered(404, error="RepoNotFound", token=True)),
    "404 no such revision": ("not_found", answered(404, FILE, error="RevisionNotFound")),
    "404 no such file": ("not_found", answered(404, FILE, error="EntryNotFound")),
    "404": ("not_found", answered(404, "https://huggingface.co/nothing")),
    "408": ("timeout", answered(408)),
    "410": ("not_found", answered(410)),
    "416": ("changed", answered(416, CDN)),
    "418": ("server", answered(418)),
    "429": ("rate_limited", answered(429)),
    "429 with a time": ("rate_limited", answered(429, wait="30")),
    "451": ("not_found", answered(451)),
    "500": ("server", answered(500)),
    "502": ("server", answered(502)),
    "503": ("server", answered(503)),
    "504": ("timeout", answered(504)),
    "520": ("server", answered(520)),
    # A download that goes wrong.
    "stalled": ("timeout", causes.STALLED.error(host=HOST)),
    "not gguf": ("not_gguf", causes.NOT_GGUF.error(host=HOST)),
    "replaced": ("changed", causes.REPLACED.error(host=HOST)),
    "replaced midway": ("wrong_hash", causes.REPLACED_MIDWAY.error(file="a.gguf")),
    "wrong sha256": ("wrong_hash", causes.WRONG_SHA256.error(file="a.gguf")),
    "wrong size": ("wrong_size", causes.WRONG_SIZE.error(host=HOST, found=1, promised=2)),
    "wrong range": ("range_ignored", causes.WRONG_RANGE.error(host=HOST)),
    "compressed": ("server", causes.COMPRESSED.error(host=HOST)),
    "no room": ("disk_full", causes.NO_ROOM.error(file="a.gguf", folder="/models", needed=2.0, free=1.0)),
    "no room beside others": (
        "disk_full",
        causes.NO_ROOM_BESIDE_OTHERS.error(file="a.gguf", folder="/models", needed=2.0, free=1.0),
    ),
    "disk full": ("disk_full", causes.DISK_FULL.error(folder="/models")),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_failure_says_what_happened_what_is_safe_and_what_to_do(name: str) -> None:
    cause, error = TABLE[name]

    assert error.cause == cause
    assert error.action == CAUSES[cause].actions[0]
    assert all(isinstance(said, Sentence) and said.endswith(".") for said in (error.title, error.text))
    assert "{" not in error.message
    assert ". " not in error.title
    assert SAFE.search(error.message), error.message
    assert ACTIONS.search(error.message), error.message
    assert "Error" not in error.message
    assert "!" not in error.message


def test_no_two_failures_read_alike() -> None:
    sentences = [error.message for _, error in TABLE.values()]

    assert len(sentences) >= 40
    assert len(set(sentences)) == len(sentences)


def test_every_failure_that_is_known_is_in_this_table() -> None:
    known = {failure for failure in vars(causes).values() if isinstance(failure, Failure)}
    templates = {error.title.template for _, error in TABLE.values() if isinstance(error.title, Sentence)}

    assert {failure.title for failure in known if failure.title.template not in templates} == set()
    assert {failure.cause for failure in known} == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
@pytest.mark.parametrize("midway", [False, True])
def test_a_cause_has_one_sentence_for_a_card(cause: Cause, midway: bool) -> None:
    said = causes.short_words(cause, midway=midway, hub="Hugging Face", missing="7.8 GB", wait="2 min")

    assert said.endswith(".")
    assert "{" not in said
    assert len(said) <= 90


@pytest.mark.parametrize(
    ("value", "seconds"), [("30", 30.0), ("0", 0.0), ("9999999", 86_400.0), ("", None), ("soon", None), ("-5", None)]
)
def test_the_wait_that_a_hub_asks_for_is_known_and_bounded(value: str, seconds: float | None) -> None:
    assert answered(429, wait=value).retry_after_s == seconds


def test_the_hubs_own_header_of_limits_tells_the_wait_too() -> None:
    for header, seconds in (('"api";r=0;t=55', 55.0), ('"api";r=7;t=55', None), ("nonsense", None)):
        assert failures.refusal(429, {"ratelimit": header}, REPO, token_sent=False).retry_after_s == seconds


def test_a_wait_until_a_date_is_counted_from_now() -> None:
    assert answered(503, wait="Fri, 31 Dec 1999 23:59:59 GMT").retry_after_s == 0.0


def test_a_transfer_error_crosses_the_wire_with_cause_and_wait() -> None:
    again = from_wire(to_wire(answered(429, wait="30")))

    assert isinstance(again, TransferError)
    assert (again.cause, again.retry_after_s) == ("rate_limited", 30.0)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://hub.example/api/models?search=x", "http://hub.example"),
        ("hub.example/api/models?search=x", "hub.example"),
        ("localhost:8080/api/models?search=x", "localhost:8080"),
    ],
)
def test_an_address_without_encryption_is_told_as_it_was_given(url: str, shown: str) -> None:
    with pytest.raises(TransferError, match=f"^{shown} is not an encrypted address"):
        rules.check_address(url)


class TestOnTheWire:
    """The table's rows, as a hub really sends them."""

    @pytest.mark.parametrize(
        ("code", "headers", "cause"),
        [
            (401, {"X-Error-Code": "RepoNotFound"}, "not_found"),
            (401, {"X-Error-Code": "GatedRepo"}, "gated"),
            (403, {"X-Error-Code": "GatedRepo"}, "gated"),
            (404, {"X-Error-Code": "EntryNotFound"}, "not_found"),
            (410, {}, "not_found"),
            (429, {"Retry-After": "7"}, "rate_limited"),
            (500, {}, "server"),
            (503, {}, "server"),
            (200, {"Content-Type": "text/html; charset=utf-8"}, "login_page"),
            (302, {"Location": "https://login.example/"}, "login_page"),
            (304, {}, "server"),
        ],
    )
    def test_an_answer_becomes_its_cause(
        self, net: Net, hub: LocalHub, code: int, headers: dict[str, str], cause: str
    ) -> None:
        hub.behave("*", status(code, headers=headers))

        for ask in (net.get, lambda url, purpose: net.open(url, purpose=purpose).__enter__()):
            with pytest.raises(TransferError) as caught:
                ask(f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf", purpose="download")
            assert caught.value.cause == cause

    def test_a_refusal_of_a_mirror_below_a_path_names_the_repository(self, net: Net, hub: LocalHub) -> None:
        hub.behave("*", status(401, headers={"X-Error-Code": "GatedRepo"}))

        for path in ("maker/Closed-GGUF/resolve/main/a.gguf", "api/models/maker/Closed-GGUF"):
            with pytest.raises(TransferError, match=r"^maker/Closed-GGUF is for people"):
                net.get(f"{hub.url}/mirrors/hf/{path}", purpose="download")

    def test_a_range_beyond_the_end_is_an_answer_to_a_download(self, net: Net, hub: LocalHub) -> None:
        hub.add("maker/Tiny-GGUF", {"a.gguf": b"GGUF"})
        url = f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf"

        with net.open(url, headers={"Range": "bytes=4-"}, purpose="download") as incoming:
            assert (incoming.status, incoming.headers["content-range"]) == (416, "bytes */4")
        with pytest.raises(TransferError) as caught:
            net.get(url, headers={"Range": "bytes=4-"}, purpose="download")
        assert caught.value.cause == "changed"

    def test_a_wrong_token_is_told_apart_from_none(self, net: Net, hub: LocalHub) -> None:
        hub.add("maker/Closed-GGUF", {"a.gguf": b"GGUF"}, gated=True)
        url = f"{hub.url}/maker/Closed-GGUF/resolve/main/a.gguf"
        said = {}
        for name, token in {"none": "", "wrong": "Bearer hf_wrong", "not granted": f"Bearer {GOOD_TOKEN}"}.items():
            with pytest.raises(TransferError) as caught:
                net.get(url, headers={"Authorization": token} if token else {}, purpose="download")
            said[name] = (caught.value.cause, "accept the licence" in caught.value.message)

        assert said == {"none": ("gated", True), "wrong": ("unauthorized", False), "not granted": ("gated", False)}
