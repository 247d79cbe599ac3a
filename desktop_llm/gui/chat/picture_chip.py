"""The chips of pictures in the composer: thumbnail, name, size, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.pictures import paint_picture
from desktop_llm.gui.look.widgets import IconButton, Spinner
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

THUMB = QSize(56, 42)
_HEIGHT, _WIDEST_WORDS, _WIDEST_SENTENCE, _GAP = 52, 280, 460, 8


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of the message being written; `detail` is its size, or what is wrong; `blind`: the chosen model does
    not see it.
    """

    key: str
    name: str
    state: Literal["reading", "ready", "failed"]
    detail: str
    blind: bool = False
    image: QImage = field(default_factory=QImage, compare=False)


class PictureChip(QWidget):
    """A chip of 52 px. Signal: `removed` with its key."""

    removed = Signal(str)

    def __init__(self, picture: ShownPicture, parent: QWidget) -> None:
        super().__init__(parent)
        self._picture = picture
        self._cross = IconButton(
            "x", tr("Remove {name}", name=picture.name), object_name="composer_picture_remove", side=20, parent=self
        )
        self._cross.clicked.connect(self._on_removed)
        self._spinner = Spinner(parent=self) if picture.state == "reading" else None
        set_names(self, "composer_picture", f"{picture.name}, {picture.detail}")
        set_tip(self, self.accessibleName())
        repaint_on_theme(self)

    def _on_removed(self) -> None:
        self.removed.emit(self._picture.key)

    def _words_width(self) -> int:
        tokens, picture = theme.current(), self._picture
        name = QFontMetrics(tokens.font("ui_strong")).horizontalAdvance(picture.name)
        detail = QFontMetrics(tokens.font("small")).horizontalAdvance(picture.detail)
        widest = _WIDEST_SENTENCE if picture.state == "failed" else _WIDEST_WORDS
        return min(widest, max(name, detail)) + 1

    def sizeHint(self) -> QSize:
        """Room for the thumbnail, the words and the cross."""
        return QSize(5 + THUMB.width() + _GAP + self._words_width() + _GAP + 30, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Room for the thumbnail, shortened words and the cross."""
        return QSize(5 + THUMB.width() + 90, _HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the cross at the right, and the spinner on the thumbnail."""
        super().resizeEvent(event)
        size = self._cross.sizeHint()
        self._cross.setGeometry(
            self.width() - size.width() - 4, (self.height() - size.height()) // 2, size.width(), size.height()
        )
        if self._spinner is not None:
            hint = self._spinner.sizeHint()
            place = QRect(0, 0, hint.width(), hint.height())
            place.moveCenter(self._thumb().center())
            self._spinner.setGeometry(place)

    def _thumb(self) -> QRect:
        return QRect(5, (self.height() - THUMB.height()) // 2, THUMB.width(), THUMB.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box, the thumbnail, the name and what is to be said about it."""
        painter, tokens, picture = QPainter(self), theme.current(), self._picture
        failed = picture.state == "failed"
        border = "danger_border" if failed else "warning_border" if picture.blind else "border"
        fill = "warning_bg" if picture.blind and not failed else "surface"
        draw_box(painter, self.rect(), 8, tokens.colour(fill), tokens.colour(border))
        paint_picture(painter, picture.image, self._thumb(), 4)
        if failed:
            icons.paint_icon(painter, "alert", "danger_text", self._thumb(), 18)
        left = self._thumb().right() + 1 + _GAP
        width = self.width() - left - 34
        line = self.height() // 2 - 4
        self._paint_words(painter, QRect(left, 5, width, line), "ui_strong", "text_primary", picture.name)
        ink = "danger_text" if failed else "warning_text" if picture.blind else "text_secondary"
        self._paint_words(painter, QRect(left, 4 + line, width, line), "small", ink, picture.detail)
        painter.end()

    def _paint_words(self, painter: QPainter, rect: QRect, type_name: str, colour: str, words: str) -> None:
        painter.setFont(theme.current().font(type_name))
        painter.setPen(theme.current().colour(colour))
        is_name = type_name == "ui_strong"
        mode = Qt.TextElideMode.ElideMiddle if is_name else Qt.TextElideMode.ElideRight
        shown = painter.fontMetrics().elidedText(words, mode, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, shown)
