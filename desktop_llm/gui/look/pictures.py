"""Reads and paints the app's own copies of pictures, within limits, so that no file can hang or end the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter, QPainterPath

from desktop_llm.gui.look import theme
from desktop_llm.picture_files import MAX_BYTES, size_of

_MOST_MB = 64  # of memory for one picture; our copies take 10


def read_picture(path: str, within: QSize | None = None) -> QImage:
    """A picture, made to fit into a size; a null image if it is gone or none of ours. For a task: it takes up to 50 ms.

    Only PNG and JPEG are read, and only if they say that they are of the size of our copies.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return QImage()
    size = size_of(data)
    if size is None:
        return QImage()
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    QImageReader.setAllocationLimit(_MOST_MB)
    reader = QImageReader(buffer, QByteArray(b"png" if data.startswith(b"\x89PNG") else b"jpeg"))
    reader.setAutoDetectImageFormat(False)
    if within is not None:
        wanted = fitted(QSize(*size), within)
        reader.setScaledSize(wanted)
    return reader.read()


def fitted(size: QSize, within: QSize) -> QSize:
    """The size in its own proportions, at most as large as another one, and never larger than it is."""
    if size.width() <= within.width() and size.height() <= within.height():
        return size
    return size.scaled(within, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))


def paint_picture(painter: QPainter, image: QImage, rect: QRect, radius: float = 6) -> None:
    """Paint an image with round corners that fills `rect`; what does not fit is cut at the edges."""
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(QRectF(rect), radius, radius)
    painter.setClipPath(path)
    painter.fillRect(rect, theme.current().colour("surface_sunken"))
    if not image.isNull():
        shown = QRectF(rect)
        scale = max(shown.width() / image.width(), shown.height() / image.height())
        part = QRectF(0, 0, shown.width() / scale, shown.height() / scale)
        part.moveCenter(QRectF(image.rect()).center())
        painter.drawImage(shown, image, part)
    painter.restore()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.current().colour("border_subtle"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.restore()
