"""Text for reading: labels in the types of the look, pills and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names

PillKind = Literal["success", "warning", "danger", "neutral", "accent"]

_WIDTHS_KEPT = 16
_ICON_GAP = 5

_PILL_COLOURS: dict[PillKind, tuple[str, str]] = {
    "success": ("success_bg", "success_text"),
    "warning": ("warning_bg", "warning_text"),
    "danger": ("danger_bg", "danger_text"),
    "neutral": ("neutral_bg", "neutral_text"),
    "accent": ("accent_soft", "accent_text"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A pill as data: a word, a kind and an icon, as colour alone is not enough."""

    text: str
    kind: PillKind = "neutral"
    icon: str = ""


class Label(QLabel):
    """Plain text in one of the types ("ui", "small", "heading", …) and colours of the look.

    Wrapped text has the line height of its type, which `QLabel` can't do.
    """

    def __init__(
        self,
        text: str = "",
        type_name: str = "ui",
        colour: str = "text_primary",
        *,
        wrap: bool = False,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._colour = colour
        self._line_height = theme.current().line_height(type_name)
        self._line_counts: dict[tuple[str, int, int], int] = {}
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.current().font(type_name))
        self.setWordWrap(wrap)
        set_names(self, object_name, "")
        repaint_on_theme(self)

    def set_colour(self, colour: str) -> None:
        """Use another colour of the theme."""
        self._colour = colour
        self.update()

    def _laid_out(self, width: int) -> QTextLayout:
        """The text broken into lines, each one line height below the other."""
        layout = QTextLayout(self.text().replace("\n", "\u2028"), self.font())
        option = QTextOption(self.alignment())
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        height = max(self._line_height, self.fontMetrics().height())
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, (layout.lineCount() - 1) * height + (height - line.height()) / 2))
        layout.endLayout()
        return layout

    def heightForWidth(self, width: int) -> int:
        """The height of all lines at a width; -1 for text that is not wrapped."""
        if not self.wordWrap():
            return super().heightForWidth(width)
        return self._line_count(width) * max(self._line_height, self.fontMetrics().height())

    def _line_count(self, width: int) -> int:
        """The number of lines at a width, cached because a layout asks for the same width a dozen times."""
        key = (self.text(), self.font().pixelSize(), width)
        if key not in self._line_counts:
            if len(self._line_counts) >= _WIDTHS_KEPT:
                self._line_counts.clear()
            self._line_counts[key] = max(1, self._laid_out(width).lineCount())
        return self._line_counts[key]

    def sizeHint(self) -> QSize:
        """The width that `QLabel` suggests, and the height of the lines at that width."""
        size = super().sizeHint()
        return QSize(size.width(), self.heightForWidth(size.width())) if self.wordWrap() else size

    def minimumSizeHint(self) -> QSize:
        """Wrapped text can become narrower, but never lower."""
        size = super().minimumSizeHint()
        return QSize(size.width(), max(self._line_height, self.fontMetrics().height())) if self.wordWrap() else size

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text in its colour. A palette would not keep it: when the parent changes, Qt's style sheet brings
        an old palette back, and setting it again takes most of the time of building a page of labels.
        """
        painter = QPainter(self)
        painter.setPen(theme.current().colour(self._colour))
        if self.wordWrap():
            self._laid_out(self.width()).draw(painter, QPointF(0, 0))
        else:
            painter.drawText(self._line_rect(), self.alignment(), self.text())
        painter.end()

    def _line_rect(self) -> QRect:
        indent = max(0, self.indent())
        return self.contentsRect().adjusted(*((0, 0, -indent, 0) if self.isRightToLeft() else (indent, 0, 0, 0)))


class ElidedLabel(QWidget):
    """One line of plain text, shortened with "…": names of files and models in the middle, titles at the end."""

    def __init__(
        self,
        text: str = "",
        type_name: str = "ui",
        colour: str = "text_primary",
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text, self._colour, self._mode = text, colour, mode
        self.setFont(theme.current().font(type_name))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, text)
        repaint_on_theme(self)

    def text(self) -> str:
        """The whole text, even if it is shortened on screen."""
        return self._text

    def set_text(self, text: str) -> None:
        """Set the text."""
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def set_colour(self, colour: str) -> None:
        """Use another colour of the theme."""
        self._colour = colour
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the whole text."""
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 1, max(20, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        """Any width is enough."""
        return QSize(24, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint as much of the text as fits; the tooltip shows all of it."""
        shown = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        set_tip(self, self._text if shown != self._text else "")
        painter = QPainter(self)
        painter.setPen(theme.current().colour(self._colour))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, shown)
        painter.end()


class Pill(QWidget):
    """A state as icon, word and colour, such as "Ready" or "Too big"."""

    def __init__(
        self,
        text: str,
        kind: PillKind = "neutral",
        icon: str = "",
        *,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text, self._kind, self._icon_name = text, kind, icon
        self.setFont(theme.current().font("small_strong"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, text)
        repaint_on_theme(self)

    def text(self) -> str:
        """The word on it."""
        return self._text

    def set_state(self, text: str, kind: PillKind, icon: str = "") -> None:
        """Set the state."""
        self._text, self._kind, self._icon_name = text, kind, icon
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for word, icon and padding, 20 px high or more if the font needs it."""
        return QSize(pill_width(self._text, self._icon_name), max(20, self.fontMetrics().height() + 4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fill, icon and word."""
        painter = QPainter(self)
        paint_pill(painter, self.rect(), Mark(self._text, self._kind, self._icon_name))
        painter.end()


def pill_width(text: str, icon: str) -> int:
    """The width of a pill."""
    metrics = QFontMetrics(theme.current().font("small_strong"))
    return metrics.horizontalAdvance(text) + 16 + (18 if icon else 0)


def paint_pill(painter: QPainter, box: QRect, mark: Mark) -> None:
    """Paint a pill that fills `box`, for rows of lists, which are not widgets."""
    fill, ink = _PILL_COLOURS[mark.kind]
    draw_box(painter, box, box.height() / 2, theme.current().colour(fill))
    x = box.x() + 8
    if mark.icon:
        icons.paint_icon(painter, mark.icon, ink, QRect(x, box.y(), 14, box.height()), 14)
        x += 18
    painter.setFont(theme.current().font("small_strong"))
    painter.setPen(theme.current().colour(ink))
    painter.drawText(QRect(x, box.y(), box.right() - x, box.height()), Qt.AlignmentFlag.AlignVCenter, mark.text)


class Tag(QWidget):
    """A small outlined word beside a name, such as "Balanced"."""

    def __init__(self, text: str = "", *, object_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = text
        self.setFont(theme.current().font("tiny"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, text)
        repaint_on_theme(self)

    def text(self) -> str:
        """The word on it."""
        return self._text

    def set_text(self, text: str) -> None:
        """Set the word; an empty one hides the tag."""
        self._text = text
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the word and 6 px at its sides."""
        return QSize(tag_width(self._text), max(18, self.fontMetrics().height() + 4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the outline and the word."""
        painter = QPainter(self)
        paint_tag(painter, self.rect(), self._text)
        painter.end()


def tag_width(text: str) -> int:
    """The width of a tag."""
    return QFontMetrics(theme.current().font("tiny")).horizontalAdvance(text) + 12


def paint_tag(painter: QPainter, box: QRect, text: str) -> None:
    """Paint a tag that fills `box`, its word shortened if need be, for rows of lists, which are not widgets."""
    colour = theme.current().colour
    draw_box(painter, box, 4, colour("surface"), colour("border"))
    painter.setFont(theme.current().font("tiny"))
    painter.setPen(colour("text_secondary"))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width() - 11)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)


class Picture(QWidget):
    """A decorative icon beside text that says the same."""

    def __init__(self, icon: str, side: int = 18, colour: str = "text_primary", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._side, self._colour = icon, side, colour
        self.setFixedSize(side, side)
        repaint_on_theme(self)

    def set_icon(self, icon: str, colour: str) -> None:
        """Change the icon."""
        self._icon, self._colour = icon, colour
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon."""
        painter = QPainter(self)
        icons.paint_icon(painter, self._icon, self._colour, self.rect(), self._side)
        painter.end()


class IconText(QWidget):
    """A small icon and text on one line; if the icon is "", only the text."""

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
        """The text."""
        return self._text

    def set_content(self, icon: str, text: str, colour: str = "text_secondary") -> None:
        """Change the icon, the text and the colour."""
        self._icon, self._text, self._colour = icon, text, colour
        self.setAccessibleName(self._spoken or text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for icon, gap and text."""
        width = self.fontMetrics().horizontalAdvance(self._text) + 1 + (14 + _ICON_GAP if self._icon else 0)
        return QSize(width, max(20, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        """The smallest size; the text is shortened."""
        return QSize(min(48, self.sizeHint().width()), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon, then as much of the text as fits."""
        painter = QPainter(self)
        left = 0
        if self._icon:
            box = QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(0, 0, 14, self.height()))
            icons.paint_icon(painter, self._icon, self._colour, box, 14)
            left = 14 + _ICON_GAP
        painter.setPen(theme.current().colour(self._colour))
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), self.rect().adjusted(left, 0, 0, 0))
        shown = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width() - left)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, shown)
        painter.end()
