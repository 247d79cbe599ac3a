"""The window's process from start to end: own the data folder, show the window's frame, build the rest after its first
paint."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop_llm import settings as storage
from desktop_llm.characters import one_line
from desktop_llm.errors import Busy, UserError
from desktop_llm.gui.frame.window import MainWindow
from desktop_llm.gui.look import theme
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.instance import Owner, raise_window
from desktop_llm.paths import Folders, folders
from desktop_llm.reserve import Reserve
from desktop_llm.words import NO_NUMBER, tr, use_translator
from desktop_llm.workers import confine

if TYPE_CHECKING:
    from desktop_llm.gui.build import Wiring
    from desktop_llm.gui.chat.page import ChatsPage
    from desktop_llm.gui.work.quit_on_signal import QuitOnSignal
    from desktop_llm.gui.work.store_lane import StoreLane

NEXT_TURN_MS = 1  # with 0, Qt would continue in the same turn, before it looks for keys
AFTER_LISTING_MS = 20  # time to list and paint the chats
BUILD_AHEAD_MS = 500  # a second process would delay what the person sees first
END_S = 30.0  # ending the workers one after the other takes less
SETTLED_MS = 5_000  # by then everything is built

CHATS_MODULES = (
    "desktop_llm.gui.frame.header",
    "desktop_llm.gui.frame.rail",
    "desktop_llm.gui.chat.page",
    "desktop_llm.gui.chat.conversations",
    "desktop_llm.gui.work.store_lane",
)
OTHER_MODULES = (
    "desktop_llm.gui.build",
    "desktop_llm.gui.documents.page",
    "desktop_llm.gui.chat.evidence.panel",
)

# Building waits for a number of milliseconds, or for modules to be imported in a thread.
Pause = int | tuple[str, ...]


def run_window(
    on_first_paint: Callable[[], None] | None = None,
    on_ready: Callable[[Wiring], None] | None = None,
    files: Sequence[Path] = (),
) -> int:
    """Show the window, open these files in it (absolute paths), run until it is closed, and return the exit status. A
    second start hands them to the first window, and raises it."""
    confine.no_core_dumps(readable=True)
    try:
        home = folders()
        owner = _owner(home, files)
    except UserError as error:
        return tell_before_the_window(error)
    except OSError as error:  # no more open files or memory
        title = tr("Desktop LLM could not start: {reason}.", reason=error.strerror or error)
        return tell_before_the_window(UserError(title, tr("Your chats are untouched. Try again."), details=str(error)))
    if owner is None:
        return 0
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    use_translator(translated)
    application.setApplicationName("Desktop LLM")
    application.setDesktopFileName("desktop-llm")
    settings, notice = storage.load(home.settings)
    if notice is not None:
        notice = tr("{problem} {file}", problem=notice, file=storage.keep_aside(home.settings, settings))
    tasks = Tasks()
    app = App(home, SettingsKeeper(home.settings, settings, tasks), tasks, owner, notice)
    if on_first_paint is not None:
        app.window.first_painted.connect(on_first_paint)
    if on_ready is not None:
        app.ready.connect(on_ready)
    if files:
        app.ready.connect(lambda wiring: wiring.open_files(files))
    hold_garbage()
    app.ready.connect(lambda _: confine.no_core_dumps(readable=uses_portals()))
    app.ready.connect(lambda _: QTimer.singleShot(SETTLED_MS, keep_what_is_built))
    app.window.show()
    status = application.exec()
    _end_in_any_case(home.logs / "crash.log")
    owner.stop_listening()
    app.close()
    owner.release()
    return status


def _end_in_any_case(log: Path) -> None:
    """End this process in `END_S` even if a thread hangs while everything is closed, and say in the log where."""
    try:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        file = os.open(os.devnull, os.O_WRONLY)
    faulthandler.dump_traceback_later(END_S, exit=True, file=file)


def _owner(home: Folders, files: Sequence[Path]) -> Owner | None:
    """Own the data folder; None if a first window has it, which opens the files. Raises Busy if a command has it."""
    owner = Owner.acquire(home)
    if owner is None and raise_window(home, files):
        return None
    owner = owner or Owner.acquire(home)  # the command that held the folder may just have ended
    if owner is None:
        raise Busy(
            tr("Another Desktop LLM is using this data folder and has no window to raise."),
            tr("Nothing was changed. Wait until its command has finished, and start again."),
        )
    return owner


def tell_before_the_window(error: UserError) -> int:
    """Say why there is no window: on stderr, and in a dialog if there is a screen, because nobody reads the stderr of a
    program that was started by a click. Returns the exit status.
    """
    if sys.stderr is not None:  # it is None in a Windows program without a console
        sys.stderr.write(f"{one_line(error.message)}\n")
        sys.stderr.flush()
    if has_screen():
        application = QApplication.instance() or QApplication(sys.argv[:1])
        dialog_for(error).exec()
        del application
    return 1


def has_screen() -> bool:
    """Whether somebody can see a dialog. Without a display Qt would end the process."""
    if platform := os.environ.get("QT_QPA_PLATFORM"):
        return not platform.startswith(("offscreen", "minimal"))
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def dialog_for(error: UserError) -> QMessageBox:
    """The dialog that shows an error before there is a window."""
    box = QMessageBox(QMessageBox.Icon.Critical, "Desktop LLM", f"{error.title}\n\n{error.text}".strip())
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setObjectName("start_failed")
    return box


class App(QObject):
    """One open window: its frame at once, and its contents after the first paint.

    The contents are built in several turns of the event loop, and imported in a thread, so that the window responds
    meanwhile: first the rail, the header and the list of chats, then everything else (`wiring`), then the pages that
    open at a click. Signal: `ready` with the Wiring when everything works.
    """

    ready = Signal(QObject)

    def __init__(
        self,
        home: Folders,
        settings: SettingsKeeper,
        tasks: Tasks,
        owner: Owner | None = None,
        notice: str | None = None,
    ) -> None:
        super().__init__()
        self._home, self._settings, self._tasks = home, settings, tasks
        self._owner, self._notice = owner, notice
        self.window = MainWindow(settings)
        self.wiring: Wiring | None = None
        self._chats: ChatsPage | None = None
        self._store: StoreLane | None = None
        self._quit_on_signal: QuitOnSignal | None = None
        self._steps = self._build()
        self.window.first_painted.connect(self._go_on)
        self.window.closing.connect(self._remember_panes)

    def close(self) -> None:
        """Stop everything that runs, after the window was closed."""
        self._steps.close()
        if self._quit_on_signal is not None:
            self._quit_on_signal.close()
        if self.wiring is not None:
            self.wiring.close()
            return
        if self._store is not None:
            self._store.close()
        self._tasks.close()

    def _go_on(self, _: None = None) -> None:
        pause = next(self._steps, None)
        if isinstance(pause, tuple):
            self._tasks.call(lambda: _import_modules(pause), self._go_on)
        elif pause is not None:
            QTimer.singleShot(pause, self._go_on)

    def _build(self) -> Generator[Pause]:
        """Build everything that follows the first paint, in order."""
        yield CHATS_MODULES
        theme.use_setting(self._settings.current.theme)
        self.window.build()
        yield NEXT_TURN_MS
        from desktop_llm.gui.chat.conversations import ConversationsController
        from desktop_llm.gui.chat.page import ChatsPage
        from desktop_llm.gui.work.store_lane import StoreLane

        window, settings = self.window, self._settings
        self._chats = chats = ChatsPage(window.pages)
        window.width_changed.connect(chats.set_width_class)
        chats.list_widened.connect(window.header.set_slot_width)
        window.fill(chats)
        chats.restore_sizes(settings.current.window.get("panes"))
        self._store = store = StoreLane(self._tasks, self._home.chats_db, Reserve(self._home.reserve))
        conversations = ConversationsController(store, settings, chats.list, chats.undo, window)
        conversations.show_early()
        chats.composer.focus_text()
        yield AFTER_LISTING_MS
        yield OTHER_MODULES  # takes the longest
        from desktop_llm.gui.build import Wiring, resources_for
        from desktop_llm.gui.chat.evidence.panel import EvidencePanel
        from desktop_llm.gui.documents.page import DocumentsPage
        from desktop_llm.gui.work.quit_on_signal import QuitOnSignal

        documents = DocumentsPage(window.pages)
        window.add_page(documents)
        chats.set_panel(panel := EvidencePanel(chats))
        yield NEXT_TURN_MS
        self._quit_on_signal = QuitOnSignal(self)
        resources = resources_for(self._home, self._tasks, settings, store)
        self.wiring = wiring = Wiring(window, chats, documents, panel, conversations, resources, self._owner)
        if self._notice:
            wiring.notices.say(tr("The settings could not be used as they were."), self._notice)
        self.ready.emit(wiring)
        yield BUILD_AHEAD_MS
        yield from wiring.build_ahead(NEXT_TURN_MS)

    def _remember_panes(self) -> None:
        if self._chats is not None:
            self._settings.remember(panes=self._chats.sizes())


def uses_portals() -> bool:
    """Whether this window's file dialogs belong to the desktop's portal. It looks into the process that asks it, once
    for each connection: Qt's connection is known by the time the window is ready, GTK's is not.
    """
    names = ("FLATPAK_ID", "SNAP", "GTK_USE_PORTAL")
    return any(os.environ.get(name) for name in names) or "portal" in os.environ.get("QT_QPA_PLATFORMTHEME", "")


def hold_garbage() -> None:
    """Stop collecting garbage while the window is built: each collection would go through everything imported so
    far."""
    gc.disable()


def keep_what_is_built() -> None:
    """Collect garbage again, but leave out the objects that exist now, because they live as long as the window."""
    gc.freeze()
    gc.enable()


def _import_modules(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def translated(template: str, number: int) -> str:
    """Qt's translation of a sentence, or the sentence itself if there is none; Qt fills in `%n`."""
    if number == NO_NUMBER:
        return QCoreApplication.translate("", template)
    translated = QCoreApplication.translate("", template, None, number)
    return template if translated == template.replace("%n", str(number)) else translated
