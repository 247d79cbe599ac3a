"""Icons: the line drawings of `assets/icons`, tinted by a colour of the theme and kept as pixmaps.

They are rendered on demand, so that the window's first paint need not wait for pictures nobody sees.
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QByteArray, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop_llm import paths
from desktop_llm.gui.look import theme


def icon(name: str, colour: str = "text_secondary", size: int = 16) -> QIcon:
    """A `QIcon` for menus and fields, with its disabled look; ask again after the theme changed."""
    result = QIcon(pixmap(name, colour, size))
    result.addPixmap(pixmap(name, "text_disabled", size), QIcon.Mode.Disabled)
    return result


def pixmap(name: str, colour: str = "text_secondary", size: int = 16, ratio: float | None = None) -> QPixmap:
    """The icon `assets/icons/NAME.svg` in a theme colour, `size` logical pixels square."""
    scale = ratio or _highest_ratio()
    return _tinted(name, theme.current().colour(colour).rgba(), size, scale)


def paint_icon(painter: QPainter, name: str, colour: str, rect: QRect, size: int = 16) -> None:
    """Paint an icon centred in `rect`, sharp on this painter's device."""
    device = painter.device()
    picture = pixmap(name, colour, size, device.devicePixelRatioF())
    corner = QPoint(rect.x() + (rect.width() - size) // 2, rect.y() + (rect.height() - size) // 2)
    painter.drawPixmap(corner, picture)


@functools.cache
def _source(name: str) -> bytes:
    return paths.asset(f"icons/{name}.svg").read_bytes()


@functools.lru_cache(maxsize=512)
def _tinted(name: str, rgba: int, size: int, ratio: float) -> QPixmap:
    tint = QColor.fromRgba(rgba).name().encode()
    renderer = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", tint)))
    side = round(size * ratio)
    picture = QPixmap(QSize(side, side))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def _highest_ratio() -> float:
    return max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
