"""Shows text as it is written where Qt would read something else into it.

Qt guesses whether a tooltip is HTML, and HTML may name a picture that Qt then opens: a local file, or on Windows one of
another machine, which receives the person's credentials. In the text of a button, a tick or a menu, Qt reads an
ampersand as the mark of an Alt key. Names of models, files and chats come from outside, so the window sets all such
texts through this module; a test looks for calls that don't.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QKeySequence, Qt
from PySide6.QtWidgets import QAbstractButton, QToolTip, QWidget

_HTML = '<p style="white-space:pre-wrap">'
_LONGEST_LINE = 100
"""The most characters of a tooltip's line: only HTML is wrapped, and longer lines would leave the screen."""


def tip_text(text: str) -> str:
    """A text for `ToolTipRole`: unchanged if Qt takes it as plain, otherwise HTML that shows every character."""
    if Qt.mightBeRichText(text) or any(len(line) > _LONGEST_LINE for line in text.splitlines()):
        return f"{_HTML}{escape(text)}</p>"
    return text


def set_tip(widget: QWidget, text: str) -> None:
    """Set the tooltip of a widget; "" for none."""
    before, shown = widget.toolTip(), tip_text(text)
    widget.setToolTip(shown)
    if shown != text:
        widget.setAccessibleDescription(text)  # or a screen reader would read the tags
    elif before.startswith(_HTML):
        widget.setAccessibleDescription("")


def set_action_tip(action: QAction, text: str) -> None:
    """Set the tooltip of a menu's entry."""
    action.setToolTip(tip_text(text))


def show_tip(position: QPoint, text: str, widget: QWidget) -> None:
    """Show a tooltip at a position of the screen now; "" hides it."""
    QToolTip.showText(position, tip_text(text), widget)


def set_words(button: QAbstractButton, text: str) -> None:
    """Set the text of a button that paints itself; an ampersand makes no Alt key."""
    QAbstractButton.setText(button, text)
    button.setShortcut(QKeySequence())


def window_title(text: str) -> str:
    """A text for the title of a window, in which Qt replaces a single [*] by its mark of unsaved changes."""
    return text.replace("[*]", "[*][*]")


def menu_text(name: str) -> str:
    """A name as the text of a menu's entry: a single ampersand is a mark there, and what follows a tab is a key."""
    return " ".join(name.split()).replace("&", "&&")
