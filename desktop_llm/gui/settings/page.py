"""The Settings page: settings of the whole app. Every change applies at once; there is nothing to save."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm import __version__
from desktop_llm.engine.client import USUAL_CONTEXT_LENGTH
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import default_collection, plain
from desktop_llm.gui.look.layouts import scrolled_column
from desktop_llm.gui.look.setting_rows import SliderRow
from desktop_llm.gui.look.widgets import Button, ElidedLabel, IconButton, Label, Segments, Select, Switch
from desktop_llm.gui.settings.network import NetworkSettings
from desktop_llm.gui.work.load_choice import LOWEST_CONTEXT, usual_threads
from desktop_llm.paths import Folders, person_home
from desktop_llm.settings import THEMES, Settings
from desktop_llm.words import tr


class ModelFolders(QWidget):
    """The folders with models. Signal: `changed` with the new paths."""

    changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[str, ...] = ()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self._add = Button(tr("Add a folder…"), "plus", height=28, object_name="settings_add_model_folder")
        self._add.clicked.connect(self._on_add)
        words = tr("Models in these folders are used in place, in addition to those in the app’s own folder.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(tr("More folders with models"), "ui_strong"))
        column.addWidget(Label(words, "small", "text_secondary", wrap=True))
        column.addLayout(self._rows)
        column.addWidget(self._add, 0, Qt.AlignmentFlag.AlignLeading)

    def set_paths(self, paths: Sequence[str]) -> None:
        """Show these folders without sending the signal."""
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
        """Add this folder."""
        if path and path not in self._paths:
            self._change((*self._paths, path))

    def _row(self, number: int, path: str) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(ElidedLabel(plain(path), "ui", "text_secondary", mode=Qt.TextElideMode.ElideMiddle), 1)
        remove = IconButton(
            "x",
            tr("Stop using {path}", path=plain(path)),
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
        self.add(QFileDialog.getExistingDirectory(self, tr("A folder with models"), str(person_home())))

    def _on_remove(self, path: str, _checked: bool = False) -> None:
        self._change(tuple(each for each in self._paths if each != path))


_LONGEST_CONTEXT = 131_072
_PAGE_WIDTH = 720
# Percent; the ends of the reading scale in assets/tokens.json.
_SMALLEST_TEXT, _LARGEST_TEXT = 87, 200


class SettingsPage(QWidget):
    """Signals: `settings_changed` with the new Settings; `show_folder_requested` with a path."""

    settings_changed = Signal(Settings)
    show_folder_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settings_page")
        self.setAccessibleName(tr("Settings"))
        self._settings = Settings()
        self._build_fields()
        column = scrolled_column(self, _PAGE_WIDTH)
        column.setSpacing(8)
        self._add_look(column)
        self._add_models(column)
        self._add_network(column)
        self._add_documents(column)
        self._folders = _card(column, tr("Where is my data?"))
        self._add_about(column)
        column.addStretch(1)
        self.set_settings(self._settings)
        self._connect()

    def set_settings(self, settings: Settings) -> None:
        """Show these settings without sending the signal."""
        self._settings = settings
        self._theme.setCurrentIndex(THEMES.index(settings.theme))
        self._size.set_value(round(settings.reading_scale * 100))
        self._sample.setFont(theme.current().font("reading", settings.reading_scale))
        self._context.set_value(settings.context_length or USUAL_CONTEXT_LENGTH)
        self._own_threads.setChecked(settings.threads is not None)
        self._threads.set_value(settings.threads or usual_threads())
        self._threads.setVisible(settings.threads is not None)
        self._model_folders.set_paths(settings.model_folders)
        self.network.set_offline(settings.offline)
        self.network.set_endpoint(settings.endpoint)
        self._show_collection()

    def set_folders(self, folders: Folders) -> None:
        """Show where everything is kept; call it once."""
        card = self._folders
        words = tr(
            "Everything is kept on this computer, in these folders: chats and the text of documents, "
            "models, files that can be made again, and a log without your texts. None of it leaves this computer. "
            "32 MB beside the chats are a reserve for the day when the disk is full."
        )
        card.addWidget(Label(words, "ui", "text_secondary", wrap=True))
        card.addSpacing(4)
        places = (
            ("data", tr("Chats and documents"), folders.data),
            ("models", tr("Models"), folders.models),
            ("cache", tr("Cache"), folders.cache),
            ("logs", tr("Log"), folders.logs),
        )
        for name, words, path in places:
            button = Button(tr("Open folder"), "folder", height=28, object_name=f"settings_open_{name}")
            button.setAccessibleName(tr("Open the folder of {what}", what=words.lower()))
            button.clicked.connect(functools.partial(self._on_open, str(path)))
            row = QHBoxLayout()
            row.setSpacing(12)
            label = Label(words, "ui_strong")
            label.setMinimumWidth(160)
            row.addWidget(label)
            place = ElidedLabel(str(path), "ui", "text_secondary", mode=Qt.TextElideMode.ElideMiddle)
            row.addWidget(place, 1)
            row.addWidget(button)
            card.addLayout(row)

    def set_collections(self, names: Sequence[str]) -> None:
        """Set the collections that dropped documents can go to."""
        wanted = [self._settings.default_collection, *names]
        self._collection.blockSignals(True)
        self._collection.clear()
        for name in dict.fromkeys(wanted):
            self._collection.addItem(plain(name), name)
        self._collection.blockSignals(False)
        self._show_collection()

    def _build_fields(self) -> None:
        self._theme = Segments(
            (tr("As the system"), tr("Light"), tr("Dark")),
            object_name="settings_theme",
            accessible_name=tr("Theme"),
        )
        self._theme.setFixedWidth(320)
        self._size = SliderRow(
            tr("Reading size"),
            _SMALLEST_TEXT,
            _LARGEST_TEXT,
            100,
            object_name="settings_reading_size",
            suffix=" %",
        )
        self._sample = Label(
            tr("This is how messages and answers look."), "reading", wrap=True, object_name="settings_sample"
        )
        self._context = SliderRow(
            tr("Context length"),
            LOWEST_CONTEXT,
            _LONGEST_CONTEXT,
            USUAL_CONTEXT_LENGTH,
            object_name="settings_context_length",
            step=256,
            logarithmic=True,
            note=tr("Tokens a model keeps in mind, as far as it allows them. More needs more memory."),
        )
        self._own_threads = Switch(tr("Set the number of CPU threads"), object_name="settings_own_threads")
        cores = usual_threads()
        self._threads = SliderRow(
            tr("CPU threads"), 1, max(2, cores, self._settings.threads or 1), cores, object_name="settings_threads"
        )
        self._model_folders = ModelFolders()
        self.network = NetworkSettings()
        self._collection = Select(
            object_name="settings_default_collection", accessible_name=tr("Collection for dropped documents")
        )
        self._collection.addItem(plain(self._settings.default_collection), self._settings.default_collection)

    def _add_look(self, column: QVBoxLayout) -> None:
        card = _card(column, tr("Look"))
        card.addLayout(_labelled(tr("Theme"), self._theme))
        card.addSpacing(12)
        card.addWidget(self._size)
        card.addWidget(self._sample)

    def _add_models(self, column: QVBoxLayout) -> None:
        card = _card(column, tr("Models"))
        card.addWidget(Label(tr("Used the next time a model is loaded."), "small", "text_secondary"))
        card.addSpacing(4)
        card.addWidget(self._context)
        card.addSpacing(12)
        card.addWidget(self._own_threads)
        card.addWidget(self._threads)

        card.addSpacing(12)
        card.addWidget(self._model_folders)

    def _add_network(self, column: QVBoxLayout) -> None:
        card = _card(column, tr("Network"))
        card.addWidget(self.network)

    def _add_documents(self, column: QVBoxLayout) -> None:
        card = _card(column, tr("Documents"))
        card.addLayout(_labelled(tr("Dropped documents go to"), self._collection))

    def _add_about(self, column: QVBoxLayout) -> None:
        card = _card(column, tr("About"))
        card.addWidget(Label(tr("Desktop LLM {version}", version=__version__), "ui_strong"))
        lines = (
            tr("Free software under the Apache License 2.0."),
            tr("Engine: llama.cpp (MIT). Window: Qt (LGPL). Index: Chroma (Apache 2.0). PDF pages: PDFium (BSD)."),
            tr("Fonts: Inter and JetBrains Mono (SIL Open Font License 1.1)."),
            tr("What is protected from whom, and what is not: docs/security.md in the source."),
            tr("Models that come with the app: Qwen2.5 Coder 0.5B, SmolLM2 135M and all-MiniLM-L6-v2 (Apache 2.0)."),
        )
        for line in lines:
            card.addWidget(Label(line, "ui", "text_secondary", wrap=True))

    def _connect(self) -> None:
        self._theme.currentChanged.connect(self._on_theme)
        self._size.changed.connect(self._on_size)
        self._context.changed.connect(self._on_context)
        self._own_threads.toggled.connect(self._on_own_threads)
        self._threads.changed.connect(self._on_threads)
        self._collection.activated.connect(self._on_collection)
        self._model_folders.changed.connect(self._on_model_folders)
        self.network.offline_changed.connect(self._on_offline)
        self.network.endpoint_changed.connect(self._on_endpoint)

    def _show_collection(self) -> None:
        at = self._collection.findData(self._settings.default_collection)
        if at < 0:
            self._collection.addItem(plain(self._settings.default_collection), self._settings.default_collection)
            at = self._collection.count() - 1
        self._collection.setCurrentIndex(at)

    def _change(self, settings: Settings) -> None:
        if settings != self._settings:
            self._settings = settings
            self.settings_changed.emit(settings)

    def _on_theme(self, index: int) -> None:
        self._change(replace(self._settings, theme=THEMES[index]))

    def _on_size(self, percent: float) -> None:
        self._sample.setFont(theme.current().font("reading", percent / 100))
        self._change(replace(self._settings, reading_scale=percent / 100))

    def _on_context(self, tokens: float) -> None:
        usual = self._context.is_default()
        self._change(replace(self._settings, context_length=None if usual else int(tokens)))

    def _on_own_threads(self, own: bool) -> None:
        self._threads.setVisible(own)
        self._change(replace(self._settings, threads=int(self._threads.value()) if own else None))

    def _on_threads(self, threads: float) -> None:
        if self._own_threads.isChecked():
            self._change(replace(self._settings, threads=int(threads)))

    def _on_collection(self, index: int) -> None:
        name = self._collection.itemData(index)
        self._change(replace(self._settings, default_collection=name or default_collection()))

    def _on_model_folders(self, paths: tuple[str, ...]) -> None:
        self._change(replace(self._settings, model_folders=paths))

    def _on_offline(self, offline: bool) -> None:
        self._change(replace(self._settings, offline=offline))

    def _on_endpoint(self, address: str) -> None:
        self._change(replace(self._settings, endpoint=address or None))

    def _on_open(self, path: str, _checked: bool = False) -> None:
        self.show_folder_requested.emit(path)


def _card(column: QVBoxLayout, title: str) -> QVBoxLayout:
    """Add a heading and a box below it; returns the layout inside the box."""
    heading = Label(title, "heading")
    heading.setContentsMargins(0, 12, 0, 0)
    column.addWidget(heading)
    frame = QFrame()
    frame.setProperty("card", True)
    inside = QVBoxLayout(frame)
    inside.setContentsMargins(16, 16, 16, 16)
    inside.setSpacing(6)
    column.addWidget(frame)
    return inside


def _labelled(text: str, field: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addWidget(Label(text, "ui_strong"), 1)
    row.addWidget(field, 0)
    return row
