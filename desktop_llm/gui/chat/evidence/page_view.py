"""The page of a quote: a picture with the passage highlighted, its text, or a sentence that says why there is
neither."""

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
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from desktop_llm.gui.chat.evidence.text_view import TextView
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.widgets import Button, Label, Picture, Spinner
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme
from desktop_llm.knowledge.client import PagePicture
from desktop_llm.words import tr

ZOOMS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
_ASK_AGAIN_MS = 120
_LARGEST_PX = 2600
_ABOVE_TALL = 24


class PageView(QAbstractScrollArea):
    """Shows one `PagePicture`. Signals: `width_wanted(px)` when a picture of another size would fit better;
    `zoom_changed(factor)`, 1.0 being the width of the view."""

    width_wanted = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence_page")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Page"))
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
        """The zoom factor; 1.0 fits the width."""
        return self._zoom

    @property
    def has_picture(self) -> bool:
        """Whether a page picture is shown."""
        return not self._image.isNull()

    def wanted_width(self) -> int:
        """The width in physical pixels at which the page would be sharp."""
        return max(1, min(_LARGEST_PX, round(self._page_size().width() * self.devicePixelRatioF())))

    def set_picture(self, picture: PagePicture) -> bool:
        """Show a page with its boxes highlighted; returns False if the pixels don't match the size.

        If this page is already shown in another size, the same point stays in the middle of the view.
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
        """Zoom to a factor of the view's width around the middle of the view."""
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
        """Zoom in by one step."""
        self.set_zoom(next((step for step in ZOOMS if step > self._zoom + 0.01), ZOOMS[-1]))

    def zoom_out(self) -> None:
        """Zoom out by one step."""
        self.set_zoom(next((step for step in reversed(ZOOMS) if step < self._zoom - 0.01), ZOOMS[0]))

    def show_lit(self) -> None:
        """Scroll the highlighted passage to the middle; to the top of the page if nothing is highlighted."""
        lit, height = self._lit_path().boundingRect(), self.viewport().height()
        if lit.isNull():
            self._scroll_to(QPointF(self._page_size().width() / 2, 0))
        elif lit.height() > height:
            self._scroll_to(QPointF(lit.center().x(), lit.top() + height / 2 - _ABOVE_TALL))
        else:
            self._scroll_to(lit.center())

    def lit_rect(self) -> QRectF:
        """The rectangle of the highlighted passage in the viewport; null if nothing is highlighted."""
        return self._lit_path().boundingRect().translated(self._origin())

    def _page_size(self) -> QSizeF:
        # Room for the scroll bar is kept even while it is hidden, so that the fitted width doesn't depend on the
        # height.
        bar = self.verticalScrollBar().sizeHint().width()
        width = max(1, self.contentsRect().width() - bar - 2) * self._zoom
        ratio = self._image.height() / self._image.width() if self.has_picture else math.sqrt(2)
        return QSizeF(width, width * ratio)

    def _origin(self) -> QPointF:
        """The page's top left corner in the viewport; a page narrower than the view is centred."""
        page = self._page_size()
        free = self.viewport().width() - page.width()
        x = 1 + max(0.0, (free - 2) / 2) - self.horizontalScrollBar().value()
        return QPointF(x, 1 - self.verticalScrollBar().value())

    def _lit_path(self) -> QPainterPath:
        """The boxes as one shape in logical pixels of the page, so that overlaps are not painted twice."""
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        if not self.has_picture:
            return path
        scale = self._page_size().width() / self._image.width()
        for x, y, width, height in self._boxes:
            path.addRect(QRectF(x * scale, y * scale, width * scale, height * scale))
        return path

    def _middle(self) -> QPointF:
        """The point of the page in the middle of the view, as fractions of the page's size."""
        page, origin = self._page_size(), self._origin()
        x = (self.viewport().width() / 2 - origin.x()) / page.width()
        y = (self.viewport().height() / 2 - origin.y()) / page.height()
        return QPointF(x, y)

    def _scroll_to(self, point: QPointF) -> None:
        """Scroll a point of the page to the middle of the view."""
        self.horizontalScrollBar().setValue(round(point.x() - self.viewport().width() / 2))
        self.verticalScrollBar().setValue(round(point.y() - self.viewport().height() / 2))

    def _hold(self, middle: QPointF) -> None:
        """After a change of size, keep the highlighted passage in the middle, or, once the person has scrolled, this
        point."""
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
        """Fit the page again, and ask for a picture of the new size."""
        middle = self._middle()
        self._update_bars()
        self._hold(middle)
        self._asking.start()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll, or zoom with Ctrl."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            (self.zoom_in if event.angleDelta().y() > 0 else self.zoom_out)()
            event.accept()
            return
        self._at_lit = False
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll; leave Left and Right to the panel if there is nothing to scroll sideways."""
        sideways = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if sideways and self.horizontalScrollBar().maximum() == 0:
            event.ignore()  # the panel turns the page
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the page, the highlight and the focus ring."""
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


class PageStack(QWidget):
    """Shows one of these at a time. Signal: `width_wanted(px)` when the picture should be drawn again in another
    size."""

    width_wanted = Signal(int)
    open_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(120)
        self._picture = PageView()
        self._picture.width_wanted.connect(self.width_wanted)
        self._text = TextView()
        self._message = self._make_message()
        self._stack = QStackedLayout(self)
        for view in (self._message, self._picture, self._text):
            self._stack.addWidget(view)
        self._slow = QTimer(self, singleShot=True, interval=theme.current().length("motion", "spinner_delay_ms"))
        self._slow.timeout.connect(self._on_slow)
        self.clear()

    @property
    def shows_picture(self) -> bool:
        """Whether a page picture is shown."""
        return self._stack.currentWidget() is self._picture

    def wanted_width(self) -> int:
        """The width in physical pixels at which a page picture would be sharp here."""
        self._picture.resize(self.size())
        return self._picture.wanted_width()

    def show_picture(self, picture: PagePicture) -> None:
        """Show a page picture."""
        self._slow.stop()
        self._stack.setCurrentWidget(self._picture)
        if not self._picture.set_picture(picture):
            self.show_error(tr("The picture of this page is damaged. The file itself is not touched."))

    def show_text(self, text: str, start: int, end: int) -> None:
        """Show a text with `[start:end]` highlighted."""
        self._slow.stop()
        self._stack.setCurrentWidget(self._text)
        self._text.show_text(text, start, end)

    def set_open_words(self, words: str) -> None:
        """Say what the button beside an error does with the file."""
        self._open.set_content(words)

    def show_error(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._slow.stop()
        self._say(text, failed=True)

    def wait(self) -> None:
        """Say after a moment that a page is coming, unless one is in view."""
        if not self._slow.isActive():
            self._slow.start()

    def clear(self) -> None:
        """Show nothing."""
        self._slow.stop()
        self._picture.clear()
        self._say("", failed=False)

    def zoom(self, step: int) -> None:
        """Zoom in (1) or out (-1)."""
        if self.shows_picture:
            (self._picture.zoom_in if step > 0 else self._picture.zoom_out)()

    def _make_message(self) -> QWidget:
        message = _Paper()
        self._spinner, self._alert = Spinner(), Picture("alert", 16, "danger_text")
        self._words = Label("", "ui", "text_secondary", wrap=True, object_name="evidence_message")
        self._open = Button(tr("Open the file"), "external", object_name="evidence_message_open")
        self._open.clicked.connect(self.open_requested)
        row = QHBoxLayout()
        row.setSpacing(8)
        first_line = QVBoxLayout()
        first_line.setContentsMargins(0, 2, 0, 0)
        for icon in (self._spinner, self._alert):
            first_line.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        first_line.addStretch(1)
        row.addLayout(first_line)
        row.addWidget(self._words, 1)
        column = QVBoxLayout(message)
        column.setContentsMargins(16, 16, 16, 16)
        column.addLayout(row)
        column.addWidget(self._open, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return message

    def _say(self, text: str, *, failed: bool) -> None:
        self._words.setText(text)
        self._alert.setVisible(failed)
        self._open.setVisible(failed)
        self._spinner.setVisible(bool(text) and not failed)
        self._stack.setCurrentWidget(self._message)

    def _on_slow(self) -> None:
        if self._stack.currentWidget() is self._message:
            self._say(tr("Opening the page"), failed=False)


class _Paper(QWidget):
    """An empty page that shows where the page will be."""

    def __init__(self) -> None:
        super().__init__()
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint an empty sheet."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 2, colour("surface"), colour("border"))
        painter.end()
