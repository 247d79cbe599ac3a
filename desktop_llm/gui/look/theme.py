"""Colours, fonts and lengths of the look: reads them from `assets/tokens.json` and applies them to the application.

Every widget that paints asks `current()` while painting and repaints on `notifier().changed`, so light and dark can
be swapped in a running window. The one style sheet covers Qt's own fields, menus and scroll bars; buttons and pills
paint themselves. The sheet is short on purpose: every rule is matched against every widget while the window opens.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Literal, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
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

# The four surfaces of the first frame. They equal assets/tokens.json, which is not read before the first paint.
FRAME_COLOURS = {
    "light": {"bg_rail": "#E4E9EC", "bg_sidebar": "#EEF1F3", "bg_window": "#F6F8F9", "surface": "#FFFFFF"},
    "dark": {"bg_rail": "#0E1214", "bg_sidebar": "#13181B", "bg_window": "#161B1E", "surface": "#1A2023"},
}

_SHEET = """
QMainWindow, QDialog { background: @bg_window; }
QToolTip { background: @tooltip_bg; color: @tooltip_text; border: 0; padding: 4px 8px; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
  background: @surface; color: @text_primary; border: 1px solid @border_control; border-radius: 6px;
  padding: 5px 9px; selection-background-color: @text_selection; selection-color: @text_primary; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { min-height: 20px; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
  border: 2px solid @focus_ring; padding: 4px 8px; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled, QPlainTextEdit:disabled {
  background: @surface_sunken; color: @text_disabled; border-color: @border_subtle; }
QLineEdit[invalid="true"], QPlainTextEdit[invalid="true"] { border-color: @danger_fill; }
QLineEdit[bare="true"], QPlainTextEdit[bare="true"], QPlainTextEdit[bare="true"]:focus {
  background: transparent; border: 0; padding: 0; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
  width: 0; border: 0; }
QRadioButton::indicator { width: 14px; height: 14px; border-radius: 8px; border: 1px solid @border_control;
  background: @surface; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid @accent; background: @on_accent; }
QRadioButton:focus { color: @accent_text; }
QComboBox::drop-down { border: 0; width: 26px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView { background: @surface_raised; color: @text_primary; border: 1px solid @border;
  selection-background-color: @selected; selection-color: @selected_text; outline: 0; padding: 4px; }
.QPushButton { background: @surface; color: @text_primary; border: 1px solid @border; border-radius: 6px;
  padding: 5px 14px; min-height: 20px; font-weight: 500; }
.QPushButton:hover { background: @hover; }
.QPushButton:pressed { background: @pressed; }
.QPushButton:default { background: @accent; color: @on_accent; border-color: @accent; }
.QPushButton:focus { border: 2px solid @focus_ring; padding: 4px 13px; }
.QPushButton:disabled { background: @surface_sunken; color: @text_disabled; border-color: @border_subtle; }
QMenu { background: @surface_raised; color: @text_primary; border: 1px solid @border; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 10px; border-radius: 4px; min-height: 18px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @text_disabled; }
QMenu::separator { height: 1px; background: @border_subtle; margin: 4px 6px; }
QMenu::indicator { width: 16px; height: 16px; padding-left: 8px; }
QListView, QTreeView, QTableView { background: transparent; border: 0; outline: 0; }
QTableView { gridline-color: @border_subtle; selection-background-color: @selected; selection-color: @selected_text; }
QTableView#documents_files_table::item { padding: 0 6px; }
QHeaderView::section { background: @surface_sunken; color: @text_secondary; border: 0;
  border-bottom: 1px solid @border_subtle; padding: 6px 8px; font-weight: 500; }
QScrollArea, QScrollArea > QWidget > QWidget[page="true"] { background: transparent; border: 0; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover, QScrollBar::handle:pressed { background: @border_control; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {
  background: transparent; border: 0; width: 0; height: 0; }
QSplitter::handle { background: @border_subtle; }
QProgressBar { background: @meter_track; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: @meter_fill; border-radius: 2px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @meter_track; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: @accent; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0; border-radius: 8px;
  background: @surface; border: 2px solid @accent; }
QSlider::handle:horizontal:focus { background: @accent; }
QSlider::sub-page:horizontal:disabled { background: @border; }
QSlider::handle:horizontal:disabled { border-color: @border; }
QFrame[card="true"] { background: @surface; border: 1px solid @border; border-radius: 10px; }
"""


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
        """The colour of a token such as "text_primary"; raises KeyError for an unknown token."""
        return self._colours[name]

    def font(self, type_name: str, scale: float = 1.0) -> QFont:
        """The font of a type such as "ui" or "reading"; `scale` is the reading scale, which does not apply to
        controls."""
        key = (type_name, scale)
        if key not in self._fonts:
            load_fonts()
            self._fonts[key] = _font(type_name, scale)
        return QFont(self._fonts[key])

    def length(self, group: str, name: str) -> int:
        """A length in logical pixels, or a duration in milliseconds if the group is "motion"."""
        return cast(int, _tokens()[group][name])

    def line_height(self, type_name: str, scale: float = 1.0) -> int:
        """The pixels from one line to the next in a type, at the reading scale."""
        return int(_tokens()["type"][type_name]["line"] * scale + 0.5)


class ThemeNotifier(QObject):
    """Holds the theme in use. Signal: `changed`, for every widget that paints."""

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
    """Apply a theme to the application: style, palette, default font and one style sheet; then tell every widget."""
    first = app.styleSheet() == ""
    if first:
        app.setStyle("Fusion")
        app.setFont(theme.font("ui"))
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme))
    notifier().theme = theme
    notifier().changed.emit()


def use_setting(setting: str) -> None:
    """Apply the theme of a setting ("light", "dark" or "system"), unless it is already in use."""
    app, mode = QApplication.instance(), mode_of(setting)
    if isinstance(app, QApplication) and (not app.styleSheet() or current().mode != mode):
        apply(app, Theme(mode))


def frame_colours(setting: str) -> dict[str, str]:
    """The colours of the first frame, light or dark by the setting or the system's palette.

    `mode_of` would load Qt's whole namespace, which takes 30 ms.
    """
    is_dark = setting == "dark" or (setting != "light" and QGuiApplication.palette().window().color().lightness() < 128)
    return FRAME_COLOURS["dark" if is_dark else "light"]


def mode_of(setting: str) -> Mode:
    """ "light" or "dark", by the setting or by the system."""
    from PySide6.QtCore import Qt

    if setting in ("light", "dark"):
        return cast(Mode, setting)
    if QGuiApplication.platformName() == "offscreen":  # Qt's answer is random there
        return "light"
    return "dark" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"


def style_sheet(theme: Theme) -> str:
    """The sheet with the colours of a theme filled in."""
    return re.sub(r"@(\w+)", lambda match: theme.colour(match[1]).name(), _SHEET)


def reading_steps() -> tuple[float, ...]:
    """The reading scales that the keys step through."""
    return tuple(_tokens()["reading_scale"]["steps"])


@functools.cache
def load_fonts() -> None:
    """Make the bundled fonts known to Qt, once."""
    for name in _FONT_FILES:
        QFontDatabase.addApplicationFont(str(paths.asset(f"fonts/{name}")))


def palette(theme: Theme) -> QPalette:
    """The palette for Qt's styles and standard dialogs."""
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
    """The colour of a token, which is written #RRGGBBAA; Qt reads #AARRGGBB."""
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
