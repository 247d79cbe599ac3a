"""Small parts that the panels of the page share: an icon with words, and a column that scrolls."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QSizePolicy, QStyle, QVBoxLayout, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.scrolled import transparent_area
from desktop_llm.gui.widgets.painting import repaint_on_theme, set_names

_GAP = 5


class IconText(QWidget):
    """A small icon and the words behind it, on one line; the words alone where the icon is ""."""

    def __init__(
        self,
        icon: str,
        text: str = "",
        colour: str = "text_secondary",
        *,
        type_name: str = "small",
        object_name: str = "",
        accessible_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon, self._text, self._colour = icon, text, colour
        self._spoken = accessible_name
        self.setFont(theme.current().font(type_name))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, accessible_name or text)
        repaint_on_theme(self)

    def text(self) -> str:
        """The words."""
        return self._text

    def set_content(self, icon: str, text: str, colour: str = "text_secondary") -> None:
        """Show something else in the same place."""
        self._icon, self._text, self._colour = icon, text, colour
        self.setAccessibleName(self._spoken or text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Icon, gap and words."""
        width = self.fontMetrics().horizontalAdvance(self._text) + 1 + (14 + _GAP if self._icon else 0)
        return QSize(width, max(20, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        """The words give way first."""
        return QSize(min(48, self.sizeHint().width()), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Icon, then words as far as there is room."""
        painter = QPainter(self)
        left = 0
        if self._icon:
            box = QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(0, 0, 14, self.height()))
            icons.paint_icon(painter, self._icon, self._colour, box, 14)
            left = 14 + _GAP
        painter.setPen(theme.current().colour(self._colour))
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), self.rect().adjusted(left, 0, 0, 0))
        shown = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width() - left)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, shown)
        painter.end()


def scrolling_column(page: QWidget, widest: int, margins: tuple[int, int, int, int]) -> QVBoxLayout:
    """Fill `page` with a scroll area; returns the column inside, at most `widest` wide and at the left."""
    holder = QWidget(page)
    holder.setProperty("page", True)
    inner = QWidget(holder)
    inner.setProperty("page", True)
    inner.setMaximumWidth(widest)
    column = QVBoxLayout(inner)
    column.setContentsMargins(*margins)
    column.setSpacing(0)
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch(1)
    row.addWidget(inner, 1000)
    row.addStretch(1)
    outer = QVBoxLayout(page)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(transparent_area(holder))
    return column


def empty_layout(layout: QLayout) -> None:
    """Take everything out of a layout and let go of it."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            empty_layout(inner)
