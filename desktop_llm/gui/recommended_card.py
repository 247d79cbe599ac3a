"""One recommended model of the first run: what it is good for, what it needs here, and the button that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout

from desktop_llm.gui.documents.words import plain, size
from desktop_llm.gui.fit_words import fit_pill, fit_tip, speed
from desktop_llm.gui.widgets import Button, Label, Pill
from desktop_llm.gui.widgets.painting import RING_MARGIN, set_names

if TYPE_CHECKING:
    from desktop_llm.models.fit.catalog import Recommendation


class RecommendedCard(QFrame):
    """Signals: `download_requested` with the Recommendation; `use_requested` with the id of the model once it is here;
    `downloads_requested` while it is on its way.
    """

    download_requested = Signal(object)
    use_requested = Signal(str)
    downloads_requested = Signal()

    def __init__(self, recommendation: Recommendation, *, number: int, free_memory: str) -> None:
        super().__init__()
        self.recommendation = recommendation
        self._model_id, self._asked = "", False
        self._free_memory = free_memory
        self.setProperty("card", True)
        set_names(self, f"recommended_{number}", plain(recommendation.name))
        kind = "primary" if number == 1 else "default"
        self.button = Button("", "download", kind=kind, object_name=f"recommended_{number}_get")  # type: ignore[arg-type]
        self.button.clicked.connect(self._on_clicked)
        self._lay_out(number)
        self._show_button()

    def set_installed(self, model_id: str) -> None:
        """The id of this model if it is on this computer already, else empty."""
        self._model_id = model_id
        self._show_button()

    def _lay_out(self, number: int) -> None:
        given, forecast = self.recommendation, self.recommendation.forecast
        column = QVBoxLayout()
        column.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)  # the button's box is as wide as the words
        column.setSpacing(6)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(13, 14, 13, 13)
        outer.setSpacing(12)
        outer.addLayout(column, 1)
        outer.addWidget(self.button)
        head = QHBoxLayout()
        head.addWidget(Label(plain(given.title), "small_strong", "accent_text" if number == 1 else "text_secondary"), 1)
        word, kind, icon = fit_pill(forecast.fit)
        pill = Pill(word, kind, icon)
        pill.setToolTip(fit_tip(forecast))
        head.addWidget(pill)
        column.addLayout(head)
        column.addWidget(Label(plain(given.name), "reading_h2", wrap=True))
        column.addWidget(Label(plain(given.text), "ui", "text_secondary", wrap=True))
        column.addStretch(1)
        column.addSpacing(8)
        column.addLayout(self._facts())

    def _facts(self) -> QGridLayout:
        forecast = self.recommendation.forecast
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        memory = size(forecast.gpu_bytes or forecast.memory_bytes)
        rows = [
            (self.tr("Download"), size(self.recommendation.size_bytes)),
            (self.tr("Memory"), self.tr("{size} of {free}").format(size=memory, free=self._free_memory)),
        ]
        if forecast.tokens_per_s is not None:
            rows.append((self.tr("Speed here"), speed(forecast.tokens_per_s, measured=forecast.measured)))
        for place, (words, value) in enumerate(rows):
            grid.addWidget(Label(words, "small", "text_secondary"), place, 0)
            label = Label(value, "small")
            label.setObjectName(f"{self.objectName()}_fact_{place}")
            grid.addWidget(label, place, 1)
            grid.setAlignment(label, Qt.AlignmentFlag.AlignTrailing)
        return grid

    def _show_button(self) -> None:
        if self._model_id:
            words, icon = self.tr("Use it"), "chat"
        elif self._asked:
            words, icon = self.tr("Show the download"), "activity"
        else:
            words, icon = self.tr("Download"), "download"
        self.button.set_content(words, icon)
        self.button.setAccessibleName(f"{words}, {plain(self.recommendation.name)}")

    def _on_clicked(self) -> None:
        if self._model_id:
            self.use_requested.emit(self._model_id)
        elif self._asked:
            self.downloads_requested.emit()
        else:
            self._asked = True
            self._show_button()
            self.download_requested.emit(self.recommendation)
