"""What a search is narrowed down by: licence, task and language, in a sheet behind one button."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop_llm.gui.models import words
from desktop_llm.gui.popup import SHADOW, Popup
from desktop_llm.gui.widgets import Button, Label, Select

if TYPE_CHECKING:
    from desktop_llm.models.hub import Sort

_LICENCES = ("apache-2.0", "mit", "gemma", "llama3.1", "llama3.2", "llama3.3", "cc-by-nc-4.0", "other")
_TASKS = ("text-generation", "image-text-to-text", "feature-extraction", "text-ranking", "translation")
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")


@dataclass(frozen=True, slots=True)
class Search:
    """What the hub is asked: words, order, and filters (empty: any)."""

    text: str = ""
    sort: Sort = "trending"
    license: str = ""
    task: str = ""
    language: str = ""

    def filters(self) -> int:
        """How many filters are set."""
        return sum(map(bool, (self.license, self.task, self.language)))


class FilterSheet(Popup):
    """Three choices and a way back to none. Signal: `changed` with license, task and language."""

    changed = Signal(str, str, str)

    def __init__(self) -> None:
        super().__init__(object_name="models_filters", accessible_name="")
        self.setAccessibleName(self.tr("Filters"))
        self.setFixedWidth(300 + 2 * SHADOW)
        self._license = _choice("models_filter_license", self.tr("Licence"), self.tr("Any licence"))
        self._task = _choice("models_filter_task", self.tr("Task"), self.tr("Any task"))
        self._language = _choice("models_filter_language", self.tr("Language"), self.tr("Any language"))
        self._clear = Button(self.tr("Clear filters"), "x", kind="quiet", object_name="models_filter_clear")
        _fill(self._license, {key: words.licence(key) for key in _LICENCES})
        _fill(self._task, {key: words.task_word(key) for key in _TASKS})
        languages = {key: words.language_name(key) for key in _LANGUAGES}
        _fill(self._language, languages)
        self._column = QVBoxLayout(self)
        self._lay_out()
        for choice in (self._license, self._task, self._language):
            choice.currentIndexChanged.connect(self._on_changed)
        self._clear.clicked.connect(self._on_clear)
        self._clear.setEnabled(False)

    def set_search(self, search: Search) -> None:
        """Show the filters of a search."""
        pairs = ((self._license, search.license), (self._task, search.task), (self._language, search.language))
        for choice, value in pairs:
            choice.blockSignals(True)
            choice.setCurrentIndex(max(0, choice.findData(value)))
            choice.blockSignals(False)
        self._clear.setEnabled(bool(search.filters()))

    def first_focus(self) -> QWidget:
        """The first choice."""
        return self._license

    def sizeHint(self) -> QSize:
        """As high as the choices."""
        return QSize(self.width(), self._column.sizeHint().height())

    def _lay_out(self) -> None:
        self._column.setContentsMargins(SHADOW + 16, SHADOW + 12, SHADOW + 16, SHADOW + 10)
        self._column.setSpacing(8)
        self._column.addWidget(Label(self.tr("Filters"), "heading"))
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.setColumnStretch(1, 1)
        names = (self.tr("Licence"), self.tr("Task"), self.tr("Language"))
        for row, (name, choice) in enumerate(zip(names, (self._license, self._task, self._language), strict=True)):
            grid.addWidget(Label(name, "ui", "text_secondary"), row, 0)
            grid.addWidget(choice, row, 1)
        self._column.addLayout(grid)
        self._column.addWidget(self._clear)

    def _on_changed(self, _index: int = 0) -> None:
        values = [choice.currentData() or "" for choice in (self._license, self._task, self._language)]
        self._clear.setEnabled(any(values))
        self.changed.emit(*values)

    def _on_clear(self) -> None:
        self.set_search(Search())
        self._on_changed()


def narrowed(search: Search, license_: str, task: str, language: str) -> Search:
    """The search with other filters."""
    return replace(search, license=license_, task=task, language=language)


def _choice(object_name: str, accessible_name: str, any_of_them: str) -> Select:
    choice = Select(object_name=object_name, accessible_name=accessible_name)
    choice.addItem(any_of_them, "")
    return choice


def _fill(choice: Select, names: dict[str, str]) -> None:
    for key, name in sorted(names.items(), key=lambda pair: pair[1].casefold()):
        choice.addItem(name, key)
