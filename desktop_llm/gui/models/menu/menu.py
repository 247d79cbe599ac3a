"""The model menu: the models on this computer, the one in use, and its load settings.

A sheet below the model button. It asks by signals and shows only what it is told: it never says "loaded" before the
engine has confirmed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.engine.client import LoadSettings
from desktop_llm.gui.frame.model_button import ModelButton
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.widgets import Button, Label, SearchField
from desktop_llm.gui.models.menu.in_use import ModelsInUse
from desktop_llm.gui.models.menu.load_panel import LoadPanel
from desktop_llm.gui.models.menu.rows import ModelList, ModelRow, grouped
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine

_LIST_WIDTH = 404
_HEIGHT, _AROUND = 560, 190


class ModelMenu(Popup):
    """Search, the models in use, recent and all models, and the load settings of the chosen one beside them.

    Signals: `load_requested` and `choice_changed` carry a model id and a LoadChoice; `unload_requested`,
    `cancel_requested`, `get_again_requested` and `look_requested` a model id; `show_file_requested` a path.
    """

    load_requested = Signal(str, LoadChoice)
    choice_changed = Signal(str, LoadChoice)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    import_requested = Signal()
    get_more_requested = Signal()
    get_again_requested = Signal(str)
    look_requested = Signal(str)
    show_file_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, object_name="model_menu", accessible_name="")
        self.setAccessibleName(tr("Models"))
        self._models: tuple[Model, ...] = ()
        self._remembered: Mapping[str, LoadChoice] = {}
        self._forecasts: Mapping[str, Forecast] = {}
        self._chosen = ""
        self._moved_to = ""  # set by the person; otherwise the menu looks at the model in use
        self._looked_at_now = ""
        self.search = SearchField(tr("Search models on this computer"), object_name="model_menu_search")
        self._in_use_heading = _heading(tr("In use"))
        self._states: tuple[ModelState, ...] = ()
        self._in_use = ModelsInUse()
        self._view = ModelList()
        self._nothing = Label("", "ui", "text_secondary", wrap=True, object_name="model_menu_nothing")
        self._get_more = Button(tr("Get more models"), "download", kind="quiet", object_name="model_menu_get_more")
        self._open_file = Button(tr("Open a GGUF file…"), "folder", kind="quiet", object_name="model_menu_import")
        self._settings = LoadPanel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(SHADOW + 1, SHADOW + 1, SHADOW + 1, SHADOW + 1)
        row.setSpacing(0)
        row.addLayout(self._list_column(), _LIST_WIDTH)
        row.addWidget(self._settings, theme.current().length("column", "model_menu") - _LIST_WIDTH)
        self._connect()
        self._refresh_in_use()

    def set_models(self, models: Sequence[Model], remembered: Mapping[str, LoadChoice]) -> None:
        """Set the chat models on this computer, and the load settings remembered for them."""
        self._models, self._remembered = tuple(models), remembered
        self._refresh_in_use()

    def set_forecasts(self, forecasts: Mapping[str, Forecast]) -> None:
        """Set the known forecasts, by model id."""
        self._forecasts = forecasts
        self._refresh()

    def set_machine(self, machine: Machine) -> None:
        """Set the memory and GPUs of this computer."""
        self._settings.set_machine(machine)

    def set_choice_forecast(self, choice: LoadChoice, forecast: Forecast, machine: Machine) -> None:
        """Show the memory that the load settings need."""
        self._settings.set_forecast(choice, forecast, machine)

    def set_chosen(self, model_id: str) -> None:
        """Say which model the next message goes to."""
        self._chosen = model_id
        self._refresh_in_use()

    def set_states(self, states: Sequence[ModelState]) -> None:
        """Show which models are in memory, being loaded, or stopped."""
        known = {state.loaded for state in self._states}
        self._states = tuple(states)
        self._refresh_in_use()
        for state in states:
            if state.loaded is not None and state.loaded not in known:
                self._settings.set_loaded(state.loaded)

    def set_load_settings(self, settings: LoadSettings) -> None:
        """Set the load settings for all models, which a model's own settings override."""
        self._settings.set_defaults(settings)

    def show_below(self, anchor: QWidget) -> None:
        """Open under the model button, which looks pressed meanwhile, and look at the model in use."""
        self._on_looked_at("")
        if isinstance(anchor, ModelButton):
            anchor.set_open(True)
            self.closed.connect(anchor.set_closed, Qt.ConnectionType.UniqueConnection)
        super().show_below(anchor)
        self._settings.tell()

    def _list_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(0)
        column.addWidget(self.search)
        column.addWidget(self._in_use_heading)
        column.addWidget(self._in_use)
        inset = QHBoxLayout()
        inset.setContentsMargins(8, 0, 8, 0)
        self._nothing.setMinimumHeight(40)
        inset.addWidget(self._nothing)
        column.addLayout(inset)
        column.addWidget(self._view, 1)
        column.addSpacing(13)
        foot = QHBoxLayout()
        foot.setSpacing(2)
        foot.addWidget(self._get_more)
        foot.addWidget(self._open_file)
        foot.addStretch(1)
        column.addLayout(foot)
        return column

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        for widget in (self.search, self._view):
            widget.installEventFilter(self)
        self._view.opened.connect(self._on_row)
        self._view.moved.connect(self._on_looked_at)
        self._in_use.unload_requested.connect(self.unload_requested)
        self._in_use.cancel_requested.connect(self.cancel_requested)
        self._in_use.retry_requested.connect(self._on_opened)
        self._in_use.looked_at.connect(self._on_looked_at)
        self._settings.load_requested.connect(self.load_requested)
        self._settings.changed.connect(self._on_choice)
        self._open_file.clicked.connect(self._on_import)
        self._get_more.clicked.connect(self._on_get_more)
        self.closed.connect(self.search.clear)

    def _model(self, model_id: str) -> Model | None:
        return next((model for model in self._models if model.id == model_id), None)

    def _refresh(self) -> None:
        """Mark the row of the model that is looked at, and show its load settings beside."""
        query = self.search.text()
        listed = [model for model in self._models if model.id not in self._in_use.ids]
        entries = grouped(listed, query, chosen=self._chosen, forecasts=self._forecasts)
        looked_at = self._looked_at([entry.key for entry in entries if isinstance(entry, ModelRow)])
        if entries != self._view.content.entries:
            self._view.set_entries(entries)
        if looked_at != self._view.current_key():
            self._view.select(looked_at)
        self._looked_at_now = looked_at
        self._in_use.look_at(looked_at)
        self._show_settings(self._model(looked_at))
        self._nothing.setVisible(not entries and (bool(query.strip()) or not self._models))
        self._nothing.setText(self._nothing_words(query.strip()))
        if self.is_open():
            self.place()

    def _looked_at(self, listed: Sequence[str]) -> str:
        """The model that the person moved to, if it is listed; otherwise the first match, or the first model in use."""
        in_use = self._in_use.ids
        usual = () if self.search.text().strip() else (*in_use, self._chosen)
        there = {*in_use, *listed}
        return next((each for each in (self._moved_to, *usual, *listed, *in_use) if each in there), "")

    def _nothing_words(self, query: str) -> str:
        if not self._models:
            return tr("There is no chat model on this computer yet. Get one, or open a GGUF file.")
        return tr("No model on this computer matches “{query}”.", query=query)

    def _refresh_in_use(self) -> None:
        """Show the models in use that are on this computer, the chosen one first."""
        here = [state for state in self._states if self._model(state.model.id) is not None]
        self._in_use.show_states(sorted(here, key=lambda state: state.model.id != self._chosen))
        self._in_use_heading.setVisible(bool(here))
        stopped = all(state.error is not None for state in here)
        self._in_use_heading.setText(tr("Stopped") if stopped else tr("In use"))
        self._refresh()

    def _show_settings(self, model: Model | None) -> None:
        usable = model is not None and ModelRow(model).usable
        choice = self._remembered.get(model.id, LoadChoice()) if model is not None else LoadChoice()
        in_use = model is not None and model.id in self._in_use.ids
        self._settings.set_model(model if usable else None, choice, in_use=in_use)

    def _on_choice(self, model_id: str, choice: LoadChoice) -> None:
        """Send the choice only while the menu is open, because a forecast asks the engine about this computer."""
        if self.is_open():
            self.choice_changed.emit(model_id, choice)

    def _on_search(self, _text: str) -> None:
        self._on_looked_at("")

    def _on_looked_at(self, model_id: str) -> None:
        self._moved_to = model_id
        self._refresh()

    def _on_opened(self, model_id: str) -> None:
        """Load a model with the settings that the panel shows for it."""
        model = self._model(model_id)
        if model is not None:
            self._show_settings(model)
            self.load_requested.emit(model_id, self._settings.choice())
            self.close_popup()

    def _on_row(self, model_id: str) -> None:
        """Load the model, or, if it can't be loaded, carry out the one action that helps."""
        model = self._model(model_id)
        if model is None:
            return
        match ModelRow(model).action:
            case "":
                self._on_opened(model_id)
            case "get_again":
                self.close_popup()
                self.get_again_requested.emit(model_id)
            case "look":
                self.close_popup()
                self.look_requested.emit(model_id)
            case "show_file":
                self.show_file_requested.emit(str(model.path))

    def _on_import(self) -> None:
        self.close_popup()
        self.import_requested.emit()

    def _on_get_more(self) -> None:
        self.close_popup()
        self.get_more_requested.emit()

    def first_focus(self) -> QWidget:
        """The search field, so that typing searches at once."""
        return self.search

    def sizeHint(self) -> QSize:
        """720 px wide, with the same height for all models; lower only if no load settings are shown."""
        empty = self._settings.isHidden()
        height = self._view.wanted_height() + _AROUND if empty else _HEIGHT
        return QSize(theme.current().length("column", "model_menu") + 2 * SHADOW, min(height, _HEIGHT) + 2 * SHADOW)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the focus in the search field while the arrows move through the models; Right moves to the load
        settings."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Down:
            self._step_down()
        elif key == Qt.Key.Key_Up:
            self._step_up()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open_looked_at()
        elif key == Qt.Key.Key_Right and self._at_end(watched) and not self._settings.isHidden():
            self._settings.focus_first()
        else:
            return super().eventFilter(watched, event)
        return True

    def _step_up(self) -> None:
        """Move up by one row; above the first row are the models in use."""
        if self._view.current_key() and self._view.step(-1):
            return
        ids, here = self._in_use.ids, self._looked_at_now
        if ids:
            self._on_looked_at(ids[max(0, ids.index(here) - 1)] if here in ids else ids[-1])

    def _step_down(self) -> None:
        """Move down by one row; below the last model in use is the first row."""
        ids, here = self._in_use.ids, self._looked_at_now
        if here in ids[:-1]:
            self._on_looked_at(ids[ids.index(here) + 1])
        else:
            self._view.step(1)

    def _open_looked_at(self) -> None:
        """Load the model or choose it for this chat, or try again; for the chosen model, just close."""
        here = self._looked_at_now
        if current := self._view.current_key():
            self._on_row(current)
        elif here and (here != self._chosen or self._in_use.failed(here)):
            self._on_opened(here)
        else:
            self.close_popup()

    def _at_end(self, watched: QObject) -> bool:
        return watched is not self.search or self.search.cursorPosition() == len(self.search.text())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sheet, the line before the load settings and the line above the bottom row."""
        super().paintEvent(event)
        painter, line = QPainter(self), theme.current().colour("border_subtle")
        x, foot = self._settings.x(), self._open_file.y() - 7
        if not self._settings.isHidden():
            painter.fillRect(QRect(x, SHADOW + 1, 1, self.height() - 2 * SHADOW - 2), line)
        painter.fillRect(QRect(SHADOW + 1, foot, x - SHADOW - 1, 1), line)
        painter.end()


def _heading(text: str) -> Label:
    label = Label(text, "small_strong", "text_tertiary")
    label.setIndent(8)
    label.setMinimumHeight(30)
    return label
