"""What is done once the window works and nobody waits: modules read and pages built before they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer

from desktop_llm.gui.tasks import Tasks
from desktop_llm.gui.transcript import warm_up

LATER_MS = 500


class Ahead(QObject):
    """Starts what was put off, then builds; each build has a turn of the event loop of its own, so that the window
    waits for one of them at most.
    """

    def __init__(
        self, tasks: Tasks, start: Callable[[], None], builds: Sequence[Callable[[], object]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._tasks, self._start, self._builds = tasks, start, list(builds)
        # What a person sees first goes first; a second process and two parsers would hold it up.
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self._on_later)
        self._later.start()
        self._next = QTimer(self, singleShot=True)
        self._next.timeout.connect(self._build)

    def close(self) -> None:
        """The window closes: build nothing more."""
        self._later.stop()
        self._next.stop()

    def _on_later(self) -> None:
        self._start()
        self._tasks.call(warm_up)
        self._tasks.call(_import_what_comes_later, self._on_imported)

    def _on_imported(self, _: None) -> None:
        self._next.start()

    def _build(self) -> None:
        self._builds.pop(0)()
        if self._builds:
            self._next.start()


def _import_what_comes_later() -> None:
    """In a task: read the modules of what opens at a click, so that the window does not wait for them."""
    import desktop_llm.gui.activity_controller
    import desktop_llm.gui.chat_settings
    import desktop_llm.gui.first_run
    import desktop_llm.gui.model_menu
    import desktop_llm.gui.models_room
    import desktop_llm.gui.network_panel
    import desktop_llm.gui.settings_page
    import desktop_llm.gui.token_keeper  # noqa: F401
    from desktop_llm.hardware import physical_cores

    physical_cores()  # the load settings show them, and the system is slow to tell
