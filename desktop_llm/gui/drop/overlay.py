"""The sheet that appears while files are dragged over the window and asks where they should go.

Files let go on a zone are sent there; let go anywhere else, the sheet stays and its zones are buttons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.drop.dropped import Dropped, amount, look_at, paths_in
from desktop_llm.gui.drop.tile import DropZone, ZoneTile
from desktop_llm.gui.widgets import ElidedLabel, Label
from desktop_llm.gui.widgets.painting import draw_box, repaint_on_theme

_SHEET_WIDTH, _EDGE = 760, 24
_TILE_WIDTH, _TILE_GAP = 190, 12
_SCROLL_ZONE, _SCROLL_STEP = 28, 16
_NOTHING = Dropped((), (), 0, 0, 0, "")


class DropOverlay(QWidget):
    """Lies over the whole window while files are dragged or a place for them is asked for.

    `files_dropped(zone, paths)`: a `DropZone` and the absolute paths for it, of which nothing but their kind and size
    has been looked at. `set_targets` says which zones there are.
    """

    files_dropped = Signal(object, object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("drop_overlay")
        self._window = window
        self._collections: tuple[str, ...] = ()
        self._chat = False
        self._dropped = _NOTHING
        self._asking = False
        self._focus_before: QWidget | None = None
        self._tiles: list[ZoneTile] = []
        self._sheet = self._make_sheet()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        repaint_on_theme(self)
        self.hide()

    @classmethod
    def install(cls, window: QWidget) -> DropOverlay:
        """Make an overlay that takes everything dropped on a window; its children must not accept drops themselves."""
        overlay = cls(window)
        window.setAcceptDrops(True)
        window.installEventFilter(overlay)
        return overlay

    @property
    def asking(self) -> bool:
        """Whether files were let go outside all zones and wait for an answer."""
        return self._asking

    def set_targets(self, collections: Sequence[str], *, chat: bool) -> None:
        """The collections there are, the first of them where files go by default; whether a chat is in view."""
        self._collections, self._chat = tuple(collections), chat

    def begin(self, paths: Sequence[str]) -> None:
        """Files have come over the window."""
        self._asking = False
        self._dropped = look_at(paths)
        self._fill()
        self._show()

    def move_to(self, position: QPoint) -> None:
        """They are held at a point of the window."""
        self._scroll_near_edges(position)
        below = self._tile_at(position)
        for tile in self._tiles:
            tile.set_held(tile is below)

    def drop_at(self, position: QPoint) -> None:
        """They were let go at a point of the window."""
        tile = self._tile_at(position)
        if tile is None:
            self.ask()
        else:
            self._choose(tile.zone)

    def ask(self, paths: Sequence[str] | None = None) -> None:
        """Ask where files should go, as after a drop beside all zones; `paths` for files that were not dragged."""
        if paths is not None:
            self.begin(paths)
        self._asking = True
        self._focus_before = QApplication.focusWidget()
        self._title.set_text(words.tr("Where should {amount} go?").format(amount=amount(self._dropped)))
        self._keys.setText(self._keys_text())
        for tile in self._tiles:
            tile.set_held(False)
        if self._tiles:
            self._tiles[0].setFocus(Qt.FocusReason.TabFocusReason)

    def cancel(self) -> None:
        """Go away; nothing is done with the files."""
        self._dropped = _NOTHING
        self._end()

    def _choose(self, zone: DropZone) -> None:
        paths = self._dropped.models if zone.kind == "models" else self._dropped.documents
        self._end()
        self.files_dropped.emit(zone, list(paths))

    def _end(self) -> None:
        asked, self._asking = self._asking, False
        self.hide()
        if asked and self._focus_before is not None:
            self._focus_before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._focus_before = None

    def _make_sheet(self) -> QFrame:
        sheet = _Sheet(self)
        self._title = ElidedLabel("", "title", object_name="drop_title")
        self._about = Label("", "ui", "text_secondary", wrap=True, object_name="drop_about")
        self._keys = Label("", "small", "text_tertiary", object_name="drop_keys")
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
        self._column = column = QVBoxLayout(sheet)
        column.setContentsMargins(24, 22, 24, 18)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._about)
        column.addSpacing(8)
        column.addWidget(self._scroll, 1)
        column.addSpacing(4)
        column.addWidget(self._keys)
        return sheet

    def _fill(self) -> None:
        for tile in self._tiles:
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self._tiles = [self._tile(zone, text) for zone, text in self._zones()]
        models = self._dropped.only_models
        title = words.tr("Drop to add {amount}").format(amount=amount(self._dropped))
        self._title.set_text(title)
        self.setAccessibleName(title)
        self._about.setText(self._about_text(models))
        self._keys.setText(self._keys_text())

    def _zones(self) -> list[tuple[DropZone, str]]:
        dropped, default = self._dropped, self._collections[0] if self._collections else words.default_collection()
        zones: list[tuple[DropZone, str]] = []
        if dropped.documents:
            zones.append((DropZone("collection", default), words.tr("Read now, for every chat.")))
            if self._chat:
                zones.append((DropZone("chat"), words.tr("Only this chat can use them.")))
            named = words.tr("Named after the folder: {name}").format(name=words.isolated(dropped.folder_name))
            text = named if dropped.folder_name else words.tr("You choose the name.")
            zones.append((DropZone("new", dropped.folder_name), text))
            others = words.tr("Add to this collection.")
            zones += [(DropZone("collection", name), others) for name in self._collections[1:]]
        if dropped.models:
            model = DropZone("models")
            zones.insert(0 if dropped.only_models else len(zones), (model, words.tr("Ready to chat with at once.")))
        return zones

    def _tile(self, zone: DropZone, text: str) -> ZoneTile:
        tile = ZoneTile(zone, text, self._scroll.widget())
        tile.chosen.connect(self._choose)
        return tile

    def _about_text(self, models: bool) -> str:
        stays = (
            words.tr("The model stays on this computer.")
            if models
            else words.tr("They are read in place and stay on this computer.")
        )
        if not self._dropped.size_bytes:
            return stays
        return f"{words.size(self._dropped.size_bytes)}. {stays}"

    def _keys_text(self) -> str:
        if self._asking:
            return self.tr("Esc cancels, {first} to {last} choose").format(first=1, last=min(9, len(self._tiles)))
        return self.tr("Esc cancels. Let go anywhere to choose afterwards.")

    def _show(self) -> None:
        self.setGeometry(self._window.rect())
        self._arrange()
        self.raise_()
        self.show()

    def _arrange(self) -> None:
        """Tiles in as many columns as fit, the sheet in the middle of the window."""
        width = min(_SHEET_WIDTH, self.width() - 2 * _EDGE)
        columns = max(1, min(3, len(self._tiles), (width - 48 + _TILE_GAP) // (_TILE_WIDTH + _TILE_GAP)))
        for place, tile in enumerate(self._tiles):
            self._grid.addWidget(tile, place // columns, place % columns)
            tile.show()
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        rows = -(-len(self._tiles) // columns)
        tiles_height = rows * (self._tiles[0].sizeHint().height() + _TILE_GAP) - _TILE_GAP if self._tiles else 0
        self._scroll.setMinimumHeight(0)
        around = self._column.totalHeightForWidth(width) - self._scroll.sizeHint().height()
        height = min(self.height() - 2 * _EDGE, around + tiles_height)
        self._sheet.setGeometry(QRect((self.width() - width) // 2, (self.height() - height) // 2, width, height))

    def _tile_at(self, position: QPoint) -> ZoneTile | None:
        """The tile at a point of the window, if it is not scrolled away there."""
        seen = self._scroll.viewport()
        if not seen.rect().contains(seen.mapFrom(self, position)):
            return None
        return next((tile for tile in self._tiles if tile.rect().contains(tile.mapFrom(self, position))), None)

    def _scroll_near_edges(self, position: QPoint) -> None:
        seen, bar = self._scroll.viewport(), self._scroll.verticalScrollBar()
        y = seen.mapFrom(self, position).y()
        if y < _SCROLL_ZONE:
            bar.setValue(bar.value() - _SCROLL_STEP)
        elif y > seen.height() - _SCROLL_ZONE:
            bar.setValue(bar.value() + _SCROLL_STEP)

    def _step(self, step: int) -> None:
        focused = next((index for index, tile in enumerate(self._tiles) if tile.hasFocus()), -step)
        tile = self._tiles[(focused + step) % len(self._tiles)]
        tile.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(tile)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab stays among the zones: what is below is not to be reached while a question is open."""
        if self._tiles:
            self._step(1 if forwards else -1)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc cancels, figures choose, arrows go from zone to zone."""
        key, text = event.key(), event.text()
        if key == Qt.Key.Key_Escape:
            self.cancel()
        elif text.isdecimal() and 1 <= int(text) <= len(self._tiles):
            self._choose(self._tiles[int(text) - 1].zone)
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
            self._step(1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up):
            self._step(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the sheet cancels."""
        if not self._sheet.geometry().contains(event.position().toPoint()):
            self.cancel()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The scrim."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("scrim"))
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the window's drags, and follow its size."""
        kind = event.type()
        if kind == QEvent.Type.DragEnter:
            return self._on_drag_entered(cast(QDragMoveEvent, event))
        if kind == QEvent.Type.DragMove and self.isVisible():
            moved = cast(QDragMoveEvent, event)
            self.move_to(moved.position().toPoint())
            _accept(moved)
            return True
        if kind == QEvent.Type.DragLeave and self.isVisible() and not self._asking:
            self.cancel()
            return True
        if kind == QEvent.Type.Drop and self.isVisible():
            let_go = cast(QDropEvent, event)
            _accept(let_go)
            self.drop_at(let_go.position().toPoint())
            return True
        if kind == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
            self._arrange()
        return super().eventFilter(watched, event)

    def _on_drag_entered(self, event: QDragMoveEvent) -> bool:
        paths = paths_in(event.mimeData())
        if not paths:
            return False
        self.begin(paths)
        _accept(event)
        return True


class _TileScroll(QScrollArea):
    """Scrolls by wheel and by dragging to its edges; the arrow keys go from zone to zone instead."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the overlay have the keys."""
        event.ignore()


class _Sheet(QFrame):
    """The paper the zones lie on."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("drop_sheet")
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A raised box."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 12, colour("surface_raised"), colour("border"))
        painter.end()


def _accept(event: QDropEvent) -> None:
    """Files are read where they are: for the other program this is a copy, never a move."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
