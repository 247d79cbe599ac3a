"""The keys of the app: those of the whole window, the list of all keys, and the dialog that shows it (F1)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.layouts import transparent_area
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.words import tr


def connect_keys(window: QWidget, keys: Mapping[str, Callable[[], object]]) -> None:
    """Connect the keys of the window, such as "Ctrl+N", to their functions."""
    for key, function in keys.items():
        action = QAction(window)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(functools.partial(_call, function))
        window.addAction(action)


def step_reading_size(settings: SettingsKeeper, step: int) -> None:
    """Use the next larger (1), the next smaller (-1) or the usual (0) text size."""
    steps = theme.reading_steps()
    current = settings.current.reading_scale
    nearest = min(range(len(steps)), key=lambda index: abs(steps[index] - current))
    chosen = steps[max(0, min(len(steps) - 1, nearest + step))] if step else 1.0
    settings.change(reading_scale=chosen)


def _call(function: Callable[[], object], _checked: bool = False) -> None:
    function()


Keys = Sequence[tuple[str, str]]


def all_keys() -> tuple[tuple[str, Keys], ...]:
    """The places where keys work, each with its pairs of key and action."""
    return (
        (tr("Anywhere"), _anywhere()),
        (tr("Chats"), _in_chats()),
        (tr("Writing"), _in_writing()),
        (tr("Messages"), _on_messages()),
        (tr("Answers"), _on_answers()),
    )


def _anywhere() -> Keys:
    return (
        ("Ctrl+N", tr("New chat")),
        ("Ctrl+L", tr("Model menu")),
        ("Ctrl+1", tr("Chats")),
        ("Ctrl+2", tr("Models")),
        ("Ctrl+3", tr("Documents")),
        ("Ctrl+J", tr("Activity")),
        ("Ctrl+,", tr("Settings")),
        ("Ctrl+Shift+,", tr("Settings of this chat")),
        ("Ctrl++", tr("Larger text")),
        ("Ctrl+-", tr("Smaller text")),
        ("Ctrl+0", tr("Usual text size")),
        ("Ctrl+Z", tr("Undo delete")),
        ("F1", tr("All keys")),
    )


def _in_chats() -> Keys:
    return (
        ("Ctrl+B", tr("Show or hide the chats")),
        ("Ctrl+Shift+F", tr("Search chats")),
        ("Ctrl+Tab", tr("Next chat")),
        ("Ctrl+Shift+Tab", tr("Previous chat")),
        ("F2", tr("Rename the chat in the list")),
        ("Del", tr("Delete the chat in the list")),
        ("Ctrl+S", tr("Export this chat")),
        ("Ctrl+E", tr("Evidence panel")),
        ("Ctrl+Shift+E", tr("Search details of the last answer")),
    )


def _in_writing() -> Keys:
    return (
        ("Return", tr("Send")),
        ("Shift+Return", tr("New line")),
        ("Ctrl+O", tr("Attach files")),
        ("Ctrl+Shift+T", tr("Think longer before the next answer, or not at all")),
        ("Up", tr("Edit the last message (in an empty field)")),
    )


def _on_messages() -> Keys:
    return (
        ("Up", tr("Previous message")),
        ("Down", tr("Next message")),
        ("Return", tr("Go to links and citations in the message")),
        ("1", tr("Open citation 1, and so on to 9")),
        ("C", tr("Copy the message")),
        ("Alt+Left", tr("Other version of the answer")),
        ("Alt+Up", tr("Previous citation that needs a look; Enter opens it")),
        ("Alt+Down", tr("Next citation that needs a look; without one, what else a word might have been")),
        ("Ctrl+End", tr("Latest message")),
    )


def _on_answers() -> Keys:
    return (
        ("Ctrl+.", tr("Stop the answer")),
        ("Esc", tr("Close the menu, then the panel, then stop the answer")),
        ("Ctrl+R", tr("Try the last answer again")),
        ("Ctrl+Shift+C", tr("Copy the last answer")),
    )


Groups = Sequence[tuple[str, Keys]]


class KeysDialog(QDialog):
    """Shows groups of keys and their actions; keys are written as the system writes them."""

    def __init__(self, parent: QWidget | None = None, groups: Groups | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys_dialog")
        self.setWindowTitle(tr("All keys"))
        self.setAccessibleName(tr("All keys"))
        self.resize(760, min(744, (parent or self).screen().availableGeometry().height() - 64))
        columns = QHBoxLayout()
        columns.setSpacing(32)
        halves = _halves(list(groups if groups is not None else all_keys()))
        for half in halves:
            columns.addLayout(_column(half), 1)
        content = QWidget()
        content.setProperty("page", True)
        content.setLayout(columns)
        area = transparent_area(content)
        area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_names(area, "keys_dialog_list", tr("All keys"))
        close = Button(tr("Close"), object_name="keys_dialog_close")
        close.clicked.connect(self.accept)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 20, 21, 17)
        outer.setSpacing(8)
        outer.addWidget(Label(tr("All keys"), "title"))
        outer.addWidget(area, 1)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)


class KeyCaps(QWidget):
    """A key combination as key caps side by side."""

    def __init__(self, combination: str) -> None:
        super().__init__()
        text = QKeySequence(combination).toString(QKeySequence.SequenceFormat.NativeText) or combination
        self._caps = _split(text)
        self.setFont(theme.current().font("small_strong"))
        self.setAccessibleName(text)
        self.setFixedSize(self.sizeHint())
        repaint_on_theme(self)

    def _widths(self) -> list[int]:
        return [max(22, self.fontMetrics().horizontalAdvance(cap) + 12) for cap in self._caps]

    def sizeHint(self) -> QSize:
        """Room for the caps and the gaps between them."""
        return QSize(sum(self._widths()) + 4 * (len(self._caps) - 1), max(22, self.fontMetrics().height() + 6))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the outlined caps."""
        painter, colour, x = QPainter(self), theme.current().colour, 0
        for cap, width in zip(self._caps, self._widths(), strict=True):
            box = QRect(x, 0, width, self.height())
            draw_box(painter, box, 4, colour("surface"), colour("border"))
            painter.setPen(colour("text_secondary"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, cap)
            x += width + 4
        painter.end()


def _split(text: str) -> list[str]:
    """The keys of a combination; "Ctrl++" is Ctrl and the plus key."""
    if text.endswith("++"):
        return [*text[:-2].split("+"), "+"]
    return text.split("+") if text != "+" else ["+"]


def _halves(groups: list[tuple[str, Keys]]) -> tuple[Groups, Groups]:
    """The groups in two columns of about the same length, in order."""
    lengths = [len(keys) + 2 for _, keys in groups]
    split = min(range(1, len(groups) + 1), key=lambda at: max(sum(lengths[:at]), sum(lengths[at:])))
    return groups[:split], groups[split:]


def _column(groups: Groups) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    for title, keys in groups:
        column.addWidget(Label(title, "small_strong", "text_tertiary"))
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setHorizontalSpacing(12)
        for row, (combination, words) in enumerate(keys):
            grid.addWidget(Label(words, "ui", wrap=True), row, 0)
            grid.addWidget(KeyCaps(combination), row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        column.addLayout(grid)
        column.addSpacing(6)
    column.addStretch(1)
    return column
