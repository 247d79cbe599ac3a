"""Where dropped files go: into the open chat, a collection, a new one, or the models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop_llm.gui.attachments import Attachments
from desktop_llm.gui.documents.dialogs import NameDialog
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.drop.overlay import DropOverlay
from desktop_llm.gui.drop.tile import DropZone

if TYPE_CHECKING:
    from desktop_llm.gui.main_window import MainWindow


class Drops(QObject):
    """Connects the overlay with those who take files; `show_page` brings the page to the front where they arrive."""

    def __init__(
        self,
        window: MainWindow,
        documents: DocumentsController,
        attachments: Attachments,
        import_models: Callable[[Sequence[str]], None],
        show_page: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._documents = documents
        self._attachments = attachments
        self._import_models = import_models
        self._show_page = show_page
        self._overlay = DropOverlay.install(window)
        self._overlay.files_dropped.connect(self._on_files_dropped)
        documents.collections_changed.connect(self._set_targets)
        window.pages.currentChanged.connect(self._set_targets)
        self._set_targets()

    def _set_targets(self, _: object = None) -> None:
        default = self._window.settings.current.default_collection
        names = [default, *(name for name in self._documents.names if name != default)]
        self._overlay.set_targets(names, chat=self._window.pages.currentWidget() is self._window.chats)

    def _on_files_dropped(self, zone: DropZone, paths: Sequence[str]) -> None:
        if zone.kind == "models":
            self._show_page("models")
            self._import_models(paths)
        elif zone.kind == "chat":
            self._attachments.add(paths)
        elif zone.kind == "new":
            self._ask_name(zone.name, paths)
        else:
            self._add(zone.name, paths)

    def _ask_name(self, proposal: str, paths: Sequence[str]) -> None:
        NameDialog.ask(
            self._window,
            functools.partial(self._on_named, paths),
            taken=self._documents.names,
            name=proposal,
            title=self.tr("New collection"),
            action=self.tr("Create"),
        )

    def _on_named(self, paths: Sequence[str], _: str, name: str) -> None:
        self._add(name, paths)

    def _add(self, name: str, paths: Sequence[str]) -> None:
        self._show_page("documents")
        self._documents.add(name, paths)
