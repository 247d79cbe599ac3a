"""Colours, fonts and lengths of the look, read from `assets/tokens.json`, and their way onto the application.

Every widget that paints asks `current()` while painting and repaints on `notifier().changed`, so light and dark can
be swapped in a running window. Imported by every module of `gui/`.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Literal, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from desktop_llm import paths

Mode = Literal["light", "dark"]

_FONT_FILES = (
    "Inter-Regular.otf",
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "Inter-Italic.otf",
    "JetBrainsMono-Regular.ttf",
)
_CODE_TYPES = ("code", "code_inline")


@functools.cache
def _tokens() -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(paths.asset("tokens.json").read_bytes()))


class Theme:
    """One complete set of colours and fonts; two exist, "light" and "dark"."""

    def __init__(self, mode: Mode) -> None:
        self.mode: Mode = mode
        self._colours = {name: _colour(text) for name, text in _tokens()["colour"][mode].items()}
        self._fonts: dict[tuple[str, float], QFont] = {}

    def colour(self, name: str) -> QColor:
        """The colour of a token such as "text_primary"; a name that is not a token is a KeyError."""
        return self._colours[name]

    def font(self, type_name: str, scale: float = 1.0) -> QFont:
        """The font of a type such as "ui" or "reading"; `scale` is the reading scale and leaves the controls alone."""
        key = (type_name, scale)
        if key not in self._fonts:
            load_fonts()
            self._fonts[key] = _font(type_name, scale)
        return QFont(self._fonts[key])

    def length(self, group: str, name: str) -> int:
        """A length in logical pixels, or a duration in milliseconds where the group is "motion"."""
        return cast(int, _tokens()[group][name])

    def line_height(self, type_name: str, scale: float = 1.0) -> int:
        """Pixels from one line to the next of a type, at the reading scale."""
        return int(_tokens()["type"][type_name]["line"] * scale + 0.5)


class ThemeNotifier(QObject):
    """Holds the theme in use and tells everything that paints when it is another one."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.theme = Theme("light")


@functools.cache
def notifier() -> ThemeNotifier:
    """The one notifier of this process."""
    return ThemeNotifier()


def current() -> Theme:
    """The theme in use."""
    return notifier().theme


def apply(app: QApplication, theme: Theme) -> None:
    """Put a theme on the application: style, palette, default font and one style sheet; then tell every widget."""
    from desktop_llm.gui.style import style_sheet

    first = app.styleSheet() == ""
    if first:
        app.setStyle("Fusion")
        app.setFont(theme.font("ui"))
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme))
    notifier().theme = theme
    notifier().changed.emit()


def reading_steps() -> tuple[float, ...]:
    """The reading scales that the keys step through."""
    return tuple(_tokens()["reading_scale"]["steps"])


@functools.cache
def load_fonts() -> None:
    """Make the bundled fonts known to Qt, once."""
    for name in _FONT_FILES:
        QFontDatabase.addApplicationFont(str(paths.asset(f"fonts/{name}")))


def palette(theme: Theme) -> QPalette:
    """The palette that styles and standard dialogs of Qt read."""
    role = QPalette.ColorRole
    colours = {
        role.Window: "bg_window",
        role.WindowText: "text_primary",
        role.Base: "surface",
        role.AlternateBase: "surface_sunken",
        role.Text: "text_primary",
        role.Button: "surface",
        role.ButtonText: "text_primary",
        role.Highlight: "text_selection",
        role.HighlightedText: "text_primary",
        role.PlaceholderText: "text_tertiary",
        role.Link: "accent_text",
        role.LinkVisited: "accent_text",
        role.ToolTipBase: "tooltip_bg",
        role.ToolTipText: "tooltip_text",
        role.Accent: "accent",
        role.Mid: "border",
        role.Dark: "border_control",
        role.Light: "surface_raised",
    }
    result = QPalette()
    for where, name in colours.items():
        result.setColor(where, theme.colour(name))
    disabled = theme.colour("text_disabled")
    for where in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, where, disabled)
    return result


def _colour(text: str) -> QColor:
    """Tokens write #RRGGBBAA, Qt reads #AARRGGBB."""
    return QColor(f"#{text[7:9]}{text[1:7]}") if len(text) == 9 else QColor(text)


def _font(type_name: str, scale: float) -> QFont:
    tokens = _tokens()
    entry, families = tokens["type"][type_name], tokens["font"]
    if type_name in _CODE_TYPES:
        names = [families["code"], *families["fallback_code"]]
    else:
        names = [families["ui"], *families["fallback_ui"]]
    font = QFont(names)
    font.setPixelSize(int(entry["size"] * scale))
    font.setWeight(QFont.Weight(entry["weight"]))
    if "letter" in entry:
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, entry["letter"])
    if type_name in ("figures", "table"):
        font.setFeature(QFont.Tag("tnum"), 1)
    if type_name in _CODE_TYPES:
        font.setFeature(QFont.Tag("calt"), 0)
        font.setFixedPitch(True)
    return font
