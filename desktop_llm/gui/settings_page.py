"""The Settings page: what holds for the whole app. Every change is used at once; there is nothing to save."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm import __version__
from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import default_collection, plain
from desktop_llm.gui.evidence.segments import Segments
from desktop_llm.gui.load_panel import LOWEST_CONTEXT, usual_threads
from desktop_llm.gui.scrolled import scrolled_column
from desktop_llm.gui.settings_folders import ModelFolders
from desktop_llm.gui.settings_network import NetworkSettings
from desktop_llm.gui.slider_row import SliderRow
from desktop_llm.gui.widgets import Button, ElidedLabel, Label, Select, Switch
from desktop_llm.paths import Folders
from desktop_llm.settings import THEMES, Settings

_LONGEST_CONTEXT = 131_072
_USUAL_CONTEXT = 8_192
_PAGE_WIDTH = 720
# Percent; the ends of the reading scale in assets/tokens.json.
_SMALLEST_TEXT, _LARGEST_TEXT = 87, 200


class SettingsPage(QWidget):
    """Signals: `settings_changed` with the new Settings; `show_folder_requested` with a path."""

    settings_changed = Signal(object)
    show_folder_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settings_page")
        self.setAccessibleName(self.tr("Settings"))
        self._settings = Settings()
        self._build_fields()
        column = scrolled_column(self, _PAGE_WIDTH)
        column.setSpacing(8)
        self._add_look(column)
        self._add_models(column)
        self._add_network(column)
        self._add_documents(column)
        self._folders = _card(column, self.tr("Where is my data"))
        self._add_about(column)
        column.addStretch(1)
        self.set_settings(self._settings)
        self._connect()

    def set_settings(self, settings: Settings) -> None:
        """Show these settings; nobody is told."""
        self._settings = settings
        self._theme.setCurrentIndex(THEMES.index(settings.theme))
        self._size.set_value(round(settings.reading_scale * 100))
        self._sample.setFont(theme.current().font("reading", settings.reading_scale))
        self._context.set_value(settings.context_length or _USUAL_CONTEXT)
        self._own_threads.setChecked(settings.threads is not None)
        self._threads.set_value(settings.threads or usual_threads())
        self._threads.setVisible(settings.threads is not None)
        self._model_folders.set_paths(settings.model_folders)
        self.network.set_offline(settings.offline)
        self.network.set_endpoint(settings.endpoint)
        self._show_collection()

    def set_folders(self, folders: Folders) -> None:
        """Say where everything is kept; called once."""
        card = self._folders
        words = self.tr(
            "Everything is kept on this computer, in these folders: chats and what was read from documents, "
            "models, things that can be made again, and a log without any text of yours. Nothing of it is sent out."
        )
        card.addWidget(Label(words, "ui", "text_secondary", wrap=True))
        card.addSpacing(4)
        places = (
            ("data", self.tr("Chats and documents"), folders.data),
            ("models", self.tr("Models"), folders.models),
            ("cache", self.tr("Cache"), folders.cache),
            ("logs", self.tr("Log"), folders.logs),
        )
        for name, words, path in places:
            button = Button(self.tr("Open folder"), "folder", height=28, object_name=f"settings_open_{name}")
            button.setAccessibleName(self.tr("Open the folder of {what}").format(what=words.lower()))
            button.clicked.connect(functools.partial(self._on_open, str(path)))
            row = QHBoxLayout()
            row.setSpacing(12)
            label = Label(words, "ui_strong")
            label.setFixedWidth(160)
            row.addWidget(label)
            place = ElidedLabel(str(path), "ui", "text_secondary", mode=Qt.TextElideMode.ElideMiddle)
            row.addWidget(place, 1)
            row.addWidget(button)
            card.addLayout(row)

    def set_collections(self, names: Sequence[str]) -> None:
        """What can be chosen as the collection for dropped documents."""
        wanted = [self._settings.default_collection, *names]
        self._collection.blockSignals(True)
        self._collection.clear()
        for name in dict.fromkeys(wanted):
            self._collection.addItem(plain(name), name)
        self._collection.blockSignals(False)
        self._show_collection()

    def _build_fields(self) -> None:
        self._theme = Segments(
            (self.tr("As the system"), self.tr("Light"), self.tr("Dark")),
            object_name="settings_theme",
            accessible_name=self.tr("Theme"),
        )
        self._theme.setFixedWidth(320)
        self._size = SliderRow(
            self.tr("Reading size"),
            _SMALLEST_TEXT,
            _LARGEST_TEXT,
            100,
            object_name="settings_reading_size",
            suffix=" %",
        )
        self._sample = Label(
            self.tr("This is how messages and answers look."), "reading", wrap=True, object_name="settings_sample"
        )
        self._context = SliderRow(
            self.tr("Context length"),
            LOWEST_CONTEXT,
            _LONGEST_CONTEXT,
            _USUAL_CONTEXT,
            object_name="settings_context_length",
            step=256,
            logarithmic=True,
            note=self.tr("Tokens a model keeps in mind, as far as it allows them. More needs more memory."),
        )
        self._own_threads = Switch(self.tr("Set the number of CPU threads"), object_name="settings_own_threads")
        cores = usual_threads()
        self._threads = SliderRow(
            self.tr("CPU threads"), 1, max(2, cores, self._settings.threads or 1), cores, object_name="settings_threads"
        )
        self._model_folders = ModelFolders()
        self.network = NetworkSettings()
        self._collection = Select(
            object_name="settings_default_collection", accessible_name=self.tr("Collection for dropped documents")
        )
        self._collection.addItem(plain(self._settings.default_collection), self._settings.default_collection)

    def _add_look(self, column: QVBoxLayout) -> None:
        card = _card(column, self.tr("Look"))
        card.addLayout(_labelled(self.tr("Theme"), self._theme))
        card.addSpacing(12)
        card.addWidget(self._size)
        card.addWidget(self._sample)

    def _add_models(self, column: QVBoxLayout) -> None:
        card = _card(column, self.tr("Models"))
        card.addWidget(Label(self.tr("Used when a model is loaded the next time."), "small", "text_secondary"))
        card.addSpacing(4)
        card.addWidget(self._context)
        card.addSpacing(12)
        card.addWidget(self._own_threads)
        card.addWidget(self._threads)

        card.addSpacing(12)
        card.addWidget(self._model_folders)

    def _add_network(self, column: QVBoxLayout) -> None:
        card = _card(column, self.tr("Network"))
        card.addWidget(self.network)

    def _add_documents(self, column: QVBoxLayout) -> None:
        card = _card(column, self.tr("Documents"))
        card.addLayout(_labelled(self.tr("Dropped documents go to"), self._collection))

    def _add_about(self, column: QVBoxLayout) -> None:
        card = _card(column, self.tr("About"))
        card.addWidget(Label(self.tr("Desktop LLM {version}").format(version=__version__), "ui_strong"))
        lines = (
            self.tr("Free software under the Apache License 2.0."),
            self.tr("Engine: llama.cpp (MIT). Window: Qt (LGPL). Index: Chroma (Apache 2.0). PDF pages: PDFium (BSD)."),
            self.tr("Fonts: Inter and JetBrains Mono (SIL Open Font License 1.1)."),
            self.tr("Models that came with the app: SmolLM2 135M and all-MiniLM-L6-v2 (Apache 2.0)."),
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
    """A heading and a box below it; returns the inside of the box."""
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
