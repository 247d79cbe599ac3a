"""What is wrong with a form that answers must match (a grammar or a JSON Schema), and in which line.

Used by the engine before llama.cpp sees a grammar, and by the window while a person types.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop_llm.errors import BadRequest
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is good: the grammar in GBNF, and how many fields or rules it has."""

    grammar: str
    count: int


class FormError(Exception):
    """A form that can't be used: `sentence` says why; `line` and `column` count from 1, and 0 means everywhere."""

    def __init__(self, sentence: str, line: int = 0, column: int = 0) -> None:
        super().__init__(sentence)
        self.sentence, self.line, self.column = sentence, line, column

    @property
    def told(self) -> str:
        """The place and the sentence."""
        if not self.line:
            return self.sentence
        return tr("Line {line}, column {column}: {problem}", line=self.line, column=self.column, problem=self.sentence)

    def as_request(self, title: str) -> BadRequest:
        """The error for the person who asked for an answer in this form."""
        return BadRequest(title, tr("{problem} Nothing was sent to the model.", problem=self.told))


def refused_at(path: str, reason: str) -> FormError:
    """The error for a JSON Schema with a rule at this place, such as properties/age, that a grammar can't keep."""
    if not path.strip("/"):
        return FormError(tr("This schema can't be used: {reason}.", reason=reason))
    return FormError(tr("{place}: {reason}.", place=path.strip("/"), reason=reason))


def place(text: str, at: int) -> tuple[int, int]:
    """The line and column of a character, counted from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
