"""The texts before which an answer ends, as chips that can be removed and a field for another one."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QSizePolicy, QWidget

from desktop_llm.gui.chat.settings.rows import Row
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.layouts import FlowLayout, empty_layout
from desktop_llm.gui.look.literal import set_words
from desktop_llm.gui.look.widgets import IconButton
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

_MAX_CHARACTERS = 200
_MAX_CHIP_WIDTH = 150


class StopStrings(Row):
    """Signal: `changed` with the texts as a tuple. In the field, \\n stands for a line end."""

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__("stop", tr("Stop strings"), tr("ends before it"), "stop sequence end")
        self._texts: tuple[str, ...] = ()
        self._box = QWidget()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self._box.setSizePolicy(policy)
        self._flow = FlowLayout(self._box, 2)
        self.field = QLineEdit()
        self.field.setMaxLength(_MAX_CHARACTERS)
        self.field.setPlaceholderText(tr("for example {text}", text="User:"))
        set_names(self.field, "setting_stop", tr("Another stop string"))
        self._add = IconButton("plus", tr("Add a stop string"), object_name="setting_stop_add")
        self.middle.addWidget(self._box, 1)
        self._add.clicked.connect(self._on_add)
        self.field.returnPressed.connect(self._on_return)
        self.field.hide()
        self.field.installEventFilter(self)
        self.show_texts((), ())

    def show_texts(self, texts: Sequence[str], usual: Sequence[str]) -> None:
        """Show the texts."""
        self.set_changed(tuple(texts) != tuple(usual), ", ".join(usual) or tr("none"))
        if tuple(texts) == self._texts and self._flow.count():
            return
        self._texts = tuple(texts)
        for kept in (self.field, self._add):
            self._flow.removeWidget(kept)
            kept.setParent(None)
        empty_layout(self._flow)
        for number, text in enumerate(self._texts):
            chip = _Chip(text, f"setting_stop_{number}")
            chip.clicked.connect(functools.partial(self._on_removed, text))
            self._flow.addWidget(chip)
        self._flow.addWidget(self.field)
        self._flow.addWidget(self._add)
        self.field.hide()
        self._add.show()
        self._box.updateGeometry()

    def finish(self) -> None:
        """Take what was typed without Enter."""
        if self.field.isVisible() and self.field.text():
            self._on_return()

    def _on_add(self) -> None:
        self.field.clear()
        self.field.show()
        self.field.setFocus()
        self._add.hide()

    def _on_return(self) -> None:
        text = self.field.text().replace("\\n", "\n")
        if text and text not in self._texts:
            self.changed.emit((*self._texts, text))
        self.field.hide()
        self._add.show()

    def _on_removed(self, text: str) -> None:
        self.changed.emit(tuple(other for other in self._texts if other != text))


class _Chip(QAbstractButton):
    """A text with a cross; pressing it removes the text."""

    def __init__(self, text: str, object_name: str) -> None:
        super().__init__()
        shown = text.replace("\n", "\\n")
        set_words(self, shown)
        set_names(self, object_name, tr("Remove {text}", text=shown))
        self.setFont(theme.current().font("code_inline"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """The text, or its beginning, and the cross."""
        width = min(self.fontMetrics().horizontalAdvance(self.text()), _MAX_CHIP_WIDTH)
        return QSize(width + 36 + 2 * RING_MARGIN, 26 + 2 * RING_MARGIN)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the chip."""
        painter, colour = QPainter(self), theme.current().colour
        box = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        draw_box(painter, box, 6, colour("hover" if self.underMouse() else "surface"), colour("border"))
        painter.setFont(self.font())
        painter.setPen(colour("text_primary"))
        words = box.adjusted(9, 0, -25, 0)
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width() + 2)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
        icons.paint_icon(painter, "x", "text_secondary", QRect(box.right() - 22, box.y(), 18, box.height()), 12)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove it on Enter or Delete, as on Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.click()
        else:
            super().keyPressEvent(event)
