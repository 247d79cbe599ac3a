"""Says that a download is done or stopped while the person is on another page, and to a screen reader anywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from desktop_llm.gui.announcing import announce
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.downloads_controller import DownloadsController
from desktop_llm.gui.models.failures import actions_for, short_words
from desktop_llm.gui.models.transfers import Download
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.widgets import Action, Banner
from desktop_llm.words import tr

# Where the downloads are to be seen anyway.
_SHOWN_ON = ("models_page", "activity_page")
_SHOW = "show"

Say = Callable[[str, bool], None]


class DownloadNotices(QObject):
    """One banner for all that ended unseen; it goes when the downloads come into sight.

    Signal: `page_requested` where the person wants to see them.
    """

    page_requested = Signal()

    def __init__(
        self, notices: Notices, downloads: DownloadsController, pages: QStackedWidget, say: Say | None = None
    ) -> None:
        super().__init__(downloads)
        self._notices, self._downloads, self._pages = notices, downloads, pages
        self._say = say or functools.partial(announce, pages)
        self._unseen: dict[str, Download] = {}
        self._banner: Banner | None = None
        downloads.ended.connect(self._on_ended)
        downloads.changed.connect(self._on_changed)
        pages.currentChanged.connect(self._on_page)

    def _on_ended(self, download: Download) -> None:
        title, text = _words(download)
        self._say(f"{title} {text}".strip(), download.stage == "failed")
        if not self._in_sight():
            self._unseen[download.key] = download
            self._show()

    def _on_changed(self, downloads: Mapping[str, Download]) -> None:
        """What goes on again, is in use or was taken off the list needs no notice any more."""
        there = {key: each for key, each in self._unseen.items() if _is_as_it_was(each, downloads.get(key))}
        if len(there) < len(self._unseen):
            self._unseen = there
            self._show()

    def _on_page(self, _index: int) -> None:
        if self._unseen and self._in_sight():
            self._unseen = {}
            self._show()

    def _in_sight(self) -> bool:
        page = self._pages.currentWidget()
        return page is not None and page.objectName() in _SHOWN_ON

    def _show(self) -> None:
        if self._banner is not None:
            self._notices.take_away(self._banner)
            self._banner = None
        unseen = tuple(self._unseen.values())
        if unseen:
            self._banner = self._offer(unseen)

    def _offer(self, unseen: tuple[Download, ...]) -> Banner:
        first, *others = unseen
        title, text = _many(unseen) if others else _words(first)
        action = Action(_SHOW, tr("Show downloads"), "download") if others else _action(first)
        on_action = functools.partial(self._on_action, first.key)
        if any(download.stage == "failed" for download in unseen):
            return self._notices.offer(title, text, action, on_action, "warning")
        return self._notices.offer(title, text, action, on_action, icon="check")

    def _on_action(self, key: str, action: str) -> None:
        """The banner has gone with it."""
        self._banner, self._unseen = None, {}
        if action == _SHOW:
            self.page_requested.emit()
        elif action != "dismiss":
            self._downloads.act(key, action)


def _is_as_it_was(ended: Download, now: Download | None) -> bool:
    return now is not None and now.stage == ended.stage and not now.in_use


def _words(download: Download) -> tuple[str, str]:
    """What happened, and what is safe."""
    if download.stage == "done":
        return tr("{name} is ready.").format(name=download.full_name), ""
    return tr("The download of {name} stopped.").format(name=download.full_name), short_words(download)


def _many(downloads: tuple[Download, ...]) -> tuple[str, str]:
    failed = sum(download.stage == "failed" for download in downloads)
    done = len(downloads) - failed
    ready = tr("1 model is ready.") if done == 1 else tr("{count} models are ready.").format(count=number(done))
    if not failed:
        return ready, ""
    stopped = tr("1 download stopped.") if failed == 1 else tr("{count} downloads stopped.")
    return stopped.format(count=number(failed)), ready if done else ""


def _action(download: Download) -> Action:
    """The one thing to do."""
    if download.error is not None:
        return actions_for(download.error)[0]
    return Action("use", tr("Use now"), "play")
