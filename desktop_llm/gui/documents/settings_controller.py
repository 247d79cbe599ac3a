"""Opens the settings of a collection, counts what its patterns fit while they are typed, and stores them."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject

from desktop_llm.errors import UserError
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.documents.settings_sheet import FolderPatterns
from desktop_llm.gui.work.collections import Collections
from desktop_llm.gui.work.resources import Resources
from desktop_llm.knowledge.client import PatternCounts


class SettingsController(QObject):
    """Answers the signals of the page's settings sheet."""

    def __init__(self, resources: Resources, collections: Collections, page: DocumentsPage, parent: QObject) -> None:
        super().__init__(parent)
        self._knowledge, self._tasks = resources.knowledge, resources.tasks
        self._collections, self._page, self._sheet = collections, page, page.settings
        self._sheet.counts_wanted.connect(self._on_counts_wanted)
        self._sheet.saved.connect(self._on_saved)
        self._sheet.watch_changed.connect(self._on_watch_changed)

    def open(self, name: str) -> None:
        """Show the settings of a collection."""
        found = next((each for each in self._collections.all if each.name == name), None)
        if found is not None:
            self._page.show_settings(found)

    def _on_counts_wanted(self, patterns: FolderPatterns) -> None:
        count = functools.partial(
            self._knowledge.count_patterns, patterns.collection, patterns.folder, patterns.include, patterns.exclude
        )
        show = functools.partial(self._show_counts, patterns)
        self._tasks.call(count, show, functools.partial(self._show_problem, patterns))

    def _show_counts(self, asked: FolderPatterns, counts: PatternCounts) -> None:
        if self._sheet.patterns == asked:  # nothing else was typed meanwhile
            self._sheet.show_counts(counts)

    def _show_problem(self, asked: FolderPatterns, error: UserError) -> None:
        if self._sheet.patterns == asked:
            self._sheet.show_problem(error.message)

    def _on_saved(self, patterns: FolderPatterns) -> None:
        self._collections.set_patterns(patterns.collection, patterns.folder, patterns.include, patterns.exclude)
        self._page.close_settings()

    def _on_watch_changed(self, name: str, watched: bool) -> None:
        self._collections.watch(name, watched=watched)
