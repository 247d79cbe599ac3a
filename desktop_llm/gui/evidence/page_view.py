"""A picture of a page that scrolls and zooms, with the quoted passage lit as by a highlighter.

The picture comes from outside in physical pixels; what is missing at a new zoom is asked for with `width_wanted` while
the old picture is shown scaled. Nothing is lit that the picture's maker did not point at.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QSizeF, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from desktop_llm.gui import theme
from desktop_llm.knowledge.client import PagePicture

ZOOMS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
_ASK_AGAIN_MS = 120
_LARGEST_PX = 2600
_ABOVE_TALL = 24


class PageView(QAbstractScrollArea):
    """Shows one `PagePicture`. Signals: `width_wanted(px)` when a sharper or smaller picture would fit better,
    `zoom_changed(factor)` where 1.0 is the width of the view."""

    width_wanted = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_page")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(self.tr("Page"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCornerWidget(QWidget())
        self._image = QImage()
        self._boxes: tuple[tuple[float, float, float, float], ...] = ()
        self._zoom = 1.0
        self._at_lit = True
        self._pulse = QVariantAnimation(self, startValue=0.0, endValue=1.0)
        self._pulse.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._pulse.valueChanged.connect(self._repaint)
        self._asking = QTimer(self, singleShot=True, interval=_ASK_AGAIN_MS)
        self._asking.timeout.connect(self._ask_for_width)
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            bar.actionTriggered.connect(self._on_scrolled)
        theme.notifier().changed.connect(self._repaint)

    @property
    def zoom(self) -> float:
        """1.0 fits the width."""
        return self._zoom

    @property
    def has_picture(self) -> bool:
        """Whether a page is shown."""
        return not self._image.isNull()

    def wanted_width(self) -> int:
        """The width in physical pixels at which the page would be drawn sharp."""
        return max(1, min(_LARGEST_PX, round(self._page_size().width() * self.devicePixelRatioF())))

    def set_picture(self, picture: PagePicture) -> bool:
        """Show a page with its boxes lit; False where the pixels are not what the size says.

        A picture of the page already shown, drawn for another size, keeps what is in the middle there.
        """
        if picture.width < 1 or picture.height < 1 or len(picture.pixels) < 4 * picture.width * picture.height:
            return False
        sharper = self.has_picture
        middle = self._middle()
        image = QImage(picture.pixels, picture.width, picture.height, 4 * picture.width, QImage.Format.Format_RGBA8888)
        self._image = image.convertToFormat(QImage.Format.Format_RGB32)
        self._boxes = picture.boxes
        self._update_bars()
        self._hold(middle)
        if not sharper:
            self._start_pulse()
        self.viewport().update()
        return True

    def clear(self) -> None:
        """Show no page."""
        self._at_lit = True
        self._image = QImage()
        self._boxes = ()
        self._asking.stop()
        self._pulse.stop()
        self._update_bars()
        self.viewport().update()

    def set_zoom(self, zoom: float) -> None:
        """Zoom to a factor of the view's width, keeping what is in the middle there."""
        zoom = min(max(zoom, ZOOMS[0]), ZOOMS[-1])
        if zoom == self._zoom:
            return
        middle = self._middle()
        self._zoom = zoom
        self._update_bars()
        self._hold(middle)
        self.zoom_changed.emit(zoom)
        self._asking.start()
        self.viewport().update()

    def zoom_in(self) -> None:
        """The next larger step."""
        self.set_zoom(next((step for step in ZOOMS if step > self._zoom + 0.01), ZOOMS[-1]))

    def zoom_out(self) -> None:
        """The next smaller step."""
        self.set_zoom(next((step for step in reversed(ZOOMS) if step < self._zoom - 0.01), ZOOMS[0]))

    def show_lit(self) -> None:
        """Scroll the lit passage to the middle; to the top of the page where nothing is lit."""
        lit, height = self._lit_path().boundingRect(), self.viewport().height()
        if lit.isNull():
            self._scroll_to(QPointF(self._page_size().width() / 2, 0))
        elif lit.height() > height:
            self._scroll_to(QPointF(lit.center().x(), lit.top() + height / 2 - _ABOVE_TALL))
        else:
            self._scroll_to(lit.center())

    def lit_rect(self) -> QRectF:
        """Where the lit passage is in the viewport; null where nothing is lit."""
        return self._lit_path().boundingRect().translated(self._origin())

    def _page_size(self) -> QSizeF:
        # Room for the bar is kept even while there is none: fitting the width must not hang on the height.
        bar = self.verticalScrollBar().sizeHint().width()
        width = max(1, self.contentsRect().width() - bar - 2) * self._zoom
        ratio = self._image.height() / self._image.width() if self.has_picture else math.sqrt(2)
        return QSizeF(width, width * ratio)

    def _origin(self) -> QPointF:
        """The page's top left corner in the viewport: centred while it is narrower than the view."""
        page = self._page_size()
        free = self.viewport().width() - page.width()
        x = 1 + max(0.0, (free - 2) / 2) - self.horizontalScrollBar().value()
        return QPointF(x, 1 - self.verticalScrollBar().value())

    def _lit_path(self) -> QPainterPath:
        """The boxes as one shape in logical pixels of the page, so that overlaps are not lit twice."""
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        if not self.has_picture:
            return path
        scale = self._page_size().width() / self._image.width()
        for x, y, width, height in self._boxes:
            path.addRect(QRectF(x * scale, y * scale, width * scale, height * scale))
        return path

    def _middle(self) -> QPointF:
        """The point of the page, as parts of its size, that is in the middle of the view."""
        page, origin = self._page_size(), self._origin()
        x = (self.viewport().width() / 2 - origin.x()) / page.width()
        y = (self.viewport().height() / 2 - origin.y()) / page.height()
        return QPointF(x, y)

    def _scroll_to(self, point: QPointF) -> None:
        """Bring a point of the page to the middle of the view."""
        self.horizontalScrollBar().setValue(round(point.x() - self.viewport().width() / 2))
        self.verticalScrollBar().setValue(round(point.y() - self.viewport().height() / 2))

    def _hold(self, middle: QPointF) -> None:
        """After a change of size: the lit passage stays in the middle until the person scrolls, then what they see."""
        if self._at_lit:
            self.show_lit()
        else:
            self._scroll_to_part(middle)

    def _start_pulse(self) -> None:
        if self._boxes:
            self._pulse.setDuration(theme.current().length("motion", "lit_pulse_ms"))
            self._pulse.start()

    def _on_scrolled(self, _action: int) -> None:
        self._at_lit = False

    def _scroll_to_part(self, part: QPointF) -> None:
        page = self._page_size()
        self._scroll_to(QPointF(part.x() * page.width(), part.y() * page.height()))

    def _update_bars(self) -> None:
        page = self._page_size() if self.has_picture else QSizeF()
        view = self.viewport().size()
        for bar, needed, seen in (
            (self.horizontalScrollBar(), page.width(), view.width()),
            (self.verticalScrollBar(), page.height(), view.height()),
        ):
            bar.setPageStep(seen)
            bar.setSingleStep(48)
            bar.setRange(0, max(0, math.ceil(needed) + 2 - seen))

    def _ask_for_width(self) -> None:
        if self.has_picture and abs(self.wanted_width() - self._image.width()) > 1:
            self.width_wanted.emit(self.wanted_width())

    def _repaint(self) -> None:
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the page again, and ask for a picture of that size."""
        middle = self._middle()
        self._update_bars()
        self._hold(middle)
        self._asking.start()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; zoom with Ctrl."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            (self.zoom_in if event.angleDelta().y() > 0 else self.zoom_out)()
            event.accept()
            return
        self._at_lit = False
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll; Left and Right turn the page unless they scroll."""
        sideways = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if sideways and self.horizontalScrollBar().maximum() == 0:
            event.ignore()  # the panel turns the page
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The page, what is lit on it, and the ring of the focus."""
        painter = QPainter(self.viewport())
        if self.has_picture:
            self._paint_page(painter)
        if self.hasFocus():
            painter.setPen(QPen(theme.current().colour("focus_ring"), 2))
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))

    def _paint_page(self, painter: QPainter) -> None:
        colours = theme.current()
        page = QRectF(self._origin(), self._page_size())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(page, self._image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Multiply)
        painter.fillRect(page, colours.colour("page_paper"))
        self._paint_lit(painter)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        painter.setPen(colours.colour("border"))
        painter.drawRect(page.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _paint_lit(self, painter: QPainter) -> None:
        lit = self._lit_path().translated(self._origin())
        colour = theme.current().colour("lit_page")
        painter.fillPath(lit, colour)
        if self._pulse.state() == QVariantAnimation.State.Running:
            strength = math.sin(math.pi * float(self._pulse.currentValue()))
            painter.fillPath(lit, QColor(colour.red(), colour.green(), colour.blue(), round(160 * strength)))
