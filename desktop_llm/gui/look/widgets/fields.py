"""Fields: the search field and the choice from a list."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import tr


class SearchField(QLineEdit):
    """A search field: a magnifier at the left, a cross once there is text; Esc clears it."""

    search_changed = Signal(str)
    """The text, once typing has paused for a moment."""

    def __init__(
        self,
        placeholder: str,
        *,
        object_name: str = "",
        accessible_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self._magnifier = self.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._cross = self.addAction(icons.icon("x"), QLineEdit.ActionPosition.TrailingPosition)
        self._magnifier.setText(tr("Search"))  # Qt makes each a button, which a screen reader names by its text
        self._cross.setText(tr("Clear"))
        self._cross.triggered.connect(self.clear)
        self._cross.setVisible(False)
        self._pause = QTimer(self, singleShot=True, interval=theme.current().length("motion", "search_debounce_ms"))
        self._pause.timeout.connect(self._announce)
        self.textChanged.connect(self._on_text_changed)
        theme.notifier().changed.connect(self._tint)
        set_names(self, object_name, accessible_name or placeholder)

    def _on_text_changed(self, text: str) -> None:
        self._cross.setVisible(bool(text))
        self._pause.start()

    def _announce(self) -> None:
        self.search_changed.emit(self.text())

    def _tint(self) -> None:
        self._magnifier.setIcon(icons.icon("search"))
        self._cross.setIcon(icons.icon("x"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Clear the field on Esc; an empty field passes Esc on to its parent."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)


class Select(QComboBox):
    """A choice from a list, with the chevron of the look; the wheel scrolls the page, not the choice."""

    def __init__(self, *, object_name: str = "", accessible_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, object_name, accessible_name)
        set_names(self.view(), f"{object_name}_list", accessible_name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field by the style sheet, which can't tint a chevron, and then the chevron."""
        super().paintEvent(event)
        painter = QPainter(self)
        ink = "text_secondary" if self.isEnabled() else "text_disabled"
        icons.paint_icon(painter, "down", ink, QRect(self.width() - 26, 0, 20, self.height()))
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()
