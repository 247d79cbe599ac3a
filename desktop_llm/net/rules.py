"""Where a request may go: encrypted, to the hub that was asked for, and on to Hugging Face's own hosts."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from desktop_llm import __version__
from desktop_llm.errors import TransferError
from desktop_llm.words import tr

# The same for everybody: it tells no version of Python, no library, no system.
USER_AGENT = f"desktop-llm/{__version__}"
MAX_REDIRECTS = 5
HUB_DOMAINS = ("huggingface.co", "hf.co")


def host_of(url: str) -> str:
    """The host name in a URL, in lower case; "" where there is none."""
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
    """Raise TransferError where the address is not encrypted, except on this computer itself."""
    host, scheme = host_of(url), url.partition(":")[0].lower()
    if host and (scheme == "https" or (scheme == "http" and is_loopback(host))):
        return
    raise TransferError(
        tr(
            "{url} is not an encrypted address (https), so nothing was sent to it. "
            "Use an address that begins with https:// in the settings or in HF_ENDPOINT.",
            url=f"{scheme}://{host}" if host else url.partition("/")[0],
        ),
        "tls",
    )


def check_redirect(source: str, target: str, count: int) -> None:
    """Raise TransferError where an answer sends us on too often, to plain http, or to a foreign host."""
    here, there = host_of(source), host_of(target)
    if count > MAX_REDIRECTS:
        raise TransferError(
            tr(
                "{host} sent this request on more than {count} times, so it was given up. Nothing was changed. "
                "Try again later.",
                host=here,
                count=MAX_REDIRECTS,
            ),
            "too_many_redirects",
        )
    if urlsplit(source).scheme == "https" and urlsplit(target).scheme != "https":
        raise TransferError(
            tr(
                "{host} sent this request on to an address without encryption, so it was not followed. "
                "Nothing was sent there. Someone in the network may be interfering; try another network.",
                host=here,
            ),
            "tls",
        )
    if not _is_allowed(here, there):
        raise TransferError(
            tr(
                "{host} sent this request on to {other}, which is not part of Hugging Face. Nothing was sent there. "
                "If this network asks you to log in, do so in your browser, then try again.",
                host=here,
                other=there,
            ),
            "login_page",
        )


def _is_allowed(here: str, there: str) -> bool:
    if there == here or (is_loopback(here) and is_loopback(there)):
        return True
    return any(there == domain or there.endswith(f".{domain}") for domain in HUB_DOMAINS)
