"""What the header is made of beside the model button and the network state: slot, context meter, small parts."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.widgets import ElidedLabel, IconButton, Label, Meter
from desktop_llm.gui.widgets.painting import repaint_on_theme

_NEARLY_FULL = 0.92
_WIDEST = "88,888 / 888,888"


class ContextMeter(QWidget):
    """How much of the context length the open chat uses: bar, figures, and the whole sentence as tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("context_meter")
        self._used, self._total, self._short = 0, 0, False
        self._bar = Meter(object_name="context_meter_bar")
        self._figures = Label("", "figures", "text_secondary", object_name="context_meter_figures")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._bar)
        row.addWidget(self._figures)
        self.set_short(False)
        self.set_context(0, 0)

    def set_context(self, used: int, total: int) -> None:
        """Show `used` of `total` tokens; no total hides the meter, since no model is loaded."""
        self._used, self._total = used, total
        self.setVisible(total > 0)
        if total <= 0:
            return
        self._bar.set_amount(used, total)
        percent = self.tr("{percent} %").format(percent=min(100, round(100 * used / total)))
        self._figures.setText(percent if self._short else f"{number(used)} / {number(total)}")
        name = self.tr("Context, {used} of {total} tokens used").format(used=number(used), total=number(total))
        self.setAccessibleName(name)
        self._bar.setAccessibleName(name)
        self.setToolTip(self._sentence())

    def set_short(self, short: bool) -> None:
        """Say "24 %" in place of the counts."""
        self._short = short
        metrics = QFontMetrics(self._figures.font())
        widest = self.tr("{percent} %").format(percent=100) if short else _WIDEST
        self._figures.setFixedWidth(metrics.horizontalAdvance(widest) + 2)
        self.set_context(self._used, self._total)

    def figures(self) -> str:
        """The figures as shown."""
        return self._figures.text()

    def _sentence(self) -> str:
        counts = self.tr("This chat uses {used} of the {total} tokens that the model can keep in mind.").format(
            used=number(self._used), total=number(self._total)
        )
        if self._used >= self._total * _NEARLY_FULL:
            rest = self.tr("The oldest messages are left out from now on; they stay saved.")
        else:
            left = number(self._total - self._used)
            rest = self.tr("{left} are left for the next message and its answer.").format(left=left)
        return f"{counts}\n{rest}"


class Slot(QWidget):
    """Above the list: the page's title and, over the chats, the button for a new one."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._over_list = True
        self.title = ElidedLabel(title, "heading", object_name="header_title")
        self.new_chat = IconButton("plus", self.tr("New chat"), self.tr("New chat (Ctrl+N)"), object_name="new_chat")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.title, 1)
        row.addWidget(self.new_chat)
        self.setFixedWidth(theme.current().length("column", "list") + 1)
        repaint_on_theme(self)

    def set_page(self, over_list: bool) -> None:
        """Over the chat list the slot is a part of it; elsewhere it is a part of the header."""
        self._over_list = over_list
        self.new_chat.setVisible(over_list)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The list's ground, up to its edge."""
        if not self._over_list:
            return
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_sidebar"))
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.fillRect(QRect(edge, 0, 1, self.height()), colour("border_subtle"))
        painter.end()


class StillIcon(QWidget):
    """A still icon beside words."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.setFixedSize(16, 16)
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The icon."""
        painter = QPainter(self)
        icons.paint_icon(painter, self._name, "text_secondary", self.rect())
        painter.end()


class Rule(QWidget):
    """A short upright hairline between groups."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(1, 20)
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("border_subtle"))
        painter.end()
