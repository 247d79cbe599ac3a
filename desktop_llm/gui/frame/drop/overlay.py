"""The sheet that appears while files are dragged over the window and asks where they should go.

Files dropped on a zone are sent there; if they are dropped anywhere else, the sheet stays and its zones are buttons.
During the drag only their kind and size are looked at; the worker counts folders later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from desktop_llm.gui.frame.drop.sheet import DropSheet, DropZone, ZoneTile
from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.widgets.painting import repaint_on_theme
from desktop_llm.models.peft import is_peft
from desktop_llm.words import plural, tr


@dataclass(frozen=True, slots=True)
class Dropped:
    """Dragged paths by kind; `size_bytes` is the size of the files, without folders."""

    documents: tuple[str, ...]
    models: tuple[str, ...]
    files: int
    folders: int
    size_bytes: int
    folder_name: str

    @property
    def only_models(self) -> bool:
        """Whether all of them are models."""
        return bool(self.models) and not self.documents


def paths_in(mime: QMimeData) -> list[str]:
    """The local paths of a drag; a drag from a browser or an editor has none."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile() and url.toLocalFile()]


def look_at(paths: Sequence[str]) -> Dropped:
    """Sort dragged paths by kind; a folder with an adapter counts as a model. If there is only one folder,
    `folder_name` is its name, to propose for a collection."""
    folders = [path for path in paths if Path(path).is_dir()]
    models = tuple(
        path for path in paths if (is_peft(Path(path)) if path in folders else path.lower().endswith(".gguf"))
    )
    files = [path for path in paths if path not in folders]
    return Dropped(
        documents=tuple(path for path in paths if path not in models),
        models=models,
        files=len(files),
        folders=len(folders),
        size_bytes=sum(_size(path) for path in files),
        folder_name=formats.file_name(folders[0]) if len(folders) == 1 else "",
    )


def amount(dropped: Dropped) -> str:
    """ "7 files and 1 folder"."""
    files, folders = plural("%n file", "%n files", dropped.files), plural("%n folder", "%n folders", dropped.folders)
    if dropped.files and dropped.folders:
        return tr("{files} and {folders}", files=files, folders=folders)
    return folders if dropped.folders else files


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


_NOTHING = Dropped((), (), 0, 0, 0, "")


@dataclass(frozen=True, slots=True)
class DroppedFiles:
    """Absolute paths and the zone for them; only their kind and size have been looked at."""

    zone: DropZone
    paths: tuple[str, ...]


class DropOverlay(QWidget):
    """Covers the whole window while files are dragged or the person is asked where they should go.

    Signal: `files_dropped` with DroppedFiles. `set_targets` sets the zones.
    """

    files_dropped = Signal(DroppedFiles)

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
        """Make an overlay for everything dropped on a window; the window's children must not accept drops
        themselves."""
        overlay = cls(window)
        window.setAcceptDrops(True)
        window.installEventFilter(overlay)
        return overlay

    @property
    def asking(self) -> bool:
        """Whether files were dropped outside all zones and the person has to choose one."""
        return self._asking

    def set_targets(self, collections: Sequence[str], *, chat: bool) -> None:
        """Set the collections, the default one first, and whether a chat is in view."""
        self._collections, self._chat = tuple(collections), chat

    def begin(self, paths: Sequence[str]) -> None:
        """Show the zones, because files were dragged over the window."""
        self._asking = False
        self._dropped = look_at(paths)
        self._sheet.set_zones(self._zones())
        title = tr("Drop to add {amount}", amount=amount(self._dropped))
        one = len(self._sheet.tiles) == 1
        self._say(title, tr("Esc cancels.") if one else tr("Esc cancels. Drop anywhere to choose afterwards."))
        self._cover_window()
        self.raise_()
        self.show()

    def move_to(self, position: QPoint) -> None:
        """Follow the drag to a point of the window."""
        self._sheet.scroll_near_edges(self._sheet.mapFrom(self, position))
        self._sheet.hold_over(self._tile_at(position))

    def drop_at(self, position: QPoint) -> None:
        """Take the files dropped at a point of the window."""
        tile = self._tile_at(position)
        if tile is None:
            self.ask()
        else:
            self._choose(tile.zone)

    def ask(self, paths: Sequence[str] | None = None) -> None:
        """Ask where files should go, as after a drop outside all zones; give `paths` for files that were not
        dragged."""
        if paths is not None:
            self.begin(paths)
        self._asking = True
        self._focus_before = QApplication.focusWidget()
        last = min(9, len(self._sheet.tiles))
        keys = tr("Esc cancels, 1 to {last} choose", last=last) if last > 1 else tr("Esc cancels")
        self._say(tr("Where should {amount} go?", amount=amount(self._dropped)), keys)
        self._sheet.hold_over(None)
        if self._sheet.tiles:
            self._sheet.tiles[0].setFocus(Qt.FocusReason.TabFocusReason)

    def cancel(self) -> None:
        """Close, and do nothing with the files."""
        self._dropped = _NOTHING
        self._end()

    def _choose(self, zone: DropZone) -> None:
        paths = self._dropped.models if zone.kind == "models" else self._dropped.documents
        self._end()
        self.files_dropped.emit(DroppedFiles(zone, tuple(paths)))

    def _end(self) -> None:
        asked, self._asking = self._asking, False
        self.hide()
        if asked and self._focus_before is not None:
            self._focus_before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._focus_before = None

    def _say(self, title: str, keys: str) -> None:
        self.setAccessibleName(title)
        self._sheet.set_words(title, self._about(), keys)

    def _tile_at(self, position: QPoint) -> ZoneTile | None:
        """The zone at a point of the window; if there is only one, it counts everywhere."""
        tiles = self._sheet.tiles
        return tiles[0] if len(tiles) == 1 else self._sheet.tile_at(self._sheet.mapFrom(self, position))

    def _zones(self) -> list[tuple[DropZone, str]]:
        zones = self._document_zones() if self._dropped.documents else []
        if self._dropped.models:
            zones.append((DropZone("models"), tr("Ready to chat with at once.")))
        return zones

    def _document_zones(self) -> list[tuple[DropZone, str]]:
        default, *others = self._collections or (formats.default_collection(),)
        zones: list[tuple[DropZone, str]] = [(DropZone("collection", default), tr("Read now, for every chat."))]
        if self._chat:
            zones.append((DropZone("chat"), tr("Only this chat can use them.")))
        proposal = self._dropped.folder_name
        named = tr("Named after the folder: {name}", name=formats.isolated(proposal))
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
        return f"{formats.size(self._dropped.size_bytes)}. {stays}" if self._dropped.size_bytes else stays

    def _cover_window(self) -> None:
        self.setGeometry(self._window.rect())
        self._sheet.place_in(self.size())

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Keep Tab among the zones: nothing below can be reached while the question is open."""
        self._sheet.focus_step(1 if forwards else -1)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Cancel on Esc, choose on a digit, move between zones on the arrows."""
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
        """Cancel on a click beside the sheet."""
        if not self._sheet.geometry().contains(event.position().toPoint()):
            self.cancel()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the scrim."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("scrim"))
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle the window's drags, and follow its size."""
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
    """Accept a drag as a copy, never a move: files are read in place, and the other program must not delete them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
