"""The sheet that appears while files are dragged over the window and asks where they should go.

Files let go on a zone are sent there; let go anywhere else, the sheet stays and its zones are buttons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.drop.dropped import Dropped, amount, look_at, paths_in
from desktop_llm.gui.drop.sheet import DropSheet
from desktop_llm.gui.drop.tile import DropZone
from desktop_llm.gui.widgets.painting import repaint_on_theme
from desktop_llm.words import tr

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
        self._sheet = DropSheet(self)
        self._sheet.chosen.connect(self._choose)
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
        self._sheet.set_zones(self._zones())
        self._say(tr("Drop to add {amount}"), self.tr("Esc cancels. Let go anywhere to choose afterwards."))
        self._cover_window()
        self.raise_()
        self.show()

    def move_to(self, position: QPoint) -> None:
        """They are held at a point of the window."""
        point = self._sheet.mapFrom(self, position)
        self._sheet.scroll_near_edges(point)
        self._sheet.hold_over(self._sheet.tile_at(point))

    def drop_at(self, position: QPoint) -> None:
        """They were let go at a point of the window."""
        tile = self._sheet.tile_at(self._sheet.mapFrom(self, position))
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
        last = min(9, len(self._sheet.tiles))
        keys = self.tr("Esc cancels, 1 to {last} choose").format(last=last) if last > 1 else self.tr("Esc cancels")
        self._say(tr("Where should {amount} go?"), keys)
        self._sheet.hold_over(None)
        if self._sheet.tiles:
            self._sheet.tiles[0].setFocus(Qt.FocusReason.TabFocusReason)

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

    def _say(self, title: str, keys: str) -> None:
        title = title.format(amount=amount(self._dropped))
        self.setAccessibleName(title)
        self._sheet.set_words(title, self._about(), keys)

    def _zones(self) -> list[tuple[DropZone, str]]:
        zones = self._document_zones() if self._dropped.documents else []
        if self._dropped.models:
            zones.append((DropZone("models"), tr("Ready to chat with at once.")))
        return zones

    def _document_zones(self) -> list[tuple[DropZone, str]]:
        default, *others = self._collections or (words.default_collection(),)
        zones: list[tuple[DropZone, str]] = [(DropZone("collection", default), tr("Read now, for every chat."))]
        if self._chat:
            zones.append((DropZone("chat"), tr("Only this chat can use them.")))
        proposal = self._dropped.folder_name
        named = tr("Named after the folder: {name}").format(name=words.isolated(proposal))
        zones.append((DropZone("new", proposal), named if proposal else tr("You choose the name.")))
        zones += [(DropZone("collection", name), tr("Add to this collection.")) for name in others]
        return zones

    def _about(self) -> str:
        if self._dropped.only_models:
            stays = tr("The model stays on this computer.")
        else:
            one = self._dropped.files + self._dropped.folders == 1
            stays = (
                tr("It is read in place and stays on this computer.")
                if one
                else tr("They are read in place and stay on this computer.")
            )
        return f"{words.size(self._dropped.size_bytes)}. {stays}" if self._dropped.size_bytes else stays

    def _cover_window(self) -> None:
        self.setGeometry(self._window.rect())
        self._sheet.place_in(self.size())

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab stays among the zones: what is below is not to be reached while a question is open."""
        self._sheet.focus_step(1 if forwards else -1)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc cancels, figures choose, arrows go from zone to zone."""
        key, text, tiles = event.key(), event.text(), self._sheet.tiles
        if key == Qt.Key.Key_Escape:
            self.cancel()
        elif text.isdecimal() and 1 <= int(text) <= len(tiles):
            self._choose(tiles[int(text) - 1].zone)
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
            self._sheet.focus_step(1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up):
            self._sheet.focus_step(-1)

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
            self._cover_window()
        return super().eventFilter(watched, event)

    def _on_drag_entered(self, event: QDragMoveEvent) -> bool:
        paths = paths_in(event.mimeData())
        if not paths:
            return False
        self.begin(paths)
        _accept(event)
        return True


def _accept(event: QDropEvent) -> None:
    """Files are read where they are: for the other program this is a copy, never a move."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
