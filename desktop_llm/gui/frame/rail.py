"""The rail at the left edge: one item for each page, the settings at the bottom.

The window shows the page named by `page_requested` and answers with `set_page`.
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QStyle, QToolButton, QVBoxLayout, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

_MARGIN = 4
_COMPACT_SIDE = 40
_BADGE, _MOST_COUNTED = 16, 9


class Rail(QWidget):
    """The items Chats, Models, Documents, Activity and Settings; one tab stop, arrow keys move between them."""

    page_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "rail", tr("Pages"))
        self._items = {
            "chats": _Item("chats", "chat", tr("Chats"), "Ctrl+1"),
            "models": _Item("models", "cube", tr("Models"), "Ctrl+2"),
            "documents": _Item("documents", "library", tr("Documents"), "Ctrl+3"),
            "activity": _Item("activity", "activity", tr("Activity"), "Ctrl+J"),
            "settings": _Item("settings", "gear", tr("Settings"), "Ctrl+,"),
        }
        self._column = QVBoxLayout(self)
        self._column.setSpacing(2)
        for name, item in self._items.items():
            if name == "activity":
                self._column.addStretch(1)
            self._column.addWidget(item, 0, Qt.AlignmentFlag.AlignHCenter)
            item.clicked.connect(functools.partial(self._on_clicked, name))
        self.set_compact(False)
        self.set_page("chats")
        repaint_on_theme(self)

    def set_page(self, name: str) -> None:
        """Mark the page that is shown."""
        for key, item in self._items.items():
            item.setChecked(key == name)
        self._make_tab_stop(self._items[name])

    def set_activity(self, count: int, words: str) -> None:
        """Put a number on Activity, none for 0; `words` say what is counted, for the tooltip and a screen reader."""
        self._items["activity"].set_count(count, words)

    def set_compact(self, compact: bool) -> None:
        """Show only icons, 48 px wide; the words stay as tooltips and accessible names."""
        self._column.setContentsMargins(0, _MARGIN if compact else 6, 1, _MARGIN if compact else 6)
        for item in self._items.values():
            item.set_compact(compact)
        widest = max(item.width() for item in self._items.values())
        width = theme.current().length("column", "rail_compact" if compact else "rail")
        self.setFixedWidth(max(width, widest + 2))

    def _make_tab_stop(self, stop: _Item) -> None:
        for item in self._items.values():
            item.setFocusPolicy(Qt.FocusPolicy.TabFocus if item is stop else Qt.FocusPolicy.NoFocus)

    def _on_clicked(self, name: str, _checked: bool = False) -> None:
        self._items[name].setChecked(True)
        self.page_requested.emit(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move between the items on Up and Down."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        items = list(self._items.values())
        focused = self.focusWidget()
        if step is None or not isinstance(focused, _Item):
            super().keyPressEvent(event)
            return
        target = items[(items.index(focused) + step) % len(items)]
        self._make_tab_stop(target)
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background and the hairline beside the next pane."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_rail"))
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.fillRect(QRect(edge, 0, 1, self.height()), colour("border_subtle"))
        painter.end()


class _Item(QToolButton):
    """An icon above its label, with a number at its corner if there is something to count; the current item is
    filled."""

    def __init__(self, name: str, icon: str, text: str, key: str) -> None:
        super().__init__()
        self._icon_name, self._compact, self._key = icon, False, key
        self._count = 0
        self.setText(text)
        set_tip(self, f"{text} ({key})")
        self.setCheckable(True)
        self.setFont(theme.current().font("tiny"))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_names(self, f"rail_{name}", text)
        repaint_on_theme(self)

    def set_compact(self, compact: bool) -> None:
        """Show only the icon."""
        self._compact = compact
        self.setFixedSize(self.sizeHint())
        self.update()

    def set_count(self, count: int, words: str) -> None:
        """Set the number and the words that say what is counted."""
        name = ", ".join(filter(None, (self.text(), words)))
        if (count, name) == (self._count, self.accessibleName()):
            return
        self._count = count
        self.setAccessibleName(name)
        set_tip(self, f"{name} ({self._key})")
        self.update()

    def sizeHint(self) -> QSize:
        """64 × 54 px, or more if the words need it; a square without words."""
        if self._compact:
            return QSize(_COMPACT_SIDE, _COMPACT_SIDE)
        words = self.fontMetrics().boundingRect(self.text()).size()
        height = max(theme.current().length("control", "rail_item"), 36 + words.height())
        return QSize(max(64, words.width() + 6), height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fill, icon, label, and the focus ring inside."""
        painter, colour = QPainter(self), theme.current().colour
        chosen, lit = self.isChecked(), self.underMouse()
        fill = "selected" if chosen else "hover_rail" if lit else ""
        ink = "selected_text" if chosen else "text_primary" if lit else "text_secondary"
        if fill:
            draw_box(painter, self.rect(), 8, colour(fill))
        place = self.rect() if self._compact else QRect(0, 8, self.width(), 20)
        icons.paint_icon(painter, self._icon_name, ink, place, theme.current().length("icon", "rail"))
        if not self._compact:
            painter.setPen(colour(ink))
            painter.drawText(self.rect().adjusted(0, 30, 0, -2), Qt.AlignmentFlag.AlignCenter, self.text())
        if self._count:
            self._paint_count(painter, place)
        if self.hasFocus():
            draw_box(painter, self.rect(), 8, None, colour("focus_ring"), 2)
        painter.end()

    def _paint_count(self, painter: QPainter, icon: QRect) -> None:
        """Paint the badge over the icon's upper outer corner, as wide as the number needs."""
        colour = theme.current().colour
        words = str(self._count) if self._count <= _MOST_COUNTED else f"{_MOST_COUNTED}+"
        badge = QRect(0, 0, max(_BADGE, painter.fontMetrics().horizontalAdvance(words) + 8), _BADGE)
        badge.moveCenter(icon.center() + (QPoint(11, -10) if self._compact else QPoint(12, -5)))
        badge.moveRight(min(badge.right(), self.rect().right()))
        badge = QStyle.visualRect(self.layoutDirection(), self.rect(), badge)
        draw_box(painter, badge, _BADGE / 2, colour("accent"))
        painter.setPen(colour("on_accent"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, words)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter, as on Space; leave the arrows to the rail."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)
