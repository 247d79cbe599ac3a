"""The network in the header: no connections, a transfer under way, offline by choice, or no answer."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

Kind = Literal["quiet", "active", "offline", "unreachable"]

_LOOK: dict[Kind, tuple[str, str]] = {
    "quiet": ("shieldcheck", "success_text"),
    "active": ("download", "accent_text"),
    "offline": ("lock", "text_secondary"),
    "unreachable": ("globeoff", "warning_text"),
}


class NetworkState(QPushButton):
    """An icon and words. Signal: `clicked`, to open the list of requests."""

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
        """Show a state. `words` give the host and speed if it is `active`, and the host if it was `unreachable`."""
        shown = (
            words
            or {
                "quiet": tr("No connections"),
                "active": tr("Connecting"),
                "offline": tr("Offline"),
                "unreachable": tr("No internet"),
            }[kind]
        )
        if (kind, shown) == (self._kind, self.text()):
            return
        self._kind = kind
        self.setText(shown)
        set_tip(self, self._sentence(kind))
        name = shown if words else shown[:1].lower() + shown[1:]
        set_names(self, "", tr("Network, {state}", state=name))
        self.updateGeometry()
        self.update()

    def kind(self) -> Kind:
        """The state that is shown."""
        return self._kind

    def set_icon_only(self, icon_only: bool) -> None:
        """Show only the icon; the accessible name and the tooltip stay."""
        self._icon_only = icon_only
        self.updateGeometry()
        self.update()

    def _sentence(self, kind: Kind) -> str:
        return {
            "quiet": tr("Nothing is sent or received. Click for the list of all requests."),
            "active": tr("A transfer that you asked for. Click for the list of all requests."),
            "offline": tr("The offline switch is on: nothing can leave this computer. Click to turn it off."),
            "unreachable": tr("The last request got no answer. Everything on this computer works as before."),
        }[kind]

    def sizeHint(self) -> QSize:
        """Room for the icon, the words and some padding."""
        words = 0 if self._icon_only else self.fontMetrics().horizontalAdvance(self.text()) + 8
        height = max(28, self.fontMetrics().height() + 4)
        return QSize(8 + 16 + words + 8 + 2 * RING_MARGIN, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """The words are never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon in the colour of the state, and the words."""
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
