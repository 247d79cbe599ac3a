"""The notices shown when the hub refuses or can't be reached, and the buttons that help."""

from __future__ import annotations

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.transfer_failures import actions_for
from desktop_llm.words import tr

Notice = tuple[str, str, tuple[Action, ...]]

_UNREACHABLE = ("no_internet", "no_connection", "timeout")
_OFFERED_HERE = ("go_online", "retry", "open_page", "add_token")


def kept_back(error: UserError) -> bool:
    """Whether the offline switch stopped this request; it can be repeated once the switch is off."""
    return isinstance(error, TransferError) and error.cause == "offline_switch"


def notice_for(error: UserError, hub: str, turn_off: str) -> Notice:
    """The title, text and actions (go_online, retry, add_token, open_page) for a failed request to the hub.

    `hub` is the name of the hub; `turn_off` is the label of the button that lifts the offline switch this once.
    """
    cause = error.cause if isinstance(error, TransferError) else ""
    helps = actions_for(cause, turn_off)
    actions = tuple(action for action in helps if action.name in _OFFERED_HERE)
    if kept_back(error):
        return tr("The offline switch is on, so nothing was sent."), "", actions
    if cause in _UNREACHABLE:
        safe = tr("Models on this computer and your documents work as before.")
        return tr("{hub} cannot be reached.", hub=hub), safe, actions
    return error.title, error.text, actions
