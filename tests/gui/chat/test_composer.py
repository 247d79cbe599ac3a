"""Writing and sending, files and collections."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.chips import Attachment, Chip
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.writing import MessageCost
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from tests.gui.samples import find


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    """A visible composer, as wide as the chat."""
    widget = Composer()
    qtbot.addWidget(widget)
    widget.resize(604, 120)
    widget.show()
    return widget


def _text(composer: Composer) -> QPlainTextEdit:
    found = composer.findChild(QPlainTextEdit, "composer_text")
    assert found is not None
    return found


def _button(composer: Composer, name: str) -> QPushButton:
    found = composer.findChild(QPushButton, name)
    assert found is not None
    return found


def test_enter_sends_what_was_typed_and_empties_the_text(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(_text(composer), "Hello")
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(_text(composer), Qt.Key.Key_Return)
    assert sent.args == ["Hello"]
    assert composer.text() == ""


def test_control_and_enter_send_too(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(_text(composer), "Hello")
    with qtbot.waitSignal(composer.send_requested):
        qtbot.keyClick(_text(composer), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_shift_and_enter_break_the_line(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(_text(composer), "a")
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(_text(composer), Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(_text(composer), "b")
    assert composer.text() == "a\nb"


def test_blanks_alone_are_not_sent(qtbot: QtBot, composer: Composer) -> None:
    qtbot.keyClicks(_text(composer), "  ")
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(_text(composer), Qt.Key.Key_Return)
    assert not _button(composer, "composer_send").isEnabled()


def test_send_becomes_stop_in_the_same_place_and_size(qtbot: QtBot, composer: Composer) -> None:
    button = _button(composer, "composer_send")
    before = button.geometry()
    composer.set_answering(True)
    QApplication.sendPostedEvents(composer, QEvent.Type.LayoutRequest)
    assert (button.text(), button.geometry()) == ("Stop", before)
    with qtbot.waitSignal(composer.stop_requested):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    composer.set_answering(False)
    assert (button.text(), button.isEnabled()) == ("Send", False)


def test_typing_goes_on_while_answering_and_enter_hands_the_message_over(qtbot: QtBot, composer: Composer) -> None:
    composer.set_answering(True)
    qtbot.keyClicks(_text(composer), "Next")
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.keyClick(_text(composer), Qt.Key.Key_Return)
    assert sent.args == ["Next"]


def test_a_queued_message_is_a_chip_that_can_be_taken_back(qtbot: QtBot, composer: Composer) -> None:
    composer.set_queued("Next\nquestion")
    chip = composer.findChild(Chip, "composer_queued")
    assert chip is not None
    assert chip.accessibleName() == "Next question, is sent next"
    with qtbot.waitSignal(composer.queue_cancelled):
        qtbot.mouseClick(chip.findChild(QWidget, "composer_queued_remove"), Qt.MouseButton.LeftButton)


def test_up_in_an_empty_text_edits_the_last_message(qtbot: QtBot, composer: Composer) -> None:
    with qtbot.waitSignal(composer.edit_last_requested):
        qtbot.keyClick(_text(composer), Qt.Key.Key_Up)
    composer.set_text("not empty")
    with qtbot.assertNotEmitted(composer.edit_last_requested):
        qtbot.keyClick(_text(composer), Qt.Key.Key_Up)


def test_a_draft_is_told_once_typing_pauses_but_not_when_it_is_put_back(qtbot: QtBot, composer: Composer) -> None:
    drafts: list[str] = []
    composer.draft_changed.connect(drafts.append)
    composer.set_text("from last time")
    qtbot.keyClicks(_text(composer), "!?")
    qtbot.waitUntil(lambda: bool(drafts))
    assert drafts == ["from last time!?"]


def test_the_text_grows_to_eight_lines_and_then_scrolls(composer: Composer) -> None:
    heights = []
    for lines in (1, 3, 8, 20):
        composer.set_text("\n".join(["line"] * lines))
        heights.append(_text(composer).height())
    assert heights[0] < heights[1] < heights[2] == heights[3]
    assert _text(composer).verticalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAsNeeded


def test_files_are_chips_that_say_their_state_and_can_be_removed(qtbot: QtBot, composer: Composer) -> None:
    composer.set_attachments(
        [
            Attachment("/a.pdf", "a.pdf", "ready", "2 pages, 1,140 tokens"),
            Attachment("/b.pdf", "b.pdf", "failed", "needs a password"),
        ]
    )
    chips = composer.findChildren(Chip, "composer_attachment")
    assert [chip.accessibleName() for chip in chips] == ["a.pdf, 2 pages, 1,140 tokens", "b.pdf, needs a password"]
    cross = find(chips[1], "composer_attachment_remove")
    assert cross.accessibleName() == "Remove b.pdf"
    with qtbot.waitSignal(composer.attachment_removed) as removed:
        qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert removed.args == ["/b.pdf"]


def test_files_are_asked_for_by_the_clip(qtbot: QtBot, composer: Composer) -> None:
    with qtbot.waitSignal(composer.attach_requested):
        qtbot.mouseClick(composer.findChild(QWidget, "composer_attach"), Qt.MouseButton.LeftButton)


def test_the_documents_button_names_what_is_asked(composer: Composer) -> None:
    button = _button(composer, "composer_documents")
    composer.set_collections(["House & lease", "Papers"], [])
    assert button.text() == "Documents"
    composer.set_collections(["House & lease", "Papers"], ["House & lease", "Gone"])
    assert button.text() == "House & lease"
    composer.set_collections(["House & lease", "Papers"], ["Papers", "House & lease"])
    assert button.text() == "2 collections"
    assert button.accessibleName() == "Documents of this chat: House & lease, Papers"


def test_ticking_a_collection_keeps_the_menu_open_and_tells_all_ticked(qtbot: QtBot, composer: Composer) -> None:
    composer.set_collections(["House & lease", "Papers"], ["House & lease"])
    menu = _button(composer, "composer_documents").menu()
    menu.popup(composer.mapToGlobal(QPoint(0, 0)))
    papers = menu.actions()[1]
    with qtbot.waitSignal(composer.collections_changed) as changed:
        qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(papers).center())
    assert changed.args == [("House & lease", "Papers")]
    assert menu.isVisible()
    with qtbot.waitSignal(composer.new_collection_requested):
        menu.actions()[-1].trigger()
    menu.close()


def test_the_cost_of_the_message_is_shown(composer: Composer) -> None:
    composer.set_token_count("2,900 tokens")
    label = find(composer, "composer_tokens")
    assert label.text() == "2,900 tokens"


def test_the_cost_of_one_message_is_not_shown_for_another(composer: Composer) -> None:
    composer.set_text("one two three")
    composer.set_token_count("3 tokens")
    composer.set_text("the draft of another chat")
    assert find(composer, "composer_tokens").text() == ""


def test_without_a_model_no_cost_is_shown(qtbot: QtBot, composer: Composer) -> None:
    unloaded = cast(ChosenModelController, SimpleNamespace(engine=None))
    MessageCost(cast(Resources, SimpleNamespace()), unloaded, composer, list, composer)
    composer.set_token_count("3 tokens")  # a late count by the model that was unloaded meanwhile
    qtbot.keyClicks(_text(composer), "and more")
    qtbot.waitUntil(lambda: find(composer, "composer_tokens").text() == "")


def test_clicking_the_card_starts_writing(qtbot: QtBot, composer: Composer) -> None:
    composer.activateWindow()
    qtbot.mouseClick(composer, Qt.MouseButton.LeftButton, pos=QPoint(300, composer.height() - 30))
    qtbot.waitUntil(_text(composer).hasFocus)
