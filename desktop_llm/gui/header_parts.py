"""What the header is made of beside the model button: slot, context meter and the state of the network."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStyle, QVBoxLayout, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.popup import SHADOW, Popup
from desktop_llm.gui.widgets import ElidedLabel, IconButton, Label, Meter
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names

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


class NetworkState(QPushButton):
    """Says that there are no connections; a click says what that means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_only = False
        self._sheet: NetworkSheet | None = None
        self.setText(self.tr("No connections"))
        self.setToolTip(self.tr("No connections. Click to read what that means."))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_names(self, "network_state", self.tr("Network, no connections"))
        repaint_on_theme(self)
        self.clicked.connect(self._on_clicked)

    def set_icon_only(self, icon_only: bool) -> None:
        """Leave out the words; name and tooltip stay."""
        self._icon_only = icon_only
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Icon, words and a little room."""
        words = 0 if self._icon_only else self.fontMetrics().horizontalAdvance(self.text()) + 8
        height = max(28, self.fontMetrics().height() + 4)
        return QSize(8 + 16 + words + 8 + 2 * RING_MARGIN, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """The words are never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The shield in green, and the words."""
        painter, colour = QPainter(self), theme.current().colour
        box = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        if self.underMouse() or self.isDown():
            draw_box(painter, box, 6, colour("pressed" if self.isDown() else "hover"))
        shield = QRect(box.x() + 8, box.y(), 16, box.height())
        shield = QStyle.visualRect(self.layoutDirection(), self.rect(), shield)
        icons.paint_icon(painter, "shieldcheck", "success_text", shield)
        if not self._icon_only:
            painter.setPen(colour("text_secondary"))
            words = QStyle.visualRect(self.layoutDirection(), self.rect(), box.adjusted(32, 0, 0, 0))
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def _on_clicked(self) -> None:
        if self._sheet is None:
            self._sheet = NetworkSheet()
        self._sheet.show_below(self)


class NetworkSheet(Popup):
    """What "no connections" means, in four lines, and no more than is true."""

    def __init__(self) -> None:
        super().__init__(object_name="network_sheet", accessible_name="")
        self.setAccessibleName(self.tr("Network, no connections"))
        self.setFixedWidth(348 + 2 * SHADOW)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(SHADOW + 16, SHADOW + 14, SHADOW + 16, SHADOW + 16)
        column.setSpacing(6)
        lines = (
            self.tr("This version of the app opens no connections: it has no network code of its own."),
            self.tr("Models run on this computer, and your documents are read on this computer."),
            self.tr(
                "On Linux the kernel also blocks the programs that run models and read documents from the network."
            ),
        )
        column.addWidget(Label(self.tr("No connections"), "heading"))
        for line in lines:
            column.addWidget(Label(line, "ui", "text_secondary", wrap=True))
        self.setAccessibleDescription(" ".join(lines))

    def sizeHint(self) -> QSize:
        """As high as the wrapped words need."""
        return QSize(self.width(), self._column.totalHeightForWidth(self.width()))


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
