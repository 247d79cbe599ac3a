"""The errors that a person may read, as one tree.

    UserError                caused by the environment or the input; the person reads it
    ├── BadRequest           a request that makes no sense as asked (an unknown name, an empty query)
    ├── NotFound             a model, collection, document or conversation that is not there
    ├── Busy                 another program holds what is needed
    ├── ModelFileError       a model file that is damaged, unknown or of another kind
    │   └── UnsupportedModel one that may be intact, but that this version can't open
    ├── DocumentError        a document that can't be read, with the reason
    ├── ContextOverflow      one message that is longer than the context, with both numbers
    ├── TransferError        a transfer that failed, with its cause as a word the window can act on
    └── WorkerDied           a child process ended by itself; the reason in words
    Cancelled                not an error: the person stopped it

A UserError has a title (what happened) and a text (what is safe, what to do), and may name the action that helps.
Every other exception is a bug: it is logged with its traceback and shown as unexpected. Sentences are made
with `words.tr` and cross the wire with their template, so that the window can show a child's sentence in its own
language; `details` stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desktop_llm.words import from_json, to_json, tr

CHOOSE_FORMAT = "choose_format"  # the action if a model's chat template can't be used
FREE_SPACE = "free_space"  # the action of every error that a writable disk with some space would mend
LESS_MEMORY = "less_memory"  # the action of an error of a model that ran out of memory: load it so that it needs less


class UserError(Exception):
    """An error that the person reads: in the window, on stderr with exit status 1, or as an API error object.

    `title` is one sentence that says what happened; `text` says what is safe and what to do, "" if there is nothing to
    add. `action` is one word for the action that the window can offer ("retry", "free_space"), "" for none. `details`
    are for engineers: codes, signals, the last lines of stderr.
    """

    def __init__(self, title: str, text: str = "", *, action: str = "", details: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.text = text
        self.action = action
        self.details = details

    @property
    def message(self) -> str:
        """Title and text as one paragraph."""
        return tr("{title} {text}", title=self.title, text=self.text) if self.text else self.title

    def fields(self) -> dict[str, Any]:
        """The fields that cross the wire beside the class name; `from_wire` passes them to the constructor."""
        return {
            "title": to_json(self.title),
            "text": to_json(self.text),
            "action": self.action,
            "details": self.details,
        }

    def __str__(self) -> str:
        return self.message


class BadRequest(UserError):
    """The request makes no sense as asked."""


class NotFound(UserError):
    """The named thing is not there (any more)."""


class Busy(UserError):
    """Another program holds what is needed."""


class ModelFileError(UserError):
    """The model file is damaged, of an unknown architecture, or not a chat model."""


class UnsupportedModel(ModelFileError):
    """The model file may be intact, but this version can't open it."""


class DocumentError(UserError):
    """The document can't be read; the title is the reason in a few words.

    `cause` is one word that tells what would help: "password", "missing", "damaged", "empty", "no_text", "too_large",
    "format" or "protected" (the app can open neither of the last two), "in_use" (by another program) or "died" (the
    reader did); empty if the next try may succeed.
    """

    def __init__(self, title: str, text: str = "", *, cause: str = "", action: str = "", details: str = "") -> None:
        super().__init__(title, text, action=action, details=details)
        self.cause = cause

    def fields(self) -> dict[str, Any]:
        """The fields of every error, and the cause."""
        return {**super().fields(), "cause": self.cause}


class ContextOverflow(UserError):
    """One message is longer than the whole context length."""

    def __init__(self, needed_tokens: int, available_tokens: int) -> None:
        super().__init__(
            tr(
                "This message needs {needed:,} tokens and the model can keep {available:,} in mind.",
                needed=needed_tokens,
                available=available_tokens,
            ),
            tr("Nothing was lost. Shorten the message, or load the model with a larger context length."),
        )
        self.needed_tokens = needed_tokens
        self.available_tokens = available_tokens

    def fields(self) -> dict[str, Any]:
        """The two numbers; the sentences are made from them."""
        return {"needed_tokens": self.needed_tokens, "available_tokens": self.available_tokens}


class TransferError(UserError):
    """A transfer over the network failed; `cause` is one word that tells the window what to offer.

    `retry_after_s` is how long the other side asked us to wait, None if it did not say.
    """

    def __init__(
        self,
        title: str,
        text: str = "",
        *,
        cause: str,
        action: str = "",
        details: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(title, text, action=action, details=details)
        self.cause = cause
        self.retry_after_s = retry_after_s

    def fields(self) -> dict[str, Any]:
        """The fields of every error, the cause and the wait."""
        return {**super().fields(), "cause": self.cause, "retry_after_s": self.retry_after_s}


class WorkerDied(UserError):
    """A child process ended by itself; `details` holds the signal and its last error lines."""


class Cancelled(Exception):
    """The person stopped it."""


_BY_NAME: dict[str, type[UserError]] = {
    kind.__name__: kind
    for kind in (
        UserError,
        BadRequest,
        NotFound,
        Busy,
        ModelFileError,
        UnsupportedModel,
        DocumentError,
        ContextOverflow,
        TransferError,
        WorkerDied,
    )
}


def to_wire(error: UserError) -> dict[str, Any]:
    """The error as JSON for a frame or an API answer."""
    name = type(error).__name__
    return {"error": name if name in _BY_NAME else "UserError", **error.fields()}


def from_wire(data: Mapping[str, Any]) -> UserError:
    """The error that `to_wire` wrote, in the language of this process; an unknown class becomes a plain UserError."""
    fields = {key: value for key, value in data.items() if key != "error"}
    for name in ("title", "text"):
        if name in fields:
            fields[name] = from_json(fields[name])
    return _BY_NAME.get(str(data.get("error")), UserError)(**fields)
