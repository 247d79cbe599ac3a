"""Buttons. They take focus by Tab only, so that a click leaves no focus ring behind."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QPushButton, QToolButton, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip, set_words
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names

Kind = Literal["primary", "default", "quiet", "danger", "inverse"]

_FILLS: dict[Kind, tuple[str, str, str, str]] = {  # rest, hover, pressed, border
    "primary": ("accent", "accent_hover", "accent_pressed", ""),
    "default": ("surface", "hover", "pressed", "border"),
    "quiet": ("", "hover", "pressed", ""),
    "danger": ("surface", "danger_bg", "danger_bg", "danger_border"),
    "inverse": ("", "", "", ""),
}
_INKS: dict[Kind, tuple[str, str]] = {  # text, icon
    "primary": ("on_accent", "on_accent"),
    "default": ("text_primary", "text_secondary"),
    "quiet": ("text_primary", "text_secondary"),
    "danger": ("danger_text", "danger_text"),
    "inverse": ("tooltip_text", "tooltip_text"),
}
_ICON_GAP = 8


def press_on_enter(button: QAbstractButton, event: QKeyEvent) -> bool:
    """Press a button on Enter, as Qt does on Space; False for any other key."""
    if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return False
    button.click()
    return True


class Button(QPushButton):
    """A button with text and an optional icon: outlined ("default"), bare ("quiet"), "primary", "danger", or bare on a
    dark background ("inverse")."""

    def __init__(
        self,
        text: str,
        icon: str = "",
        *,
        kind: Kind = "default",
        object_name: str = "",
        accessible_name: str = "",
        tooltip: str = "",
        chevron: bool = False,
        height: int = 32,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name, self._kind, self._chevron, self._height = icon, kind, chevron, height
        self.setText(text)
        self.setFont(theme.current().font("ui_strong"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        set_tip(self, tooltip)
        set_names(self, object_name, accessible_name or text)
        repaint_on_theme(self)

    def set_content(self, text: str, icon: str | None = None, kind: Kind | None = None) -> None:
        """Change the text, the icon or the kind; the accessible name follows the text."""
        self._icon_name = self._icon_name if icon is None else icon
        self._kind = self._kind if kind is None else kind
        self.setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def setText(self, text: str) -> None:
        """Set the text as it is: an ampersand is shown and makes no Alt key."""
        set_words(self, text)

    def _content_width(self) -> int:
        width = self.fontMetrics().horizontalAdvance(self.text())
        if self._icon_name:
            width += 16 + (_ICON_GAP if self.text() else 0)
        return width + (16 + _ICON_GAP if self._chevron else 0)

    def _inks(self) -> tuple[str, str]:
        return _INKS[self._kind] if self.isEnabled() else ("text_disabled", "text_disabled")

    def _draw_background(self, painter: QPainter, rect: QRect) -> None:
        colour = theme.current().colour
        rest, hover, pressed, border = _FILLS[self._kind]
        fill = pressed if self.isDown() or self._menu_is_open() else hover if self.underMouse() else rest
        if not self.isEnabled():
            fill, border = ("", "") if self._kind == "quiet" else ("surface_sunken", "border_subtle")
        draw_box(painter, rect, 6, colour(fill) if fill else None, colour(border) if border else None)

    def _menu_is_open(self) -> bool:
        return self.menu() is not None and self.menu().isVisible()

    def sizeHint(self) -> QSize:
        """Room for text, icon and padding, plus the ring margin on all sides."""
        padding = 12 if self._kind == "quiet" else 14
        height = max(self._height, self.fontMetrics().height() + 8)
        return QSize(self._content_width() + 2 * padding + 2 * RING_MARGIN, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """The text of a button is never cut."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint background, icon, text and ring in the colours of this state."""
        painter = QPainter(self)
        rect = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        self._draw_background(painter, rect)
        self._draw_content(painter, rect)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def _draw_content(self, painter: QPainter, rect: QRect) -> None:
        text_ink, icon_ink = self._inks()
        too_wide = max(0, self._content_width() + 8 - rect.width())
        x = rect.x() + (rect.width() - self._content_width() + too_wide) // 2
        if self._icon_name:
            icons.paint_icon(painter, self._icon_name, icon_ink, QRect(x, rect.y(), 16, rect.height()))
            x += 16 + _ICON_GAP
        painter.setPen(theme.current().colour(text_ink))
        painter.setFont(self.font())
        width = self.fontMetrics().horizontalAdvance(self.text()) - too_wide
        words = QRect(x, rect.y(), width + 1, rect.height())
        text = self.text()
        if too_wide:
            text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
        if self._chevron:
            icons.paint_icon(painter, "down", icon_ink, QRect(x + width + _ICON_GAP, rect.y(), 16, rect.height()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter, as on Space."""
        if not press_on_enter(self, event):
            super().keyPressEvent(event)


class PrimaryButton(Button):
    """The one main action of a place, filled with the accent."""

    def __init__(
        self,
        text: str,
        icon: str = "",
        *,
        object_name: str = "",
        accessible_name: str = "",
        tooltip: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            text,
            icon,
            kind="primary",
            object_name=object_name,
            accessible_name=accessible_name,
            tooltip=tooltip,
            parent=parent,
        )


class IconButton(QToolButton):
    """A button with only an icon; its name is the accessible name and, with the key, the tooltip."""

    def __init__(
        self,
        name: str,
        text: str,
        tooltip: str = "",
        *,
        object_name: str = "",
        accessible_name: str = "",
        side: int = 28,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name, self._side = name, side
        set_words(self, text)
        set_tip(self, tooltip or text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_names(self, object_name, accessible_name or text)
        repaint_on_theme(self)

    def set_content(self, name: str, text: str, tooltip: str = "") -> None:
        """Change the icon, the name and the tooltip."""
        self._icon_name = name
        set_words(self, text)
        set_tip(self, tooltip or text)
        self.setAccessibleName(text)
        self.update()

    def sizeHint(self) -> QSize:
        """A square, plus the ring margin."""
        return QSize(self._side + 2 * RING_MARGIN, self._side + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """Never smaller than the whole square."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon, on a fill while hovered, pressed or checked."""
        painter = QPainter(self)
        rect = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        lit = self.isEnabled() and self.underMouse()
        fill = "pressed" if self.isDown() else "selected" if self.isChecked() else "hover" if lit else ""
        if fill:
            draw_box(painter, rect, 6, theme.current().colour(fill))
        ink = "text_disabled" if not self.isEnabled() else "text_primary" if lit else "text_secondary"
        ink = "accent_text" if self.isChecked() else ink
        icons.paint_icon(painter, self._icon_name, ink, rect)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter, as on Space."""
        if not press_on_enter(self, event):
            super().keyPressEvent(event)
