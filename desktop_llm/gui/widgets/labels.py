"""Words that only show: labels in the types of the look, pills and tags."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme, set_names

PillKind = Literal["success", "warning", "danger", "neutral", "accent"]

_WIDTHS_KEPT = 16

_PILL_COLOURS: dict[PillKind, tuple[str, str]] = {
    "success": ("success_bg", "success_text"),
    "warning": ("warning_bg", "warning_text"),
    "danger": ("danger_bg", "danger_text"),
    "neutral": ("neutral_bg", "neutral_text"),
    "accent": ("accent_soft", "accent_text"),
}


class Label(QLabel):
    """Plain text in one of the types ("ui", "small", "heading", …) and colours of the look.

    Wrapped text keeps the line height of its type, which `QLabel` by itself does not.
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
        """Write in another colour of the theme."""
        self._colour = colour
        self.update()

    def _laid_out(self, width: int) -> QTextLayout:
        """The words broken into lines, each one line height below the other."""
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
        """All lines at a width; -1 for text that is not wrapped."""
        if not self.wordWrap():
            return super().heightForWidth(width)
        return self._line_count(width) * max(self._line_height, self.fontMetrics().height())

    def _line_count(self, width: int) -> int:
        """Remembered for some widths: a layout asks a dozen times for the same before it is content."""
        key = (self.text(), self.font().pixelSize(), width)
        if key not in self._line_counts:
            if len(self._line_counts) >= _WIDTHS_KEPT:
                self._line_counts.clear()
            self._line_counts[key] = max(1, self._laid_out(width).lineCount())
        return self._line_counts[key]

    def sizeHint(self) -> QSize:
        """As wide as `QLabel` thinks, as high as the lines are then."""
        size = super().sizeHint()
        return QSize(size.width(), self.heightForWidth(size.width())) if self.wordWrap() else size

    def minimumSizeHint(self) -> QSize:
        """Wrapped text gives way in width, never in height."""
        size = super().minimumSizeHint()
        return QSize(size.width(), max(self._line_height, self.fontMetrics().height())) if self.wordWrap() else size

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The words in their colour, which a palette would not keep: given another parent, Qt's style sheet brings an
        old palette back, and to set it again each time is most of what a page of labels costs to build.
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
    """One line of plain text that gives way with "…": names of files and models in the middle, titles at the end."""

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
        """The whole text, however much of it is seen."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def set_colour(self, colour: str) -> None:
        """Write in another colour of the theme."""
        self._colour = colour
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the whole text."""
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 1, max(20, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(24, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """As much of the text as fits; the tooltip holds the rest."""
        shown = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        self.setToolTip(self._text if shown != self._text else "")
        painter = QPainter(self)
        painter.setPen(theme.current().colour(self._colour))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, shown)
        painter.end()


class Pill(QWidget):
    """A state in icon, word and colour, such as "Ready" or "Too big"."""

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
        """The word shown."""
        return self._text

    def set_state(self, text: str, kind: PillKind, icon: str = "") -> None:
        """Show another state."""
        self._text, self._kind, self._icon_name = text, kind, icon
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Word, icon and padding, 20 high or what the font needs."""
        return QSize(pill_width(self._text, self._icon_name), max(20, self.fontMetrics().height() + 4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill, icon and word."""
        painter = QPainter(self)
        paint_pill(painter, self.rect(), self._text, self._kind, self._icon_name)
        painter.end()


def pill_width(text: str, icon: str) -> int:
    """How wide a pill is."""
    metrics = QFontMetrics(theme.current().font("small_strong"))
    return metrics.horizontalAdvance(text) + 16 + (18 if icon else 0)


def paint_pill(painter: QPainter, box: QRect, text: str, kind: PillKind, icon: str) -> None:
    """Paint a pill that fills `box`: for rows of lists, which are no widgets."""
    fill, ink = _PILL_COLOURS[kind]
    draw_box(painter, box, box.height() / 2, theme.current().colour(fill))
    x = box.x() + 8
    if icon:
        icons.paint_icon(painter, icon, ink, QRect(x, box.y(), 14, box.height()), 14)
        x += 18
    painter.setFont(theme.current().font("small_strong"))
    painter.setPen(theme.current().colour(ink))
    painter.drawText(QRect(x, box.y(), box.right() - x, box.height()), Qt.AlignmentFlag.AlignVCenter, text)


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
        """The word shown."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another word; none hides the tag."""
        self._text = text
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The word and 6 px at its sides."""
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 12, max(18, self.fontMetrics().height() + 4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Outline and word."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 4, colour("surface"), colour("border"))
        painter.setPen(colour("text_secondary"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()
