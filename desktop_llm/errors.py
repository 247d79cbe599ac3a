"""What can go wrong for a person, as one tree.

    UserError                the environment's or the input's fault; its text is what the person reads
    ├── BadRequest           a request that makes no sense as asked (an unknown name, an empty query)
    ├── NotFound             a model, collection, document or conversation that is not there
    ├── Busy                 another program holds what is needed
    ├── ModelFileError       a model file that is damaged, unknown or of another kind
    │   └── UnsupportedModel one that may be whole, but is nothing that this version opens
    ├── DocumentError        a document that can't be read, with the reason
    ├── ContextOverflow      one message that is longer than the context, with both numbers
    ├── TransferError        a transfer that did not work, with its cause as a word the window can act on
    └── WorkerDied           a child process ended by itself; the reason in words
    Cancelled                not an error: the person stopped it

A UserError's text is one or two full sentences: what happened, what is safe, what to do. Everything else that is
raised is a bug: it is logged with its traceback and shown as unexpected. Sentences are made with `words.tr` and cross
the wire with their template, so that a child's sentence is shown in the window's language; `details` stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desktop_llm.words import from_json, to_json, tr


class UserError(Exception):
    """Shown to the person as it is: by the window, on stderr with exit status 1, as an API error object."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def fields(self) -> dict[str, Any]:
        """What crosses the wire beside the class name; `from_wire` passes it to the constructor."""
        return {"message": to_json(self.message), "details": self.details}


class BadRequest(UserError):
    """The request makes no sense as asked."""


class NotFound(UserError):
    """The named thing is not there (any more)."""


class Busy(UserError):
    """Another program holds what is needed."""


class ModelFileError(UserError):
    """The model file is damaged, of an unknown architecture, or not a chat model."""


class UnsupportedModel(ModelFileError):
    """The model file may be whole, but it is nothing that this version opens."""


class DocumentError(UserError):
    """The document can't be read; the message is the reason in a few words.

    `cause` is one word for what helps: "password", "missing", "damaged", "empty", "no_text", "too_large", "format" or
    "protected" (neither of the last two can be opened by this app); empty where it may go right the next time.
    """

    def __init__(self, message: str, cause: str = "", details: str = "") -> None:
        super().__init__(message, details)
        self.cause = cause

    def fields(self) -> dict[str, Any]:
        """Message, details and cause."""
        return {**super().fields(), "cause": self.cause}


class ContextOverflow(UserError):
    """One message is longer than the whole context length."""

    def __init__(self, needed_tokens: int, available_tokens: int) -> None:
        super().__init__(
            tr(
                "This message needs {needed:,} tokens and the model can keep {available:,} in mind. "
                "Nothing was lost. Shorten the message, or load the model with a larger context length.",
                needed=needed_tokens,
                available=available_tokens,
            )
        )
        self.needed_tokens = needed_tokens
        self.available_tokens = available_tokens

    def fields(self) -> dict[str, Any]:
        """The two numbers; the sentence is made from them."""
        return {"needed_tokens": self.needed_tokens, "available_tokens": self.available_tokens}


class TransferError(UserError):
    """A transfer over the network did not work; `cause` is one word for what the window offers to do about it.

    `retry_after_s` is what the other side asked us to wait, where it did.
    """

    def __init__(self, message: str, cause: str, details: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, details)
        self.cause = cause
        self.retry_after_s = retry_after_s

    def fields(self) -> dict[str, Any]:
        """Message, details, cause and the wait."""
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
    if "message" in fields:
        fields["message"] = from_json(fields["message"])
    return _BY_NAME.get(str(data.get("error")), UserError)(**fields)
