"""The load settings that few people need: threads, batch, formats of the KV cache, flash attention, a longer context,
experts in main memory, chat format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.engine.client import KV_TYPES, UNQUANTIZED_KV_TYPES, USUAL_BATCH_TOKENS, USUAL_KV_TYPE, LoadSettings
from desktop_llm.gui.look.formats import size
from desktop_llm.gui.look.setting_rows import SliderRow
from desktop_llm.gui.look.widgets import Button
from desktop_llm.gui.models.menu.choice_row import ChoiceRow
from desktop_llm.gui.work.load_choice import LoadChoice
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

_SMALLEST_BATCH, _LARGEST_BATCH = 32, 4096
_LARGEST_FACTOR = 16.0


class MoreSettings(QWidget):
    """Settings that fold away. Signals: `changed` when the person chose something; `unfolded` with the widget that
    appeared.

    The chat format stands outside the fold, and only if the file's own one is missing or unknown.
    """

    changed = Signal()
    unfolded = Signal(QWidget)

    def __init__(self, threads: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._usual_threads = threads
        self._has_gpu = self._has_experts = False
        self._format = ChoiceRow(tr("Chat format"), "load_chat_format", ((tr("The file’s own"), ""),))
        self._fold = Button(tr("More"), "right", kind="quiet", height=28, object_name="load_more")
        self._threads = SliderRow(tr("CPU threads"), 1, max(threads, 2), threads, object_name="load_threads")
        self._threads.set_note(tr("This computer has {count} cores.", count=threads))
        self._batch = SliderRow(
            tr("Batch"),
            _SMALLEST_BATCH,
            _LARGEST_BATCH,
            USUAL_BATCH_TOKENS,
            object_name="load_batch",
            step=32,
            logarithmic=True,
            note=tr("Tokens read in one go. More is faster and needs more memory."),
        )
        self._keys = ChoiceRow(tr("KV cache, keys"), "load_kv_keys", _kv_types(0))
        self._values = ChoiceRow(tr("KV cache, values"), "load_kv_values", _kv_types(0))
        self._values.set_note(
            tr("What the model keeps in mind. Fewer bits need less memory, and below 8 the answers may get worse.")
        )
        states = ((tr("Automatic"), None), (tr("On"), True), (tr("Off"), False))
        self._flash = ChoiceRow(tr("Flash attention"), "load_flash_attention", states)
        self._flash.set_note(tr("Compressed values need it."))
        longer = ((tr("Off"), None), (tr("Longer, by YaRN"), "yarn"), (tr("Longer, linear"), "linear"))
        self._scaling = ChoiceRow(tr("Longer context"), "load_rope_scaling", longer)
        self._scaling.set_note(tr("More than the model was made for (may get worse)."))
        self._factor = SliderRow(
            tr("Times longer"), 1, _LARGEST_FACTOR, 1, object_name="load_rope_factor", decimals=1, step=0.5
        )
        self._factor.set_note(tr("At 1, as much longer as the context length needs."))
        self._experts = SliderRow(tr("Experts in main memory"), 0, 1, 0, object_name="load_cpu_moe")
        self._experts.set_note(tr("Layers whose experts stay off the GPU. That leaves its memory to the rest."))
        self._lay_out()
        self._connect()

    def set_model(self, model: Model, threads: int | None) -> None:
        """Set the ranges for this model; `threads` is the app's setting for all models."""
        self._threads.set_range(1, max(self._usual_threads, 2), threads or self._usual_threads)
        self._has_experts = model.shape.experts > 0
        self._experts.set_range(0, max(1, model.layers), 0)
        self._experts.setVisible(self._has_experts and self._has_gpu)
        asks = model.template in ("missing", "different")
        self._format.setVisible(asks)
        if asks:
            self._offer_formats(tr("None") if model.template == "missing" else tr("The file’s own"))
            self._format.set_note(
                tr("This model has no chat format of its own. Answers may be odd without one.")
                if model.template == "missing"
                else tr("Its own chat format is unknown. Choose another if answers are odd.")
            )

    def set_gpu(self, has_gpu: bool) -> None:
        """Offer to keep experts off the GPU if there is one."""
        self._has_gpu = has_gpu
        self._experts.setVisible(self._has_experts and has_gpu)

    def show_memory(self, forecast: Forecast) -> None:
        """Show beside each format of the KV cache how much memory it takes."""
        self._keys.rename(_kv_types(forecast.keys))
        self._values.rename(_kv_types(forecast.values))

    def show_choice(self, choice: LoadChoice) -> None:
        """Show an earlier choice without emitting `changed`."""
        settings = choice.settings
        for row, value in (
            (self._threads, settings.threads),
            (self._batch, settings.batch),
            (self._factor, settings.rope_factor),
            (self._experts, settings.cpu_moe_layers),
        ):
            if value is None:
                row.show_default()
            else:
                row.set_value(value)
        self._flash.choose(settings.flash_attention)
        self.set_kv_types(*settings.kv_types)
        self._scaling.choose(settings.rope_scaling)
        self._factor.setVisible(settings.rope_scaling is not None)
        self._format.choose(choice.chat_format)

    def settings(self) -> LoadSettings:
        """What is chosen here; None for what is left to the engine."""
        keys, values = self.kv_types()
        scaling = self._scaling.chosen()
        scaled = isinstance(scaling, str)
        return LoadSettings(
            threads=None if self._threads.is_default() else int(self._threads.value()),
            batch=None if self._batch.is_default() else int(self._batch.value()),
            kv_type_k=None if keys == USUAL_KV_TYPE else keys,
            kv_type_v=None if values == USUAL_KV_TYPE else values,
            flash_attention=self.flash_attention(),
            rope_scaling=scaling if isinstance(scaling, str) else None,
            rope_factor=None if self._factor.is_default() or not scaled else self._factor.value(),
            cpu_moe_layers=None if self._experts.is_default() or not self._has_gpu else int(self._experts.value()),
        )

    def kv_types(self) -> tuple[str, str]:
        """The formats of keys and values."""
        return str(self._keys.chosen()), str(self._values.chosen())

    def set_kv_types(self, keys: str, values: str) -> None:
        """Show these formats."""
        self._keys.choose(keys)
        self._values.choose(values)

    def flash_attention(self) -> bool | None:
        """On, off, or None for the engine's own choice."""
        chosen = self._flash.chosen()
        return chosen if isinstance(chosen, bool) else None

    def allow_flash_attention(self) -> None:
        """Change "off" to automatic."""
        if self.flash_attention() is False:
            self._flash.choose(None)

    def chat_format(self) -> str:
        """The name of a chat format that replaces the file's own; empty for none."""
        return "" if self._format.isHidden() else str(self._format.chosen() or "")

    def _offer_formats(self, own: str) -> None:
        from desktop_llm.models.templates import FORMATS  # few models need it

        self._format.offer(((own, ""), *((name, name) for name in FORMATS)))

    def _lay_out(self) -> None:
        self._folded = QWidget()
        inside = QVBoxLayout(self._folded)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(14)
        for row in (
            *(self._threads, self._batch, self._keys, self._values, self._flash),
            *(self._scaling, self._factor, self._experts),
        ):
            inside.addWidget(row)
        self._folded.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._format)
        column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeading)
        column.addWidget(self._folded)
        self._format.hide()

    def _connect(self) -> None:
        self._fold.clicked.connect(self._on_fold)
        self._threads.changed.connect(self.changed)
        self._batch.changed.connect(self.changed)
        self._flash.changed.connect(self.changed)
        self._format.changed.connect(self.changed)
        self._keys.changed.connect(self._on_kv_type)
        self._values.changed.connect(self._on_kv_type)
        self._scaling.changed.connect(self._on_scaling)
        self._factor.changed.connect(self.changed)
        self._experts.changed.connect(self.changed)

    def _on_kv_type(self) -> None:
        if self.kv_types()[1] not in UNQUANTIZED_KV_TYPES:
            self.allow_flash_attention()
        self.changed.emit()

    def _on_scaling(self) -> None:
        self._factor.setVisible(self._scaling.chosen() is not None)
        self.changed.emit()

    def _on_fold(self) -> None:
        shown = self._folded.isHidden()
        self._folded.setVisible(shown)
        self._fold.set_content(tr("Less") if shown else tr("More"), "down" if shown else "right")
        if shown:
            self.unfolded.emit(self._folded)


def _kv_types(numbers: int) -> tuple[tuple[str, object], ...]:
    """The formats of the KV cache, each with the memory that it takes for this many numbers, 0 if that is unknown."""
    from desktop_llm.models.fit.speeds import kv_value_bytes  # imported late so that the window starts sooner

    def words(kind: str) -> str:
        bits = kind.strip("bfq").partition("_")[0]
        named = tr("{bits} bits ({kind})", bits=bits, kind=kind)
        return f"{named}, {size(round(numbers * kv_value_bytes(kind)))}" if numbers else named

    return tuple((words(kind), kind) for kind in KV_TYPES)
