"""The load settings that few people need: CPU threads, batch, flash attention, chat format."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop_llm.gui.load_choice import LoadChoice
from desktop_llm.gui.slider_row import SliderRow
from desktop_llm.gui.widgets import Button, Label, Select
from desktop_llm.models.library import Model

_USUAL_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 512, 32, 4096


class MoreSettings(QWidget):
    """A fold. Signals: `changed` when the person chose something; `unfolded` with what is there to be seen then.

    The chat format stands outside the fold: it is there only where the file's own is missing or unknown.
    """

    changed = Signal()
    unfolded = Signal(QWidget)

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._usual_threads = threads
        self._format = _Choice(self.tr("Chat format"), "load_chat_format", ((self.tr("The file’s own"), ""),))
        self._fold = Button(self.tr("More"), "right", kind="quiet", height=28, object_name="load_more")
        self._threads = SliderRow(self.tr("CPU threads"), 1, max(threads, 2), threads, object_name="load_threads")
        self._threads.set_note(self.tr("This computer has {count} cores.").format(count=threads))
        self._batch = SliderRow(
            self.tr("Batch"),
            _SMALLEST_BATCH,
            _LARGEST_BATCH,
            _USUAL_BATCH,
            object_name="load_batch",
            step=32,
            logarithmic=True,
            note=self.tr("Tokens read in one go. More is faster and needs more memory."),
        )
        states = ((self.tr("Automatic"), None), (self.tr("On"), True), (self.tr("Off"), False))
        self._flash = _Choice(self.tr("Flash attention"), "load_flash_attention", states)
        self._flash.set_note(self.tr("Compressed memory needs it."))
        self._lay_out()
        self._connect()

    def set_model(self, model: Model, threads: int | None) -> None:
        """The ends for this model; `threads` is what the settings say for every model."""
        self._threads.set_range(1, max(self._usual_threads, 2), threads or self._usual_threads)
        asks = model.template in ("missing", "different")
        self._format.setVisible(asks)
        if asks:
            self._offer_formats(self.tr("None") if model.template == "missing" else self.tr("The file’s own"))
            self._format.set_note(
                self.tr("This model has no chat format of its own. Answers may be odd without one.")
                if model.template == "missing"
                else self.tr("Its own chat format is not a known one. Choose another where answers are odd.")
            )

    def show_choice(self, choice: LoadChoice) -> None:
        """Show what was chosen before; nobody is told."""
        settings = choice.settings
        for row, value in ((self._threads, settings.threads), (self._batch, settings.batch)):
            if value is None:
                row.show_default()
            else:
                row.set_value(value)
        self._flash.choose(settings.flash_attention)
        self._format.choose(choice.chat_format)

    def threads(self) -> int | None:
        """CPU threads; None is what the engine takes by itself."""
        return None if self._threads.is_default() else int(self._threads.value())

    def batch(self) -> int | None:
        """Tokens in one go; None for the usual number."""
        return None if self._batch.is_default() else int(self._batch.value())

    def flash_attention(self) -> bool | None:
        """On, off, or None for what the engine takes by itself."""
        chosen = self._flash.chosen()
        return chosen if isinstance(chosen, bool) else None

    def allow_flash_attention(self) -> None:
        """Take an "off" back."""
        if self.flash_attention() is False:
            self._flash.choose(None)

    def chat_format(self) -> str:
        """The name of a chat format in place of the file's own, else empty."""
        return "" if self._format.isHidden() else str(self._format.chosen() or "")

    def _offer_formats(self, own: str) -> None:
        from desktop_llm.models.templates import FORMATS  # few models need one

        self._format.offer(((own, ""), *((name, name) for name in FORMATS)))

    def _lay_out(self) -> None:
        self._folded = QWidget()
        inside = QVBoxLayout(self._folded)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(14)
        for row in (self._threads, self._batch, self._flash):
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
        self._threads.changed.connect(self._on_changed)
        self._batch.changed.connect(self._on_changed)
        self._flash.changed.connect(self._on_changed)
        self._format.changed.connect(self._on_changed)

    def _on_fold(self) -> None:
        shown = self._folded.isHidden()
        self._folded.setVisible(shown)
        self._fold.set_content(self.tr("Less") if shown else self.tr("More"), "down" if shown else "right")
        if shown:
            self.unfolded.emit(self._folded)

    def _on_changed(self, _value: object = None) -> None:
        self.changed.emit()


class _Choice(QWidget):
    """A label and one of a few below it. Signal: `changed` when the person chose."""

    changed = Signal()

    def __init__(self, label: str, object_name: str, values: tuple[tuple[str, object], ...]) -> None:
        super().__init__()
        self._field = Select(object_name=object_name, accessible_name=label)
        self._note = Label("", "small", "text_secondary", wrap=True)
        self._note.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(Label(label, "ui_strong"))
        column.addWidget(self._field)
        column.addWidget(self._note)
        self.offer(values)
        self._field.activated.connect(self._on_activated)

    def offer(self, values: tuple[tuple[str, object], ...]) -> None:
        """What can be chosen; the choice stays where it is among them."""
        before = self.chosen()
        self._field.clear()
        for words, value in values:
            self._field.addItem(words, value)
        self.choose(before)

    def choose(self, value: object) -> None:
        """Show one of the values, else the first."""
        self._field.setCurrentIndex(max(0, self._field.findData(value)))

    def chosen(self) -> object:
        """The value chosen."""
        return self._field.currentData()

    def set_note(self, words: str) -> None:
        """Say something below."""
        self._note.setText(words)
        self._note.setVisible(bool(words))

    def _on_activated(self, _index: int) -> None:
        self.changed.emit()
