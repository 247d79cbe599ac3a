"""The HTTP client, set up once: our transport below it, our rules around every request and answer."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from desktop_llm.errors import TransferError
from desktop_llm.net import answers, rules
from desktop_llm.net.transport import Body, Transport


def new_client(transport: Transport) -> httpx2.Client:
    """A client without cookies, netrc and compression that follows only allowed redirects."""
    return httpx2.Client(
        transport=transport,
        event_hooks={"request": [_prepare], "response": [_check]},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=True,
        max_redirects=rules.MAX_REDIRECTS + 1,  # `_check` ends it before, with a sentence
        trust_env=False,  # the transport asks for proxies itself; no secrets come from a .netrc file
    )


def _prepare(request: httpx2.Request) -> None:
    """Before each request, redirected ones too: an encrypted address, and nothing told about this computer."""
    rules.check_address(str(request.url))
    request.headers["User-Agent"] = rules.USER_AGENT
    # A compressed body has no byte ranges and no known length.
    request.headers["Accept-Encoding"] = "identity"


def _check(response: httpx2.Response) -> None:
    """After each answer's headers: raise where it is not one to use."""
    body: Body = response.extensions["body"]
    try:
        if response.has_redirect_location:
            _check_redirect(response)
        elif response.status_code in range(300, 400):
            raise answers.not_understood(str(response.url))
        elif response.status_code >= 400 and response.status_code != 416:
            sent = "authorization" in response.request.headers
            raise answers.refusal(response.status_code, response.headers, str(response.url), token_sent=sent)
        elif response.headers.get("content-type", "").startswith("text/html"):
            raise answers.login_page(str(response.url))
        elif _is_packed(response):
            raise answers.not_understood(str(response.url))
    except TransferError as error:
        raise body.fail(error) from None


def _is_packed(response: httpx2.Response) -> bool:
    """Whether a short answer came compressed, unasked: unpacked it might fill the memory. A download looks itself."""
    packed = response.headers.get("content-encoding", "identity") not in ("", "identity")
    return packed and response.request.extensions.get("total_end", 0.0) is not None


def _check_redirect(response: httpx2.Response) -> None:
    extensions = response.request.extensions
    extensions["redirects"] = extensions.get("redirects", 0) + 1  # the next request inherits them
    try:
        target = response.url.join(response.headers["location"])
    except httpx2.InvalidURL:
        raise answers.not_understood(str(response.url)) from None
    rules.check_redirect(str(response.url), str(target), extensions["redirects"])
