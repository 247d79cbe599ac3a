"""Models in the window: the picker menu, the Models page, loading and unloading, what the header says of it."""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_llm.engine.client import LoadedModel, Loading, LoadSettings
from desktop_llm.errors import UserError
from desktop_llm.gui import outside
from desktop_llm.gui.header import Header
from desktop_llm.gui.model_menu import ModelMenu
from desktop_llm.gui.models_page import ModelsPage
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.tasks import Task
from desktop_llm.models.library import Imported, Model


class ModelsController(QObject):
    """Holds which model is chosen. Signals: `chosen` with the Model whenever it changes; `failed` with a UserError."""

    chosen = Signal(object)
    failed = Signal(object)

    def __init__(
        self, resources: Resources, header: Header, menu: ModelMenu, page: ModelsPage, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._resources = resources
        self._tasks = resources.tasks
        self._header, self._menu, self._page, self._window = header, menu, page, parent
        self._models: tuple[Model, ...] = ()
        self._loading: Task | None = None
        self.model: Model | None = None
        self.load = LoadSettings()
        menu.load_requested.connect(self._on_load_requested)
        menu.unload_requested.connect(self._on_unload)
        menu.cancel_requested.connect(self.cancel)
        menu.import_requested.connect(self.ask_for_file)
        page.add_requested.connect(self.ask_for_file)
        page.files_dropped.connect(self.import_files)
        page.use_requested.connect(self.use)
        page.show_file_requested.connect(outside.show_folder)
        page.remove_requested.connect(self._on_remove)
        resources.settings.changed.connect(self._on_settings)

    def start(self) -> None:
        """List the models and choose the one used last."""
        self._on_settings()
        self.refresh()
        self._tasks.call(self._resources.library.default, self._choose)

    def refresh(self) -> None:
        """Look again at what is on disk."""
        self._tasks.call(self._resources.library.models, self._on_models)

    def use(self, model_id: str) -> None:
        """Choose a model and load it."""
        self._on_load_requested(model_id, self.load)

    def ask_for_file(self) -> None:
        """Let the person pick GGUF files to add."""
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Add GGUF files"), str(Path.home()), self.tr("Models (*.gguf)")
        )
        self.import_files(paths)

    def import_files(self, paths: Sequence[str]) -> None:
        """Add files to the models; each that can't be is one sentence."""
        for path in paths:
            self._page.set_busy(self.tr("Adding {name}").format(name=Path(path).name))
            work = functools.partial(self._resources.library.import_file, Path(path))
            self._tasks.call(work, self._on_imported, self._on_page_error, lane="import")

    def cancel(self) -> None:
        """Stop loading."""
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
            self._on_unload()

    def show_loading(self, step: Loading) -> None:
        """A model is being loaded, by the menu or because a message needs it."""
        self._header.set_model_state("loading", step.fraction)
        self._menu.set_loading(self.model.id if self.model else "", step.fraction)

    def show_loaded(self, loaded: LoadedModel | None) -> None:
        """What the engine holds now."""
        self._header.set_model_state("ready" if loaded else "idle")
        self._header.set_device(loaded.device if loaded else "")
        self._menu.set_loaded(self.model.id if loaded and self.model else None, loaded)

    def show_stopped(self, error: UserError) -> None:
        """The engine died or would not load."""
        self._header.set_model_state("stopped", tip=error.message)
        self._header.set_device(self.tr("Stopped"))
        self._menu.set_failed(self.model.id if self.model else "", error.message)

    def _on_models(self, models: list[Model]) -> None:
        self._models = tuple(models)
        self._page.set_models(self._models)
        self._menu.set_models([model for model in models if model.kind == "chat"])

    def _choose(self, model: Model) -> None:
        self.model = model
        self._header.set_model(model.display_name, model.quantization or "")
        self._menu.set_chosen(model.id)
        self._page.set_in_use(model.id)
        self.chosen.emit(model)

    def _on_settings(self, _: object = None) -> None:
        settings = self._resources.settings.current
        self.load = replace(self.load, threads=settings.threads, context_length=settings.context_length)
        self._menu.set_load_settings(self.load)

    def _on_load_requested(self, model_id: str, load: LoadSettings) -> None:
        model = next((model for model in self._models if model.id == model_id), None)
        if model is None:
            return
        self.cancel()
        before = (self.model, self.load)
        self._choose(model)
        self.load = load
        self.show_loading(Loading(0.0))
        self._loading = self._tasks.run(
            functools.partial(self._load, model, load),
            progress=self.show_loading,
            done=self._on_loaded,
            failed=functools.partial(self._on_load_failed, *before),
            lane="engine",
        )

    def _load(self, model: Model, load: LoadSettings) -> Generator[Loading, None, LoadedModel]:
        loaded = yield from self._resources.engine.load(model.path, load)
        self._resources.library.mark_used(model.id)
        return loaded

    def _on_loaded(self, loaded: LoadedModel) -> None:
        self._loading = None
        self.show_loaded(loaded)

    def _on_load_failed(self, before: Model | None, load: LoadSettings, error: UserError) -> None:
        """Say why, and go back to the model before, which the next message loads again."""
        self._loading = None
        self.show_stopped(error)
        self.failed.emit(error)
        if before is not None and before != self.model:
            self.load = load
            self._choose(before)
            self._header.set_model_state("idle")
            self._header.set_device("")

    def _on_unload(self) -> None:
        self._tasks.call(self._resources.engine.close, self._on_unloaded, lane="engine")

    def _on_unloaded(self, _: None) -> None:
        self.show_loaded(None)

    def _on_imported(self, imported: Imported) -> None:
        self._page.set_busy("")
        added = self.tr("{name} was added.").format(name=imported.model.display_name)
        self._page.set_notice(added, self.tr("It is in the model menu."), "success")
        self.refresh()

    def _on_page_error(self, error: UserError) -> None:
        self._page.set_busy("")
        self._page.set_notice(self.tr("That did not work."), error.message)
        self.refresh()

    def _on_remove(self, model_id: str) -> None:
        remove = functools.partial(self._resources.library.remove, model_id)
        self._tasks.call(remove, self._on_removed, self._on_page_error)

    def _on_removed(self, model: Model) -> None:
        self.refresh()
        if self.model is not None and self.model.id == model.id:
            self._on_unload()
            self._tasks.call(self._resources.library.default, self._choose)
