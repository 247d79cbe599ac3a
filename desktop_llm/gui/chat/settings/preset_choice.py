"""The choice of a preset: three cards, and a menu of the person's own."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.conversation import presets
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.literal import menu_text, set_words
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.buttons import press_on_enter
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import plural, tr


class PresetChoice(QWidget):
    """Signals: `chosen`, `rename_requested` and `remove_requested` with the name of a preset; `default_requested` with
    the name to use for new chats with the model, "" for none.
    """

    chosen = Signal(str)
    rename_requested = Signal(str)
    remove_requested = Signal(str)
    default_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._model = ""
        self._default = ""
        self._current = presets.BALANCED
        self._own: tuple[str, ...] = ()
        self._cards = {
            "Precise": _Card(tr("Precise"), tr("facts, code"), "preset_precise"),
            presets.BALANCED: _Card(tr("Balanced"), tr("most things"), "preset_balanced"),
            "Creative": _Card(tr("Creative"), tr("ideas, stories"), "preset_creative"),
        }
        self._state = Label("", "small", "text_primary", object_name="preset_state")
        self._menu_button = Button("", kind="quiet", object_name="preset_own", chevron=True, height=24)
        self._menu = QMenu(self._menu_button)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._menu_button.setMenu(self._menu)
        self._lay_out()
        for name, card in self._cards.items():
            card.clicked.connect(functools.partial(self.chosen.emit, name))

    def show_presets(self, own: Sequence[str], current: str, changed: int, model: str, default: str) -> None:
        """Show which preset is in use, how many values differ from it, and the preset of new chats with the model."""
        self._own, self._current, self._model, self._default = tuple(own), current, model, default
        for name, card in self._cards.items():
            card.setChecked(name == current)
        shown = self._shown(current)
        differs = plural("%n value changed", "%n values changed", changed)
        self._state.setText(tr("{preset}, {changes}", preset=shown, changes=differs) if changed else shown)
        self._menu_button.set_content(tr("Own presets ({count})", count=len(self._own)))

    def _shown(self, name: str) -> str:
        return self._cards[name].text() if name in self._cards else plain(name)

    def _lay_out(self) -> None:
        cards = QHBoxLayout()
        cards.setSpacing(2)
        for card in self._cards.values():
            cards.addWidget(card, 1)
        below = QHBoxLayout()
        below.setSpacing(4)
        below.addWidget(self._state, 1)
        below.addWidget(self._menu_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 6)
        column.setSpacing(2)
        column.addLayout(cards)
        column.addLayout(below)
        self._state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def _fill_menu(self) -> None:
        menu = self._menu
        menu.clear()
        for name in self._own:
            action = menu.addAction(menu_text(plain(name)), functools.partial(self.chosen.emit, name))
            action.setCheckable(True)
            action.setChecked(name == self._current)
        if not self._own:
            menu.addAction(tr("None yet")).setEnabled(False)
        menu.addSeparator()
        current = self._shown(self._current)
        if self._model:
            words = tr("Use {preset} for new chats with {model}", preset=current, model=plain(self._model))
            action = menu.addAction(menu_text(words))
            action.setCheckable(True)
            action.setChecked(self._default == self._current)
            action.toggled.connect(self._on_default)
        if self._current in self._own:
            rename = functools.partial(self.rename_requested.emit, self._current)
            remove = functools.partial(self.remove_requested.emit, self._current)
            menu.addAction(menu_text(tr("Rename {preset}", preset=current)), rename)
            menu.addAction(menu_text(tr("Remove {preset}", preset=current)), remove)

    def _on_default(self, on: bool) -> None:
        self.default_requested.emit(self._current if on else "")


class _Card(QAbstractButton):
    """A preset as a card with a name and a word what it is good for."""

    def __init__(self, title: str, text: str, object_name: str) -> None:
        super().__init__()
        self._below = text
        set_words(self, title)
        set_names(self, object_name, tr("{title}, {text}", title=title, text=text))
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        repaint_on_theme(self)

    def sizeHint(self) -> QSize:
        """Two lines, and the ring margin."""
        return QSize(96, 52 + 2 * RING_MARGIN)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card."""
        painter, colour, font = QPainter(self), theme.current().colour, theme.current().font
        box = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        chosen, hovered = self.isChecked(), self.underMouse()
        fill = "accent_soft" if chosen else "hover" if hovered else "surface"
        draw_box(painter, box, 6, colour(fill), colour("accent" if chosen else "border"), 2 if chosen else 1)
        for line, text, type_name, ink in (
            (QRect(0, 7, 0, 20), self.text(), "ui_strong", "text_primary"),
            (QRect(0, 26, 0, 18), self._below, "small", "text_secondary"),
        ):
            painter.setFont(font(type_name))
            painter.setPen(colour(ink))
            words = QRect(box.x() + 11, box.y() + line.y(), box.width() - 16, line.height())
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, words.width())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose on Enter, as on Space."""
        if not press_on_enter(self, event):
            super().keyPressEvent(event)
