"""How long the window's thread is busy at a stretch with messages that are hard to lay out.

    python -m tests.benchmarks.messages [--size N] [--kinds PART-OF-A-NAME]

Each kind of text in `tests/gui/chat/transcript/kinds.py` is opened as a stored answer and as a question, as thoughts
that are unfolded, streamed in small pieces, resized, scrolled, selected and copied. Prints the most processor time that
the thread took between two beats of a timer, for each kind and step, and the same for a chat of 2,000 messages.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from desktop_llm.gui.app import keep_what_is_built
from desktop_llm.gui.chat.transcript import MessageView, Transcript, warm_up
from desktop_llm.gui.chat.transcript.code_part import CodePart
from desktop_llm.gui.chat.transcript.view_model import WordChoices
from desktop_llm.gui.look import theme
from desktop_llm.message import Citation, Text, Thinking
from desktop_llm.tokens import Token
from tests.benchmarks.responsiveness import LIMIT_MS, Heart
from tests.gui.chat.transcript.conftest import many
from tests.gui.chat.transcript.kinds import KINDS

CITATION = Citation(1, "/documents/Lease.pdf", 4, 0, 6, "Notice", 0.9, verified=True)
LEFT = Qt.MouseButton.LeftButton
MOST_WAIT_S = 60


def main() -> int:
    """Measure all kinds; 1 if the thread was ever busy for more than 50 ms."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, default=20_000, help="characters of a message")
    options.add_argument("--kinds", default="", help="only the kinds whose name contains this")
    given = options.parse_args()
    application = QApplication(sys.argv[:1])
    theme.apply(application, theme.Theme("light"))
    warm_up()
    bench = Bench()
    gc.collect()
    keep_what_is_built()  # as the app does: no collection of garbage goes through all modules
    worst = 0.0
    for name, make in KINDS.items():
        if given.kinds in name:
            figures = bench.measure(make(given.size))
            worst = max(worst, *figures.values())
            print(f"{name:26}", "  ".join(f"{step} {ms:5.1f}" for step, ms in figures.items()), flush=True)
    if not given.kinds:
        figures = bench.measure_many(2000)
        worst = max(worst, *figures.values())
        print(f"{'2,000 messages':26}", "  ".join(f"{step} {ms:5.1f}" for step, ms in figures.items()))
    print(f"longest stretch: {worst:.1f} ms of processor time")
    return 0 if worst <= LIMIT_MS else 1


class Bench:
    """A transcript in a window, and a timer that beats in its thread."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.transcript.resize(900, 700)
        self.transcript.show()
        self.open(many(8))
        self.heart = Heart()
        QTest.qWait(50)

    def measure(self, text: str) -> dict[str, float]:
        """The longest stretch of each step with this text, in milliseconds."""
        answer = MessageView("a", "assistant", (Text(text),), citations=(CITATION,), foot="3 tokens")
        pieces = re.findall(r"\s*\w{1,6}|\s*[^\w\s]|\s+", text)
        tokens = tuple(Token(number, piece, number % 10 / 10) for number, piece in enumerate(pieces))
        with_words = replace(answer, choices=WordChoices(tokens))
        steps: dict[str, Callable[[], object]] = {
            "stored": lambda: self.open([*many(4), answer]),
            "words": lambda: self.transcript.update_message(with_words),
            "through them": self.go_through_words,
            "scrolled": self.scroll,
            "unfolded": self.unfold,
            "resized": self.resize,
            "selected": self.select,
            "copied": self.copy,
            "streamed": lambda: self.stream(text),
            "asked": lambda: self.open([MessageView("q", "user", (Text(text),))]),
            "thoughts": lambda: self.think(text),
            "theme": self.change_theme,
        }
        return {name: self.longest(step) for name, step in steps.items()}

    def measure_many(self, count: int) -> dict[str, float]:
        """The same for a chat with many messages."""
        steps: dict[str, Callable[[], object]] = {
            "opened": lambda: self.open(many(count)),
            "to the top": lambda: self.transcript.verticalScrollBar().setValue(0),
            "to a message": lambda: self.transcript.show_message(count // 2),
            "resized": self.resize,
            "copied": self.copy,
        }
        return {name: self.longest(step) for name, step in steps.items()}

    def longest(self, step: Callable[[], object]) -> float:
        """The longest stretch of processor time between two beats while a step runs and for what it leaves to do."""
        QTest.qWait(20)
        self.heart.take()
        step()
        self.settle()
        return self.heart.take()[1][-1]

    def settle(self) -> None:
        """Wait until nothing is left to lay out or to copy."""
        end = time.monotonic() + MOST_WAIT_S
        while self.transcript._ahead.isActive() or self.transcript._copying._next.isActive():
            assert time.monotonic() < end, "the layout did not end"
            QTest.qWait(1)
        QTest.qWait(20)

    def open(self, views: list[MessageView]) -> None:
        """Open a chat."""
        self.transcript.set_messages(views)

    def scroll(self) -> None:
        """Scroll through the chat in 20 steps."""
        bar = self.transcript.verticalScrollBar()
        for step in range(21):
            bar.setValue(bar.maximum() * step // 20)
            QTest.qWait(1)

    def go_through_words(self) -> None:
        """Point at words all over the answer, one after the other."""
        words = self.transcript.words.words("a")
        for number in words[:: max(1, len(words) // 40)]:
            self.transcript.words.go_to("a", number)
            QTest.qWait(1)

    def unfold(self) -> None:
        """Show all lines of the first block of code."""
        layout = self.transcript.layout_at(len(self.transcript.message_ids()) - 1)
        part = next((each for each in layout.parts if isinstance(each, CodePart) and each.folds()), None)
        if part is not None:
            layout.toggle_fold(part)
            self.transcript._arrange()

    def resize(self) -> None:
        """Make the window narrower and wider again."""
        for width in (620, 480, 900):
            self.transcript.resize(width, 700)
            QTest.qWait(1)

    def select(self) -> None:
        """Select with the mouse, and move it over the text."""
        view = self.transcript.viewport()
        QTest.mousePress(view, LEFT, pos=QPoint(120, 100))
        for y in range(120, 700, 60):
            QTest.mouseMove(view, QPoint(500, y))
            QTest.qWait(1)
        QTest.mouseRelease(view, LEFT, pos=QPoint(500, 650))
        for y in range(20, 700, 100):
            self.transcript._hover(QPointF(300, y))
            QTest.qWait(1)
        self.transcript.copy_selection()

    def copy(self) -> None:
        """Select and copy everything."""
        self.transcript.select_all()
        self.transcript.copy_selection()

    def stream(self, text: str) -> None:
        """Show the text in pieces, as a model writes it."""
        self.open([MessageView("s", "assistant", (), status="streaming", citations=(CITATION,))])
        size = max(40, len(text) // 200)
        for start in range(0, len(text), size):
            self.transcript.append_text("s", text[start : start + size])
            self.transcript.message("s")
            QTest.qWait(1)
        self.transcript.finish(MessageView("s", "assistant", (Text(text),), citations=(CITATION,), foot="3 tokens"))

    def think(self, text: str) -> None:
        """Unfold thoughts."""
        self.open([MessageView("t", "assistant", (Thinking(text), Text("So.")))])
        self.settle()
        for row in self.transcript.findChildren(QAbstractButton, "thinking_block"):
            if row.isVisible():
                row.click()

    def change_theme(self) -> None:
        """Switch to the dark colours and back."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        for name in ("dark", "light"):
            theme.apply(application, theme.Theme(name))


if __name__ == "__main__":
    sys.exit(main())
