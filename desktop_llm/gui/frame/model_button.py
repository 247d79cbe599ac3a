"""The model button of the header: the chosen model and its state; a click opens the model menu."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.literal import set_tip, set_words
from desktop_llm.gui.look.model_words import size_word
from desktop_llm.gui.look.widgets.labels import paint_tag, tag_width
from desktop_llm.gui.look.widgets.meters import paint_spinner
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, draw_focus_ring, repaint_on_theme, set_names
from desktop_llm.words import tr

ButtonState = Literal["idle", "waiting", "loading", "ready", "stopped"]

_NAME_WIDTH = 180
_NAME_BEFORE_TAG = 110
# The room for edge, state icon and gap; for gap, chevron and edge; and for the ring.
_AROUND_WORDS = 12 + 16 + 8 + 8 + 16 + 10 + 2 * RING_MARGIN
_TURN_MS = 40


class ModelButton(QPushButton):
    """Icon, name (elided in the middle), size tag and chevron. Signal: `cancel_requested` on Esc while loading."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._tag, self._quantization, self._open = "", "", "", False
        self._device, self._tip = "", ""
        self._state: ButtonState = "idle"
        self._fraction: float | None = None
        self._turn = 0.0
        self._timer = QTimer(self, interval=_TURN_MS)
        self._timer.timeout.connect(self._on_turn)
        self.setFont(theme.current().font("ui_strong"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        set_names(self, "model_button", "")
        repaint_on_theme(self)
        self._say()

    def set_model(self, name: str, quantization: str) -> None:
        """Show another model; an empty name asks to choose one."""
        self._name, self._tag, self._quantization = plain(name), size_word(quantization), quantization
        self._say()
        self.updateGeometry()

    def set_state(self, state: ButtonState, fraction: float | None = None, tip: str = "") -> None:
        """Show the state of the model: `fraction` (0 to 1) while it loads, `tip` for why it stopped."""
        self._state, self._fraction = state, fraction
        if self._is_busy and not self._timer.isActive():
            self._timer.start()
        elif not self._is_busy:
            self._timer.stop()
        self._say(tip)

    def set_device(self, words: str) -> None:
        """Say in the tooltip what the model runs on, because a narrow header does not show it."""
        self._device = words
        self._say(self._tip)

    def set_open(self, is_open: bool) -> None:
        """Look pressed while the menu is open."""
        self._open = is_open
        self.update()

    def is_open(self) -> bool:
        """Whether the menu is open."""
        return self._open

    def set_closed(self) -> None:
        """Look normal again, because the menu has closed."""
        self.set_open(False)

    def words(self) -> str:
        """The words on the button."""
        if not self._name:
            return tr("Choose a model")
        if self._state == "waiting":
            return tr("Waiting")
        if self._state == "loading":
            return self._loading_words(self._fraction)
        return self._name

    @property
    def _is_busy(self) -> bool:
        return self._state in ("waiting", "loading")

    def _loading_words(self, fraction: float | None) -> str:
        if fraction is None:
            return tr("Loading")
        return tr("Loading {percent} %", percent=int(fraction * 100))

    def _say(self, tip: str = "") -> None:
        state = {
            "idle": tr("loaded with the first message"),
            "waiting": tr("waiting"),
            "loading": self.words().lower(),
            "ready": tr("loaded"),
            "stopped": tr("stopped"),
        }[self._state]
        full = f"{self._name} {self._tag}".strip()
        name = tr("Model, {name}, {state}", name=full, state=state) if full else self.words()
        self.setAccessibleName(name)
        self._tip = tip
        parts = [f"{self._name} {self._quantization}".strip(), state, self._device] if self._name else [self.words()]
        set_tip(self, tip or f"{', '.join(part for part in parts if part)} (Ctrl+L)")
        set_words(self, self.words())
        self.update()

    def _on_turn(self) -> None:
        self._turn = (self._turn + _TURN_MS / theme.current().length("motion", "spinner_turn_ms")) % 1
        self.update()

    def sizeHint(self) -> QSize:
        """The same width whether loading or not, so that nothing beside it moves."""
        metrics = self.fontMetrics()
        widest = min(_NAME_WIDTH, metrics.horizontalAdvance(self._name or self.words()) + 1) + self._tag_room()
        if self._name:
            widest = max(widest, metrics.horizontalAdvance(self._loading_words(1.0)))
        height = max(32, metrics.height() + 8)
        return QSize(widest + _AROUND_WORDS, height + 2 * RING_MARGIN)

    def minimumSizeHint(self) -> QSize:
        """The smallest size; the name is shortened first."""
        return QSize(min(150, self.sizeHint().width()), self.sizeHint().height())

    def _tag_room(self) -> int:
        return tag_width(self._tag) + 8 if self._tag and self._name else 0

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box, state icon, words, tag, chevron and ring."""
        painter, colour = QPainter(self), theme.current().colour
        box = self.rect().adjusted(RING_MARGIN, RING_MARGIN, -RING_MARGIN, -RING_MARGIN)
        fill = "selected" if self._open else "pressed" if self.isDown() else "hover" if self.underMouse() else "surface"
        draw_box(painter, box, 6, colour(fill), colour("accent" if self._open else "border"))
        self._paint_state(painter, self._side(QRect(box.x() + 12, box.y(), 16, box.height())))
        chevron = self._side(QRect(box.right() - 26, box.y(), 16, box.height()))
        icons.paint_icon(painter, "down", "text_secondary", chevron)
        self._paint_words(painter, box.adjusted(36, 0, -34, 0))
        if self.hasFocus():
            draw_focus_ring(painter, self.rect(), 6)
        painter.end()

    def _side(self, place: QRect) -> QRect:
        """The place, mirrored if the window reads from right to left."""
        return QStyle.visualRect(self.layoutDirection(), self.rect(), place)

    def _paint_state(self, painter: QPainter, place: QRect) -> None:
        if self._is_busy and self._name:
            side = QRect(place.x(), place.center().y() - 7, 16, 16)
            paint_spinner(painter, side, self._turn)
        else:
            stopped = self._state == "stopped" and bool(self._name)
            icons.paint_icon(painter, "alert" if stopped else "cube", self._icon_colour(stopped), place)

    def _icon_colour(self, stopped: bool) -> str:
        return "danger_text" if stopped else "text_secondary"

    def _paint_words(self, painter: QPainter, place: QRect) -> None:
        with_tag = not self._is_busy and self.shows_tag(self.width())
        room = place.width() - (self._tag_room() if with_tag else 0)
        shown = self.fontMetrics().elidedText(self.words(), Qt.TextElideMode.ElideMiddle, room)
        painter.setFont(self.font())
        painter.setPen(theme.current().colour("text_primary"))
        width = self.fontMetrics().horizontalAdvance(shown)
        words = self._side(QRect(place.x(), place.y(), width + 1, place.height()))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
        if with_tag:
            tag = QRect(place.x() + width + 8, place.center().y() - 8, tag_width(self._tag), 18)
            paint_tag(painter, self._side(tag), self._tag)

    def shows_tag(self, width: int) -> bool:
        """Whether a button of this width has room for the size tag beside the name."""
        name = min(self.fontMetrics().horizontalAdvance(self._name), _NAME_BEFORE_TAG)
        return bool(self._tag and self._name) and width >= _AROUND_WORDS + name + self._tag_room()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the menu on Enter, cancel loading on Esc."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.click()
        elif event.key() == Qt.Key.Key_Escape and self._is_busy:
            self.cancel_requested.emit()
        else:
            super().keyPressEvent(event)
