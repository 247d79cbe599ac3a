"""The look: tokens, fonts, icons, and swapping light and dark in a running window."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QFontInfo
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look import icons, theme


def test_a_colour_with_transparency_keeps_it() -> None:
    scrim = theme.Theme("light").colour("scrim")
    assert (scrim.name(), scrim.alpha()) == ("#141b1f", 0x66)


@pytest.mark.parametrize(("type_name", "family"), [("ui", "Inter"), ("reading", "Inter"), ("code", "JetBrains Mono")])
def test_the_bundled_fonts_are_the_ones_shown(type_name: str, family: str) -> None:
    assert QFontInfo(theme.current().font(type_name)).family() == family


def test_the_reading_scale_enlarges_a_font() -> None:
    tokens = theme.Theme("light")
    assert tokens.font("reading").pixelSize() == 15
    assert tokens.font("reading", 2.0).pixelSize() == 30
    assert tokens.line_height("reading", 2.0) == 48


def test_an_icon_is_drawn_in_the_colour_asked_for() -> None:
    picture = icons.pixmap("stop", "accent", 64, 1.0).toImage()
    colours = {
        picture.pixelColor(x, y).name() for x in range(64) for y in range(64) if picture.pixelColor(x, y).alpha()
    }
    assert theme.current().colour("accent").name() in colours


def test_changing_the_theme_tells_the_widgets_and_the_palette(qtbot: QtBot, qapp: QApplication) -> None:
    with qtbot.waitSignal(theme.notifier().changed):
        theme.apply(qapp, theme.Theme("dark"))
    assert theme.current().mode == "dark"
    assert qapp.palette().window().color() == QColor(theme.Theme("dark").colour("bg_window"))
