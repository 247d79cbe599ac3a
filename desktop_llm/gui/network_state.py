"""The header's word on the network: nothing goes out, what goes on, offline by choice, or no way out."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names

Kind = Literal["quiet", "active", "offline", "unreachable"]

_LOOK: dict[Kind, tuple[str, str]] = {
    "quiet": ("shieldcheck", "success_text"),
    "active": ("download", "accent_text"),
    "offline": ("lock", "text_secondary"),
    "unreachable": ("globeoff", "warning_text"),
}


class NetworkState(QPushButton):
    """Icon and words; a click opens the list of requests (`clicked`)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_only = False
        self._kind: Kind = "quiet"
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setObjectName("network_state")
        repaint_on_theme(self)
        self.set_state("quiet")

    def set_state(self, kind: Kind, words: str = "") -> None:
        """Show a state; `words` say to whom and how fast while something is `active`, who was `unreachable`."""
        shown = (
            words
            or {
                "quiet": self.tr("No connections"),
                "active": self.tr("Connecting"),
                "offline": self.tr("Offline"),
                "unreachable": self.tr("No internet"),
            }[kind]
        )
        if (kind, shown) == (self._kind, self.text()):
            return
        self._kind = kind
        self.setText(shown)
        self.setToolTip(self._sentence(kind))
        name = shown if words else shown[:1].lower() + shown[1:]
        set_names(self, "", self.tr("Network, {state}").format(state=name))
        self.updateGeometry()
        self.update()

    def kind(self) -> Kind:
        """The state shown."""
        return self._kind

    def set_icon_only(self, icon_only: bool) -> None:
        """Leave out the words; name and tooltip stay."""
        self._icon_only = icon_only
        self.updateGeometry()
        self.update()

    def _sentence(self, kind: Kind) -> str:
        return {
            "quiet": self.tr("Nothing is sent or received. Click for the list of all requests."),
            "active": self.tr("A transfer that you asked for. Click for the list of all requests."),
            "offline": self.tr("The offline switch is on: nothing can leave this computer. Click to turn it off."),
            "unreachable": self.tr("The last request got no answer. Everything on this computer works as before."),
        }[kind]

    def sizeHint(self) -> QSize:
        """Icon, words and a little room."""
        words = 0 if self._icon_only else self.fontMetrics().horizontalAdvance(self.text()) + 8
        height = max(28, self.fontMetrics().height() + 4)
        return QSize(8 + 16 + words + 8 + 2 * RING_MARGIN, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """The words are never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The icon in the colour of the state, and the words."""
        painter, colour = QPainter(self), theme.current().colour
        box = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        if self.underMouse() or self.isDown():
            draw_box(painter, box, 6, colour("pressed" if self.isDown() else "hover"))
        icon, ink = _LOOK[self._kind]
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(box.x() + 8, box.y(), 16, box.height()))
        icons.paint_icon(painter, icon, ink, place)
        if not self._icon_only:
            painter.setPen(colour("text_secondary"))
            words = QStyle.visualRect(self.layoutDirection(), self.rect(), box.adjusted(32, 0, 0, 0))
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()
