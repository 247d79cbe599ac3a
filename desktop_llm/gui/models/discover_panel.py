"""The left side of Discover: order and filters, what there is to say about the search, and what it found."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import number
from desktop_llm.gui.models import words
from desktop_llm.gui.models.filters import FilterSheet, Search, narrowed
from desktop_llm.gui.models.rows import Entry, EntryList, Row
from desktop_llm.gui.widgets import Action, Banner, Button, EmptyState, IconButton, Label, Select, Spinner, Tick
from desktop_llm.gui.widgets.banner import BannerKind
from desktop_llm.gui.widgets.painting import RING_MARGIN

Listed = tuple[Entry, bool]
"""A row, and whether it is too big for this computer."""


class DiscoverPanel(QWidget):
    """Shows what is recommended or found. Nothing here goes out by itself.

    Signals: `search_requested` with a Search, when the person asks the hub; `opened` with the key of a row;
    `notice_action` with the name of a banner's button.
    """

    search_requested = Signal(object)
    opened = Signal(str)
    notice_action = Signal(str)
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_discover")
        self._search = Search()
        self._asked: Search | None = None
        self._hub = words.hub_name("")
        self._all: list[tuple[str, list[Listed]]] = [("", [])]
        self._notice: Banner | None = None
        self._empty: EmptyState | None = None
        self._sort = self._make_sort()
        self._filter = IconButton("filter", self.tr("Filters"), object_name="models_filter")
        self._filter.setCheckable(True)
        self._hide = Tick(self.tr("Hide too big"), object_name="models_hide_too_big")
        self._ask = Button("", "globe", object_name="models_search_hub")
        self._said = Label("", "small", "text_secondary", wrap=True, object_name="models_results_count")
        self._spinner = Spinner(14)
        self._list = EntryList("models_results", self.tr("Models found"))
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._connect()
        self.set_text("")
        self.set_loading(False)

    def set_hub(self, name: str) -> None:
        """What the place is called that is searched."""
        self._hub = name
        self._say_button()

    def set_text(self, text: str) -> None:
        """The words in the search field; they go nowhere until the person asks the hub."""
        self._search = replace(self._search, text=text)
        self._say_button()

    def ask(self) -> None:
        """Ask the hub for what the field and the filters say."""
        self._asked = self._search
        self._say_button()
        self.search_requested.emit(self._search)

    def set_entries(self, entries: Sequence[Listed], heading: str) -> None:
        """Replace the rows by what was found; `heading` stands above the list and says how many there are."""
        self._all = [("", list(entries))]
        self._show(heading)

    def set_groups(self, groups: Sequence[tuple[str, Sequence[Listed]]]) -> None:
        """Replace the rows by what can be shown without asking anyone, each group below its heading."""
        self._all = [(heading, list(entries)) for heading, entries in groups]
        self._show("")

    def append(self, entries: Sequence[Listed], heading: str) -> None:
        """More of the same search."""
        self._all[-1][1].extend(entries)
        self._list.append(self._wanted(entries))
        self._said.setText(heading)
        self._said.setVisible(bool(heading))
        self._show_empty(None)

    def update_entries(self, entries: Sequence[Listed]) -> None:
        """Newer facts for rows that are there; what turns out to be too big goes where the person hides that."""
        newer = {listed[0].key: listed for listed in entries}
        self._all = [(title, [newer.get(each[0].key, each) for each in listed]) for title, listed in self._all]
        for entry, too_big in entries:
            if too_big and self._hide.isChecked():
                self._list.remove(entry.key)
            else:
                self._list.update_entry(entry)

    def set_loading(self, loading: bool) -> None:
        """Whether more is on its way."""
        self._spinner.setVisible(loading)

    def set_nothing_found(self, text: str) -> None:
        """Say that a search found nothing."""
        self.set_entries((), "")
        title = self.tr("Nothing found for “{query}”").format(query=text) if text else self.tr("Nothing found")
        hint = self.tr("Try fewer words, or fewer filters.")
        state = EmptyState(
            "search",
            title,
            hint,
            (Action("clear", self.tr("Clear search"), "x", "quiet"),),
            object_name="models_nothing_found",
        )
        state.action_triggered.connect(self._on_clear)
        self._show_empty(state)

    def set_notice(self, title: str, text: str, actions: tuple[Action, ...], kind: BannerKind = "warning") -> None:
        """Say why the hub did not answer; an empty title takes the words away."""
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
        """Put the keyboard on the rows."""
        self._list.focus_first()

    def reset(self) -> None:
        """Forget what was asked, as before the first search."""
        self._asked = None
        self._say_button()

    @functools.cached_property
    def _sheet(self) -> FilterSheet:
        """The filters, built when they are first wanted."""
        sheet = FilterSheet()
        sheet.changed.connect(self._on_filters)
        return sheet

    def _make_sort(self) -> Select:
        sort = Select(object_name="models_sort", accessible_name=self.tr("Order of the results"))
        for key, name in (
            ("trending", self.tr("Trending")),
            ("downloads", self.tr("Most downloaded")),
            ("likes", self.tr("Most liked")),
            ("recent", self.tr("Newest")),
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
        self._ask.clicked.connect(self._on_ask)
        self._list.opened.connect(self.opened)

    def _show(self, heading: str) -> None:
        rows: list[Row] = []
        for title, entries in self._all:
            if wanted := self._wanted(entries):
                rows += [title, *wanted] if title else wanted
        self._list.set_entries(rows)
        self._said.setText(heading)
        self._said.setVisible(bool(heading))
        self._show_empty(None)

    def _wanted(self, entries: Sequence[Listed]) -> list[Entry]:
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
        words_ = self.tr("Show popular models on {hub}") if not text else self.tr("Search {hub}")
        self._ask.set_content(words_.format(hub=self._hub), "search" if text else "globe")
        self._ask.setToolTip(self.tr("Asks {hub} over the internet (Enter)").format(hub=self._hub))
        self._ask.setVisible(self._search != self._asked)

    def _again(self) -> None:
        """Another order or filter of a search that was asked is asked at once."""
        if self._asked is not None:
            self.ask()

    def _on_sort(self, _index: int) -> None:
        self._search = replace(self._search, sort=self._sort.currentData())
        self._again()

    def _on_filters(self, filters: dict[str, Any]) -> None:
        self._search = narrowed(self._search, filters)
        count = self._search.filters()
        self._filter.setChecked(bool(count))
        said = self.tr("Filters, {count} set").format(count=number(count)) if count else self.tr("Filters")
        self._filter.set_content("filter", said)
        self._again()

    def _on_hide(self, _hide: bool) -> None:
        self._show(self._said.text())

    def _on_filter(self) -> None:
        self._filter.setChecked(bool(self._search.filters()))
        self._sheet.set_search(self._search)
        self._sheet.show_below(self._filter)

    def _on_ask(self) -> None:
        self.ask()

    def _on_clear(self, _name: str) -> None:
        self.clear_requested.emit()


def _discard(widget: QWidget, layout: QVBoxLayout) -> None:
    layout.removeWidget(widget)
    widget.setParent(None)
    widget.deleteLater()
