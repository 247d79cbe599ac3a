"""Chips of the composer: an icon, a name, a detail and a cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import IconButton
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

_WIDEST_NAME = 220


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to the message being written; `detail` is "2 pages", "Reading 40 %" or why it failed."""

    path: str
    name: str
    state: Literal["ready", "reading", "failed"] = "ready"
    detail: str = ""


class Chip(QWidget):
    """A chip with an icon, a name, a detail and a cross, 28 px high."""

    removed = Signal(str)

    def __init__(
        self,
        key: str,
        text: str,
        detail: str = "",
        *,
        icon: str = "file",
        failed: bool = False,
        object_name: str = "chip",
        remove_words: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.key, self._text, self._detail, self._icon_name, self._failed = key, text, detail, icon, failed
        words = remove_words or tr("Remove {name}", name=text)
        self._cross = IconButton("x", words, object_name=f"{object_name}_remove", side=20, parent=self)
        self._cross.clicked.connect(self._on_removed)
        set_names(self, object_name, f"{text}, {detail}" if detail else text)
        set_tip(self, self.accessibleName())
        repaint_on_theme(self)

    def _on_removed(self) -> None:
        self.removed.emit(self.key)

    def _name_width(self) -> int:
        return min(_WIDEST_NAME, QFontMetrics(theme.current().font("ui_strong")).horizontalAdvance(self._text)) + 1

    def _detail_width(self) -> int:
        if not self._detail:
            return 0
        return QFontMetrics(theme.current().font("small")).horizontalAdvance(self._detail) + 8

    def sizeHint(self) -> QSize:
        """Room for the icon, the whole name and detail, and the cross."""
        return QSize(28 + self._name_width() + self._detail_width() + 30, max(28, self.fontMetrics().height() + 8))

    def minimumSizeHint(self) -> QSize:
        """Room for the icon, a shortened name and the cross; the detail may be cut."""
        return QSize(100, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the cross at the right."""
        super().resizeEvent(event)
        size = self._cross.sizeHint()
        self._cross.setGeometry(
            self.width() - size.width(), (self.height() - size.height()) // 2, size.width(), size.height()
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box, the icon, the name and the detail."""
        painter, tokens = QPainter(self), theme.current()
        border = "danger_border" if self._failed else "border"
        draw_box(painter, self.rect(), 6, tokens.colour("surface"), tokens.colour(border))
        ink = "danger_text" if self._failed else "text_secondary"
        icons.paint_icon(painter, "alert" if self._failed else self._icon_name, ink, QRect(8, 0, 16, self.height()), 14)
        self._paint_words(painter, QRect(28, 0, self._name_width(), self.height()), "ui_strong", "text_primary")
        detail = QRect(28 + self._name_width() + 7, 0, 0, self.height())
        detail.setRight(self.width() - 28)
        self._paint_words(painter, detail, "small", ink)
        painter.end()

    def _paint_words(self, painter: QPainter, rect: QRect, type_name: str, colour: str) -> None:
        is_name = type_name == "ui_strong"
        painter.setFont(theme.current().font(type_name))
        painter.setPen(theme.current().colour(colour))
        mode = Qt.TextElideMode.ElideMiddle if is_name else Qt.TextElideMode.ElideRight
        words = painter.fontMetrics().elidedText(self._text if is_name else self._detail, mode, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, words)


def attachment_chip(attachment: Attachment, parent: QWidget) -> Chip:
    """The chip of a file, in its present state."""
    return Chip(
        attachment.path,
        attachment.name,
        attachment.detail,
        icon="filetext" if attachment.state == "ready" else "clock",
        failed=attachment.state == "failed",
        object_name="composer_attachment",
        parent=parent,
    )
