"""Further folders that are looked through for models, on the Settings page."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import plain
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Label


class ModelFolders(QWidget):
    """Signal: `changed` with the paths as the person wants them."""

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[str, ...] = ()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self._add = Button(self.tr("Add a folder…"), "plus", height=28, object_name="settings_add_model_folder")
        self._add.clicked.connect(self._on_add)
        words = self.tr("Models in these folders are used where they lie, beside those of the app’s own folder.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(self.tr("More folders with models"), "ui_strong"))
        column.addWidget(Label(words, "small", "text_secondary", wrap=True))
        column.addLayout(self._rows)
        column.addWidget(self._add, 0, Qt.AlignmentFlag.AlignLeading)

    def set_paths(self, paths: Sequence[str]) -> None:
        """Show these; nobody is told."""
        if tuple(paths) == self._paths:
            return
        self._paths = tuple(paths)
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, path in enumerate(self._paths, 1):
            self._rows.addWidget(self._row(number, path))

    def add(self, path: str) -> None:
        """Look through this folder too."""
        if path and path not in self._paths:
            self._change((*self._paths, path))

    def _row(self, number: int, path: str) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(ElidedLabel(plain(path), "ui", "text_secondary", mode=Qt.TextElideMode.ElideMiddle), 1)
        remove = IconButton(
            "x",
            self.tr("Look through {path} no more").format(path=plain(path)),
            object_name=f"settings_model_folder_{number}_remove",
            side=24,
        )
        remove.clicked.connect(functools.partial(self._on_remove, path))
        row.addWidget(remove)
        return line

    def _change(self, paths: tuple[str, ...]) -> None:
        self.set_paths(paths)
        self.changed.emit(paths)

    def _on_add(self) -> None:
        self.add(QFileDialog.getExistingDirectory(self, self.tr("A folder with models"), str(Path.home())))

    def _on_remove(self, path: str, _checked: bool = False) -> None:
        self._change(tuple(each for each in self._paths if each != path))
