"""The load settings of one model, at the right of the model menu; rarely needed ones are below "More"."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.engine.client import (
    UNQUANTIZED_KV_TYPES,
    USUAL_CONTEXT_LENGTH,
    USUAL_KV_TYPE,
    LoadedModel,
    LoadSettings,
)
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import number, size
from desktop_llm.gui.look.layouts import transparent_area
from desktop_llm.gui.look.model_words import model_name
from desktop_llm.gui.look.setting_rows import SliderRow, SwitchRow
from desktop_llm.gui.look.widgets import Button, Label, Meter, PrimaryButton
from desktop_llm.gui.models.menu.load_more import MoreSettings
from desktop_llm.gui.work.load_choice import LOWEST_CONTEXT, LoadChoice, usual_threads
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast, Machine

COMPRESSED = "q8_0"
_NARROWEST, _SIDE = 270, 17


class LoadPanel(QWidget):
    """The load settings of one model. Signals: `load_requested` with its id and a LoadChoice; `changed` with both when
    the choice or the model changes, so that it can be forecast.
    """

    load_requested = Signal(str, LoadChoice)
    changed = Signal(str, LoadChoice)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: Model | None = None
        self._defaults = LoadSettings()
        self._has_gpu = False
        self._title = Label("", "heading", wrap=True, object_name="load_title")
        self._hint = Label("", "small", "text_secondary", wrap=True)
        self._inside = QWidget()
        self._inside.setProperty("page", True)
        self._area = transparent_area(self._inside, self)
        self._build_rows()
        self._bars = MemoryBars()
        self._reset = Button(tr("Reset"), kind="quiet", object_name="load_reset")
        self._load = PrimaryButton(tr("Load"), "retry", object_name="load_again")
        self._lay_out()
        self._connect()
        self._show_changed()

    def set_defaults(self, settings: LoadSettings) -> None:
        """Set the app's settings for all models, which Reset restores."""
        self._defaults = settings
        self._show_model()

    def set_machine(self, machine: Machine) -> None:
        """Offer GPU layers if this computer has a GPU."""
        if self._has_gpu != bool(machine.gpus):
            self._has_gpu = bool(machine.gpus)
            self._more.set_gpu(self._has_gpu)
            self._show_model()

    def set_model(self, model: Model | None, choice: LoadChoice, *, in_use: bool) -> None:
        """Show the settings of this model; if it is not the one shown before, start from its remembered choice."""
        self.setVisible(model is not None)
        if model is not None and (self._model is None or model.id != self._model.id):
            self._model = model
            self._bars.hide()
            self._show_model()
            self._show_choice(choice)
            self.tell()
        self._load.set_content(tr("Load again") if in_use else tr("Load"))
        self._hint.setText(
            tr("Changes take effect when the model is loaded again.")
            if in_use
            else tr("Used when this model is loaded.")
        )

    def set_loaded(self, loaded: LoadedModel) -> None:
        """Show the context length that the model was loaded with."""
        if self._model is not None and self._model.path == loaded.path:
            self._context.set_value(loaded.context_length)
            self._show_changed()

    def set_forecast(self, choice: LoadChoice, forecast: Forecast, machine: Machine) -> None:
        """Show what these settings need; a forecast for settings that have changed since is ignored."""
        if choice != self.choice():
            return
        self._bars.show()
        self._bars.show_forecast(forecast, machine)
        self._show_layers(forecast)
        self._more.show_memory(forecast)
        self._show_saving(forecast)

    def choice(self) -> LoadChoice:
        """The settings chosen here; untouched ones are None."""
        settings = replace(
            self._more.settings(),
            context_length=None if self._context.is_default() else int(self._context.value()),
            gpu_layers=self._chosen_layers(),
        )
        return LoadChoice(settings, self._more.chat_format(), self._remember.is_on())

    def _chosen_layers(self) -> int | None:
        """The chosen number of GPU layers; llama.cpp counts the output as one more layer than the model has."""
        if self._model is None or not self._has_gpu or self._layers.is_default():
            return None
        layers = int(self._layers.value())
        return layers + 1 if layers == self._model.layers else layers

    def tell(self) -> None:
        """Emit the settings, so that they are forecast."""
        self._show_changed()
        if self._model is not None:
            self.changed.emit(self._model.id, self.choice())

    def focus_first(self) -> None:
        """Take the focus."""
        self._context.focus()

    # --- building -------------------------------------------------------------------------------------------------

    def _build_rows(self) -> None:
        self._context = SliderRow(
            tr("Context length"),
            LOWEST_CONTEXT,
            USUAL_CONTEXT_LENGTH,
            USUAL_CONTEXT_LENGTH,
            object_name="load_context",
            step=256,
            logarithmic=True,
        )
        self._layers = SliderRow(tr("GPU layers"), 0, 1, 1, object_name="load_gpu_layers")
        self._compressed = SwitchRow(tr("Compressed memory"), tr("8-bit KV cache"), object_name="load_compressed")
        self._remember = SwitchRow(tr("Remember for this model"), object_name="load_remember")
        self._remember.set_on(True)
        self._more = MoreSettings(usual_threads(), self._inside)

    def _lay_out(self) -> None:
        self._rows = rows = QVBoxLayout(self._inside)
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
        self._context.changed.connect(self.tell)
        self._layers.changed.connect(self.tell)
        self._compressed.toggled.connect(self._on_compressed)
        self._remember.toggled.connect(self.tell)
        self._more.changed.connect(self._on_more)
        self._more.unfolded.connect(self._area.ensureWidgetVisible)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_model(self) -> None:
        if self._model is None:
            return
        self._title.setText(tr("Load settings for {name}", name=model_name(self._model)))
        self._show_context()
        layers = self._model.layers
        self._layers.setVisible(self._has_gpu and layers > 0)
        self._layers.set_range(0, max(1, layers), layers)
        self._layers.set_note(tr("Automatic: as many as fit into the GPU’s memory."))
        self._more.set_model(self._model, self._defaults.threads)

    def _show_context(self) -> None:
        """Set the range to what the model was made for, or to what a longer context allows."""
        if self._model is None:
            return
        trained = self._model.context_length or USUAL_CONTEXT_LENGTH
        longest = self._more.settings().longest_context(trained)
        self._context.set_range(min(LOWEST_CONTEXT, trained), longest, self._defaults.context_for(trained))
        note = tr("Tokens it can keep in mind. The model allows {tokens}.", tokens=number(trained))
        longer = tr("It was made for {tokens}; beyond that, answers may get worse.", tokens=number(trained))
        self._context.set_note(longer if longest > trained else note)

    def _show_choice(self, choice: LoadChoice) -> None:
        settings = choice.settings
        self._more.show_choice(choice)
        self._show_context()
        for row, value in ((self._context, settings.context_length), (self._layers, settings.gpu_layers)):
            if value is None:
                row.show_default()
            else:
                row.set_value(value)
        self._remember.set_on(choice.remember)
        self._show_compressed()
        self._show_changed()

    def _show_compressed(self) -> None:
        self._compressed.set_on(any(kind not in UNQUANTIZED_KV_TYPES for kind in self._more.kv_types()))

    def _show_saving(self, forecast: Forecast) -> None:
        """Say how much memory the compressed KV cache saves, or would save with 8 bits."""
        from desktop_llm.models.fit.speeds import kv_value_bytes  # imported late so that the window starts sooner

        chosen = self._more.kv_types() if self._compressed.is_on() else (COMPRESSED, COMPRESSED)
        kept = zip((forecast.keys, forecast.values), chosen, strict=True)
        saved = sum(count * (kv_value_bytes(USUAL_KV_TYPE) - kv_value_bytes(kind)) for count, kind in kept)
        kinds = dict.fromkeys(chosen)
        named = tr("8-bit KV cache") if list(kinds) == [COMPRESSED] else tr("KV cache {kinds}", kinds=", ".join(kinds))
        self._compressed.set_note(tr("{what}, saves {size}", what=named, size=size(max(0, round(saved)))))

    def _show_layers(self, forecast: Forecast) -> None:
        """Set the layers to the app's choice unless the person changed them."""
        automatic = self._layers.is_default()
        layers = max(1, forecast.layers)
        if automatic:
            self._layers.set_range(0, layers, min(forecast.gpu_layers, layers))
        shown = forecast.gpu_layers if automatic else int(self._layers.value())
        counts = {"count": number(min(shown, layers)), "all": number(layers)}
        fitting = tr("Automatic: {count} of {all} fit.", **counts)
        self._layers.set_note(fitting if automatic else tr("{count} of {all} layers.", **counts))

    def _show_changed(self) -> None:
        self._reset.setEnabled(self.choice().values() is not None or not self._remember.is_on())

    # --- what is done here ----------------------------------------------------------------------------------------

    def _on_compressed(self, on: bool) -> None:
        kind = COMPRESSED if on else USUAL_KV_TYPE
        self._more.set_kv_types(kind, kind)
        if on:
            self._more.allow_flash_attention()
        self.tell()

    def _on_more(self) -> None:
        if self._more.flash_attention() is False:  # llama.cpp reads compressed values only with flash attention
            self._more.set_kv_types(USUAL_KV_TYPE, USUAL_KV_TYPE)
        self._show_compressed()
        self._show_context()
        self.tell()

    def _on_reset(self) -> None:
        self._show_choice(LoadChoice())
        self.tell()

    def _on_load(self) -> None:
        if self._model is not None:
            self.load_requested.emit(self._model.id, self.choice())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A hairline below the part that scrolls."""
        painter = QPainter(self)
        line = QRect(_SIDE, self._area.geometry().bottom() + 1, self.width() - _SIDE - 16, 1)
        painter.fillRect(line, theme.current().colour("border_subtle"))
        painter.end()

    def sizeHint(self) -> QSize:
        """316 px wide, and as high as its contents."""
        height = self._rows.totalHeightForWidth(_NARROWEST)
        around = self._column.totalHeightForWidth(_NARROWEST) - self._area.sizeHint().height()
        return QSize(316, height + around)

    def minimumSizeHint(self) -> QSize:
        """Small windows get less width and height; the rows scroll."""
        return QSize(_NARROWEST, 240)


class MemoryBars(QWidget):
    """How much memory the settings need: a bar for the GPU and one for main memory.

    They turn amber at nine tenths of the free memory, and red at all of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gpu = _Bar(tr("GPU memory"), "load_gpu_memory")
        self._main = _Bar(tr("Main memory"), "load_main_memory")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._gpu)
        column.addWidget(self._main)

    def show_forecast(self, forecast: Forecast, machine: Machine) -> None:
        """Show what a forecast needs of this machine; the memory of the model in use counts as free."""
        gpu = machine.gpus[0] if machine.gpus else None
        self._gpu.setVisible(gpu is not None)
        if gpu is not None:
            self._gpu.show_amount(forecast.gpu_bytes, gpu.free_bytes)
        self._main.show_amount(forecast.memory_bytes - forecast.gpu_bytes, machine.ram_free_bytes)


class _Bar(QWidget):
    """A name, amounts, and a bar below."""

    def __init__(self, label: str, object_name: str) -> None:
        super().__init__()
        self._label = label
        self._amount = Label("", "small", "text_secondary", object_name=f"{object_name}_amount")
        self._meter = Meter(object_name=object_name, accessible_name=label, warn_from=0.9, full_from=1.0)
        self._meter.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(label, "small_strong", wrap=True), 1)
        head.addWidget(self._amount)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._meter)

    def show_amount(self, needed: int, free: int) -> None:
        """Show how many bytes are needed and how many are free."""
        too_much = needed > free
        amounts = {"needed": size(max(0, needed)), "free": size(max(0, free))}
        shown = tr("{needed}, only {free} free", **amounts) if too_much else tr("{needed} of {free} free", **amounts)
        self._amount.setText(shown)
        self._amount.set_colour("danger_text" if too_much else "text_secondary")
        self._meter.set_amount(max(0, needed), max(1, free))
        self._meter.setAccessibleName(f"{self._label}, {shown}")


def _indented(*widgets: QWidget, spacing: int = 0) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(_SIDE, 0, 16, 0)
    column.setSpacing(spacing)
    for widget in widgets:
        column.addWidget(widget)
    return column
