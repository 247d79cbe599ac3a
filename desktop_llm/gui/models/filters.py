"""What a search is narrowed down by: size, licence, task and language, in a sheet behind one button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop_llm.gui.models import words
from desktop_llm.gui.popup import SHADOW, Popup
from desktop_llm.gui.widgets import Button, Label, Select
from desktop_llm.models.hub.sizes import SIZES

if TYPE_CHECKING:
    from desktop_llm.models.hub import Sort
    from desktop_llm.models.hub.sizes import Size

_LICENCES = ("apache-2.0", "mit", "gemma", "llama3.1", "llama3.2", "llama3.3", "cc-by-nc-4.0", "other")
_TASKS = ("text-generation", "image-text-to-text", "feature-extraction", "text-ranking", "translation")
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")


@dataclass(frozen=True, slots=True)
class Search:
    """What the hub is asked: words, order, and filters (empty: any)."""

    text: str = ""
    sort: Sort = "trending"
    size: Size = ""
    license: str = ""
    task: str = ""
    language: str = ""

    def filters(self) -> int:
        """How many filters are set."""
        return sum(map(bool, (self.size, self.license, self.task, self.language)))


class FilterSheet(Popup):
    """A choice for each filter and a way back to none. Signal: `changed` with the filters as fields of a Search."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__(object_name="models_filters", accessible_name="")
        self.setAccessibleName(self.tr("Filters"))
        self.setFixedWidth(320 + 2 * SHADOW)
        self._choices = {
            "size": _choice(self.tr("Size"), self.tr("Any size")),
            "license": _choice(self.tr("Licence"), self.tr("Any licence")),
            "task": _choice(self.tr("Task"), self.tr("Any task")),
            "language": _choice(self.tr("Language"), self.tr("Any language")),
        }
        self._clear = Button(self.tr("Clear filters"), "x", kind="quiet", object_name="models_filter_clear")
        self._fill()
        self._column = QVBoxLayout(self)
        self._lay_out()
        for field, choice in self._choices.items():
            choice.setObjectName(f"models_filter_{field}")
            choice.currentIndexChanged.connect(self._on_changed)
        self._clear.clicked.connect(self._on_clear)
        self._clear.setEnabled(False)

    def set_search(self, search: Search) -> None:
        """Show the filters of a search."""
        for field, choice in self._choices.items():
            choice.blockSignals(True)
            choice.setCurrentIndex(max(0, choice.findData(getattr(search, field))))
            choice.blockSignals(False)
        self._clear.setEnabled(bool(search.filters()))

    def first_focus(self) -> QWidget:
        """The first choice."""
        return self._choices["size"]

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
        for row, choice in enumerate(self._choices.values()):
            grid.addWidget(Label(choice.accessibleName(), "ui", "text_secondary"), row, 0)
            grid.addWidget(choice, row, 1)
        self._column.addLayout(grid)
        self._column.addWidget(self._clear)

    def _fill(self) -> None:
        for size in SIZES:
            self._choices["size"].addItem(words.size_class(size), size)
        _add_sorted(self._choices["license"], {key: words.licence(key) for key in _LICENCES})
        _add_sorted(self._choices["task"], {key: words.task_word(key) for key in _TASKS})
        _add_sorted(self._choices["language"], {key: words.language_name(key) for key in _LANGUAGES})

    def _on_changed(self, _index: int = 0) -> None:
        filters = {field: choice.currentData() for field, choice in self._choices.items()}
        self._clear.setEnabled(any(filters.values()))
        self.changed.emit(filters)

    def _on_clear(self) -> None:
        self.set_search(Search())
        self._on_changed()


def narrowed(search: Search, filters: Mapping[str, Any]) -> Search:
    """The search with other filters."""
    return replace(search, **filters)


def _choice(accessible_name: str, any_of_them: str) -> Select:
    choice = Select(accessible_name=accessible_name)
    choice.addItem(any_of_them, "")
    return choice


def _add_sorted(choice: Select, names: dict[str, str]) -> None:
    for key, name in sorted(names.items(), key=lambda pair: pair[1].casefold()):
        choice.addItem(name, key)
