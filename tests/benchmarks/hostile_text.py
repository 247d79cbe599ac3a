"""Shows every hostile text on every kind of screen, opens every link in them, and prints all of them on a terminal.

    python -m tests.benchmarks.hostile_text [--screens N]

The exit status is 1 if a file was opened, a link of another scheme was opened, or a control character came through.
To see that nothing is asked of the network either, trace it (Linux):

    python -m tests.end2end.network_trace python -m tests.benchmarks.hostile_text
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.gui.look import theme
from tests.gui.hostile_screens import SCREENS, links_opened_by, tips_of
from tests.hostile_text import Canary, payloads, printed_controls


def main() -> int:
    """Run the corpus and print what was found."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--screens", type=int, default=3, metavar="N", help="screens for each text, in turn (3)")
    given = options.parse_args()
    application = QApplication(sys.argv[:1])
    theme.apply(application, theme.Theme("light"))
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Canary(Path(folder) / "canary") as canary:
        os.chdir(canary.file.parent)
        corpus, names = payloads(canary), list(SCREENS)
        opened, links, controls, tips = [], [], [], 0
        for number, text in enumerate(corpus):
            turn = [names[(number * given.screens + step) % len(names)] for step in range(given.screens)]
            for name in dict.fromkeys(("answer", *turn)):
                tips += _show(name, text)
                if canary.was_opened():
                    opened.append((name, text))
            links += links_opened_by(text)
            controls += [text] if printed_controls(text) else []
        os.chdir("/")
    wrong = [link for link in links if link.partition(":")[0] not in ("http", "https", "mailto")]
    print(f"{len(corpus)} texts, {tips} tooltips, {len(links)} links opened, {time.monotonic() - begun:.0f} s")
    print(f"files opened: {opened}\nlinks of other schemes: {wrong}\ncontrol characters printed: {controls}")
    return 1 if opened or wrong or controls else 0


def _show(name: str, text: str) -> int:
    """Show the text on a screen; returns the number of tooltips."""
    window = QWidget()
    window.resize(700, 600)
    window.show()
    SCREENS[name](window, text)
    tips = len(list(tips_of(window)))
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return tips


if __name__ == "__main__":
    sys.exit(main())
