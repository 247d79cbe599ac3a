"""Says that a download is done or has stopped: in a banner on other pages, and always to a screen reader."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import Action, Banner
from desktop_llm.gui.models.downloads.controller import DownloadsController
from desktop_llm.gui.work.announcing import announce
from desktop_llm.gui.work.download_card import full_name
from desktop_llm.gui.work.jobs import Jobs
from desktop_llm.gui.work.notices import Notices
from desktop_llm.gui.work.transfer_failures import actions_after, short_words
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.job import Job
from desktop_llm.words import plural, tr

_SHOWN_ON = ("models_page", "activity_page")  # the downloads are shown there
_SHOW = "show"

Say = Callable[[str, bool], None]


class DownloadNotices(QObject):
    """One banner for all downloads that ended unseen; it disappears when the downloads are shown.

    Signal: `page_requested` to show them.
    """

    page_requested = Signal()

    def __init__(
        self,
        notices: Notices,
        jobs: Jobs,
        downloads: DownloadsController,
        pages: QStackedWidget,
        say: Say | None = None,
    ) -> None:
        super().__init__(downloads)
        self._notices, self._downloads, self._pages = notices, downloads, pages
        self._say = say or functools.partial(announce, pages)
        self._unseen: dict[str, Download] = {}
        self._banner: Banner | None = None
        jobs.ended.connect(self._on_ended)
        downloads.changed.connect(self._on_changed)
        pages.currentChanged.connect(self._on_page)

    def _on_ended(self, job: Job) -> None:
        if not isinstance(job, Download):
            return
        title, text = _words(job)
        self._say(f"{title} {text}".strip(), job.state == "failed")
        if not self._in_sight():
            self._unseen[job.subject] = job
            self._show()

    def _on_changed(self) -> None:
        """Drop the notice of a download that runs again, is in use or was removed from the list."""
        downloads, in_use = self._downloads.by_subject, self._downloads.model_in_use
        still = {
            subject: ended
            for subject, ended in self._unseen.items()
            if (now := downloads.get(subject)) is not None
            and now.state == ended.state
            and not (now.model_id and now.model_id == in_use)
        }
        if len(still) < len(self._unseen):
            self._unseen = still
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
        if others:
            action = Action(_SHOW, tr("Show downloads"), "download")
        elif first.error is not None:
            action = actions_after(first.error)[0]
        else:
            action = Action("use", tr("Use now"), "play")
        on_action = functools.partial(self._on_action, first.subject)
        if any(download.state == "failed" for download in unseen):
            return self._notices.offer(title, text, action, on_action, "warning")
        return self._notices.offer(title, text, action, on_action, icon="check")

    def _on_action(self, subject: str, action: str) -> None:
        """Carry out the action; the banner is already gone."""
        self._banner, self._unseen = None, {}
        if action == _SHOW:
            self.page_requested.emit()
        elif action != "dismiss":
            self._downloads.act(CardAction(action, subject))


def _words(download: Download) -> tuple[str, str]:
    """Title and text of the notice: what happened, and what is safe."""
    if download.state == "done":
        return tr("{name} is ready.", name=full_name(download)), ""
    return tr("The download of {name} stopped.", name=full_name(download)), short_words(download)


def _many(downloads: tuple[Download, ...]) -> tuple[str, str]:
    failed = sum(download.state == "failed" for download in downloads)
    done = len(downloads) - failed
    ready = plural("%n model is ready.", "%n models are ready.", done)
    if not failed:
        return ready, ""
    return plural("%n download stopped.", "%n downloads stopped.", failed), ready if done else ""
