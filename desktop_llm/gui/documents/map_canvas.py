"""The picture of a collection: a point for each passage, topics with their names, and what a question found.

It is drawn for 20,000 points: those of one kind in one call, and the point below the mouse is looked up in a grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.knowledge.client import CollectionMap
from desktop_llm.words import tr

NOTHING = CollectionMap((), 0, *CollectionMap.columns())

_MARGIN_X, _MARGIN_Y = 70, 60
_NEAR = 9  # pixels around a point in which it is meant
_CELLS = 64
_FARTHEST, _NEAREST = 1.0, 24.0
_STEP = 1.4
_PIN = 10
_KEYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class MapCanvas(QWidget):
    """Wheel, + and − zoom, dragging moves, 0 shows all; arrows go from point to point, 1 to 9 to what was found, Enter
    opens, Esc forgets the question.

    Signals: `pointed` with the place of a passage in the map, -1 when none is pointed at; `opened` with the place of a
    passage; `question_left`.
    """

    pointed = Signal(int)
    opened = Signal(int)
    question_left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "map_canvas", tr("Map of the passages; the list beside it holds the same"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._map = NOTHING
        self._grid: dict[tuple[int, int], list[int]] = {}
        self._groups: list[list[int]] = []
        self._found: list[int] = []
        self._topic: int | None = None
        self._point = -1
        self._zoom, self._middle = 1.0, QPointF(0, 0)
        self._dragged: QPoint | None = None
        self._moved = False
        repaint_on_theme(self)

    def show_map(self, shown: CollectionMap) -> None:
        """Show another map, all of it."""
        self._map = shown
        self._found, self._topic, self._point = [], None, -1
        self._groups = [[] for _ in range(len(shown.topics) + 1)]
        self._grid = defaultdict(list)
        for place, label in enumerate(shown.labels):
            self._groups[label].append(place)  # -1, no topic, is the last group
            self._grid[self._cell(shown.xs[place], shown.ys[place])].append(place)
        self.fit()

    def show_found(self, places: Sequence[int]) -> None:
        """Light these passages, best first; -1 for one that is not in the map. An empty list forgets the question."""
        self._found = list(places)
        self.update()

    def show_topic(self, topic: int) -> None:
        """Outline a topic and fade the rest; -1 for none."""
        self._topic = topic if topic >= 0 else None
        self.update()

    def fit(self) -> None:
        """Show the whole map."""
        self._zoom, self._middle = 1.0, QPointF(0, 0)
        self.update()

    def zoom(self, steps: float, about: QPointF | None = None) -> None:
        """Zoom in by some steps, or out if `steps` is negative; the point `about` (in pixels) stays in its place."""
        about = QPointF(self.rect().center()) if about is None else about
        kept = self._to_map(about)
        self._zoom = min(_NEAREST, max(_FARTHEST, self._zoom * _STEP**steps))
        self._middle += kept - self._to_map(about)
        self.update()

    def picture(self) -> QImage:
        """What is shown, twice as large, to be saved."""
        image = QImage(self.size() * 2, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(2.0)
        self.render(image)
        return image

    def at(self, place: int) -> QPointF:
        """Where a passage is drawn."""
        return self._to_screen(QPointF(self._map.xs[place], self._map.ys[place]))

    def pins(self) -> list[QPoint]:
        """Where the passages that were found are drawn."""
        return [self.at(place).toPoint() for place in self._found if place >= 0]

    def sizeHint(self) -> QSize:
        """As large as the page lets it be."""
        return QSize(640, 520)

    def minimumSizeHint(self) -> QSize:
        """Small windows have room for a small map."""
        return QSize(260, 200)

    # Drawing

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the points, then what must not be hidden by them."""
        painter, look = QPainter(self), theme.current()
        draw_box(painter, self.rect(), 10, look.colour("surface"), look.colour("border"))
        painter.setClipRect(self.rect().adjusted(1, 1, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(self._map.labels) < 6000)
        for topic in range(len(self._map.topics)):
            chosen = topic == self._topic
            faded = self._topic is not None and not chosen
            self._dots(painter, self._groups[topic], "accent" if chosen else "border" if faded else "text_tertiary", 4)
        if self._groups:
            self._dots(painter, self._groups[-1], "border_control", 5)
            self._dots(painter, self._groups[-1], "surface", 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._topic is not None:
            self._outline(painter, self._groups[self._topic])
        if self._point >= 0:
            painter.setPen(QPen(look.colour("focus_ring"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self.at(self._point), 6, 6)
        self._draw_names(painter)
        self._draw_found(painter)
        if self.hasFocus():
            draw_box(painter, self.rect().adjusted(1, 1, -1, -1), 9, None, look.colour("focus_ring"), 2)
        painter.end()

    def _dots(self, painter: QPainter, places: Sequence[int], colour: str, width: int) -> None:
        pen = QPen(theme.current().colour(colour), width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(QPolygonF([self.at(place) for place in places]))

    def _outline(self, painter: QPainter, places: Sequence[int]) -> None:
        if not places:
            return
        painter.setPen(QPen(theme.current().colour("accent"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(self._box(places).adjusted(-12, -12, 12, 12))

    def _box(self, places: Sequence[int]) -> QRectF:
        points = [self.at(place) for place in places]
        across, down = sorted(point.x() for point in points), sorted(point.y() for point in points)
        few = len(points) // 50  # the outermost are not what the eye takes for the group
        return QRectF(
            QPointF(across[few], down[few]), QPointF(across[len(across) - 1 - few], down[len(down) - 1 - few])
        )

    def _draw_names(self, painter: QPainter) -> None:
        look = theme.current()
        painter.setFont(look.font("small_strong"))
        metrics = QFontMetrics(painter.font())
        taken: list[QRect] = []
        for topic, group in zip(self._map.topics, self._groups, strict=False):
            if not group:
                continue
            box, words = self._box(group), topic.name
            width = metrics.horizontalAdvance(words) + 8
            for top in (box.top() - metrics.height() - 6, box.bottom() + 6):
                label = QRect(round(box.center().x() - width / 2), round(top), width, metrics.height() + 2)
                label.moveLeft(max(6, min(label.left(), self.width() - width - 6)))
                if not any(label.intersects(other) for other in taken):
                    taken.append(label)
                    # Its own background: words over points can't be read.
                    painter.fillRect(label, look.colour("surface"))
                    painter.setPen(look.colour("text_primary"))
                    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, words)
                    break

    def _draw_found(self, painter: QPainter) -> None:
        shown = [(rank, self.at(place)) for rank, place in enumerate(self._found, 1) if place >= 0]
        if not shown:
            return
        look = theme.current()
        # The question stands among what was found, nearer to the better ones: it is no passage and has no own place.
        whole = sum(1 / rank for rank, _ in shown)
        asked = QPointF(
            sum(point.x() / rank for rank, point in shown) / whole,
            sum(point.y() / rank for rank, point in shown) / whole + 26,
        )
        pen = QPen(look.colour("lit_border"), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        for _, point in shown:
            painter.drawLine(asked, point)
        painter.setFont(look.font("small_strong"))
        for rank, point in reversed(shown):
            painter.setPen(QPen(look.colour("lit_border"), 1.5))
            painter.setBrush(look.colour("cite_active_bg"))
            painter.drawEllipse(point, _PIN, _PIN)
            painter.setPen(look.colour("cite_text"))
            box = QRectF(point.x() - _PIN, point.y() - _PIN, 2 * _PIN, 2 * _PIN)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(rank))
        diamond = QPainterPath()
        diamond.addPolygon(QPolygonF([asked + QPointF(*way) for way in ((0, -8), (8, 0), (0, 8), (-8, 0), (0, -8))]))
        painter.setPen(QPen(look.colour("text_primary"), 2))
        painter.setBrush(look.colour("surface"))
        painter.drawPath(diamond)

    # Moving about

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        self.zoom(event.angleDelta().y() / 120, event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the map, unless the button is let go at the same place."""
        self._dragged, self._moved = event.position().toPoint(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the map while a button is held; otherwise point at the passage below the mouse."""
        here = event.position().toPoint()
        if self._dragged is not None and event.buttons():
            if self._moved or (here - self._dragged).manhattanLength() > 4:
                self._middle -= self._to_map(QPointF(here)) - self._to_map(QPointF(self._dragged))
                self._dragged, self._moved = here, True
                self.update()
            return
        self._point_at(self._nearest(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the passage that was clicked."""
        place = self._nearest(event.position())
        if not self._moved and place >= 0:
            self.opened.emit(place)
        self._dragged = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        key, text = Qt.Key(event.key()), event.text()
        if key in _KEYS:
            self._step(*_KEYS[key])
        elif text in ("+", "="):
            self.zoom(1)
        elif text in ("-", "−"):
            self.zoom(-1)
        elif text == "0":
            self.fit()
        elif text.isdigit() and 0 < int(text) <= len(self._found):
            self._point_at(self._found[int(text) - 1])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._point >= 0:
            self.opened.emit(self._point)
        elif key == Qt.Key.Key_Escape and self._found:
            self.question_left.emit()
        else:
            super().keyPressEvent(event)

    def _point_at(self, place: int) -> None:
        if place != self._point:
            self._point = place
            self.pointed.emit(place)
            self.update()

    def _step(self, across: int, down: int) -> None:
        """Go to the nearest point in a direction, from the middle if none is pointed at."""
        start = QPointF(self.rect().center()) if self._point < 0 else self.at(self._point)
        best, least = -1, float("inf")
        for place in range(len(self._map.labels)):
            way = self.at(place) - start
            ahead, aside = way.x() * across + way.y() * down, abs(way.x() * down) + abs(way.y() * across)
            if place != self._point and ahead > 0 and (far := ahead + 2 * aside) < least:
                best, least = place, far
        if best >= 0:
            self._point_at(best)

    def _nearest(self, point: QPointF) -> int:
        for place in self._found:
            if place >= 0 and (self.at(place) - point).manhattanLength() <= 2 * _PIN:
                return place
        middle = self._to_map(point)
        column, row = self._cell(middle.x(), middle.y())
        close = [
            place
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for place in self._grid.get((column + across, row + down), ())
        ]
        far = {place: (self.at(place) - point).manhattanLength() for place in close}
        best = min(far, key=lambda place: far[place], default=-1)
        return best if best >= 0 and far[best] <= _NEAR else -1

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        return int((x + 1) / 2 * _CELLS), int((y + 1) / 2 * _CELLS)

    def _to_screen(self, point: QPointF) -> QPointF:
        # Each axis has its own scale, to use all of the place: they have no meaning.
        across, down = self._scale()
        middle = QPointF(self.rect().center())
        return QPointF(
            middle.x() + (point.x() - self._middle.x()) * across, middle.y() + (point.y() - self._middle.y()) * down
        )

    def _to_map(self, point: QPointF) -> QPointF:
        across, down = self._scale()
        middle = QPointF(self.rect().center())
        return QPointF((point.x() - middle.x()) / across, (point.y() - middle.y()) / down) + self._middle

    def _scale(self) -> tuple[float, float]:
        return (
            max(20.0, self.width() / 2 - _MARGIN_X) * self._zoom,
            max(20.0, self.height() / 2 - _MARGIN_Y) * self._zoom,
        )
