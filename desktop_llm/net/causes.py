"""Why a transfer can fail: the one table of the sentences for it and of the actions that help.

A `Failure` is one way to fail, with its own sentences: what happened, what is safe, what to do. A cause groups the
failures that call for the same action; a TransferError carries its name, the ledger keeps it, and front ends choose by
it what to offer. Net, the hub's reader and downloads raise the failures below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from desktop_llm.errors import TransferError
from desktop_llm.words import Sentence, tr


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, for a person to read and act on.

    `short` is a sentence for a card and may use `{hub}` (what the hub is called), `{missing}` (the size still to come)
    and `{wait}` (how long the hub asks to wait); `midway` replaces it once something has arrived; None means
    no other sentence. `kept` is whether the bytes that arrived are still of use. `noted` are two or three words for the
    list of requests. `actions` help, the main one first: "retry", "download_again", "go_online", "free_space",
    "add_token", "open_page" (the repository's on the hub), "open_repository" (here in the app), "choose_file".
    """

    short: Sentence
    noted: Sentence
    actions: tuple[str, ...] = ("retry",)
    midway: Sentence | None = None
    kept: bool = True


_AWAY = tr("{hub} cannot be reached.")
_LOST = tr("The connection was lost.")
_REPLACED = tr("The file on {hub} was replaced by another one.")

CAUSES: Mapping[str, Cause] = MappingProxyType(
    {
        "offline_switch": Cause(
            tr("The offline switch is on, so nothing was sent."),
            tr("Not sent, offline"),
            ("go_online",),
            midway=tr("The offline switch is on."),
        ),
        "no_internet": Cause(tr("This computer has no internet at the moment."), tr("No internet")),
        "no_connection": Cause(_AWAY, tr("No connection"), midway=_LOST),
        "timeout": Cause(_AWAY, tr("No answer in time"), midway=_LOST),
        "tls": Cause(tr("There was no safe connection, so nothing was sent."), tr("Not secure")),
        "proxy_auth": Cause(tr("The proxy of this network asks for a name and a password."), tr("Proxy wants a login")),
        "login_page": Cause(
            tr("A web page answered: this network may want you to log in first."), tr("Login page instead")
        ),
        "server": Cause(tr("{hub} has a fault at the moment."), tr("Server error")),
        "rate_limited": Cause(tr("{hub} asks to wait {wait}."), tr("Too many requests")),
        "unauthorized": Cause(
            tr("{hub} wants a token that may read this."), tr("Token not accepted"), ("add_token", "retry")
        ),
        "gated": Cause(
            tr("The publisher asks you to accept terms first."),
            tr("Terms not accepted"),
            ("open_page", "add_token", "retry"),
        ),
        "not_found": Cause(tr("{hub} does not have this file any more."), tr("Not found"), ("open_repository",)),
        "changed": Cause(_REPLACED, tr("Changed meanwhile"), ("open_repository",)),
        "wrong_size": Cause(_REPLACED, tr("Changed meanwhile"), ("open_repository",)),
        "wrong_hash": Cause(
            tr("The file that arrived is not the one that was published. It was not used."),
            tr("Not as published"),
            ("download_again", "choose_file"),
            kept=False,
        ),
        "not_gguf": Cause(
            tr("What arrived is not a model file. It was not used."),
            tr("Not a model file"),
            ("choose_file",),
            kept=False,
        ),
        "range_ignored": Cause(tr("{hub} sent the wrong part of the file."), tr("Range ignored")),
        "too_many_redirects": Cause(tr("{hub} sent this request on too often."), tr("Too many redirects")),
        "disk_full": Cause(
            tr("There is not enough room on this disk for the {missing} still to come."),
            tr("Disk full"),
            ("free_space", "retry"),
        ),
    }
)


def short_words(cause: Cause, *, midway: bool, hub: str, missing: str, wait: str) -> str:
    """The sentence for a card; `midway` is whether something had arrived."""
    words = (cause.midway if midway else None) or cause.short
    return words.filled(hub=hub, missing=missing, wait=wait)


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail: its cause, and its sentences with placeholders for the host, the repository and the like."""

    cause: str
    title: Sentence
    text: Sentence

    def error(self, *, details: str = "", retry_after_s: float | None = None, **values: Any) -> TransferError:
        """The error to raise, its sentences filled in from `values`; KeyError if one is missing."""
        return TransferError(
            self.title.filled(**values),
            self.text.filled(**values),
            cause=self.cause,
            action=CAUSES[self.cause].actions[0],
            details=details,
            retry_after_s=retry_after_s,
        )


_GO_ON = tr("What arrived is kept. Try again to go on from there.")
_IN_A_MINUTE = tr("What arrived is kept. Try again in a minute.")
_OTHER_REPOSITORY = tr("Nothing was changed. Choose another repository.")
_FREE_SPACE = tr("Nothing was changed. Free some space, then try again.")
_PROXY_INTERFERES = tr(
    "What was downloaded so far is kept. Try again later; a proxy in this network may be the reason."
)

# Offline, and the app's own rules.
OFFLINE = Failure(
    "offline_switch",
    tr("Offline is on, so nothing was sent to {host}."),
    tr("Everything on this computer works as before. Turn Offline off to use Hugging Face."),
)
TURNED_OFFLINE = Failure(
    "offline_switch",
    tr("The transfer from {host} was stopped because Offline was turned on."),
    tr("What arrived is kept. Turn Offline off to go on."),
)
NOT_ENCRYPTED = Failure(
    "tls",
    tr("{url} is not an encrypted address (https), so nothing was sent to it."),
    tr("Use an address that begins with https:// in the settings or in HF_ENDPOINT."),
)
REDIRECTED_TO_PLAIN = Failure(
    "tls",
    tr("{host} sent this request on to an address without encryption, so it was not followed."),
    tr("Nothing was sent there. Someone in the network may be interfering; try another network."),
)
REDIRECTED_ELSEWHERE = Failure(
    "login_page",
    tr("{host} sent this request on to {other}, which is not part of Hugging Face."),
    tr("Nothing was sent there. If this network asks you to log in, do so in your browser, then try again."),
)
REDIRECTED_TOO_OFTEN = Failure(
    "too_many_redirects",
    tr("{host} sent this request on more than {count} times, so it was given up."),
    tr("Nothing was changed. Try again later."),
)

# No answer, or not in time.
NO_INTERNET = Failure(
    "no_internet",
    tr("This computer seems to be without internet: the address of {host} could not be looked up."),
    tr("Everything on this computer works as before. Connect, then try again."),
)
UNREACHABLE = Failure(
    "no_internet",
    tr("{host} can't be reached from this network."),
    tr("Everything on this computer works as before. Check the cable, the Wi-Fi or the VPN, then try again."),
)
UNKNOWN_HOST = Failure(
    "no_connection",
    tr("This network knows no server called {host}."),
    tr("Nothing was changed. Check the internet connection, and the hub's address if you set one yourself."),
)
REFUSED = Failure(
    "no_connection",
    tr("{host} does not accept connections."),
    tr("Nothing was changed. If it is a hub of your own, check that it is running; otherwise try again later."),
)
FIREWALL = Failure(
    "no_connection",
    tr("This computer does not let the app connect to {host}."),
    tr("Nothing was changed. Allow it in the firewall or the security program, then try again."),
)
BROKEN = Failure("no_connection", tr("The connection to {host} broke."), _GO_ON)
CUT_SHORT = Failure("no_connection", tr("The connection to {host} was cut in the middle."), _GO_ON)
NO_ANSWER = Failure(
    "timeout",
    tr("{host} can't be reached: it did not answer within ten seconds."),
    tr("Nothing was changed. Check the internet connection, then try again."),
)
SILENT = Failure(
    "timeout",
    tr("{host} stopped answering."),
    tr("What arrived is kept. Check the internet connection, then try again."),
)
TOO_SLOW = Failure(
    "timeout",
    tr("{host} answers too slowly, so the request was given up."),
    tr("Nothing was changed. Try again later or over another connection."),
)
STALLED = Failure(
    "timeout",
    tr("{host} stopped sending."),
    tr(
        "What was downloaded so far is kept. "
        "Check the internet connection, then start the download again: it goes on from here."
    ),
)
HUNG_UP = Failure("server", tr("{host} hung up without an answer."), tr("Nothing was changed. Try again in a minute."))
NOT_HTTP = Failure(
    "server",
    tr("{host} did not answer in the way that web servers do, so its answer was not used."),
    tr("Nothing was changed. Something in this network may be interfering; try another one."),
)

# Encryption.
TLS_CUT = Failure(
    "no_connection",
    tr("The encrypted connection to {host} was cut off."),
    tr("What arrived is kept. Try again; if it stays so, something in this network is blocking it."),
)
TLS_FAILED = Failure(
    "tls",
    tr("This computer could not agree on a safe connection with {host}."),
    tr("Nothing was sent. Something in this network may be interfering; try another network."),
)
CERTIFICATE_TOO_NEW = Failure(
    "tls",
    tr("The certificate of {host} is not valid yet, going by this computer's date, {date}."),
    tr("Nothing was sent. Check the date and time of this computer, then try again."),
)
CERTIFICATE_EXPIRED = Failure(
    "tls",
    tr("The certificate of {host} has expired, or this computer's date, {date}, is wrong."),
    tr("Nothing was sent. Check the date; if it is right, try again another day."),
)
CERTIFICATE_OF_ANOTHER = Failure(
    "tls",
    tr("Something else answers in the name of {host}: the certificate is for another address."),
    tr("Nothing was sent. If this network asks you to log in, do so in your browser; otherwise try another network."),
)
CERTIFICATE_UNKNOWN = Failure(
    "tls",
    tr("The certificate of {host} comes from somebody whom this computer does not trust."),
    tr(
        "Nothing was sent. In a company or school, ask for its certificate to be installed on this computer; "
        "elsewhere try another network."
    ),
)

# Proxies.
PROXY_LOGIN = Failure(
    "proxy_auth",
    tr("The proxy {proxy} asks for a name and a password."),
    tr(
        "Nothing was sent to {host}. "
        "Set them in HTTPS_PROXY, as in http://name:password@proxy:8080, and start the app again."
    ),
)
PROXY_ANSWERED_LOGIN = Failure(
    "proxy_auth",
    tr("The proxy between this computer and {host} asks for a name and a password."),
    tr(
        "Nothing was changed. Set them in HTTPS_PROXY, as in https://name:password@proxy:8080, and start the app again."
    ),
)
PROXY_FORBIDS = Failure(
    "no_connection",
    tr("The proxy {proxy} does not allow connections to {host}."),
    tr("Nothing was sent. Ask whoever looks after this network to allow it, or use another network."),
)
PROXY_FAILED = Failure(
    "no_connection",
    tr("The proxy {proxy} could not reach {host}."),
    tr("Nothing was sent. Try again later, or check HTTPS_PROXY."),
)
PROXY_AWAY = Failure(
    "no_connection",
    tr("The proxy {proxy}, through which this computer reaches {host}, does not answer."),
    tr("Nothing was sent. Check HTTPS_PROXY and the network, then start the app again."),
)
PROXY_UNKNOWN = Failure(
    "no_connection",
    tr("The proxy {proxy} is of a kind that this app can't use, so nothing was sent to {host}."),
    tr("Set an http or https proxy in HTTPS_PROXY and start the app again."),
)

# The answer is not the one that was asked for.
LOGIN_PAGE = Failure(
    "login_page",
    tr("A login page or another web page answered instead of {host}."),
    tr("It was not used. Open your browser, log in to this network, then try again."),
)
NOT_UNDERSTOOD = Failure(
    "server",
    tr("{host} answered with something that this app can't read."),
    tr("Nothing was changed. Check that the address in the settings or in HF_ENDPOINT belongs to a Hugging Face hub."),
)
TOO_LONG = Failure(
    "server",
    tr("The answer of {host} is too long to be right and was not read to its end."),
    tr("Nothing was changed. Try again; if it stays so, the hub has a fault."),
)

# The hub refuses, with a status and an `X-Error-Code`.
LICENCE_NOT_ACCEPTED = Failure(
    "gated",
    tr("{repo} is for people who have accepted its licence."),
    tr("Nothing was changed. Open its page, accept the licence there, then add a Hugging Face token in the settings."),
)
ACCESS_NOT_GRANTED = Failure(
    "gated",
    tr("The maker of {repo} has not given your account access."),
    tr("Nothing was changed. Open its page, ask for access there, and try again when it is granted."),
)
NO_PUBLIC_REPOSITORY = Failure(
    "not_found",
    tr("There is no public repository {repo} on {host}."),
    tr("Nothing was changed. Check the spelling; if it is a private one, add a Hugging Face token in the settings."),
)
NO_REPOSITORY = Failure(
    "not_found",
    tr("There is no repository {repo} on {host} that your account can see."),
    tr("Nothing was changed. Check the spelling, and that your token may read it."),
)
NO_REVISION = Failure(
    "not_found",
    tr("{repo} no longer has the version that was asked for."),
    tr("What you have is unchanged. Look at the repository's files again and choose from the present ones."),
)
NO_FILE = Failure(
    "not_found",
    tr("This file is not in {repo} any more."),
    tr("What you have is unchanged. Look at the repository's files again and choose another one."),
)
NOTHING_THERE = Failure(
    "not_found",
    tr("{host} has nothing at this address."),
    tr("Nothing was changed. Check the repository's name, and the hub's address in the settings or in HF_ENDPOINT."),
)
DISABLED = Failure("not_found", tr("{host} has switched off {repo}."), _OTHER_REPOSITORY)
GONE = Failure(
    "not_found",
    tr("{what} was taken off {host} for good."),
    tr("What you have is unchanged. Choose another repository."),
)
ILLEGAL = Failure("not_found", tr("{host} may not show this here for legal reasons."), _OTHER_REPOSITORY)
TOKEN_WANTED = Failure(
    "unauthorized",
    tr("{host} wants to know who is asking."),
    tr("Nothing was changed. Add a Hugging Face token in the settings, then try again."),
)
TOKEN_REFUSED = Failure(
    "unauthorized",
    tr("{host} does not accept your Hugging Face token: it is wrong or has expired."),
    tr("Nothing was changed. Make a new one on your account's page and put it into the settings."),
)
SIGNED_IN_ONLY = Failure(
    "unauthorized",
    tr("{host} shows {repo} to signed-in people only."),
    tr("Nothing was changed. Add a Hugging Face token in the settings, then try again."),
)
TOKEN_MAY_NOT_READ = Failure(
    "unauthorized",
    tr("Your Hugging Face token does not allow reading {repo}."),
    tr("Nothing was changed. Give it read access on your account's page, or put another one into the settings."),
)
LINK_EXPIRED = Failure(
    "server",
    tr("{host} no longer accepts the link to this file."),
    tr("What arrived is kept. Try again to get a new link."),
)
BAD_REQUEST = Failure(
    "server",
    tr("{host} did not understand this request."),
    tr("Nothing was changed. Try other words or another filter."),
)
HUB_WAITED = Failure(
    "timeout",
    tr("{host} did not receive the whole request in time."),
    tr("Nothing was changed. The connection may be weak; try again."),
)
PAST_THE_END = Failure(
    "changed",
    tr("{host} no longer has the part of the file that was asked for; the file was probably replaced."),
    tr("What arrived is kept. Look at the repository's files again."),
)
LIMITED = Failure(
    "rate_limited",
    tr("{host} has had too many requests from here."),
    tr("What arrived is kept. Wait a few minutes, or add a Hugging Face token in the settings for a higher limit."),
)
LIMITED_FOR = Failure(
    "rate_limited",
    tr("{host} has had too many requests from here and asks to wait {seconds:,.0f} seconds."),
    tr("What arrived is kept. Try again after that."),
)
HUB_BROKEN = Failure("server", tr("{host} had an error of its own."), _IN_A_MINUTE)
BEHIND_HUB_AWAY = Failure("server", tr("Something behind {host} is not reachable at the moment."), _IN_A_MINUTE)
BEHIND_HUB_SLOW = Failure("timeout", tr("Something behind {host} took too long to answer."), _IN_A_MINUTE)
OVERLOADED = Failure(
    "server", tr("{host} is overloaded or being worked on."), tr("What arrived is kept. Try again in a few minutes.")
)
UNKNOWN_FAULT = Failure(
    "server", tr("{host} can't answer at the moment (status {status})."), tr("What arrived is kept. Try again later.")
)
UNKNOWN_REFUSAL = Failure(
    "server", tr("{host} refused the request (status {status})."), tr("Nothing was changed. Try again later.")
)

# The file is not the promised one, or the disk can't take it.
NOT_GGUF = Failure(
    "not_gguf",
    tr("{host} sent something that is not a GGUF model file."),
    tr("None of it was kept. Try again later, or choose another file."),
)
REPLACED = Failure(
    "changed",
    tr("The file on {host} was replaced by another one meanwhile."),
    tr(
        "What was downloaded so far is kept, but it does not fit the new file. "
        "Look at the repository's files again and choose anew."
    ),
)
REPLACED_MIDWAY = Failure(
    "wrong_hash",
    tr("{file} was replaced on the hub while it was being downloaded."),
    tr("None of it was kept. Try the download again."),
)
WRONG_SHA256 = Failure(
    "wrong_hash",
    tr("What the hub sends for {file} is not the file it promises, also when asked again: the sha256 differs."),
    tr("None of it was kept. Choose another file or repository, or try again on another day."),
)
WRONG_SIZE = Failure(
    "wrong_size",
    tr("{host} has {found:,} bytes for this file and had promised {promised:,}."),
    tr("What was downloaded so far is kept. Look at the repository's files again: it may have been replaced."),
)
WRONG_RANGE = Failure(
    "range_ignored", tr("{host} did not send the missing piece of the file but another one."), _PROXY_INTERFERES
)
COMPRESSED = Failure(
    "server",
    tr("{host} sent the file in a compressed form that was not asked for, so it was not used."),
    _PROXY_INTERFERES,
)
NO_ROOM = Failure(
    "disk_full",
    tr("{file} needs {needed:.1f} GB on the disk with {folder}, and {free:.1f} GB are free there."),
    _FREE_SPACE,
)
NO_ROOM_BESIDE_OTHERS = Failure(
    "disk_full",
    tr(
        "{file} needs {needed:.1f} GB on the disk with {folder}, "
        "and besides what other downloads still need {free:.1f} GB are free there."
    ),
    _FREE_SPACE,
)
DISK_FULL = Failure(
    "disk_full",
    tr("The disk with {folder} is full."),
    tr("What was downloaded so far is kept. Free some space, then start the download again: it goes on from here."),
)
