"""What streams in between two repaints: text, thoughts, and how far prompt processing is."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_llm.gui import theme
from desktop_llm.gui.transcript.view_model import ReadingProgress


class Stream(QObject):
    """Collects tokens for 33 ms, and keeps progress back for the first 300 ms, which most messages need not show."""

    due = Signal()
    """Time to `take` what came in."""
    progress_changed = Signal(str)
    """The progress row of a message shows something else, or goes."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._text: dict[str, list[str]] = {}
        self._thoughts: dict[str, list[str]] = {}
        self._progress: dict[str, ReadingProgress] = {}
        motion = theme.current().length
        self._repaint = QTimer(self, singleShot=True, interval=motion("motion", "repaint_streaming_ms"))
        self._repaint.timeout.connect(self.due)
        self._late = QTimer(self, singleShot=True, interval=motion("motion", "spinner_delay_ms"))
        self._late.timeout.connect(self._on_late)

    def add_text(self, message_id: str, text: str) -> None:
        """More of an answer."""
        self._text.setdefault(message_id, []).append(text)
        self._start()

    def add_thoughts(self, message_id: str, text: str) -> None:
        """More of what the model thinks."""
        self._thoughts.setdefault(message_id, []).append(text)
        self._start()

    def _start(self) -> None:
        if not self._repaint.isActive():
            self._repaint.start()

    def take(self) -> dict[str, tuple[str, str]]:
        """Text and thoughts that came in since the last time, by message."""
        ids = [*self._text, *(key for key in self._thoughts if key not in self._text)]
        found = {key: ("".join(self._text.get(key, ())), "".join(self._thoughts.get(key, ()))) for key in ids}
        self._text.clear()
        self._thoughts.clear()
        return found

    def forget(self, message_id: str) -> None:
        """Drop what came in for a message that is shown anew."""
        self._text.pop(message_id, None)
        self._thoughts.pop(message_id, None)

    def clear(self) -> None:
        """Drop everything: another chat is shown."""
        self._repaint.stop()
        self._late.stop()
        for waiting in (self._text, self._thoughts, self._progress):
            waiting.clear()

    def progress(self, message_id: str) -> ReadingProgress | None:
        """The progress that may be shown by now."""
        return None if self._late.isActive() else self._progress.get(message_id)

    def set_progress(self, message_id: str, progress: ReadingProgress | None) -> None:
        """Keep the newest progress; None ends it."""
        if progress is None:
            if self._progress.pop(message_id, None) is not None:
                self.progress_changed.emit(message_id)
            return
        if message_id not in self._progress:
            self._late.start()
        self._progress[message_id] = progress
        if self.progress(message_id) is not None:
            self.progress_changed.emit(message_id)

    def _on_late(self) -> None:
        for message_id in list(self._progress):
            self.progress_changed.emit(message_id)
