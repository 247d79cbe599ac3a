"""A visible transcript, and answers to put into it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.message import Citation, Text, Thinking

LEASE = Citation(
    number=1,
    document="/documents/Lease_2024_signed.pdf",
    page=4,
    start=0,
    end=76,
    text="Either party may end this tenancy by giving three months’ notice in writing.",
    score=0.9,
    verified=True,
)
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
    """A transcript of 604 × 612 pixels, shown, with the focus."""
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(604, 612)
    widget.show()
    return widget


@pytest.fixture
def question() -> MessageView:
    """The person's question."""
    return MessageView("q1", "user", (Text("How much notice do I have to give?"),))


@pytest.fixture
def answer() -> MessageView:
    """An answer with everything that answers can have."""
    return MessageView(
        "a1",
        "assistant",
        (Thinking("The lease says so."), Text(ANSWER)),
        citations=(LEASE, replace(LEASE, number=2, page=5)),
        unsupported=("Many landlords drop it.",),
        foot="231 tokens, 38.2 tokens/s, first after 0.6 s",
        branch=2,
        branches=2,
    )


def many(count: int) -> list[MessageView]:
    """Alternating questions and answers, each of them different."""
    views = []
    for number in range(count // 2):
        views.append(MessageView(f"q{number}", "user", (Text(f"Question {number} about the lease"),)))
        views.append(
            MessageView(
                f"a{number}", "assistant", (Text(f"Answer {number}.\n\n" + "Some more words. " * (number % 40)),)
            )
        )
    return views
