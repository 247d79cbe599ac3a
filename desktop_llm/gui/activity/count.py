"""How much goes on and how much stopped: the number on the rail and the words that go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_llm.gui.documents.words import number
from desktop_llm.gui.documents_controller import DocumentsController
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.words import tr

if TYPE_CHECKING:  # built later than the rail is shown
    from desktop_llm.gui.downloads_controller import DownloadsController
    from desktop_llm.gui.models.transfers import Download


class ActivityCount(QObject):
    """Asks the controllers each time one of them says that something changed.

    A collection with files that could not be read is not counted: its files may stay so for good, and nobody waits.

    Signal: `changed` with the number of things and with words for them, "" for none.
    """

    changed = Signal(int, str)

    def __init__(self, models: ModelsController, documents: DocumentsController, parent: QObject) -> None:
        super().__init__(parent)
        self._models, self._documents = models, documents
        self._downloads: DownloadsController | None = None
        for signal in (models.listed, models.loading, models.loaded, models.stopped):
            signal.connect(self._on_changed)
        for signal in (documents.collections_changed, documents.progressed, documents.read, documents.read_failed):
            signal.connect(self._on_changed)

    def watch(self, downloads: DownloadsController) -> None:
        """Count the downloads too, from now on."""
        self._downloads = downloads
        downloads.changed.connect(self._on_changed)

    def now(self) -> tuple[int, str]:
        """The number of what runs and what stopped: 3 and "2 running, 1 stopped"."""
        running, stopped = self._running(), self._stopped()
        words = [
            tr("{count} running", count=number(running)) if running else "",
            tr("{count} stopped", count=number(stopped)) if stopped else "",
        ]
        return running + stopped, ", ".join(filter(None, words))

    def _running(self) -> int:
        downloading = sum(download.running or download.stage == "waiting" for download in self._known_downloads())
        reading = sum(collection.state == "reading" for collection in self._documents.collections)
        reading += len(self._documents.chat_readings)
        return downloading + reading + (self._models.step is not None)

    def _stopped(self) -> int:
        failed = sum(download.stage == "failed" for download in self._known_downloads())
        return failed + len(self._documents.stopped) + (self._models.stopped_model is not None)

    def _known_downloads(self) -> tuple[Download, ...]:
        return self._downloads.downloads if self._downloads is not None else ()

    def _on_changed(self, *_: object) -> None:
        self.changed.emit(*self.now())
