"""Text from outside is shown as it is written: Qt gets no chance to read HTML or Alt keys into it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAccessible, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

import desktop_llm.gui
from desktop_llm.gui.look.literal import menu_text, set_tip, show_tip, tip_text, window_title
from desktop_llm.gui.look.widgets import Button, ElidedLabel, IconButton, Tick
from tests.gui.screen_reading import as_shown, open_tip

HOSTILE = (
    '<img src="file:///etc/hostname">',
    '<img src="file:&#47;&#47;host&#47;share&#47;x.png">.txt',
    "a&#47;b &lt;b&gt;.txt",
    "<p>one</p>\n<table background=x>",
    "Q&A & more",
    "a  b <b>bold</b>\tc",
    "name " * 60,
)

# Calls that hand a text to Qt in a way that Qt interprets, and the only module that may make them.
FORBIDDEN = {
    **dict.fromkeys(("setToolTip", "setStatusTip", "setWhatsThis", "showText"), "look/literal.py"),
    **dict.fromkeys(("setHtml", "insertHtml", "appendHtml", "setMarkdown", "insertMarkdown", "fromHtml"), ""),
    **dict.fromkeys(("QErrorMessage", "QInputDialog", "QProgressDialog", "QSystemTrayIcon"), ""),
    **dict.fromkeys(("AutoText", "RichText", "MarkdownText"), ""),
    "QLabel": "look/widgets/labels.py",
    "QMessageBox": "app.py",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_tooltip_shows_every_character(qtbot: QtBot, text: str) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    set_tip(widget, text)
    assert as_shown(widget.toolTip()) == text
    spoken = QAccessible.queryAccessibleInterface(widget)
    assert spoken.text(QAccessible.Text.Description) == text
    widget.show()
    show_tip(QPoint(5, 5), text, widget)
    assert as_shown(open_tip()) == text


def test_a_usual_tooltip_stays_plain_so_that_screen_readers_say_it() -> None:
    assert tip_text("Send (Enter)") == "Send (Enter)"


def test_a_cut_name_is_literal_in_its_tooltip(qtbot: QtBot) -> None:
    label = ElidedLabel(HOSTILE[1], mode=Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.grab()
    assert as_shown(label.toolTip()) == HOSTILE[1]


def test_an_ampersand_makes_no_alt_key_and_is_shown(qtbot: QtBot) -> None:
    for button in (Button("Q&A"), IconButton("x", "Q&A"), Tick("Q&A")):
        qtbot.addWidget(button)
        assert button.shortcut().isEmpty()
        assert button.text() == button.accessibleName() == "Q&A"
    assert menu_text("Q&A\tDel") == "Q&&A Del"


def test_a_star_in_brackets_stays_in_a_window_s_title(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setWindowTitle(window_title("My [*] chat"))
    widget.show()
    assert widget.windowHandle().title().startswith("My [*] chat")


def test_no_module_hands_a_text_to_qt_that_qt_would_interpret() -> None:
    gui = Path(desktop_llm.gui.__file__).parent
    found = []
    for path in gui.rglob("*.py"):
        where = path.relative_to(gui).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in ast.walk(tree)}
        found += [f"{where}: {name}" for name in names if where != FORBIDDEN.get(name, where)]
        if "ToolTipRole" in names and "tip_text" not in names:
            found.append(f"{where}: ToolTipRole without tip_text")
        if "setWindowTitle" in names and "window_title" not in names and where not in ("frame/keys.py", "app.py"):
            found.append(f"{where}: setWindowTitle without window_title")
        if "QMessageBox" in names and "PlainText" not in names:
            found.append(f"{where}: a QMessageBox that may be HTML")
    assert found == []
