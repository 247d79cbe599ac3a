"""A model in use: loaded, loading or stopped, each with one action. The model menu and Activity show it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QStyle, QVBoxLayout, QWidget

from desktop_llm.engine.client import LoadedModel, Loading
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import size
from desktop_llm.gui.look.model_state import ModelState, step_words
from desktop_llm.gui.look.model_words import device_words, model_name, size_word
from desktop_llm.gui.look.widgets import Button, ElidedLabel, Label, ProgressBar, Spinner, Tag
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.models.library import Model
from desktop_llm.words import tr

State = Literal["none", "loading", "loaded", "failed"]


class ModelInUse(QWidget):
    """Signals, each with the model's id: `unload_requested`, `cancel_requested`, `retry_requested`, `looked_at`.

    `number` tells the object names of several apart; the first has none.
    """

    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    retry_requested = Signal(str)
    looked_at = Signal(str)

    def __init__(self, number: int = 1) -> None:
        super().__init__()
        end = f"_{number}" if number > 1 else ""
        set_names(self, f"model_in_use{end}", "")
        self.model_id = ""
        self._state: State = "none"
        self._looked_at = False
        self._spinner = Spinner()
        self._icon_room = QWidget()
        self._icon_room.setFixedWidth(16)
        self._name = ElidedLabel("", "ui_strong")
        self._tag = Tag()
        self._line = Label("", "small", "text_secondary", wrap=True, object_name=f"model_in_use_state{end}")
        self._bar = ProgressBar(object_name=f"model_in_use_progress{end}")
        self._button = Button("", height=26, object_name=f"model_in_use_action{end}")
        self._button.clicked.connect(self._on_clicked)
        self._lay_out()
        repaint_on_theme(self)
        self.hide()

    @property
    def failed(self) -> bool:
        """Whether a failure is shown."""
        return self._state == "failed"

    def set_looked_at(self, looked_at: bool) -> None:
        """Whether the load settings beside are those of this model."""
        if looked_at != self._looked_at:
            self._looked_at = looked_at
            self.update()

    def show_state(self, state: ModelState) -> None:
        """Show what the model is doing."""
        if state.step is not None:
            self._show(state.model, "loading", step_words(state.step))
            fraction = state.step.fraction if isinstance(state.step, Loading) else None
            self._bar.set_fraction(fraction or 0.0)
            self._bar.setAccessibleName(self._line.text())
            self._bar.setVisible(fraction is not None)
        elif state.error is not None:
            self._show(state.model, "failed", state.error.message)
        elif state.loaded is not None:
            self._show(state.model, "loaded", self._loaded_words(state.loaded))
        else:
            self.show_none()

    def show_none(self) -> None:
        """Show no model."""
        self._show(None, "none", "")

    def _loaded_words(self, loaded: LoadedModel) -> str:
        """The device and the memory used, as the engine reports them; and why the GPU could not be used, if that
        failed."""
        words = tr("Loaded, {device}", device=device_words(loaded))
        if loaded.gpu_bytes:
            words = tr("Loaded, using {size} of GPU memory", size=size(loaded.gpu_bytes))
        elif loaded.memory_bytes:
            words = tr("{loaded}, {size}", loaded=words, size=size(loaded.memory_bytes))
        return f"{words}\n{loaded.fallback}" if loaded.fallback else words

    def _lay_out(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(8)
        title.addWidget(self._name)
        title.addWidget(self._tag)
        title.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addLayout(title)
        words.addWidget(self._line)
        words.addSpacing(2)
        words.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 7, 10, 7)
        row.setSpacing(8)
        row.addWidget(self._spinner)
        row.addWidget(self._icon_room)
        row.addLayout(words, 1)
        row.addWidget(self._button)

    def _show(self, model: Model | None, state: State, line: str) -> None:
        self.model_id = model.id if model else ""
        self._state = state if model else "none"
        if model is None:
            return
        self._name.set_text(model_name(model))
        self._tag.set_text(size_word(model.quantization))
        self._line.setText(line)
        self._line.set_colour("danger_text" if state == "failed" else "text_secondary")
        self._bar.setVisible(state == "loading")
        self._spinner.setVisible(state == "loading")
        words, icon = {
            "loading": (tr("Cancel"), "x"),
            "loaded": (tr("Unload"), "eject"),
            "failed": (tr("Try again"), "retry"),
        }[state]
        if self._button.text() != words:
            self._button.set_content(words, icon)
        self._button.setAccessibleName(f"{words}, {model_name(model)}")
        self._icon_room.setVisible(state != "loading")
        self.setAccessibleName(f"{model_name(model)}, {line}")
        self.update()

    def _on_clicked(self) -> None:
        match self._state:
            case "loading":
                self.cancel_requested.emit(self.model_id)
            case "loaded":
                self.unload_requested.emit(self.model_id)
            case "failed":
                self.retry_requested.emit(self.model_id)

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        """Send `looked_at` on a click."""
        self.looked_at.emit(self.model_id)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint a fill and a bar if it is looked at; a tick if it is loaded, a warning if it failed."""
        painter, colour = QPainter(self), theme.current().colour
        failed = self._state == "failed"
        if failed or self._looked_at:
            draw_box(painter, self.rect(), 6, colour("danger_bg" if failed else "selected"))
        if self._looked_at:
            bar = QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(0, 8, 3, self.height() - 16))
            draw_box(painter, bar, 1.5, colour("danger_fill" if failed else "accent"))
        icon = {"loaded": "check", "failed": "alert"}.get(self._state)
        if icon:
            ink = "danger_text" if failed else "accent_text"
            place = QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(10, 0, 16, self.height()))
            icons.paint_icon(painter, icon, ink, place)
        painter.end()
