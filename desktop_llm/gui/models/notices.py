"""What the page says when the hub did not answer as wished: the sentence, what is safe, and what to do."""

from __future__ import annotations

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.widgets import Action
from desktop_llm.words import tr

Notice = tuple[str, str, tuple[Action, ...]]

_UNREACHABLE = ("no_internet", "no_connection", "timeout")


def kept_back(error: UserError) -> bool:
    """Whether the offline switch is why this did not go out: it can be asked again once that is off."""
    return isinstance(error, TransferError) and error.cause == "offline_switch"


def notice_for(error: UserError, hub: str, turn_off: str) -> Notice:
    """Title, text and actions (go_online, retry, add_token, open_page) for a failed question to the hub.

    `hub` is what the hub is called; `turn_off` what the button says that lifts the offline switch for this once.
    """
    cause = error.cause if isinstance(error, TransferError) else ""
    retry = Action("retry", tr("Try again"), "retry")
    if cause == "offline_switch":
        return tr("The offline switch is on, so nothing was sent."), "", (Action("go_online", turn_off, "globe"),)
    if cause in _UNREACHABLE:
        safe = tr("Models on this computer and your documents work as before.")
        return tr("{hub} cannot be reached.", hub=hub), safe, (retry,)
    title, text = _sentences(error.message)
    if cause == "gated":
        page = Action("open_page", tr("Open the page"), "external")
        return title, text, (page, Action("add_token", tr("Add token"), "lock", "quiet"))
    if cause == "unauthorized":
        return title, text, (Action("add_token", tr("Add token"), "lock"), retry)
    if cause == "not_found":
        return title, text, ()
    return title, text, (retry,)


def _sentences(message: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    first, dot, rest = message.partition(". ")
    return first + dot.strip(), rest
