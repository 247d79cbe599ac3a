"""The models on this computer on the Models page: list, add, remove and restore them."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.engine.client import LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui.look.formats import file_name, size
from desktop_llm.gui.look.model_words import model_name
from desktop_llm.gui.models.downloads.controller import DownloadsController
from desktop_llm.gui.models.here.measuring import Measuring
from desktop_llm.gui.models.here.view import FormatDialog
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.rows import TwoLineRow, local_row
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.work import links
from desktop_llm.gui.work.forecasts import LoadPlan, forecast_of
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.gui.work.model_shelf import ModelShelf, Shelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.fit import Forecast
from desktop_llm.models.library import Imported, Model
from desktop_llm.models.library.adapters import take_in
from desktop_llm.paths import person_home
from desktop_llm.words import plural, tr


class LocalModelsController(QObject):
    """Lets `downloads` get a model again and forget one that was removed. `measuring` measures the open one.

    Signal: `format_chosen` with a model's id and the name of a chat format.
    """

    format_chosen = Signal(str, str)

    def __init__(
        self,
        resources: Resources,
        shelf: ModelShelf,
        downloads: DownloadsController,
        page: ModelsPage,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._resources, self._tasks, self._page, self._window = resources, resources.tasks, page, parent
        self._shelf, self._downloads = shelf, downloads
        self._forecasts: Mapping[str, Forecast] = {}
        self._in_use = ""
        self._open = ""
        self._added = ""
        self._removed: list[Model] = []
        self.measuring = Measuring(resources, page.local.speed, self)
        self._connect()

    def start(self) -> None:
        """List the known models, and delete files that a killed process left in the trash."""
        self._tasks.call(self._resources.library.empty_trash, lane="library")
        self._on_shelf(self._shelf.now)

    def set_in_use(self, model: Model | None) -> None:
        """Mark the model in use."""
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
            self._window, tr("Add GGUF files"), str(person_home()), tr("Models (*.gguf)")
        )
        self.import_files(paths)

    def import_files(self, paths: Sequence[str]) -> None:
        """Add files, and folders with adapters, to the models; say why for each that can't be added."""
        if paths:
            self._page.sidebar.show_segment(LOCAL)
        for path in paths:
            self._page.sidebar.local.set_busy(tr("Adding {name}", name=file_name(path)))
            work = functools.partial(take_in, self._resources.library, Path(path))
            self._tasks.call(work, self._on_imported, self._on_failed, lane="import")

    def remove(self, model_id: str) -> None:
        """Remove a model from the list; it can be restored until the window closes."""
        work = functools.partial(self._resources.library.remove, model_id)
        self._tasks.call(work, self._on_removed, self._on_failed, lane="library")

    def _connect(self) -> None:
        page, panel, view = self._page, self._page.sidebar.local, self._page.local
        page.shown.connect(self._shelf.look)  # other programs may have added or removed files
        self._shelf.changed.connect(self._on_shelf)
        page.sidebar.segment_changed.connect(self._show)
        page.sidebar.search.search_changed.connect(self._show)
        page.undo.undo_requested.connect(self._on_restore)
        panel.add_requested.connect(self.ask_for_file)
        panel.opened.connect(self._on_opened)
        panel.restore_requested.connect(self._on_restore)
        panel.hidden_requested.connect(self._on_show_hidden)
        panel.discover_requested.connect(page.show_discover)
        view.show_file_requested.connect(self._on_show_file)
        view.remove_requested.connect(self.remove)
        view.get_again_requested.connect(self._on_get_again)
        view.format_requested.connect(self._on_format)

    def _forecast_all(self, models: Sequence[Model]) -> Generator[None, None, dict[str, Forecast]]:
        """Start a task that forecasts all models; finding the GPUs takes some seconds the first time."""
        found = {}
        for model in models:
            yield
            if (forecast := self._forecast(model)) is not None:
                found[model.id] = forecast
        return found

    def _forecast(self, model: Model) -> Forecast | None:
        if model.kind != "chat" or model.state not in ("ok", "changed"):
            return None
        settings = LoadSettings(context_length=self._resources.settings.current.context_length)
        try:
            return forecast_of(self._resources, LoadPlan(model, LoadChoice(), settings))
        except UserError:
            return None

    def _on_shelf(self, shelf: Shelf) -> None:
        self._page.sidebar.set_count(len(shelf.models))
        self._page.downloads.set_space(shelf.space.models_bytes, shelf.space.free_bytes)
        self._page.sidebar.local.set_hidden(len(shelf.hidden))
        self._show()
        self._tasks.run(functools.partial(self._forecast_all, shelf.models), done=self._on_forecast, lane="forecasts")
        if shelf.find(self._added) is not None:
            self.open(self._added)
            self._added = ""

    def _on_forecast(self, forecasts: Mapping[str, Forecast]) -> None:
        self._forecasts = forecasts
        self._show()

    def _show(self, _: object = None) -> None:
        sidebar = self._page.sidebar
        query = sidebar.search.text().strip() if sidebar.segment() == LOCAL else ""
        wanted = query.casefold().split()
        shown = [model for model in self._shelf.now.models if all(word in _text_of(model) for word in wanted)]
        entries = [self._entry(model) for model in shown]
        sidebar.local.set_entries(entries, self._summary(shown), query)
        self._show_open()

    def _entry(self, model: Model) -> TwoLineRow:
        base = self._shelf.now.bases.get(model.id, "")
        return local_row(model, in_use=model.id == self._in_use, forecast=self._forecasts.get(model.id), base=base)

    def _summary(self, shown: Sequence[Model]) -> str:
        count = plural("%n model", "%n models", len(shown))
        free = size(self._shelf.now.space.free_bytes)
        total = size(sum(model.size_bytes for model in shown if model.state != "missing"))
        return tr("{count}, {size}, {free} free", count=count, size=total, free=free)

    def _show_open(self) -> None:
        """Show the present state of the open model; close it if it is gone."""
        if not self._open:
            return
        model = self._shelf.now.find(self._open)
        if model is None:
            self._open = ""
            self._page.close_local()
            return
        self._page.local.show_model(
            model,
            in_use=model.id == self._in_use,
            twin=self._shelf.now.twins.get(model.id, ""),
            forecast=self._forecasts.get(model.id),
            base=self._shelf.now.bases.get(model.id, ""),
        )
        self.measuring.show(model)

    def _on_opened(self, key: str) -> None:
        self._open = key.removeprefix("local ")
        self._show_open()
        if self._open:
            self._page.show_local()

    def _on_show_file(self, model_id: str) -> None:
        if (model := self._shelf.now.find(model_id)) is not None:
            links.show_folder(str(model.path))

    def _on_get_again(self, model_id: str) -> None:
        if (model := self._shelf.now.find(model_id)) is not None:
            self._downloads.get_again(model)

    def _on_format(self, model_id: str) -> None:
        if (model := self._shelf.now.find(model_id)) is not None:
            dialog = FormatDialog(self._window, model)
            dialog.chosen.connect(self.format_chosen)
            dialog.open()

    def _on_imported(self, imported: Imported) -> None:
        self._page.sidebar.local.set_busy("")
        added = tr("{name} was added.", name=model_name(imported.model))
        where = tr("It is in the model menu.")
        if imported.model.kind == "adapter":
            where = tr("It is in the settings of each chat with its model.")
        self._page.set_notice(added, where, "success")
        self._added = imported.model.id
        self._shelf.refresh()

    def _on_failed(self, error: UserError) -> None:
        self._page.sidebar.local.set_busy("")
        self._page.set_notice(tr("That did not work."), error.message)
        self._shelf.refresh()

    def _on_removed(self, model: Model) -> None:
        self._removed.append(model)
        self._say_removed()
        name = model_name(model)
        self._page.undo.show_message(tr("{name} removed.", name=name) if model.own else tr("{name} hidden.", name=name))
        self._downloads.forget(model)
        self._shelf.refresh()

    def _on_restore(self) -> None:
        if self._removed:
            model = self._removed.pop()
            self._say_removed()
            self._page.undo.hide()
            work = functools.partial(self._resources.library.restore, model.id)
            self._tasks.call(work, self._on_restored, self._on_failed, lane="library")

    def _on_restored(self, _model: Model) -> None:
        self._shelf.refresh()

    def _on_show_hidden(self) -> None:
        self._removed = [model for model in self._removed if model.own]
        self._say_removed()
        for model in self._shelf.now.hidden:
            work = functools.partial(self._resources.library.restore, model.id)
            self._tasks.call(work, self._on_restored, self._on_failed, lane="library")

    def _say_removed(self) -> None:
        self._page.sidebar.local.set_removed(model_name(self._removed[-1]) if self._removed else "")


def _text_of(model: Model) -> str:
    facts = (model.display_name, model.id, model.quantization, model.architecture, model.kind, model.repo, model.app)
    return " ".join(facts).casefold()
