"""The sheet in the overlay: what is being dropped, the zones in a grid that scrolls, and the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, icons, theme
from desktop_llm.gui.look.widgets import ElidedLabel, Label
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

_PADDING, _ICON = 16, 20
_ICONS = {"collection": "library", "chat": "chat", "new": "plus", "models": "cube"}


@dataclass(frozen=True, slots=True)
class DropZone:
    """A place for files: a collection by name, the chat in view, a new collection (`name` is a proposal, perhaps
    empty), or the models on this computer."""

    kind: Literal["collection", "chat", "new", "models"]
    name: str = ""


class ZoneTile(QAbstractButton):
    """Shows a `DropZone`. Signal: `chosen` with the zone when it is pressed."""

    chosen = Signal(DropZone)

    def __init__(self, zone: DropZone, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.zone = zone
        self._title, self._words = title_of(zone), text
        self._held = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_names(self, f"drop_zone_{zone.kind}", f"{self._title}. {text}")
        self.clicked.connect(self._on_clicked)
        repaint_on_theme(self)

    @property
    def title(self) -> str:
        """The name on the tile."""
        return self._title

    @property
    def held(self) -> bool:
        """Whether files are held over it."""
        return self._held

    def set_held(self, held: bool) -> None:
        """Say whether files are held over it."""
        if held != self._held:
            self._held = held
            self.update()

    def _on_clicked(self) -> None:
        self.chosen.emit(self.zone)

    def sizeHint(self) -> QSize:
        """Room for the icon, the name and two lines."""
        colours = theme.current()
        height = 2 * _PADDING + _ICON + 8 + colours.line_height("heading") + 2 + 2 * colours.line_height("ui")
        return QSize(180, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame, icon, name and words."""
        painter, colours = QPainter(self), theme.current()
        self._paint_frame(painter)
        lit = self._is_lit()
        inside = self.rect().adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        ink = "accent_text" if lit else "text_secondary"
        icon = QRect(inside.x(), inside.y(), _ICON, _ICON)
        icons.paint_icon(painter, _ICONS[self.zone.kind], ink, icon, _ICON)
        title = QRect(inside.x(), inside.y() + _ICON + 8, inside.width(), colours.line_height("heading"))
        painter.setFont(colours.font("heading"))
        painter.setPen(colours.colour("text_primary"))
        name = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.setFont(colours.font("ui"))
        painter.setPen(colours.colour("text_secondary"))
        below = QRect(inside.x(), title.bottom() + 3, inside.width(), inside.bottom() - title.bottom() - 2)
        painter.drawText(below, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self._words)
        painter.end()

    def _is_lit(self) -> bool:
        return self._held or self.hasFocus() or self.isDown()

    def _paint_frame(self, painter: QPainter) -> None:
        colour = theme.current().colour
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_lit():
            painter.setBrush(colour("accent_soft"))
            painter.setPen(QPen(colour("accent"), 2))
        else:
            painter.setBrush(colour("hover") if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("border_control"), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose on Enter; leave the arrows to the sheet."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()


def title_of(zone: DropZone) -> str:
    """The name of a zone on screen."""
    if zone.kind == "collection":
        return formats.plain(zone.name)
    return {
        "chat": tr("This chat"),
        "new": tr("New collection…"),
        "models": tr("Add to models"),
    }[zone.kind]


_WIDTH, _EDGE = 760, 24
_TILE_WIDTH, _TILE_GAP = 190, 12
_SCROLL_ZONE, _SCROLL_STEP = 28, 16


class DropSheet(QFrame):
    """Shows zones as tiles. Signal: `chosen` with the zone that is pressed. Points are in the sheet's coordinates."""

    chosen = Signal(DropZone)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("drop_sheet")
        self._tiles: list[ZoneTile] = []
        self._title = ElidedLabel("", "title", object_name="drop_title")
        self._about = Label("", "ui", "text_secondary", wrap=True, object_name="drop_about")
        self._keys = Label("", "small", "text_tertiary", object_name="drop_keys")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 22, 24, 18)
        self._column.setSpacing(4)
        self._column.addWidget(self._title)
        self._column.addWidget(self._about)
        self._column.addSpacing(8)
        self._column.addWidget(self._make_scroll())
        self._column.addSpacing(4)
        self._column.addWidget(self._keys)
        repaint_on_theme(self)

    @property
    def tiles(self) -> Sequence[ZoneTile]:
        """The zones from first to last."""
        return self._tiles

    def set_words(self, title: str, about: str, keys: str) -> None:
        """Set the words above and below the zones."""
        self._title.set_text(title)
        self._about.setText(about)
        self._keys.setText(keys)

    def set_zones(self, zones: Sequence[tuple[DropZone, str]]) -> None:
        """Show these zones, each with a sentence."""
        for tile in self._tiles:
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self._tiles = [self._add_tile(zone, text) for zone, text in zones]

    def place_in(self, space: QSize) -> None:
        """Centre the sheet in a space, with as many columns as fit; if it is too high, the zones scroll."""
        width = min(_WIDTH, space.width() - 2 * _EDGE)
        columns = max(1, min(3, len(self._tiles), (width - 48 + _TILE_GAP) // (_TILE_WIDTH + _TILE_GAP)))
        for place, tile in enumerate(self._tiles):
            self._grid.addWidget(tile, place // columns, place % columns)
            tile.show()
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._scroll.setFixedHeight(self._tiles_height(columns))
        too_high = max(0, self._column.totalHeightForWidth(width) - (space.height() - 2 * _EDGE))
        self._scroll.setFixedHeight(max(_SCROLL_ZONE, self._scroll.height() - too_high))
        height = self._column.totalHeightForWidth(width)
        self.setGeometry(QRect((space.width() - width) // 2, (space.height() - height) // 2, width, height))

    def tile_at(self, point: QPoint) -> ZoneTile | None:
        """The tile in view at a point, or None."""
        seen = self._scroll.viewport()
        if not seen.rect().contains(seen.mapFrom(self, point)):
            return None
        return next((tile for tile in self._tiles if tile.rect().contains(tile.mapFrom(self, point))), None)

    def hold_over(self, tile: ZoneTile | None) -> None:
        """Highlight only the tile that files are held over."""
        for each in self._tiles:
            each.set_held(each is tile)

    def scroll_near_edges(self, point: QPoint) -> None:
        """Scroll while files are held at the upper or lower edge of the zones."""
        seen, bar = self._scroll.viewport(), self._scroll.verticalScrollBar()
        y = seen.mapFrom(self, point).y()
        if y < _SCROLL_ZONE:
            bar.setValue(bar.value() - _SCROLL_STEP)
        elif y > seen.height() - _SCROLL_ZONE:
            bar.setValue(bar.value() + _SCROLL_STEP)

    def focus_step(self, step: int) -> None:
        """Move the focus to the next (1) or previous (-1) zone; after the last comes the first."""
        if not self._tiles:
            return
        focused = next((index for index, tile in enumerate(self._tiles) if tile.hasFocus()), -step)
        tile = self._tiles[(focused + step) % len(self._tiles)]
        tile.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(tile)

    def _make_scroll(self) -> QScrollArea:
        self._scroll = _TileScroll()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setProperty("page", True)
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_TILE_GAP)
        self._scroll.setWidget(inner)
        return self._scroll

    def _add_tile(self, zone: DropZone, text: str) -> ZoneTile:
        tile = ZoneTile(zone, text, self._scroll.widget())
        tile.chosen.connect(self.chosen)
        return tile

    def _tiles_height(self, columns: int) -> int:
        rows = -(-len(self._tiles) // columns)
        return rows * (self._tiles[0].sizeHint().height() + _TILE_GAP) - _TILE_GAP if self._tiles else 0

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint a raised box."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 12, colour("surface_raised"), colour("border"))
        painter.end()


class _TileScroll(QScrollArea):
    """Scrolls by the wheel and by dragging to its edges, not by the arrow keys, which move between zones."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the keys to the overlay."""
        event.ignore()
