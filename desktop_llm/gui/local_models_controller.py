"""The models on this computer in the window: what they are, adding, removing and bringing back."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.errors import UserError
from desktop_llm.gui import outside
from desktop_llm.gui.discovery import USUAL_CONTEXT
from desktop_llm.gui.documents.words import number, size
from desktop_llm.gui.model_words import model_name
from desktop_llm.gui.models.entries import local_entry
from desktop_llm.gui.models.format_dialog import FormatDialog
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.rows import Entry
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.resources import Resources
from desktop_llm.models.fit import Forecast
from desktop_llm.models.library import Imported, Model, Space


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one look at the disk told: models, space, the name of each model's twin, and what was hidden."""

    models: tuple[Model, ...]
    space: Space
    twins: Mapping[str, str]
    hidden: tuple[Model, ...] = ()


class LocalModelsController(QObject):
    """Signals: `changed` with all Models; `use_requested` with a model's id; `removed` and `get_again_requested` with a
    Model; `format_chosen` with a model's id and the name of a chat format."""

    changed = Signal(object)
    use_requested = Signal(str)
    removed = Signal(object)
    get_again_requested = Signal(object)
    format_chosen = Signal(str, str)

    def __init__(self, resources: Resources, page: ModelsPage, parent: QWidget) -> None:
        super().__init__(parent)
        self._resources, self._tasks, self._page, self._window = resources, resources.tasks, page, parent
        self._shelf = Shelf((), Space(0, 0, 0), {})
        self._forecasts: Mapping[str, Forecast] = {}
        self._in_use = ""
        self._open = ""
        self._added = ""
        self._removed: list[Model] = []
        self._connect()

    @property
    def models(self) -> tuple[Model, ...]:
        """The models seen last."""
        return self._shelf.models

    @property
    def space(self) -> Space:
        """What they take of their disk and what is left there, as seen last."""
        return self._shelf.space

    def start(self) -> None:
        """List them; what a killed process left in the trash goes first."""
        self._tasks.call(self._resources.library.empty_trash, lane="library")
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Look again at what is on disk."""
        self._tasks.call(self._look, self._on_looked, lane="library")

    def set_in_use(self, model: Model | None) -> None:
        """Mark the model that the next message goes to."""
        self._in_use = model.id if model is not None else ""
        self._show()

    def open(self, model_id: str) -> None:
        """Show a model in the middle."""
        self._page.sidebar.show_segment(LOCAL)
        self._on_opened(f"local {model_id}")
        self._page.sidebar.local.select(f"local {model_id}")

    def ask_for_file(self) -> None:
        """Let the person pick GGUF files to add."""
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Add GGUF files"), str(Path.home()), self.tr("Models (*.gguf)")
        )
        self.import_files(paths)

    def import_files(self, paths: Sequence[str]) -> None:
        """Add files to the models; each that can't be is one sentence."""
        if paths:
            self._page.sidebar.show_segment(LOCAL)
        for path in paths:
            self._page.sidebar.local.set_busy(self.tr("Adding {name}").format(name=Path(path).name))
            work = functools.partial(self._resources.library.import_file, Path(path))
            self._tasks.call(work, self._on_imported, self._on_failed, lane="import")

    def remove(self, model_id: str) -> None:
        """Take a model off the list; until the window closes it can be brought back."""
        work = functools.partial(self._resources.library.remove, model_id)
        self._tasks.call(work, self._on_removed, self._on_failed, lane="library")

    def _connect(self) -> None:
        page, panel, view = self._page, self._page.sidebar.local, self._page.local
        page.shown.connect(self.refresh)  # files come and go behind the window's back
        page.files_dropped.connect(self.import_files)
        page.sidebar.segment_changed.connect(self._show)
        page.sidebar.search.search_changed.connect(self._show)
        page.undo.undo_requested.connect(self._on_restore)
        panel.add_requested.connect(self.ask_for_file)
        panel.opened.connect(self._on_opened)
        panel.restore_requested.connect(self._on_restore)
        panel.hidden_requested.connect(self._on_show_hidden)
        panel.discover_requested.connect(page.show_discover)
        view.use_requested.connect(self.use_requested)
        view.show_file_requested.connect(self._on_show_file)
        view.remove_requested.connect(self.remove)
        view.get_again_requested.connect(self._on_get_again)
        view.format_requested.connect(self._on_format)

    def _look(self) -> Shelf:
        """In a task: the models with all that the disk tells of them."""
        library = self._resources.library
        models = tuple(library.models())
        twins = {
            model.id: other.display_name
            for duplicate in library.duplicates()
            for model in duplicate.models
            for other in duplicate.models
            if other is not model
        }
        return Shelf(models, library.space(), twins, tuple(library.hidden()))

    def _forecast_all(self, models: Sequence[Model]) -> Generator[None, None, dict[str, Forecast]]:
        """In a task of its own: what there is to compute with takes some seconds to find out, once for each machine."""
        found = {}
        for model in models:
            yield
            if (forecast := self._forecast(model)) is not None:
                found[model.id] = forecast
        return found

    def _forecast(self, model: Model) -> Forecast | None:
        if model.kind != "chat" or model.state not in ("ok", "changed"):
            return None
        try:
            header = self._resources.library.header(model)
        except UserError:
            return None
        wanted = self._resources.settings.current.context_length or USUAL_CONTEXT
        context = min(wanted, model.context_length or wanted)
        return self._resources.forecaster.forecast(header, model.size_bytes, context_length=context)

    def _on_looked(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._page.sidebar.set_count(len(shelf.models))
        self._page.downloads.set_space(shelf.space.models_bytes, shelf.space.free_bytes)
        self._page.sidebar.local.set_hidden(len(shelf.hidden))
        self._show()
        self._tasks.run(functools.partial(self._forecast_all, shelf.models), done=self._on_forecast, lane="forecasts")
        if self._added in [model.id for model in shelf.models]:
            self.open(self._added)
            self._added = ""
        self.changed.emit(shelf.models)

    def _on_forecast(self, forecasts: Mapping[str, Forecast]) -> None:
        self._forecasts = forecasts
        self._show()

    def _show(self, _: object = None) -> None:
        sidebar = self._page.sidebar
        query = sidebar.search.text().strip() if sidebar.segment() == LOCAL else ""
        wanted = query.casefold().split()
        shown = [model for model in self._shelf.models if all(word in _text_of(model) for word in wanted)]
        entries = [self._entry(model) for model in shown]
        sidebar.local.set_entries(entries, self._summary(shown), query)
        self._show_open()

    def _entry(self, model: Model) -> Entry:
        return local_entry(model, in_use=model.id == self._in_use, forecast=self._forecasts.get(model.id))

    def _summary(self, shown: Sequence[Model]) -> str:
        count = self.tr("1 model") if len(shown) == 1 else self.tr("{count} models").format(count=number(len(shown)))
        free = size(self._shelf.space.free_bytes)
        total = size(sum(model.size_bytes for model in shown if model.state != "missing"))
        return self.tr("{count}, {size}, {free} free").format(count=count, size=total, free=free)

    def _show_open(self) -> None:
        """The open model as it is now; one that is gone closes."""
        if not self._open:
            return
        model = self._model(self._open)
        if model is None:
            self._open = ""
            self._page.close_local()
            return
        self._page.local.show_model(
            model,
            in_use=model.id == self._in_use,
            twin=self._shelf.twins.get(model.id, ""),
            forecast=self._forecasts.get(model.id),
        )

    def _model(self, model_id: str) -> Model | None:
        return next((model for model in self._shelf.models if model.id == model_id), None)

    def _on_opened(self, key: str) -> None:
        self._open = key.removeprefix("local ")
        self._show_open()
        if self._open:
            self._page.show_local()

    def _on_show_file(self, model_id: str) -> None:
        if (model := self._model(model_id)) is not None:
            outside.show_folder(str(model.path))

    def _on_get_again(self, model_id: str) -> None:
        if (model := self._model(model_id)) is not None:
            self.get_again_requested.emit(model)

    def _on_format(self, model_id: str) -> None:
        if (model := self._model(model_id)) is not None:
            dialog = FormatDialog(self._window, model)
            dialog.chosen.connect(self.format_chosen)
            dialog.open()

    def _on_imported(self, imported: Imported) -> None:
        self._page.sidebar.local.set_busy("")
        added = self.tr("{name} was added.").format(name=model_name(imported.model))
        self._page.set_notice(added, self.tr("It is in the model menu."), "success")
        self._added = imported.model.id
        self.refresh()

    def _on_failed(self, error: UserError) -> None:
        self._page.sidebar.local.set_busy("")
        self._page.set_notice(self.tr("That did not work."), error.message)
        self.refresh()

    def _on_removed(self, model: Model) -> None:
        self._removed.append(model)
        self._say_removed()
        words = self.tr("{name} removed.") if model.own else self.tr("{name} hidden.")
        self._page.undo.show_message(words.format(name=model_name(model)))
        self.removed.emit(model)
        self.refresh()

    def _on_restore(self) -> None:
        if self._removed:
            model = self._removed.pop()
            self._say_removed()
            self._page.undo.hide()
            work = functools.partial(self._resources.library.restore, model.id)
            self._tasks.call(work, self.refresh, self._on_failed, lane="library")

    def _on_show_hidden(self) -> None:
        self._removed = [model for model in self._removed if model.own]
        self._say_removed()
        for model in self._shelf.hidden:
            work = functools.partial(self._resources.library.restore, model.id)
            self._tasks.call(work, self.refresh, self._on_failed, lane="library")

    def _say_removed(self) -> None:
        self._page.sidebar.local.set_removed(model_name(self._removed[-1]) if self._removed else "")


def _text_of(model: Model) -> str:
    facts = (model.display_name, model.id, model.quantization, model.architecture, model.kind, model.repo, model.app)
    return " ".join(facts).casefold()
