"""A recommended model in the middle of the page. Everything about it is known, so nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look.formats import plain, size
from desktop_llm.gui.look.layouts import scrolled_column
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.model_words import fit_line, fit_mark, fit_tip
from desktop_llm.gui.look.widgets import Button, Label, Pill, PrimaryButton
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, set_names
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit.catalog import Recommendation


class RecommendationView(QWidget):
    """Signals about the model shown: `get_requested`; `sizes_requested`, which asks the hub."""

    get_requested = Signal()
    sizes_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "models_recommendation", tr("Recommended model"))
        self._title = Label("", "title", wrap=True, object_name="recommendation_title")
        self._for = Label("", "small_strong", "accent_text")
        self._text = Label("", "ui", wrap=True)
        self._pill = Pill("")
        self._facts = Label("", "small", "text_secondary", wrap=True)
        self._get = PrimaryButton(tr("Get"), "download", object_name="recommendation_get")
        self._sizes = Button(tr("Other sizes and the model card"), "globe", object_name="recommendation_sizes")
        self._state = IconText("", type_name="ui", object_name="recommendation_state")
        self._hint = Label(tr("Nothing is sent until you press a button."), "small", "text_secondary", wrap=True)
        self._lay_out()
        self._get.clicked.connect(self.get_requested)
        self._sizes.clicked.connect(self.sizes_requested)

    def show_recommendation(self, recommendation: Recommendation) -> None:
        """Show a model of the catalogue."""
        forecast = recommendation.forecast
        name = plain(recommendation.name)
        self.setAccessibleName(tr("Recommended model, {name}", name=name))
        self._title.setText(name)
        self._for.setText(plain(recommendation.title))
        self._text.setText(plain(recommendation.text))
        mark = fit_mark(forecast.fit)
        self._pill.set_state(mark.text, mark.kind, mark.icon)
        set_tip(self._pill, fit_tip(forecast))
        self._facts.setText(fit_line(recommendation.size_bytes, forecast))
        self._get.set_content(tr("Get {size}", size=size(recommendation.size_bytes)), "download")
        self._get.setAccessibleName(tr("Get {name}", name=name))
        self.set_state("")

    def set_state(self, state: str, icon: str = "check") -> None:
        """Say that it is here or being downloaded ("Here", "58 %"); if empty, it can be downloaded."""
        self._state.set_content(icon, state, "success_text" if icon == "check" else "text_secondary")
        self._state.setVisible(bool(state))
        self._get.setVisible(not state)

    def _lay_out(self) -> None:
        facts = QHBoxLayout()
        facts.setSpacing(10)
        facts.addWidget(self._pill)
        facts.addWidget(self._facts, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self._get)
        buttons.addWidget(self._state)
        buttons.addWidget(self._sizes)
        buttons.addStretch(1)
        about = QVBoxLayout()
        about.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        about.addWidget(self._for)
        about.addWidget(self._title)
        about.addSpacing(8)
        about.addWidget(self._text)
        about.addSpacing(12)
        about.addLayout(facts)
        hint = QVBoxLayout()
        hint.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        hint.addWidget(self._hint)
        column = scrolled_column(self, 720)
        column.setContentsMargins(20 - RING_MARGIN, 20, 20 - RING_MARGIN, 24)
        column.setSpacing(0)
        column.addLayout(about)
        column.addSpacing(16)
        column.addLayout(buttons)
        column.addSpacing(8)
        column.addLayout(hint)
        column.addStretch(1)
