"""Fonts, line heights and colours of the transcript at one reading scale and theme."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat

from desktop_llm.gui.theme import Theme

_READ = frozenset(
    {"reading", "reading_h1", "reading_h2", "reading_h3", "table", "code", "code_inline", "tiny"}  # tiny: citations
)
_FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


class Typography:
    """Made anew when the theme or the reading scale changes; every part of every message holds it."""

    def __init__(self, theme: Theme, scale: float = 1.0) -> None:
        self._theme, self.scale = theme, scale
        self._formats: dict[tuple[str, str], QTextCharFormat] = {}

    def colour(self, name: str) -> QColor:
        return self._theme.colour(name)

    def font(self, type_name: str) -> QFont:
        """What is read grows with the reading scale; labels and figures are controls and do not."""
        return self._theme.font(type_name, self.scale if type_name in _READ else 1.0)

    def line(self, type_name: str) -> int:
        """Pixels from line to line."""
        return self._theme.line_height(type_name, self.scale if type_name in _READ else 1.0)

    def px(self, length: float) -> int:
        """A length that grows with the reading scale."""
        return round(length * self.scale)

    def text_format(self, type_name: str, colour: str) -> QTextCharFormat:
        """Characters of a type in a colour."""
        key = (type_name, colour)
        if key not in self._formats:
            result = self._formats[key] = QTextCharFormat()
            result.setFont(self.font(type_name))
            result.setForeground(self.colour(colour))
        return QTextCharFormat(self._formats[key])

    def block_format(self, type_name: str, top: float = 0) -> QTextBlockFormat:
        """A paragraph with the line height of a type and room above it."""
        result = QTextBlockFormat()
        result.setLineHeight(self.line(type_name), _FIXED)
        result.setTopMargin(top)
        return result
