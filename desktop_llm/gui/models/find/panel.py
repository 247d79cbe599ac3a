"""The left side of Discover: order and filters, notices about the search, and the rows that it found."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.widgets import Action, Banner, Button, EmptyState, IconButton, Label, Select, Spinner, Tick
from desktop_llm.gui.look.widgets.banner import BannerKind
from desktop_llm.gui.look.widgets.painting import RING_MARGIN
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.find.discovery import Search
from desktop_llm.gui.models.rows import TwoLineList, TwoLineRow
from desktop_llm.models.hub.repositories import SIZES
from desktop_llm.words import tr

_LICENCES = ("apache-2.0", "mit", "gemma", "llama3.1", "llama3.2", "llama3.3", "cc-by-nc-4.0", "other")
_TASKS = ("text-generation", "image-text-to-text", "feature-extraction", "text-ranking", "translation")
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko")

Listed = tuple[TwoLineRow, bool]
"""A row, and whether it is too big for this computer."""


class DiscoverPanel(QWidget):
    """Shows recommended and found models. Nothing here goes out by itself.

    Signals: `search_requested` with a Search, when the person asks the hub; `opened` with the key of a row;
    `notice_action` with the name of a banner's button.
    """

    search_requested = Signal(Search)
    opened = Signal(str)
    notice_action = Signal(str)
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_discover")
        self._search = Search()
        self._asked: Search | None = None
        self._hub = hub_words.hub_name("")
        self._all: list[tuple[str, list[Listed]]] = [("", [])]
        self._notice: Banner | None = None
        self._empty: EmptyState | None = None
        self._sort = self._make_sort()
        self._filter = IconButton("filter", tr("Filters"), object_name="models_filter")
        self._filter.setCheckable(True)
        self._hide = Tick(tr("Hide too big"), object_name="models_hide_too_big")
        self._ask = Button("", "globe", object_name="models_search_hub")
        self._said = Label("", "small", "text_secondary", wrap=True, object_name="models_results_count")
        self._spinner = Spinner(14)
        self._list = TwoLineList("models_results", tr("Models found"))
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._connect()
        self.set_text("")
        self.set_loading(False)

    def set_hub(self, name: str) -> None:
        """Set the name of the hub that is searched."""
        self._hub = name
        self._say_button()

    def set_text(self, text: str) -> None:
        """Take the words in the search field; they are not sent until the person asks the hub."""
        self._search = replace(self._search, text=text)
        self._say_button()

    def ask(self) -> None:
        """Ask the hub for the words in the field, with the filters."""
        self._asked = self._search
        self._say_button()
        self.search_requested.emit(self._search)

    def set_entries(self, entries: Sequence[Listed], heading: str) -> None:
        """Replace the rows by search results; `heading` stands above the list and says how many there are."""
        self._all = [("", list(entries))]
        self._show(heading)

    def set_groups(self, groups: Sequence[tuple[str, Sequence[Listed]]]) -> None:
        """Replace the rows by groups that are known without asking the hub, each below its heading."""
        self._all = [(heading, list(entries)) for heading, entries in groups]
        self._show("")

    def append(self, entries: Sequence[Listed], heading: str) -> None:
        """Add more results of the same search."""
        self._all[-1][1].extend(entries)
        self._list.content.append(self._wanted(entries))
        self._said.setText(heading)
        self._said.setVisible(bool(heading))
        self._show_empty(None)

    def update_entries(self, entries: Sequence[Listed]) -> None:
        """Update rows; a model that turns out to be too big is removed if the person hides those."""
        newer = {listed[0].key: listed for listed in entries}
        self._all = [(title, [newer.get(each[0].key, each) for each in listed]) for title, listed in self._all]
        for entry, too_big in entries:
            if too_big and self._hide.isChecked():
                self._list.content.remove(entry.key)
            else:
                self._list.content.replace(entry)

    def set_loading(self, loading: bool) -> None:
        """Show whether more results are coming."""
        self._spinner.setVisible(loading)

    def set_nothing_found(self, text: str) -> None:
        """Say that a search found nothing."""
        self.set_entries((), "")
        title = tr("Nothing found for “{query}”", query=text) if text else tr("Nothing found")
        hint = tr("Try fewer words, or fewer filters.")
        state = EmptyState(
            "search",
            title,
            hint,
            (Action("clear", tr("Clear search"), "x", "quiet"),),
            object_name="models_nothing_found",
        )
        state.action_triggered.connect(self.clear_requested)
        self._show_empty(state)

    def set_notice(self, title: str, text: str, actions: tuple[Action, ...], kind: BannerKind = "warning") -> None:
        """Say why the hub did not answer; an empty title removes the notice."""
        if self._notice is not None:
            _discard(self._notice, self._column)
            self._notice = None
        if title:
            self._notice = Banner(title, text, actions, kind=kind, object_name="models_search_notice")
            self._notice.action_triggered.connect(self.notice_action)
            self._notices.addWidget(self._notice)

    def select(self, key: str) -> None:
        """Mark the row that is open in the middle."""
        self._list.select(key)

    def focus_list(self) -> None:
        """Move the keyboard focus to the rows."""
        self._list.focus_first()

    def reset(self) -> None:
        """Go back to the state before the first search."""
        self._asked = None
        self._say_button()

    @functools.cached_property
    def _sheet(self) -> FilterSheet:
        """The filters, built when they are first opened."""
        sheet = FilterSheet()
        sheet.changed.connect(self._on_filters)
        return sheet

    def _make_sort(self) -> Select:
        sort = Select(object_name="models_sort", accessible_name=tr("Order of the results"))
        for key, name in (
            ("trending", tr("Trending")),
            ("downloads", tr("Most downloaded")),
            ("likes", tr("Most liked")),
            ("recent", tr("Newest")),
        ):
            sort.addItem(name, key)
        sort.setMinimumContentsLength(8)
        return sort

    def _lay_out(self) -> None:
        controls = QHBoxLayout()
        controls.setContentsMargins(12, 0, 12 - RING_MARGIN, 0)
        controls.setSpacing(6)
        controls.addWidget(self._sort, 1)
        controls.addWidget(self._filter)
        controls.addWidget(self._hide)
        button = QHBoxLayout()
        button.setContentsMargins(12 - RING_MARGIN, 0, 12 - RING_MARGIN, 0)
        button.addWidget(self._ask)
        self._notices = QVBoxLayout()
        self._notices.setContentsMargins(12, 0, 12, 0)
        said = QHBoxLayout()
        said.setContentsMargins(20, 4, 20, 0)
        said.addWidget(self._said, 1)
        said.addWidget(self._spinner)
        listed = QVBoxLayout()
        listed.setContentsMargins(8, 0, 0, 0)
        listed.addWidget(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        for layout in (controls, button, self._notices, said):
            self._column.addLayout(layout)
        self._column.addLayout(listed, 1)

    def _connect(self) -> None:
        self._sort.currentIndexChanged.connect(self._on_sort)
        self._hide.toggled.connect(self._on_hide)
        self._filter.clicked.connect(self._on_filter)
        self._ask.clicked.connect(self.ask)
        self._list.opened.connect(self.opened)

    def _show(self, heading: str) -> None:
        rows: list[TwoLineRow | str] = []
        for title, entries in self._all:
            if wanted := self._wanted(entries):
                rows += [title, *wanted] if title else wanted
        self._list.set_entries(rows)
        self._said.setText(heading)
        self._said.setVisible(bool(heading))
        self._show_empty(None)

    def _wanted(self, entries: Sequence[Listed]) -> list[TwoLineRow]:
        hide = self._hide.isChecked()
        return [entry for entry, too_big in entries if not (too_big and hide)]

    def _show_empty(self, state: EmptyState | None) -> None:
        if self._empty is not None:
            _discard(self._empty, self._column)
        self._empty = state
        self._list.setVisible(state is None)
        if state is not None:
            self._column.addWidget(state, 1)

    def _say_button(self) -> None:
        text = self._search.text.strip()
        popular = tr("Show popular models on {hub}", hub=self._hub)
        self._ask.set_content(tr("Search {hub}", hub=self._hub) if text else popular, "search" if text else "globe")
        set_tip(self._ask, tr("Asks {hub} over the internet (Enter)", hub=self._hub))
        self._ask.setVisible(self._search != self._asked)

    def _again(self) -> None:
        """Repeat the search at once if its order or filters change; before the first search, do nothing."""
        if self._asked is not None:
            self.ask()

    def _on_sort(self, _index: int) -> None:
        self._search = replace(self._search, sort=self._sort.currentData())
        self._again()

    def _on_filters(self, filters: dict[str, Any]) -> None:
        self._search = replace(self._search, **filters)
        count = self._search.filters()
        self._filter.setChecked(bool(count))
        said = tr("Filters, {count} set", count=number(count)) if count else tr("Filters")
        self._filter.set_content("filter", said)
        self._again()

    def _on_hide(self, _hide: bool) -> None:
        self._show(self._said.text())

    def _on_filter(self) -> None:
        self._filter.setChecked(bool(self._search.filters()))
        self._sheet.set_search(self._search)
        self._sheet.show_below(self._filter)


class FilterSheet(Popup):
    """A choice for each filter, and a button that clears all. Signal: `changed` with filters by field of Search."""

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__(object_name="models_filters", accessible_name="")
        self.setAccessibleName(tr("Filters"))
        self.setFixedWidth(320 + 2 * SHADOW)
        self._choices = {
            "size": _choice(tr("Size"), tr("Any size")),
            "license": _choice(tr("Licence"), tr("Any licence")),
            "task": _choice(tr("Task"), tr("Any task")),
            "language": _choice(tr("Language"), tr("Any language")),
        }
        self._clear = Button(tr("Clear filters"), "x", kind="quiet", object_name="models_filter_clear")
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
        """The height of all choices."""
        return QSize(self.width(), self._column.sizeHint().height())

    def _lay_out(self) -> None:
        self._column.setContentsMargins(SHADOW + 16, SHADOW + 12, SHADOW + 16, SHADOW + 10)
        self._column.setSpacing(8)
        self._column.addWidget(Label(tr("Filters"), "heading"))
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
            self._choices["size"].addItem(hub_words.size_class(size), size)
        _add_sorted(self._choices["license"], {key: hub_words.licence(key) for key in _LICENCES})
        _add_sorted(self._choices["task"], {key: hub_words.task_word(key) for key in _TASKS})
        _add_sorted(self._choices["language"], {key: hub_words.language_name(key) for key in _LANGUAGES})

    def _on_changed(self, _index: int = 0) -> None:
        filters = {field: choice.currentData() for field, choice in self._choices.items()}
        self._clear.setEnabled(any(filters.values()))
        self.changed.emit(filters)

    def _on_clear(self) -> None:
        self.set_search(Search())
        self._on_changed()


def _choice(accessible_name: str, any_of_them: str) -> Select:
    choice = Select(accessible_name=accessible_name)
    choice.addItem(any_of_them, "")
    return choice


def _add_sorted(choice: Select, names: dict[str, str]) -> None:
    for key, name in sorted(names.items(), key=lambda pair: pair[1].casefold()):
        choice.addItem(name, key)


def _discard(widget: QWidget, layout: QVBoxLayout) -> None:
    layout.removeWidget(widget)
    widget.setParent(None)
    widget.deleteLater()
