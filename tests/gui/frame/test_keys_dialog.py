"""The list of all keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.frame.keys import KeysDialog, all_keys
from tests.gui.samples import find, nameless


def test_every_key_stands_beside_what_it_does(qtbot: QtBot) -> None:
    dialog = KeysDialog(groups=(("Writing", (("Ctrl+O", "Attach files"),)), ("Zoom", (("Ctrl++", "Larger"),))))
    qtbot.addWidget(dialog)
    words = [label.text() for label in dialog.findChildren(QLabel)]
    assert {"Writing", "Attach files", "Zoom", "Larger"} <= set(words)
    spoken = {widget.accessibleName() for widget in dialog.findChildren(QWidget)}
    assert {"Ctrl+O", "Ctrl++"} <= spoken


def test_no_key_is_listed_twice_in_a_place(qtbot: QtBot) -> None:
    for _, keys in all_keys():
        names = [name for name, _ in keys]
        assert len(names) == len(set(names))


def test_it_closes_by_its_button(qtbot: QtBot) -> None:
    dialog = KeysDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    assert not nameless(dialog)
    qtbot.mouseClick(find(dialog, "keys_dialog_close"), Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
