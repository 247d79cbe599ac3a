"""The Models page, as a person uses it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_llm.gui.models_page import ModelsPage
from desktop_llm.gui.remove_model import RemoveModelDialog
from tests.gui.samples import a_model, find, heard, nameless

STARTER = a_model()
EMBEDDER = a_model("minilm", kind="embedding", starter=True)
CODER = a_model("coder", quantization="Q6_K")


@pytest.fixture
def page(qtbot: QtBot) -> ModelsPage:
    page = ModelsPage()
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.set_models((STARTER, EMBEDDER, CODER))
    page.show()
    return page


def shown(page: ModelsPage) -> list[str]:
    ids = (STARTER.id, EMBEDDER.id, CODER.id)
    return [model_id for model_id in ids if find(page, f"model_card_{model_id}").isVisible()]


def press(qtbot: QtBot, page: ModelsPage, model_id: str, name: str) -> None:
    qtbot.mouseClick(find(find(page, f"model_card_{model_id}"), name), Qt.MouseButton.LeftButton)


def test_a_card_says_what_the_model_is(page: ModelsPage) -> None:
    name = find(page, "model_card_coder").accessibleName()
    assert name == "coder, Chat, 98 MB, Q6_K, llama, 8,192 tokens of context"
    assert "Document search" in find(page, "model_card_minilm").accessibleName()
    assert find(page, "models_summary").text().startswith("3 models on this computer")


def test_searching_hides_what_does_not_match(qtbot: QtBot, page: ModelsPage) -> None:
    qtbot.keyClicks(page.search, "q6")
    assert shown(page) == ["coder"]
    qtbot.keyClicks(page.search, "zzz")
    assert shown(page) == []
    assert "q6zzz" in find(page, "models_empty").accessibleName()
    qtbot.keyClick(page.search, Qt.Key.Key_Escape)
    assert len(shown(page)) == 3


def test_use_and_show_file_say_which_model(qtbot: QtBot, page: ModelsPage) -> None:
    used, files = heard(page.use_requested), heard(page.show_file_requested)
    press(qtbot, page, "coder", "model_use")
    press(qtbot, page, "coder", "model_show_file")
    assert (used, files) == (["coder"], ["/models/coder.gguf"])


def test_a_model_for_document_search_can_not_be_chatted_with(page: ModelsPage) -> None:
    assert not find(find(page, "model_card_minilm"), "model_use").isVisible()


def test_the_model_in_use_needs_no_use_button(page: ModelsPage) -> None:
    page.set_in_use("coder")
    assert not find(find(page, "model_card_coder"), "model_use").isVisible()
    page.set_in_use(None)
    assert find(find(page, "model_card_coder"), "model_use").isVisible()


def test_a_starter_stays_and_says_why(page: ModelsPage) -> None:
    button = find(find(page, "model_card_smollm2"), "model_remove")
    assert not button.isEnabled()
    assert "came with the app" in button.toolTip()


def test_removing_says_that_the_file_is_deleted_and_can_be_cancelled(qtbot: QtBot, page: ModelsPage) -> None:
    removed = heard(page.remove_requested)
    press(qtbot, page, "coder", "model_remove")
    dialog = find(page, "remove_model", RemoveModelDialog)
    qtbot.mouseClick(find(dialog, "remove_model_cancel"), Qt.MouseButton.LeftButton)
    assert removed == []
    QApplication.processEvents()
    press(qtbot, page, "coder", "model_remove")
    dialog = page.findChildren(RemoveModelDialog)[-1]
    qtbot.mouseClick(find(dialog, "remove_model_confirm"), Qt.MouseButton.LeftButton)
    assert removed == ["coder"]


def test_adding_is_said_while_it_goes_on(qtbot: QtBot, page: ModelsPage) -> None:
    asked = heard(page.add_requested)
    qtbot.mouseClick(find(page, "models_add"), Qt.MouseButton.LeftButton)
    page.set_busy("Adding coder.gguf")
    assert find(page, "models_busy").text() == "Adding coder.gguf"
    assert not find(page, "models_add").isEnabled()
    page.set_busy("")
    assert find(page, "models_add").isEnabled()
    assert len(asked) == 1


def test_a_refused_file_is_told_until_dismissed(qtbot: QtBot, page: ModelsPage) -> None:
    page.set_notice("That did not work.", "broken.gguf ends too early. Nothing was changed.")
    banner = find(page, "models_notice")
    assert "ends too early" in banner.accessibleName()
    qtbot.mouseClick(find(banner, "models_notice_dismiss"), Qt.MouseButton.LeftButton)
    assert not banner.isVisible()


def test_dropped_gguf_files_are_offered_and_others_are_not(page: ModelsPage) -> None:
    dropped = heard(page.files_dropped)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/files/a.gguf"), QUrl.fromLocalFile("/files/b.pdf")])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPoint(5, 5).toPointF(), Qt.DropAction.CopyAction, data, buttons, keys))
    assert dropped == [["/files/a.gguf"]]


def test_a_model_that_is_gone_loses_its_card(page: ModelsPage) -> None:
    kept = find(page, "model_card_coder")
    page.set_models((CODER,))
    assert find(page, "model_card_coder") is kept
    assert not any(card.isVisible() for card in page.findChildren(type(kept), "model_card_minilm"))


def test_everything_on_the_page_has_a_name(page: ModelsPage) -> None:
    assert not nameless(page)
