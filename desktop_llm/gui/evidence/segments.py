"""The switch between the levels of the panel: a tab bar drawn as one rounded field with a raised segment."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QTabBar, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

_HEIGHT, _INSET = 32, 3


class Segments(QTabBar):
    """Equal segments side by side; one stop for Tab, arrow keys go between them."""

    def __init__(
        self, names: tuple[str, ...], *, object_name: str, accessible_name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(True)
        self.setUsesScrollButtons(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.current().font("ui_strong"))
        set_names(self, object_name, accessible_name)
        for name in names:
            self.addTab(name)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(200, max(_HEIGHT, self.fontMetrics().height() + 12))

    def minimumSizeHint(self) -> QSize:
        """Narrow is possible."""
        return QSize(120, self.sizeHint().height())

    def tabSizeHint(self, _index: int) -> QSize:
        """Equal parts of the whole."""
        return QSize(max(40, self.width() // max(1, self.count())), self.sizeHint().height())

    def minimumTabSizeHint(self, _index: int) -> QSize:
        """Equal parts of the least."""
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The field, the raised segment, the words."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 6, colour("surface_sunken"), colour("border"))
        for index in range(self.count()):
            self._paint_segment(painter, index, self.tabRect(index))
        painter.end()

    def _paint_segment(self, painter: QPainter, index: int, box: QRect) -> None:
        colour, chosen = theme.current().colour, index == self.currentIndex()
        if chosen:
            border = colour("focus_ring") if self.hasFocus() else colour("border")
            inside = box.adjusted(_INSET, _INSET, -_INSET, -_INSET)
            draw_box(painter, inside, 4, colour("surface"), border, 2 if self.hasFocus() else 1)
        painter.setFont(self.font() if chosen else theme.current().font("ui"))
        painter.setPen(colour("text_primary" if chosen else "text_secondary"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.tabText(index))
