"""How one model is loaded: context length and CPU threads, at the right of the model menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.engine.client import LoadedModel, LoadSettings
from desktop_llm.gui.documents.words import number
from desktop_llm.gui.model_words import model_name
from desktop_llm.gui.slider_row import SliderRow
from desktop_llm.gui.widgets import Button, Label, PrimaryButton
from desktop_llm.models.library import Model

LOWEST_CONTEXT = 512
USUAL_CONTEXT = 8192

_NARROWEST = 270


class LoadPanel(QWidget):
    """The load settings of one model. Signal: `load_requested` with its id and a LoadSettings."""

    load_requested = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._model: Model | None = None
        self._defaults = LoadSettings()
        cores = usual_threads()
        self._title = Label("", "heading", wrap=True, object_name="load_title")
        self._hint = Label("", "small", "text_secondary", wrap=True)
        self._context = SliderRow(
            self.tr("Context length"),
            LOWEST_CONTEXT,
            USUAL_CONTEXT,
            USUAL_CONTEXT,
            object_name="load_context",
            step=256,
            logarithmic=True,
        )
        self._threads = SliderRow(self.tr("CPU threads"), 1, max(cores, 2), cores, object_name="load_threads")
        self._threads.set_note(self.tr("This computer has {count} cores.").format(count=cores))
        self._reset = Button(self.tr("Reset"), kind="quiet", object_name="load_reset")
        self._load = PrimaryButton(self.tr("Load"), "retry", object_name="load_again")
        self._reset.clicked.connect(self._on_reset)
        self._load.clicked.connect(self._on_load)
        for row in (self._context, self._threads):
            row.changed.connect(self._on_changed)
        self._lay_out()
        self._on_changed()

    def set_defaults(self, settings: LoadSettings) -> None:
        """What the app's settings say for every model; these are what Reset goes back to."""
        self._defaults = settings
        self._show_model()

    def set_model(self, model: Model | None, *, in_use: bool) -> None:
        """Show the settings of this model; another one starts from the usual values."""
        self.setVisible(model is not None)
        if model is not None and (self._model is None or model.id != self._model.id):
            self._model = model
            for row in (self._context, self._threads):
                row.reset()
            self._show_model()
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
            self._on_changed()

    def load_settings(self) -> LoadSettings:
        """What is set here; what was left alone is left to the app."""
        context = self._defaults.context_length if self._context.is_default() else int(self._context.value())
        threads = self._defaults.threads if self._threads.is_default() else int(self._threads.value())
        return LoadSettings(context_length=context, threads=threads, gpu_layers=self._defaults.gpu_layers)

    def focus_first(self) -> None:
        """Take the focus."""
        self._context.focus()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        buttons.addStretch(1)
        buttons.addWidget(self._reset)
        buttons.addWidget(self._load)
        column = QVBoxLayout(self)
        column.setContentsMargins(17, 14, 13, 13)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._hint)
        column.addSpacing(12)
        column.addWidget(self._context)
        column.addSpacing(12)
        column.addWidget(self._threads)
        column.addStretch(1)
        column.addSpacing(12)
        column.addLayout(buttons)

    def _show_model(self) -> None:
        if self._model is None:
            return
        trained = self._model.context_length or USUAL_CONTEXT
        self._title.setText(self.tr("Load settings for {name}").format(name=model_name(self._model)))
        usual = min(self._defaults.context_length or USUAL_CONTEXT, trained)
        self._context.set_range(min(LOWEST_CONTEXT, trained), trained, usual)
        self._context.set_note(
            self.tr("Tokens it can keep in mind. The model allows {tokens}.").format(tokens=number(trained))
        )
        cores = usual_threads()
        self._threads.set_range(1, max(cores, 2), self._defaults.threads or cores)

    def _on_changed(self, _value: float = 0) -> None:
        self._reset.setEnabled(not (self._context.is_default() and self._threads.is_default()))

    def _on_reset(self) -> None:
        self._context.reset()
        self._threads.reset()

    def _on_load(self) -> None:
        if self._model is not None:
            self.load_requested.emit(self._model.id, self.load_settings())

    def sizeHint(self) -> QSize:
        """316 wide, as high as its words need."""
        layout = self.layout()
        height = layout.totalHeightForWidth(_NARROWEST) if layout is not None else 0
        return QSize(316, height)

    def minimumSizeHint(self) -> QSize:
        """Narrower where the window is."""
        return QSize(_NARROWEST, self.sizeHint().height())


def usual_threads() -> int:
    """As many threads as the engine takes by itself."""
    from desktop_llm.hardware import physical_cores  # not needed before the first look at the menu

    return physical_cores()
