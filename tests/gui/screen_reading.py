"""Reads what Qt shows, for tests of what a person sees."""

from __future__ import annotations

from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import QApplication, QLabel


def as_shown(text: str) -> str:
    """What a person reads if Qt shows `text` and guesses whether it is HTML."""
    if not Qt.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def open_tip() -> str:
    """The text of the tooltip on screen, as Qt was given it; "" if there is none."""
    shown = [widget for widget in QApplication.topLevelWidgets() if widget.inherits("QTipLabel") and widget.isVisible()]
    return shown[0].text() if shown and isinstance(shown[0], QLabel) else ""
