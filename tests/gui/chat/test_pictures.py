"""Pictures in the composer, in a message, and shown large."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QSize, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.picture_chip import PictureChip, ShownPicture
from desktop_llm.gui.chat.picture_viewer import PictureViewer
from desktop_llm.gui.chat.transcript import Transcript
from desktop_llm.gui.chat.transcript.picture_strip import PictureButton
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.look.pictures import read_picture
from desktop_llm.gui.look.widgets import Action
from desktop_llm.message import Image, Text
from tests.gui.samples import find
from tests.pictures.samples import bomb, encoded, scene

READY = ShownPicture("1", "Kitchen_wall.jpg", "ready", "1,600 × 1,200")
READING = ShownPicture("2", "Kitchen_floor.jpg", "reading", "Reading")


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    widget = Composer()
    qtbot.addWidget(widget)
    widget.resize(604, 200)
    widget.show()
    return widget


def test_a_picture_alone_can_be_sent_once_it_is_read(qtbot: QtBot, composer: Composer) -> None:
    send = find(composer, "composer_send", QPushButton)
    composer.set_pictures([READING])
    assert not send.isEnabled()
    composer.set_pictures([READY])
    assert send.isEnabled()
    with qtbot.waitSignal(composer.send_requested) as sent:
        qtbot.mouseClick(send, Qt.MouseButton.LeftButton)
    assert sent.args == [""]


def test_words_wait_for_a_picture_that_is_being_read(qtbot: QtBot, composer: Composer) -> None:
    composer.set_pictures([READY, READING])
    qtbot.keyClicks(composer.editor, "What is this?")
    with qtbot.assertNotEmitted(composer.send_requested):
        qtbot.keyClick(composer.editor, Qt.Key.Key_Return)
    assert composer.text() == "What is this?"


def test_a_chip_says_what_it_is_and_can_be_removed(qtbot: QtBot, composer: Composer) -> None:
    composer.set_pictures([READY])
    chip = find(composer, "composer_picture", PictureChip)
    assert chip.accessibleName() == "Kitchen_wall.jpg, 1,600 × 1,200"
    with qtbot.waitSignal(composer.picture_removed) as removed:
        find(chip, "composer_picture_remove", QWidget).click()
    assert removed.args == ["1"]


def test_a_model_without_eyes_is_told_with_what_can_be_done(qtbot: QtBot, composer: Composer) -> None:
    words = "Qwen3 8B cannot see pictures. The picture is kept."
    composer.set_pictures([READY], words, (Action("use", "Use Qwen3-VL 8B"), Action("text", "Send text only")))
    assert find(composer, "composer_blind", QWidget).accessibleName() == words
    button = next(each for each in composer.findChildren(QPushButton) if each.text() == "Use Qwen3-VL 8B")
    with qtbot.waitSignal(composer.eyes_requested) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == ["use"]
    composer.set_pictures([READY])
    assert not composer.findChildren(QWidget, "composer_blind") or not composer._blind


def test_a_pasted_picture_is_attached_and_pasted_text_stays_text(
    qtbot: QtBot, composer: Composer, tmp_path: Path
) -> None:
    picture, files, both = QMimeData(), QMimeData(), QMimeData()
    picture.setImageData(QImage(20, 20, QImage.Format.Format_RGB32))
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    both.setImageData(QImage(20, 20, QImage.Format.Format_RGB32))
    both.setText("words")
    with qtbot.waitSignal(composer.picture_pasted):
        composer.editor.insertFromMimeData(picture)
    with qtbot.waitSignal(composer.files_pasted) as pasted:
        composer.editor.insertFromMimeData(files)
    assert pasted.args == [(str(tmp_path / "a.png"),)]
    composer.editor.insertFromMimeData(both)
    assert composer.text() == "words"


def test_a_message_shows_its_pictures_and_opens_one(qtbot: QtBot, tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("wall.png", "floor.png")]
    transcript = Transcript()
    qtbot.addWidget(transcript)
    transcript.resize(720, 500)
    transcript.show()
    wanted: list[str] = []
    transcript.picture_wanted.connect(wanted.append)
    transcript.set_messages([MessageView("1", "user", (*map(Image, paths), Text("Which is worse?")))])
    qtbot.waitUntil(lambda: len(wanted) == 2)
    buttons = transcript.findChildren(PictureButton)
    assert [each.accessibleName() for each in buttons] == ["Picture wall.png", "Picture floor.png"]
    transcript.set_picture(paths[1], QImage(20, 20, QImage.Format.Format_RGB32))
    with qtbot.waitSignal(transcript.picture_activated) as opened:
        qtbot.mouseClick(buttons[1], Qt.MouseButton.LeftButton)
    assert opened.args == [tuple(paths), 1]


def test_the_large_picture_goes_on_by_the_arrows_and_closes_by_escape(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(600, 400)
    window.show()
    viewer = PictureViewer(window)
    wanted: list[str] = []
    viewer.picture_wanted.connect(wanted.append)
    viewer.show_pictures(("/a/wall.png", "/a/floor.png"), 0)
    assert viewer.accessibleName() == "wall.png, 1 of 2"
    qtbot.keyClick(viewer, Qt.Key.Key_Right)
    qtbot.keyClick(viewer, Qt.Key.Key_Right)
    assert wanted == ["/a/wall.png", "/a/floor.png", "/a/wall.png"]
    qtbot.keyClick(viewer, Qt.Key.Key_Escape)
    assert not viewer.isVisible()


def test_only_plain_pictures_of_bounded_size_are_read(tmp_path: Path) -> None:
    good, huge, drawing = (tmp_path / name for name in ("good.png", "huge.png", "drawing.png"))
    good.write_bytes(encoded(scene(600, 400)))
    huge.write_bytes(bomb(60_000, 60_000))
    drawing.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert read_picture(str(good), QSize(300, 300)).size() == QSize(300, 200)
    assert all(read_picture(str(path)).isNull() for path in (huge, drawing, tmp_path / "gone.png"))
