"""The rules for requests: when they may be sent, and to which hosts.

Requests go encrypted to the chosen hub, which may redirect them to Hugging Face's own hosts. While Offline is on, only
requests that a person allowed for one action are sent.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from contextvars import ContextVar
from urllib.parse import urlsplit

import desktop_llm.net.causes as causes
from desktop_llm import __version__

# The same for everybody: it reveals no system, no library and no version of Python.
USER_AGENT = f"desktop-llm/{__version__}"
MAX_REDIRECTS = 5
HUB_DOMAINS = ("huggingface.co", "hf.co")
# The permission of this thread's requests, if a person allowed the action; it also keeps connections apart.
permission: ContextVar[object | None] = ContextVar("permission", default=None)


def host_of(url: str) -> str:
    """The host name in a URL, in lower case; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether the host is this computer itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_address(url: str) -> None:
    """Raise TransferError if the address is not encrypted, except on this computer itself."""
    host, scheme = host_of(url), url.partition(":")[0].lower()
    if host and (scheme == "https" or (scheme == "http" and is_loopback(host))):
        return
    raise causes.NOT_ENCRYPTED.error(url=f"{scheme}://{host}" if host else url.partition("/")[0])


def check_redirect(source: str, target: str, count: int) -> None:
    """Raise TransferError if an answer redirects us too often, to plain http, or to a foreign host."""
    here, there = host_of(source), host_of(target)
    if count > MAX_REDIRECTS:
        raise causes.REDIRECTED_TOO_OFTEN.error(host=here, count=MAX_REDIRECTS)
    if urlsplit(source).scheme == "https" and urlsplit(target).scheme != "https":
        raise causes.REDIRECTED_TO_PLAIN.error(host=here)
    if not _is_allowed(here, there):
        raise causes.REDIRECTED_ELSEWHERE.error(host=here, other=there)


def _is_allowed(here: str, there: str) -> bool:
    if there == here or (is_loopback(here) and is_loopback(there)):
        return True
    return any(there == domain or there.endswith(f".{domain}") for domain in HUB_DOMAINS)


class Switch:
    """The switch that decides whether requests may leave; any thread may use it."""

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._given: set[object] = set()

    @property
    def on(self) -> bool:
        """Whether Offline is on, so that only requests a person allowed may be sent."""
        return self._on

    def turn(self, *, on: bool) -> None:
        """Turn it on or off; turning it on withdraws every permission."""
        self._on = on
        if on:
            self._given = set()

    def lets_out(self) -> bool:
        """Whether a request of this thread may be sent now."""
        return not self._on or permission.get() in self._given

    @contextlib.contextmanager
    def lifted(self) -> Iterator[object]:
        """Allow this thread's requests inside the block until the switch is turned on again; yields the permission."""
        mine = object()
        self._given.add(mine)
        token = permission.set(mine)
        try:
            yield mine
        finally:
            permission.reset(token)
            self._given.discard(mine)
