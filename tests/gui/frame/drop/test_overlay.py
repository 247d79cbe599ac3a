"""Dropping files anywhere on the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QLocale, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.frame.drop.overlay import DropOverlay, DroppedFiles
from desktop_llm.gui.frame.drop.sheet import DropZone, ZoneTile
from desktop_llm.gui.look.widgets import ElidedLabel, Label
from tests.models.adapter_files import peft

W = TypeVar("W", bound=QWidget)
ACTIONS = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Drag:
    """A person's drag of some paths over a window."""

    def __init__(self, window: QWidget, paths: Sequence[Path | str]) -> None:
        self.window = window
        self.mime = QMimeData()
        self.mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])

    def enter(self) -> bool:
        """Drag over the window; returns whether it accepts the drag."""
        event = QDragEnterEvent(QPoint(2, 2), ACTIONS, self.mime, LEFT, NO_KEY)
        QApplication.sendEvent(self.window, event)
        return event.isAccepted()

    def move(self, point: QPoint) -> None:
        """Move the files to a point."""
        QApplication.sendEvent(self.window, QDragMoveEvent(point, ACTIONS, self.mime, LEFT, NO_KEY))

    def drop(self, point: QPoint) -> QDropEvent:
        """Drop the files at a point."""
        self.move(point)
        event = QDropEvent(QPointF(point), ACTIONS, self.mime, LEFT, NO_KEY)
        QApplication.sendEvent(self.window, event)
        return event

    def leave(self) -> None:
        """Leave the window."""
        QApplication.sendEvent(self.window, QDragLeaveEvent())


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    """A window with a text field."""
    window = QMainWindow()
    qtbot.addWidget(window)
    field = QLineEdit()
    field.setAcceptDrops(False)
    window.setCentralWidget(field)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def overlay(window: QMainWindow) -> DropOverlay:
    """An installed overlay, with two collections and a chat in view."""
    overlay = DropOverlay.install(window)
    overlay.set_targets(["My documents", "House & lease"], chat=True)
    return overlay


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two documents and a folder."""
    for name in ("a.pdf", "b.md"):
        (tmp_path / name).write_bytes(b"x" * 500_000)
    (tmp_path / "Renovation").mkdir()
    return [tmp_path / "a.pdf", tmp_path / "b.md", tmp_path / "Renovation"]


def tiles(overlay: DropOverlay) -> list[ZoneTile]:
    """The visible zones."""
    return [tile for tile in overlay.findChildren(ZoneTile) if tile.isVisible()]


def middle(tile: ZoneTile, overlay: DropOverlay) -> QPoint:
    """The middle of a zone in the window."""
    return tile.mapTo(overlay, tile.rect().center())


def title(overlay: DropOverlay) -> str:
    """The headline of the sheet."""
    label = overlay.findChild(ElidedLabel, "drop_title")
    assert label is not None
    return label.text()


def test_files_over_the_window_show_where_they_can_go(overlay: DropOverlay, window: QWidget, files: list[Path]) -> None:
    assert Drag(window, files).enter()
    assert overlay.isVisible()
    assert title(overlay) == "Drop to add 2 files and 1 folder"
    about = overlay.findChild(Label, "drop_about")
    assert about is not None
    assert about.text() == "1.0 MB. They are read in place and stay on this computer."
    assert [tile.title for tile in tiles(overlay)] == ["My documents", "This chat", "New collection…", "House & lease"]


def test_files_let_go_on_a_zone_go_there(
    overlay: DropOverlay, window: QWidget, files: list[Path], qtbot: QtBot
) -> None:
    drag = Drag(window, files)
    drag.enter()
    lease = tiles(overlay)[3]
    drag.move(middle(lease, overlay))
    assert [tile.held for tile in tiles(overlay)] == [False, False, False, True]
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        event = drag.drop(middle(lease, overlay))
    assert dropped.args == [DroppedFiles(DropZone("collection", "House & lease"), tuple(map(str, files)))]
    assert event.dropAction() == Qt.DropAction.CopyAction
    assert not overlay.isVisible()


def test_a_new_collection_is_named_after_the_only_folder(
    overlay: DropOverlay, window: QWidget, files: list[Path], qtbot: QtBot
) -> None:
    drag = Drag(window, files)
    drag.enter()
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        drag.drop(middle(tiles(overlay)[2], overlay))
    assert dropped.args is not None
    assert dropped.args[0].zone == DropZone("new", "Renovation")


@pytest.mark.parametrize("name", ["qwen.gguf", "Cheerful"])
def test_a_model_or_an_adapter_has_one_zone_and_may_be_let_go_anywhere(
    overlay: DropOverlay, window: QWidget, tmp_path: Path, qtbot: QtBot, name: str
) -> None:
    model = tmp_path / name
    if model.suffix:
        model.write_bytes(b"GGUF")
    else:
        peft(model, {})
    drag = Drag(window, [model])
    drag.enter()
    drag.move(QPoint(3, 3))
    assert [tile.held for tile in tiles(overlay)] == [True]
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        drag.drop(QPoint(3, 3))
    assert dropped.args == [DroppedFiles(DropZone("models"), (str(model),))]
    assert not overlay.isVisible()


def test_let_go_beside_all_zones_the_sheet_stays_and_asks(
    overlay: DropOverlay, window: QMainWindow, files: list[Path], qtbot: QtBot
) -> None:
    window.activateWindow()
    field = window.centralWidget()
    assert field is not None
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    drag = Drag(window, files)
    drag.enter()
    drag.drop(QPoint(3, 3))
    assert overlay.asking
    assert title(overlay) == "Where should 2 files and 1 folder go?"
    first, second = tiles(overlay)[:2]
    assert first.hasFocus()
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        qtbot.keyClick(second, Qt.Key.Key_Return)
    assert dropped.args is not None
    assert dropped.args[0].zone == DropZone("chat")
    assert field.hasFocus()


@pytest.mark.parametrize(("key", "zone"), [(Qt.Key.Key_1, "collection"), (Qt.Key.Key_3, "new")])
def test_a_figure_chooses_a_zone(
    overlay: DropOverlay, window: QWidget, files: list[Path], qtbot: QtBot, key: Qt.Key, zone: str
) -> None:
    drag = Drag(window, files)
    drag.enter()
    drag.drop(QPoint(3, 3))
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        qtbot.keyClick(overlay, key)
    assert dropped.args is not None
    assert dropped.args[0].zone.kind == zone


def test_escape_a_click_beside_and_leaving_do_nothing_with_the_files(
    overlay: DropOverlay, window: QWidget, files: list[Path], qtbot: QtBot
) -> None:
    gone: list[object] = []
    overlay.files_dropped.connect(gone.append)
    drag = Drag(window, files)
    drag.enter()
    drag.leave()
    assert not overlay.isVisible()
    overlay.ask([str(path) for path in files])
    qtbot.keyClick(tiles(overlay)[0], Qt.Key.Key_Escape)
    assert not overlay.isVisible()
    overlay.ask([str(path) for path in files])
    qtbot.mouseClick(overlay, LEFT, pos=QPoint(3, 3))
    assert not overlay.isVisible()
    assert gone == []


def test_a_model_file_has_a_zone_of_its_own(
    overlay: DropOverlay, window: QWidget, files: list[Path], tmp_path: Path, qtbot: QtBot
) -> None:
    model = tmp_path / "Qwen3.GGUF"
    model.write_bytes(b"GGUF")
    Drag(window, [model]).enter()
    assert [tile.title for tile in tiles(overlay)] == ["Add to models"]

    both = Drag(window, [model, *files])
    both.enter()
    models = tiles(overlay)[-1]
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        both.drop(middle(models, overlay))
    assert dropped.args == [DroppedFiles(DropZone("models"), (str(model),))]


def test_text_and_links_dragged_from_a_browser_are_left_alone(overlay: DropOverlay, window: QWidget) -> None:
    drag = Drag(window, [])
    drag.mime.setUrls([QUrl("https://example.org/a.pdf")])
    drag.mime.setText("some words")
    assert not drag.enter()
    assert not overlay.isVisible()


def test_without_a_chat_in_view_none_is_offered(overlay: DropOverlay, window: QWidget, files: list[Path]) -> None:
    overlay.set_targets([], chat=False)
    Drag(window, files).enter()
    assert [tile.title for tile in tiles(overlay)] == ["My documents", "New collection…"]


def test_many_collections_scroll_while_files_are_held_near_the_edge(
    overlay: DropOverlay, window: QMainWindow, files: list[Path], qtbot: QtBot
) -> None:
    window.resize(640, 480)
    overlay.set_targets(["My documents", *(f"Collection {n}" for n in range(60))], chat=True)
    drag = Drag(window, files)
    drag.enter()
    last = overlay.findChildren(ZoneTile)[-1]
    sheet = overlay.findChild(QWidget, "drop_sheet")
    assert sheet is not None
    assert window.rect().contains(sheet.geometry())
    row = tiles(overlay)[0].parentWidget()
    seen = row.parentWidget() if row is not None else None
    assert seen is not None
    bottom = seen.mapTo(overlay, seen.rect().center() + QPoint(0, seen.height() // 2 - 5))
    for _ in range(400):
        drag.move(bottom)
    assert not last.visibleRegion().isEmpty()
    with qtbot.waitSignal(overlay.files_dropped) as dropped:
        drag.drop(middle(last, overlay))
    assert dropped.args is not None
    assert dropped.args[0].zone == DropZone("collection", "Collection 59")


def test_the_sheet_follows_the_size_of_the_window(
    overlay: DropOverlay, window: QMainWindow, files: list[Path], qtbot: QtBot
) -> None:
    overlay.ask([str(path) for path in files])
    window.resize(900, 600)
    qtbot.waitUntil(lambda: overlay.size() == window.size())
    sheet = overlay.findChild(QWidget, "drop_sheet")
    assert sheet is not None
    assert abs(sheet.geometry().center().x() - 450) <= 1
