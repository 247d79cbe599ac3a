"""All keys that work, in two columns; F1 opens it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.all_keys import Keys, all_keys
from desktop_llm.gui.scrolled import transparent_area
from desktop_llm.gui.widgets import Button, Label
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

Groups = Sequence[tuple[str, Keys]]


class KeysDialog(QDialog):
    """Groups of (key, what it does); the keys are written as the system writes them."""

    def __init__(self, parent: QWidget | None = None, groups: Groups | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys_dialog")
        self.setWindowTitle(self.tr("All keys"))
        self.setAccessibleName(self.tr("All keys"))
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
        set_names(area, "keys_dialog_list", self.tr("All keys"))
        close = Button(self.tr("Close"), object_name="keys_dialog_close")
        close.clicked.connect(self.accept)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 20, 21, 17)
        outer.setSpacing(8)
        outer.addWidget(Label(self.tr("All keys"), "title"))
        outer.addWidget(area, 1)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)


class _KeyCaps(QWidget):
    """One combination as key caps side by side."""

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
        """The caps and the gaps between them."""
        return QSize(sum(self._widths()) + 4 * (len(self._caps) - 1), max(22, self.fontMetrics().height() + 6))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Outlined caps."""
        painter, colour, x = QPainter(self), theme.current().colour, 0
        for cap, width in zip(self._caps, self._widths(), strict=True):
            box = QRect(x, 0, width, self.height())
            draw_box(painter, box, 4, colour("surface"), colour("border"))
            painter.setPen(colour("text_secondary"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, cap)
            x += width + 4
        painter.end()


def _split(text: str) -> list[str]:
    """ "Ctrl++" is Ctrl and the plus key."""
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
            grid.addWidget(_KeyCaps(combination), row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        column.addLayout(grid)
        column.addSpacing(6)
    column.addStretch(1)
    return column
