"""Why a transfer stopped, in one short sentence, and the buttons that help; the causes come from net."""

from __future__ import annotations

from desktop_llm.errors import NotFound, TransferError, UserError
from desktop_llm.gui.look.formats import duration, size
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.tasks import Unexpected
from desktop_llm.jobs.download import Download
from desktop_llm.net import causes
from desktop_llm.words import tr


def cause_of(error: UserError) -> str:
    """The name of the cause; "" if it is unknown."""
    if isinstance(error, TransferError):
        return error.cause
    return "not_found" if isinstance(error, NotFound) else ""


def short_words(download: Download) -> str:
    """Say what happened and what is kept, short enough for a card; "" if the download did not fail."""
    error, progress = download.error, download.progress
    if error is None:
        return ""
    cause = causes.CAUSES.get(cause_of(error))
    if cause is None:
        return error.title
    wait_s = error.retry_after_s if isinstance(error, TransferError) else None
    said = causes.short_words(
        cause,
        midway=progress.done > 0,
        hub=download.hub,
        missing=size(progress.total - progress.done),
        wait=tr("a few minutes") if wait_s is None else duration(wait_s),
    )
    if not (progress.done and cause.kept):
        return said
    return f"{said} {tr('The {size} already here are kept.', size=size(progress.done))}"


def long_words(error: UserError) -> str:
    """All details of the error, with codes at the end."""
    return error.message if isinstance(error, Unexpected) else f"{error.message}\n{error.details}".strip()


def actions_after(error: UserError) -> tuple[Action, ...]:
    """The actions that help after a download failed, the main one first."""
    actions = actions_for(cause_of(error), tr("Turn off for this download"))
    if isinstance(error, Unexpected):
        return *actions, Action("copy_details", tr("Copy details"), "copy", "quiet")
    return actions


def actions_for(cause: str, turn_off: str) -> tuple[Action, ...]:
    """The buttons that help against a cause of `net.causes`, the main one first; for any other cause, Try again."""
    names = causes.CAUSES[cause].actions if cause in causes.CAUSES else ("retry",)
    buttons = {
        "retry": ("retry", tr("Try again"), "retry"),
        "download_again": ("retry", tr("Download again"), "download"),
        "go_online": ("go_online", turn_off, "globe"),
        "free_space": ("free_space", tr("Free up space"), "disk"),
        "add_token": ("add_token", tr("Add token"), "lock"),
        "open_page": ("open_page", tr("Open the page"), "external"),
        "open_repository": ("open_repository", tr("Look at the repository"), "search"),
        "choose_file": ("open_repository", tr("Choose another file"), "search"),
    }
    first, *others = (buttons[name] for name in names)
    return Action(*first), *(Action(*other, "quiet") for other in others)
