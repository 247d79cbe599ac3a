"""What a model can be told about its thinking: nothing, on or off, or an effort; and how thinking is ended.

No field of a model file says so. What the chat template writes with and without its variables tells.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from desktop_llm.engine.shapes import THINKING_TOKENS, ThinkingKind
from desktop_llm.engine.streaming import CLOSING_MARKS, OPENING_MARKS, ThinkingSplitter
from desktop_llm.engine.versions import Message
from desktop_llm.errors import UserError

Render = Callable[[Sequence[Message], Mapping[str, Any]], str]
Variables = Mapping[str, Any]

_SWITCHES = ("enable_thinking", "thinking", "reasoning")
_EFFORTS = {  # the first one that the template knows
    "off": ("none",),
    "short": ("low", "minimal", "medium", "high"),
    "normal": ("medium", "high", "low"),
    "long": ("high", "medium", "low"),
}
_BUDGET_STEP = 512  # Seed-OSS was trained on multiples of it
_QUESTION = [{"role": "user", "content": "Why?"}]
_LEAD_OUT = "\n\nThat is enough thinking; now the answer.\n"
_LEAST_SHARE = 4  # a quarter of the room stays for the answer, however long the thinking may be


@dataclass(frozen=True, slots=True)
class ThinkingSwitch:
    """What a model can be told about its thinking, and the template's variables for each level.

    `own` is the level that the template takes without being told: "off" or "normal".
    """

    kind: ThinkingKind = "none"
    own: str = "off"
    levels: Mapping[str, Variables] = field(default_factory=dict)

    def level(self, wanted: str | None) -> str | None:
        """The level that the model can do: "short" in place of "off" if it always thinks, None if it never does."""
        if self.kind == "none" or wanted is None:
            return None
        return "short" if wanted == "off" and self.kind != "switch" else wanted

    def variables(self, level: str | None) -> Variables:
        """The template's variables for this level; none for None, so that the template decides."""
        return self.levels.get(level or "", {})


def thinking_switch(render: Render, source: str, marks: Container[str], *, own_template: bool) -> ThinkingSwitch:
    """Find out what a model can be told, from what its template writes of a question.

    `marks` are those of the vocabulary. Many models have marks of thinking among them and never think, so they count
    only if the template is not the makers' own and says nothing about it.
    """

    def written(variables: Variables) -> str | None:
        try:
            return render(_QUESTION, variables)
        except UserError:
            return None

    plain = written({})
    if plain is None:
        return ThinkingSwitch()
    levels: dict[str, dict[str, Any]] = {level: {} for level in ("off", *THINKING_TOKENS)}
    _find_switch(written, levels)
    _find_budget(written, levels)
    by_effort = _find_efforts(written, source, levels)
    if levels["off"]:
        own = "off" if plain == written(levels["off"]) else "normal"
        return ThinkingSwitch("switch", own, levels)
    if by_effort:
        return ThinkingSwitch("effort", "normal", levels)
    thinks = any(mark in source for mark in CLOSING_MARKS) or any(
        plain.rstrip().endswith(mark) for mark in OPENING_MARKS
    )
    if thinks or (not own_template and any(mark in marks for mark in CLOSING_MARKS)):
        return ThinkingSwitch("always", "normal", {})
    return ThinkingSwitch()


def _find_switch(written: Callable[[Variables], str | None], levels: dict[str, dict[str, Any]]) -> None:
    for name in _SWITCHES:
        on, off = written({name: True}), written({name: False})
        if on is not None and off is not None and on != off:
            for level, variables in levels.items():
                variables[name] = level != "off"


def _find_budget(written: Callable[[Variables], str | None], levels: dict[str, dict[str, Any]]) -> None:
    none, some = written({"thinking_budget": 0}), written({"thinking_budget": _BUDGET_STEP})
    if none is not None and some is not None and none != some:
        for level, variables in levels.items():
            tokens = THINKING_TOKENS.get(level, 0)
            variables["thinking_budget"] = -(-tokens // _BUDGET_STEP) * _BUDGET_STEP


def _find_efforts(written: Callable[[Variables], str | None], source: str, levels: dict[str, dict[str, Any]]) -> bool:
    prompts = {effort: written({"reasoning_effort": effort}) for effort in ("none", "minimal", "low", "medium", "high")}
    known = {effort for effort, prompt in prompts.items() if prompt is not None}
    if not any(f"{quote}none{quote}" in source for quote in "'\""):  # gpt-oss writes down whatever it is told
        known.discard("none")
    if len({prompts[effort] for effort in known}) < 2:
        return False
    for level, efforts in _EFFORTS.items():
        if (effort := next((each for each in efforts if each in known), None)) is not None:
            levels[level]["reasoning_effort"] = effort
    return True


class ThinkingLimit:
    """Counts the tokens of an answer's thinking, and says when and how to end it.

    `room` is the number of tokens that the answer may have, thinking included.
    """

    def __init__(self, level: str | None, room: int) -> None:
        wanted = THINKING_TOKENS.get(level or "")
        self.limit = min(wanted, max(1, room - room // _LEAST_SHARE)) if wanted else 0
        self.tokens = 0
        self.reached = False
        self._ended = self._hurry = False

    def answer_now(self) -> None:
        """End the thinking as soon as there is any."""
        self._hurry = True

    def count(self, splitter: ThinkingSplitter) -> str:
        """Count a token; returns the text that ends the thinking if that is due, "" otherwise."""
        if self._ended or not splitter.is_thinking:
            return ""
        self.tokens += 1
        too_many = bool(self.limit) and self.tokens >= self.limit
        if not (self._hurry or too_many):
            return ""
        self._ended, self.reached = True, too_many
        return f"{_LEAD_OUT}{splitter.closing}"
