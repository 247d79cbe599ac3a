"""The offer to read every file, and the card that says how far that has come, as a person sees and clicks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_llm.chats.store import ChatStore
from desktop_llm.conversation.coverage import Coverage
from desktop_llm.conversation.events import Offer
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.every_file_strip import EveryFileStrip, words_of
from desktop_llm.gui.chat.feed import view_of
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.message import Text

LEFT = Qt.MouseButton.LeftButton


def covered(done: int, state: str, **more: object) -> Coverage:
    return Coverage("every_file", done, 40, state=state, results=22, found_in=19, **more)  # type: ignore[arg-type]


@pytest.fixture
def answered(tmp_path: Path) -> Iterator[Callable[[bool], MessageView]]:
    """An answer from the best passages, as it is shown; whether its question was about all files is told."""
    with ChatStore(tmp_path / "chats.db") as store:
        chat = store.create()

        def view(asks_for_all: bool) -> MessageView:
            coverage = Coverage("passages", 3, 40, passages=8, asks_for_all=asks_for_all)
            id = store.add(chat.id, None, "assistant", status="streaming").id
            usage = {"completion_tokens": 9}
            return view_of(
                store.finish(id, "complete", parts=[Text("Bari.")], usage=usage, coverage=coverage.to_json())
            )

        yield view


def test_the_line_under_an_answer_says_how_far_the_best_passages_looked(
    answered: Callable[[bool], MessageView],
) -> None:
    view = answered(False)
    assert view.foot.startswith("From the best 8 passages, in 3 of 40 files. 9 tokens")
    assert (view.notice, view.actions) == ("", ())


def test_an_answer_that_could_miss_some_offers_every_file(answered: Callable[[bool], MessageView]) -> None:
    view = answered(True)
    assert view.notice == "From the best 8 passages, in 3 of 40 files"
    assert [action.text for action in view.actions] == ["Read every file"]


@pytest.fixture
def strip(qtbot: QtBot) -> EveryFileStrip:
    strip = EveryFileStrip()
    qtbot.addWidget(strip)
    strip.resize(800, 200)
    return strip


@pytest.mark.parametrize(
    ("coverage", "running", "said"),
    [
        (covered(31, "reading", seconds_left=40.0), True, "31 of 40 files, 22 results so far, about 40 s left"),
        (covered(31, "paused"), False, "Paused at 31 of 40 files. What was found is kept."),
        (covered(31, "stopped"), False, "Stopped at 31 of 40 files. 9 were not read, so the list may be incomplete."),
        (covered(31, "reading"), False, "Reading was cut off at 31 of 40 files. 22 results are kept."),
        (covered(38, "done", failed=("a", "b")), False, "38 of 40 files read. 2 could not be read"),
        (Coverage("every_file", 40, 40), False, "40 of 40 files read. None was found to answer this."),
    ],
)
def test_the_card_says_how_far_it_is(coverage: Coverage, running: bool, said: str) -> None:
    assert said in " ".join(words_of(coverage, running=running))


def test_the_card_can_be_paused_stopped_and_gone_on_with(strip: EveryFileStrip, qtbot: QtBot) -> None:
    card = strip.card
    strip.show_coverage(covered(31, "reading", current=str(Path("a") / "Lease.pdf"), part=3, parts=7), running=True)
    strip.show()
    assert not card.go_on.isVisible()
    assert card._current.text() == "Lease.pdf, part 3 of 7"
    with qtbot.waitSignal(card.pause_requested):
        qtbot.mouseClick(card.pause, LEFT)
    with qtbot.waitSignal(card.stop_requested):
        qtbot.mouseClick(card.stop, LEFT)
    strip.show_coverage(covered(31, "stopped"), running=False)
    assert card.go_on.text() == "Read the other 9"
    with qtbot.waitSignal(card.continue_requested):
        qtbot.mouseClick(card.go_on, LEFT)
    strip.show_coverage(covered(40, "done"), running=False)
    assert not card.go_on.isVisible()


def test_the_card_names_what_could_not_be_read_and_offers_the_table(strip: EveryFileStrip, qtbot: QtBot) -> None:
    card = strip.card
    strip.show()
    strip.show_coverage(covered(38, "done", failed=("/a/scan.pdf", "/a/old.doc")), running=False)
    assert card.gaps.text() == "Show the 2"
    qtbot.mouseClick(card.gaps, LEFT)
    assert card._failed.isVisible()
    assert card._failed.text() == "Could not be read: scan.pdf, old.doc"
    with qtbot.waitSignal(card.csv_requested):
        qtbot.mouseClick(card.csv, LEFT)
    strip.show_coverage(Coverage("every_file", 40, 40), running=False)
    assert not card.gaps.isVisible()
    assert not card.csv.isVisible()
    with qtbot.waitSignal(card.passages_requested):
        qtbot.mouseClick(card.passages, LEFT)


def test_the_card_says_that_a_file_changed_since_and_reads_it_again(strip: EveryFileStrip, qtbot: QtBot) -> None:
    strip.show()
    strip.show_coverage(covered(40, "done"), running=False, changed=1)
    assert strip.card._title.text() == "39 of 40 files are up to date."
    assert strip.card.go_on.text() == "Read one again"
    with qtbot.waitSignal(strip.card.continue_requested):
        qtbot.mouseClick(strip.card.go_on, LEFT)


def test_the_offer_says_what_it_costs_and_tells_the_choice(strip: EveryFileStrip, qtbot: QtBot) -> None:
    strip.show_offer(Offer(40, 180.0))
    strip.show()
    assert "Reading all 40 files takes about 3 min" in strip.offer._text.text()
    strip.offer.remember.setChecked(True)
    with qtbot.waitSignal(strip.offer.chosen) as chosen:
        qtbot.mouseClick(strip.offer.read, LEFT)
    assert chosen.args == ["every_file", True]
    strip.offer.remember.setChecked(False)
    with qtbot.waitSignal(strip.offer.chosen) as chosen:
        qtbot.keyClick(strip.offer.read, Qt.Key.Key_Escape)
    assert chosen.args == ["passages", False]


def test_the_way_is_chosen_in_the_menu_of_the_documents(qtbot: QtBot) -> None:
    composer = Composer()
    qtbot.addWidget(composer)
    composer.set_collections(["Sites"], ["Sites"])
    ticked: list[object] = []
    composer.collections_changed.connect(ticked.append)
    action = next(each for each in composer.way.actions() if each.text() == "Every file")
    with qtbot.waitSignal(composer.way.chosen) as chosen:
        action.trigger()
    assert (chosen.args, ticked) == (["every_file"], [])
    composer.way.set_way("every_file_if_asked")
    assert [each.text() for each in composer.way.actions() if each.isChecked()] == ["Choose by question"]
