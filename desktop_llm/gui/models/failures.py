"""Why a download stopped, in one short sentence, and what helps; all that the error says stays behind Details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_llm.errors import NotFound, TransferError, UserError
from desktop_llm.gui.documents.words import duration, size
from desktop_llm.gui.tasks import Unexpected
from desktop_llm.gui.widgets import Action
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.gui.models.transfers import Download


def cause_of(error: UserError) -> str:
    """The word for what went wrong; "" where none is known."""
    if isinstance(error, TransferError):
        return error.cause
    return "not_found" if isinstance(error, NotFound) else ""


def short_words(download: Download) -> str:
    """What happened and what is safe, short enough for a card; "" where the download did not fail."""
    error = download.error
    if error is None:
        return ""
    words = _words(error, begun=download.done_bytes > 0).get(cause_of(error))
    if words is None:
        return first_sentence(error.message)
    kept = tr("The {size} already here are kept.", size=size(download.done_bytes)) if download.done_bytes else ""
    missing = size(download.total_bytes - download.done_bytes)
    return words.format(hub=download.hub, kept=kept, missing=missing, wait=_wait(error)).strip()


def long_words(error: UserError) -> str:
    """Everything there is to say, codes last."""
    return error.message if isinstance(error, Unexpected) else f"{error.message}\n{error.details}".strip()


def actions_for(error: UserError) -> tuple[Action, ...]:
    """What helps after a download failed: the main action first."""
    retry = Action("retry", tr("Try again"), "retry")
    again = Action("retry", tr("Download again"), "download")
    later = Action("retry", tr("Try again"), "retry", "quiet")
    look = Action("open_repository", tr("Look at the repository"), "search")
    if isinstance(error, Unexpected):
        return retry, Action("copy_details", tr("Copy details"), "copy", "quiet")
    offers = {
        "offline_switch": (Action("go_online", tr("Turn off for this download"), "globe"),),
        "disk_full": (Action("free_space", tr("Free up space"), "disk"), later),
        "gated": (
            Action("open_page", tr("Open the page"), "external"),
            Action("add_token", tr("Add token"), "lock", "quiet"),
            later,
        ),
        "unauthorized": (Action("add_token", tr("Add token"), "lock"), later),
        "not_found": (look,),
        "changed": (look,),
        "wrong_size": (look,),
        "wrong_hash": (again, Action("open_repository", tr("Choose another file"), "search", "quiet")),
        "not_gguf": (Action("open_repository", tr("Choose another file"), "search"),),
    }
    return offers.get(cause_of(error), (retry,))


def first_sentence(message: str) -> str:
    """What comes before the first full stop."""
    first, stop, _ = message.partition(". ")
    return first + stop.strip()


def _words(error: UserError, *, begun: bool) -> dict[str, str]:
    """By cause. `{hub}` is where the file comes from, `{kept}` what is here already, `{missing}` what is not."""
    lost = tr("The connection was lost. {kept}") if begun else tr("{hub} cannot be reached.")
    replaced = tr("The file on {hub} was replaced by another one. {kept}")
    return {
        "no_internet": tr("This computer has no internet at the moment. {kept}"),
        "no_connection": lost,
        "timeout": lost,
        "server": tr("{hub} has a fault at the moment. {kept}"),
        "rate_limited": tr("{hub} asks to wait {wait}. {kept}"),
        "login_page": tr("A web page answered: this network may want you to log in first. {kept}"),
        "proxy_auth": tr("The proxy of this network asks for a name and a password."),
        "tls": tr("No safe connection came about, so nothing was sent."),
        "unauthorized": tr("{hub} wants a token that may read this."),
        "gated": tr("The publisher asks you to accept terms first."),
        "not_found": tr("{hub} does not have this file any more."),
        "changed": replaced,
        "wrong_size": replaced,
        "wrong_hash": tr("The file that arrived is not the one that was published. It was not used."),
        "not_gguf": tr("What arrived is not a model file. It was not used."),
        "range_ignored": tr("{hub} sent the wrong part of the file. {kept}"),
        "too_many_redirects": tr("{hub} sent this request on too often."),
        "disk_full": tr("There is not enough room on this disk for the {missing} still to come. {kept}"),
        "offline_switch": tr("The offline switch is on. {kept}")
        if begun
        else tr("The offline switch is on, so nothing was sent."),
    }


def _wait(error: UserError) -> str:
    """How long the hub asks to wait."""
    wait_s = error.retry_after_s if isinstance(error, TransferError) else None
    return tr("a few minutes") if wait_s is None else duration(wait_s)
