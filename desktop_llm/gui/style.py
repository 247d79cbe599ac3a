"""The one style sheet: the look of Qt's own fields, menus and scroll bars. Buttons and pills paint themselves.

Kept short on purpose: every rule is matched against every widget while the window opens.
"""

from __future__ import annotations

import re

from desktop_llm.gui.theme import Theme

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
QLineEdit[invalid="true"] { border-color: @danger_fill; }
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
QFrame[card="true"] { background: @surface; border: 1px solid @border; border-radius: 10px; }
"""


def style_sheet(theme: Theme) -> str:
    """The sheet with the colours of a theme filled in."""
    return re.sub(r"@(\w+)", lambda match: theme.colour(match[1]).name(), _SHEET)
