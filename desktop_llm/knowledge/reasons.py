"""Why a document could not be read, as it is kept in knowledge.db."""

from __future__ import annotations

import json
from dataclasses import dataclass

from desktop_llm.errors import DocumentError
from desktop_llm.words import from_json, to_json


@dataclass(frozen=True, slots=True)
class Reason:
    """The sentence and the cause of a DocumentError; the sentence keeps its template, so it stays translatable."""

    text: str
    cause: str = ""

    @classmethod
    def of(cls, error: DocumentError) -> Reason:
        """The reason that an error tells."""
        return cls(error.message, error.cause)

    @classmethod
    def read(cls, stored: str) -> Reason:
        """What `stored` wrote; a row of an older version is the text itself."""
        try:
            kept = json.loads(stored)
            return cls(from_json(kept["text"]), kept["cause"])
        except (ValueError, LookupError, TypeError):
            return cls(stored)

    def stored(self) -> str:
        """The reason as one text for a column."""
        return json.dumps({"text": to_json(self.text), "cause": self.cause})
