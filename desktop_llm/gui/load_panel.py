"""How one model is loaded, at the right of the model menu: what most people need first, the rest below "More"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.engine.client import LoadedModel, LoadSettings
from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import number, size
from desktop_llm.gui.load_choice import USUAL_CONTEXT, LoadChoice, context_of
from desktop_llm.gui.load_more import MoreSettings
from desktop_llm.gui.memory_bars import MemoryBars
from desktop_llm.gui.model_words import model_name
from desktop_llm.gui.scrolled import transparent_area
from desktop_llm.gui.slider_row import SliderRow
from desktop_llm.gui.switch_row import SwitchRow
from desktop_llm.gui.widgets import Button, Label, PrimaryButton
from desktop_llm.models.library import Model

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine

LOWEST_CONTEXT = 512
COMPRESSED = "q8_0"
# llama.cpp's q8_0 block: 32 values in 34 bytes, where f16 takes 64.
_COMPRESSED_PART = 34 / 64
_NARROWEST, _SIDE = 270, 17


class LoadPanel(QWidget):
    """The load settings of one model. Signals: `load_requested` with its id and a LoadChoice; `changed` with both
    whenever something else is chosen or another model is shown, so that it can be forecast.
    """

    load_requested = Signal(str, object)
    changed = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: Model | None = None
        self._defaults = LoadSettings()
        self._has_gpu = False
        self._title = Label("", "heading", wrap=True, object_name="load_title")
        self._hint = Label("", "small", "text_secondary", wrap=True)
        self._build_rows()
        self._bars = MemoryBars()
        self._reset = Button(self.tr("Reset"), kind="quiet", object_name="load_reset")
        self._load = PrimaryButton(self.tr("Load"), "retry", object_name="load_again")
        self._lay_out()
        self._connect()
        self._show_changed()

    def set_defaults(self, settings: LoadSettings) -> None:
        """What the app's settings say for every model; these are what Reset goes back to."""
        self._defaults = settings
        self._show_model()

    def set_machine(self, machine: Machine) -> None:
        """What this computer has; layers on the GPU can be chosen where it has one."""
        if self._has_gpu != bool(machine.gpus):
            self._has_gpu = bool(machine.gpus)
            self._show_model()

    def set_model(self, model: Model | None, choice: LoadChoice, *, in_use: bool) -> None:
        """Show the settings of this model; another one starts from what was remembered of it."""
        self.setVisible(model is not None)
        if model is not None and (self._model is None or model.id != self._model.id):
            self._model = model
            self._bars.hide()
            self._show_model()
            self._show_choice(choice)
            self.tell()
        self._load.set_content(self.tr("Load again") if in_use else self.tr("Load"))
        self._hint.setText(
            self.tr("Changes take effect when the model is loaded again.")
            if in_use
            else self.tr("Used when this model is loaded.")
        )

    def set_loaded(self, loaded: LoadedModel) -> None:
        """Show the context length that the model was loaded with."""
        if self._model is not None and self._model.path == loaded.path:
            self._context.set_value(loaded.context_length)
            self._show_changed()

    def set_forecast(self, choice: LoadChoice, forecast: Forecast, machine: Machine) -> None:
        """Show what these settings need; a forecast of settings that were changed meanwhile is passed over."""
        if choice != self.choice():
            return
        self._bars.show()
        self._bars.show_forecast(forecast, machine)
        self._show_layers(forecast)
        compressed = self._compressed.is_on()
        full = forecast.kv_bytes / _COMPRESSED_PART if compressed else forecast.kv_bytes
        saved = size(round(full * (1 - _COMPRESSED_PART)))
        self._compressed.set_note(self.tr("8-bit KV cache, saves {size}").format(size=saved))

    def choice(self) -> LoadChoice:
        """What is set here; what was left alone is left to the app."""
        settings = LoadSettings(
            context_length=None if self._context.is_default() else int(self._context.value()),
            gpu_layers=self._chosen_layers(),
            kv_type=COMPRESSED if self._compressed.is_on() else None,
            threads=self._more.threads(),
            batch=self._more.batch(),
            flash_attention=self._more.flash_attention(),
        )
        return LoadChoice(settings, self._more.chat_format(), self._remember.is_on())

    def _chosen_layers(self) -> int | None:
        """llama.cpp counts the output as one layer more: all of them are one more than the model has."""
        if self._model is None or not self._has_gpu or self._layers.is_default():
            return None
        layers = int(self._layers.value())
        return layers + 1 if layers == self._model.layers else layers

    def tell(self) -> None:
        """Say what is set here, so that it is forecast."""
        self._show_changed()
        if self._model is not None:
            self.changed.emit(self._model.id, self.choice())

    def focus_first(self) -> None:
        """Take the focus."""
        self._context.focus()

    # --- building -------------------------------------------------------------------------------------------------

    def _build_rows(self) -> None:
        self._context = SliderRow(
            self.tr("Context length"),
            LOWEST_CONTEXT,
            USUAL_CONTEXT,
            USUAL_CONTEXT,
            object_name="load_context",
            step=256,
            logarithmic=True,
        )
        self._layers = SliderRow(self.tr("GPU layers"), 0, 1, 1, object_name="load_gpu_layers")
        self._compressed = SwitchRow(
            self.tr("Compressed memory"), self.tr("8-bit KV cache"), object_name="load_compressed"
        )
        self._remember = SwitchRow(self.tr("Remember for this model"), object_name="load_remember")
        self._remember.set_on(True)
        self._more = MoreSettings(usual_threads())

    def _lay_out(self) -> None:
        inside = QWidget()
        inside.setProperty("page", True)
        self._area = transparent_area(inside, self)
        self._rows = rows = QVBoxLayout(inside)
        rows.setContentsMargins(_SIDE, 12, 13, 6)
        rows.setSpacing(12)
        for row in (self._context, self._layers, self._compressed, self._remember, self._more):
            rows.addWidget(row)
        rows.addStretch(1)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 14, 0, 13)
        column.setSpacing(0)
        column.addLayout(_indented(self._title, self._hint, spacing=4))
        column.addWidget(self._area, 1)
        column.addSpacing(9)
        column.addLayout(_indented(self._bars))
        column.addSpacing(12)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        buttons = QHBoxLayout()
        buttons.setContentsMargins(_SIDE, 0, 13, 0)
        buttons.setSpacing(2)
        buttons.addStretch(1)
        buttons.addWidget(self._reset)
        buttons.addWidget(self._load)
        return buttons

    def _connect(self) -> None:
        self._reset.clicked.connect(self._on_reset)
        self._load.clicked.connect(self._on_load)
        self._context.changed.connect(self._on_changed)
        self._layers.changed.connect(self._on_changed)
        self._compressed.toggled.connect(self._on_compressed)
        self._remember.toggled.connect(self._on_changed)
        self._more.changed.connect(self._on_more)
        self._more.unfolded.connect(self._area.ensureWidgetVisible)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_model(self) -> None:
        if self._model is None:
            return
        trained = self._model.context_length or USUAL_CONTEXT
        self._title.setText(self.tr("Load settings for {name}").format(name=model_name(self._model)))
        self._context.set_range(min(LOWEST_CONTEXT, trained), trained, context_of(self._defaults, trained))
        self._context.set_note(
            self.tr("Tokens it can keep in mind. The model allows {tokens}.").format(tokens=number(trained))
        )
        layers = self._model.layers
        self._layers.setVisible(self._has_gpu and layers > 0)
        self._layers.set_range(0, max(1, layers), layers)
        self._layers.set_note(self.tr("Automatic: as many as fit into the GPU’s memory."))
        self._more.set_model(self._model, self._defaults.threads)

    def _show_choice(self, choice: LoadChoice) -> None:
        settings = choice.settings
        for row, value in ((self._context, settings.context_length), (self._layers, settings.gpu_layers)):
            if value is None:
                row.show_default()
            else:
                row.set_value(value)
        self._compressed.set_on(settings.kv_type == COMPRESSED)
        self._remember.set_on(choice.remember)
        self._more.show_choice(choice)
        self._show_changed()

    def _show_layers(self, forecast: Forecast) -> None:
        """Left alone, the slider follows what the app would choose."""
        automatic = self._layers.is_default()
        layers = max(1, forecast.layers)
        if automatic:
            self._layers.set_range(0, layers, min(forecast.gpu_layers, layers))
        words = self.tr("Automatic: {count} of {all} fit.") if automatic else self.tr("{count} of {all} layers.")
        shown = forecast.gpu_layers if automatic else int(self._layers.value())
        self._layers.set_note(words.format(count=number(min(shown, layers)), all=number(layers)))

    def _show_changed(self) -> None:
        self._reset.setEnabled(self.choice().values() is not None or not self._remember.is_on())

    # --- what is done here ----------------------------------------------------------------------------------------

    def _on_changed(self, _value: object = None) -> None:
        self.tell()

    def _on_compressed(self, on: bool) -> None:
        if on:
            self._more.allow_flash_attention()
        self.tell()

    def _on_more(self) -> None:
        if self._more.flash_attention() is False:  # llama.cpp reads a compressed cache with flash attention alone
            self._compressed.set_on(False)
        self.tell()

    def _on_reset(self) -> None:
        self._show_choice(LoadChoice())
        self.tell()

    def _on_load(self) -> None:
        if self._model is not None:
            self.load_requested.emit(self._model.id, self.choice())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A hairline between what scrolls and what stays."""
        painter = QPainter(self)
        line = QRect(_SIDE, self._area.geometry().bottom() + 1, self.width() - _SIDE - 16, 1)
        painter.fillRect(line, theme.current().colour("border_subtle"))
        painter.end()

    def sizeHint(self) -> QSize:
        """316 wide, as high as its words need."""
        height = self._rows.totalHeightForWidth(_NARROWEST)
        around = self._column.totalHeightForWidth(_NARROWEST) - self._area.sizeHint().height()
        return QSize(316, height + around)

    def minimumSizeHint(self) -> QSize:
        """Narrower where the window is, and lower: the rows scroll."""
        return QSize(_NARROWEST, 240)


def usual_threads() -> int:
    """As many threads as the engine takes by itself."""
    from desktop_llm.hardware import physical_cores  # not needed before the first look at the menu

    return physical_cores()


def _indented(*widgets: QWidget, spacing: int = 0) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(_SIDE, 0, 16, 0)
    column.setSpacing(spacing)
    for widget in widgets:
        column.addWidget(widget)
    return column
