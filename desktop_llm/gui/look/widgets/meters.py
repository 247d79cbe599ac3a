"""Meters of progress and use: the meter, the thin progress bar and the spinner."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names

_WARN_FROM, _FULL_FROM = 0.75, 0.92
_TURN_STEPS = 24


class Meter(QProgressBar):
    """A bar of 72 × 6 px that turns amber from 75 % and red from 92 %, or from given limits; a progress bar to screen
    readers.
    """

    def __init__(
        self,
        *,
        object_name: str = "",
        accessible_name: str = "",
        warn_from: float = _WARN_FROM,
        full_from: float = _FULL_FROM,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._warn_from, self._full_from = warn_from, full_from
        self.setRange(0, 1000)
        self.setTextVisible(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, accessible_name)
        repaint_on_theme(self)

    def set_amount(self, used: int, total: int) -> None:
        """Show `used` of `total`, at most a full bar."""
        self.setValue(round(1000 * min(used, total) / total) if total > 0 else 0)

    def fraction(self) -> float:
        """The filled part, 0 to 1."""
        return self.value() / 1000

    def sizeHint(self) -> QSize:
        """The bar alone."""
        return QSize(72, 6)

    def minimumSizeHint(self) -> QSize:
        """The bar alone."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the track and the fill."""
        part = self.fraction()
        warning = "meter_warn" if part >= self._warn_from else "meter_fill"
        fill = "meter_full" if part >= self._full_from else warning
        _paint_bar(self, part, fill)


class ProgressBar(QProgressBar):
    """A bar 4 px high over the whole width; text beside it gives the numbers."""

    def __init__(self, *, object_name: str = "", accessible_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 1000)
        self.setTextVisible(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_names(self, object_name, accessible_name)
        repaint_on_theme(self)

    def set_fraction(self, fraction: float) -> None:
        """Fill the bar up to `fraction`, 0 to 1."""
        self.setValue(round(1000 * min(1.0, max(0.0, fraction))))

    def sizeHint(self) -> QSize:
        """4 px high."""
        return QSize(160, 4)

    def minimumSizeHint(self) -> QSize:
        """4 px high, any width."""
        return QSize(24, 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the track and the fill."""
        _paint_bar(self, self.value() / 1000, "meter_fill")


class Spinner(QWidget):
    """A turning quarter circle beside text that says what is going on; it turns only while it is visible."""

    def __init__(self, side: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step = 0
        self.setFixedSize(side, side)
        self._timer = QTimer(self)
        self._timer.setInterval(theme.current().length("motion", "spinner_turn_ms") // _TURN_STEPS)
        self._timer.timeout.connect(self._turn)

    def _turn(self) -> None:
        self._step = (self._step + 1) % _TURN_STEPS
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Start turning."""
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop turning."""
        self._timer.stop()
        super().hideEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ring and the arc."""
        painter = QPainter(self)
        paint_spinner(painter, self.rect(), self._step / _TURN_STEPS)
        painter.end()


def paint_spinner(painter: QPainter, rect: QRect, turn: float) -> None:
    """Paint a spinner inside `rect`, `turn` (0 to 1) of the way round."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ring = rect.adjusted(2, 2, -2, -2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.current().colour("meter_track"), 2))
    painter.drawEllipse(ring)
    painter.setPen(QPen(theme.current().colour("accent"), 2, c=Qt.PenCapStyle.RoundCap))
    painter.drawArc(ring, round(16 * (90 - 360 * turn)), -16 * 90)


def _paint_bar(widget: QWidget, part: float, fill: str) -> None:
    painter, colour = QPainter(widget), theme.current().colour
    rect, radius = widget.rect(), widget.height() / 2
    draw_box(painter, rect, radius, colour("meter_track"))
    if part > 0:
        width = max(widget.height(), round(rect.width() * part))
        left = rect.right() + 1 - width if widget.isRightToLeft() else rect.x()
        draw_box(painter, QRect(left, rect.y(), width, rect.height()), radius, colour(fill))
    painter.end()
