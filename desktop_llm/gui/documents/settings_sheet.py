"""The settings of one collection, at the right of the page: which files of its folders are read, and watching them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.layouts import empty_layout, transparent_area
from desktop_llm.gui.look.widgets import Button, ElidedLabel, IconButton, Label, PrimaryButton, Select, Switch
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.knowledge.client import Collection, Folder, PatternCounts
from desktop_llm.words import plural, tr

WIDTH = 364


@dataclass(frozen=True, slots=True)
class FolderPatterns:
    """The patterns of one folder of a collection, as they stand in the sheet."""

    collection: str
    folder: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]


class SettingsSheet(QFrame):
    """Shows the settings of a `Collection`, a folder at a time; only the switch takes effect before Save.

    Signals: `counts_wanted` when patterns are shown or changed, answered by `show_counts` or `show_problem`; `saved`
    with new patterns; `watch_changed` with the collection's name and whether its folders are to be watched; `closed`.
    """

    counts_wanted = Signal(FolderPatterns)
    saved = Signal(FolderPatterns)
    watch_changed = Signal(str, bool)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        set_names(self, "collection_settings", tr("Settings of the collection"))
        self.setFixedWidth(WIDTH)
        self.setAutoFillBackground(True)
        self._name = ""
        self._folders: tuple[Folder, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._header())
        inside = QWidget()
        column.addWidget(transparent_area(inside, self), 1)
        self._lay_out(inside)
        column.addLayout(self._footer())
        repaint_on_theme(self)
        self.hide()

    @property
    def patterns(self) -> FolderPatterns:
        """What stands in the sheet, with the pattern that is being typed."""
        folder = self._folder.currentIndex()
        path = self._folders[folder].path if 0 <= folder < len(self._folders) else ""
        return FolderPatterns(self._name, path, self.include.patterns, self.exclude.patterns)

    def show_collection(self, collection: Collection) -> None:
        """Show a collection as it is stored."""
        self._name, self._folders = collection.name, collection.folders
        self._title.set_text(tr("Settings of {name}", name=formats.plain(collection.name)))
        self._watch.blockSignals(True)
        self._watch.setChecked(any(folder.watched for folder in collection.folders))
        self._watch.blockSignals(False)
        self._folder.blockSignals(True)
        self._folder.clear()
        for folder in collection.folders:
            self._folder.addItem(formats.home_path(folder.path))
        self._folder.blockSignals(False)
        self._folder.setVisible(len(collection.folders) > 1)
        for part in (self._of_folders, self._save, self._cancel):
            part.setVisible(bool(collection.folders))
        self._no_folders.setVisible(not collection.folders)
        self._show_folder()

    def show_counts(self, counts: PatternCounts) -> None:
        """Show what the patterns fit, and what saving them does."""
        self.include.show_counts(dict(counts.include))
        self.exclude.show_counts(dict(counts.exclude))
        read, files = formats.number(counts.read), formats.number(counts.files)
        self._read.set_content("check", tr("{read} of {files} files are read", read=read, files=files), "success_text")
        self._problem.hide()
        self._effect_words.setText(counts.effect())
        self._save.setEnabled(self._is_changed())

    def show_problem(self, problem: str) -> None:
        """Say why patterns can't be counted or stored."""
        self._problem.setText(problem)
        self._problem.show()
        self._read.set_content("", "")
        self._effect_words.setText("")
        self._save.setEnabled(False)

    def _header(self) -> QHBoxLayout:
        self._title = ElidedLabel("", "heading", object_name="collection_settings_title")
        self.close_button = IconButton("x", tr("Close"), tr("Close (Esc)"), object_name="collection_settings_close")
        self.close_button.clicked.connect(self.closed)
        row = QHBoxLayout()
        row.setContentsMargins(15, 8, 8, 4)
        row.addWidget(self._title, 1)
        row.addWidget(self.close_button)
        return row

    def _lay_out(self, inside: QWidget) -> None:
        self._no_folders = Label("", "ui", "text_secondary", wrap=True, object_name="collection_settings_none")
        self._no_folders.setText(
            tr("This collection has no folders. Add one, and what changes in it is read by itself.")
        )
        self._of_folders = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(15, 8, 15, 8)
        column.addWidget(self._no_folders)
        column.addWidget(self._of_folders)
        column.addStretch(1)
        rows = QVBoxLayout(self._of_folders)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(12)
        rows.addLayout(self._watch_row())
        self._folder = Select(object_name="collection_settings_folder", accessible_name=tr("Folder"))
        self._folder.currentIndexChanged.connect(self._show_folder)
        self.include = PatternList(
            tr("Read these"),
            tr("Everything that can be read"),
            "*.pdf, *.{md,txt}",
            object_name="collection_include",
        )
        self.exclude = PatternList(
            tr("Leave these out"), tr("Nothing is left out"), "old/**, *_draft.*", object_name="collection_exclude"
        )
        self._read = IconText("", object_name="collection_settings_read")
        self._problem = Label("", "small", "danger_text", wrap=True, object_name="collection_settings_problem")
        for part in (self._folder, self.include, self.exclude, self._problem, self._read):
            rows.addWidget(part)
        for patterns in (self.include, self.exclude):
            patterns.changed.connect(self._want_counts)
        rows.addWidget(Label(tr("Text in pictures (OCR)"), "ui_strong"))
        rows.addWidget(
            Label(
                tr(
                    "Scanned pages and pictures are read by themselves, on this computer: all languages in Latin "
                    "letters, Chinese and Japanese. Pages in other scripts are named, and nothing is guessed."
                ),
                "small",
                "text_secondary",
                wrap=True,
                object_name="collection_settings_ocr",
            )
        )
        rows.addWidget(IconText("shieldcheck", tr("Files are never moved or changed.")))

    def _watch_row(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label(tr("Watch for changes"), "ui_strong"))
        words.addWidget(Label(tr("Reads a file about 1 s after its last change"), "small", "text_secondary"))
        name = tr("Watch for changes")
        self._watch = Switch(object_name="collection_settings_watch", accessible_name=name)
        self._watch.toggled.connect(self._on_watch)
        row = QHBoxLayout()
        row.addLayout(words, 1)
        row.addWidget(self._watch)
        return row

    def _footer(self) -> QVBoxLayout:
        self._effect_words = Label("", "small", "text_secondary", wrap=True, object_name="collection_settings_effect")
        self._cancel = Button(tr("Cancel"), kind="quiet", object_name="collection_settings_cancel")
        self._save = PrimaryButton(tr("Save"), "check", object_name="collection_settings_save")
        self._cancel.clicked.connect(self.closed)
        self._save.clicked.connect(self._on_save)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._cancel)
        row.addWidget(self._save)
        column = QVBoxLayout()
        column.setContentsMargins(15, 10, 13, 10)
        column.setSpacing(6)
        column.addWidget(self._effect_words)
        column.addLayout(row)
        return column

    def _show_folder(self) -> None:
        index = max(0, self._folder.currentIndex())
        if index < len(self._folders):
            self.include.set_patterns(self._folders[index].include)
            self.exclude.set_patterns(self._folders[index].exclude)
            self._want_counts()

    def _want_counts(self) -> None:
        self._save.setEnabled(False)
        if self._folders:
            self.counts_wanted.emit(self.patterns)

    def _is_changed(self) -> bool:
        now = self.patterns
        stored = next((each for each in self._folders if each.path == now.folder), None)
        return stored is not None and (stored.include, stored.exclude) != (now.include, now.exclude)

    def _on_watch(self, watched: bool) -> None:
        self.watch_changed.emit(self._name, watched)

    def _on_save(self) -> None:
        self.saved.emit(self.patterns)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ground and the line between it and the page."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("surface_sunken"))
        painter.fillRect(0, 0, 1, self.height(), colour("border"))
        painter.end()


class PatternList(QWidget):
    """Patterns with the number of files that each fits, and a field for another one.

    Signal: `changed` when the patterns are others, a moment after the last key for the one being typed.
    """

    changed = Signal()

    def __init__(self, title: str, empty: str, example: str, *, object_name: str) -> None:
        super().__init__()
        set_names(self, object_name, title)
        self._kept: tuple[str, ...] = ()
        self._counts: dict[str, int] = {}
        self._empty, self._name = empty, object_name
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self._field = QLineEdit()
        self._field.setPlaceholderText(tr("Add a pattern: {example}", example=example))
        set_names(self._field, f"{object_name}_field", tr("Add a pattern to “{list}”", list=title))
        self._field.textChanged.connect(self._on_typed)
        self._field.returnPressed.connect(self._on_enter)
        self._typed = Label("", "small", "text_secondary", object_name=f"{object_name}_typed")
        self._pause = QTimer(self, singleShot=True, interval=theme.current().length("motion", "search_debounce_ms"))
        self._pause.timeout.connect(self.changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(title, "small", "text_secondary"))
        column.addLayout(self._rows)
        column.addWidget(self._field)
        column.addWidget(self._typed)
        self._show_rows()

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns, with the one being typed."""
        typed = self._field.text().strip()
        return tuple(dict.fromkeys((*self._kept, typed))) if typed else self._kept

    def set_patterns(self, patterns: Sequence[str]) -> None:
        """Show the stored patterns."""
        self._kept, self._counts = tuple(patterns), {}
        self._field.blockSignals(True)
        self._field.clear()
        self._field.blockSignals(False)
        self._show_rows()

    def show_counts(self, counts: dict[str, int]) -> None:
        """Show how many files each pattern fits."""
        self._counts = counts
        typed = self._field.text().strip()
        found = counts.get(typed) if typed else None
        self._typed.setText("" if found is None else plural("matches one file", "matches %n files", found))
        self._typed.setVisible(found is not None)
        self._show_rows()

    def _show_rows(self) -> None:
        empty_layout(self._rows)
        if not self._kept:
            self._rows.addWidget(Label(self._empty, "ui", "text_tertiary"))
        for number, pattern in enumerate(self._kept):
            self._rows.addWidget(self._row(number, pattern))
        self._typed.setVisible(bool(self._typed.text()) and bool(self._field.text().strip()))

    def _row(self, number: int, pattern: str) -> QWidget:
        row = _PatternRow()
        inside = QHBoxLayout(row)
        inside.setContentsMargins(10, 2, 2, 2)
        inside.setSpacing(8)
        inside.addWidget(ElidedLabel(pattern, "code", mode=Qt.TextElideMode.ElideMiddle), 1)
        count = self._counts.get(pattern)
        inside.addWidget(Label("" if count is None else formats.number(count), "small", "text_secondary"))
        remove = IconButton("x", tr("Remove {pattern}", pattern=pattern), object_name=f"{self._name}_remove", side=24)
        remove.setProperty("number", number)
        remove.clicked.connect(self._on_remove)
        inside.addWidget(remove)
        return row

    def _on_typed(self) -> None:
        self._typed.hide()
        self._pause.start()

    def _on_enter(self) -> None:
        self._kept = self.patterns
        self._field.clear()
        self._show_rows()
        self.changed.emit()

    def _on_remove(self) -> None:
        number = self.sender().property("number")
        self._kept = (*self._kept[:number], *self._kept[number + 1 :])
        self._show_rows()
        self.changed.emit()


class _PatternRow(QWidget):
    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frame around the row."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 6, colour("surface"), colour("border"))
        painter.end()
