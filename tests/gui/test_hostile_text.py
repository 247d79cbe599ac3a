"""Every screen with hostile texts in every place: no file is opened, and all of it reads as it was written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look.formats import plain
from tests.gui.hostile_screens import SCREENS, links_opened_by, tips_of, words_of
from tests.gui.screen_reading import as_shown
from tests.hostile_text import Canary, payloads, printed_controls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a file was opened")
ABOUT_A_TENTH = 14


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    with Canary(tmp_path / "canary") as watched:
        monkeypatch.chdir(watched.file.parent)  # a name without a slash refers to the folder the app was started in
        yield watched


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(700, 600)
    widget.show()
    return widget


def test_the_canary_notices_a_label_that_guesses(qtbot: QtBot, canary: Canary) -> None:
    assert not canary.was_opened()
    for reference in canary.references():
        label = QLabel(f'<img src="{reference}">')
        qtbot.addWidget(label)
        label.grab()
        assert canary.was_opened(), reference
    assert not canary.was_opened()


@pytest.mark.parametrize("screen", SCREENS)
def test_no_screen_obeys_a_text_from_outside(window: QWidget, canary: Canary, screen: str) -> None:
    text = f'Llama <img src="file:{str(canary.file).replace("/", "&#47;")}"> &amp; Q&A &lt;b&gt; 8B'
    SCREENS[screen](window, text)
    shown = [as_shown(tip) for tip in tips_of(window)]
    assert not canary.was_opened()
    labels = [label for label in window.findChildren(QLabel) if not label.inherits("QTipLabel")]
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    assert all(button.shortcut().isEmpty() for button in window.findChildren(QAbstractButton))
    # Whatever holds the beginning holds it as it was written.
    said = [*shown, *words_of(window)]
    held = [each for each in said if "<img" in each or "Llama" in each]
    assert held, "the screen shows the text nowhere"
    assert [each for each in held if "&lt;img" in each or "<p " in each] == []
    assert any(plain(text) in each for each in held)


def test_a_tenth_of_the_corpus_opens_and_prints_nothing_it_should_not(qtbot: QtBot, canary: Canary) -> None:
    corpus = payloads(canary)
    assert len(corpus) >= 300
    names = list(SCREENS)
    for number, text in enumerate(corpus[::ABOUT_A_TENTH]):
        window = QWidget()
        qtbot.addWidget(window)
        window.resize(700, 600)
        window.show()
        for screen in ("answer", names[number % len(names)]):
            SCREENS[screen](window, text)
        list(tips_of(window))
        window.close()
        assert not canary.was_opened(), (screen, text)
        assert {link.partition(":")[0] for link in links_opened_by(text)} <= {"http", "https", "mailto"}
        assert printed_controls(text) == []
