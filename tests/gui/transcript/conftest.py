"""A transcript on the screen, and answers to put into it."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop_llm.gui.transcript import MessageView, Transcript
from tests.gui.conftest import StandInCitation

ANSWER = """You have to give **three months' notice** [1]. A fee is due [2]. Many landlords drop it.

| Item | Amount |
|---|---|
| Rent | €3,540 |
| Fee [2] | €590 |

```python
def cost(rent: float) -> float:
    return 3 * rent
```
"""


@pytest.fixture
def transcript(qtbot: QtBot) -> Transcript:
    """604 × 612, shown, with the focus."""
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(604, 612)
    widget.show()
    return widget


@pytest.fixture
def question() -> MessageView:
    """What the person asked."""
    return MessageView("q1", "user", "How much notice do I have to give?")


@pytest.fixture
def answer() -> MessageView:
    """An answer with everything an answer can have."""
    return MessageView(
        "a1",
        "assistant",
        ANSWER,
        thinking="The lease says so.",
        thinking_note="Thought for 6 s, 184 tokens",
        citations=(StandInCitation(1), StandInCitation(2, page=5)),
        unsupported=("Many landlords drop it.",),
        foot="231 tokens, 38.2 tokens/s, first after 0.6 s",
        branch=2,
        branches=2,
    )


def many(count: int) -> list[MessageView]:
    """Questions and answers in turn, each of them different."""
    views = []
    for number in range(count // 2):
        views.append(MessageView(f"q{number}", "user", f"Question {number} about the lease"))
        views.append(
            MessageView(f"a{number}", "assistant", f"Answer {number}.\n\n" + "Some more words. " * (number % 40))
        )
    return views
