"""The paper of the overlay: what is being dropped, the zones in a grid that scrolls, and the keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.drop.tile import DropZone, ZoneTile
from desktop_llm.gui.widgets import ElidedLabel, Label
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme

_WIDTH, _EDGE = 760, 24
_TILE_WIDTH, _TILE_GAP = 190, 12
_SCROLL_ZONE, _SCROLL_STEP = 28, 16


class DropSheet(QFrame):
    """Shows zones as tiles. `chosen(zone)` when one is clicked or entered. Points are in the sheet's own system."""

    chosen = Signal(object)

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
        """What is said above and below the zones."""
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
        """Stand in the middle of a space, with as many columns as fit; higher than the space, the zones scroll."""
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
        """The tile at a point, if it is not scrolled away there."""
        seen = self._scroll.viewport()
        if not seen.rect().contains(seen.mapFrom(self, point)):
            return None
        return next((tile for tile in self._tiles if tile.rect().contains(tile.mapFrom(self, point))), None)

    def hold_over(self, tile: ZoneTile | None) -> None:
        """Fill the tile that files are held over, and no other."""
        for each in self._tiles:
            each.set_held(each is tile)

    def scroll_near_edges(self, point: QPoint) -> None:
        """Scroll on while files are held at the upper or lower edge of the zones."""
        seen, bar = self._scroll.viewport(), self._scroll.verticalScrollBar()
        y = seen.mapFrom(self, point).y()
        if y < _SCROLL_ZONE:
            bar.setValue(bar.value() - _SCROLL_STEP)
        elif y > seen.height() - _SCROLL_ZONE:
            bar.setValue(bar.value() + _SCROLL_STEP)

    def focus_step(self, step: int) -> None:
        """Move the keyboard to the next (1) or previous (-1) zone, from the last to the first again."""
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
        """A raised box."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 12, colour("surface_raised"), colour("border"))
        painter.end()


class _TileScroll(QScrollArea):
    """Scrolls by wheel and by dragging to its edges; the arrow keys go from zone to zone instead."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the overlay have the keys."""
        event.ignore()
