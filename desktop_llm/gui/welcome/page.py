"""The first page that a person sees: this computer's facts, the model that is ready, and better ones that would fit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.layouts import FlowLayout, scrolled_column
from desktop_llm.gui.look.model_words import model_name, speed
from desktop_llm.gui.look.widgets import Banner, Button, Label, Pill, PrimaryButton, Spinner
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, draw_box, repaint_on_theme, set_names
from desktop_llm.gui.welcome.cards import MachineFacts, MachineTiles, RecommendedCard, tiles, unused_card
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.models.library import Model
from desktop_llm.models.library.starters import good_for
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

_WIDTH, _ONE_COLUMN_BELOW = 928, 620
_CARD_HEIGHT = 264


class WelcomePage(QWidget):
    """Signals: `start_requested`; `download_requested` with a Recommendation; `use_requested` with a model's id;
    `open_file_requested`; `other_apps_requested`, `downloads_requested` and `all_models_requested` for the Models page.
    """

    start_requested = Signal()
    download_requested = Signal(Recommendation)
    use_requested = Signal(str)
    downloads_requested = Signal()
    open_file_requested = Signal()
    other_apps_requested = Signal()
    all_models_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "first_run", tr("Welcome"))
        self._cards: list[RecommendedCard] = []
        self._focus_wanted = False
        self._installed: dict[tuple[str, str], str] = {}
        self._advice: Banner | None = None
        self._tiles = MachineTiles()
        self._ready = _ReadyCard()
        self._source = Label("", "small", "text_secondary", object_name="first_run_source")
        self._build_links()
        self._lay_out()
        self._ready.start.clicked.connect(self.start_requested)
        self.set_offline(False)
        self.set_other_apps(())
        self.set_measuring()

    def set_machine(self, facts: MachineFacts) -> None:
        """Show the facts about this computer."""
        self._tiles.set_tiles(tiles(facts))
        self._show_advice(unused_card(facts))

    def set_model(self, model: Model | None, forecast: Forecast | None) -> None:
        """Show the model that is ready and how fast it is here; None if there is none."""
        self._ready.set_model(model, forecast)
        if model is not None and self._focus_wanted:
            self._focus_wanted = False
            self._ready.start.setFocus()

    def set_recommendations(self, given: Sequence[Recommendation], free_memory: str | None) -> None:
        """Show three models for this computer; `free_memory` names the memory that they must fit into ("8.0 GB
        GPU")."""
        for card in self._cards:
            self._grid.removeWidget(card)
            card.setParent(None)
            card.deleteLater()
        self._cards = [
            RecommendedCard(each, number=place, free_memory=free_memory or "") for place, each in enumerate(given, 1)
        ]
        for card in self._cards:
            card.download_requested.connect(self.download_requested)
            card.use_requested.connect(self.use_requested)
            card.downloads_requested.connect(self.downloads_requested)
        self._better.setVisible(bool(given))
        self._source.show()
        self._measuring.hide()
        self._show_installed()
        self._reflow()
        for before, after in itertools.pairwise((self._ready.start, *(card.button for card in self._cards))):
            self.setTabOrder(before, after)

    def set_measuring(self) -> None:
        """Keep the place of the cards until the recommendations are known, in a few seconds."""
        if not self._cards:
            self._better.show()
            self._source.hide()
            self._measuring.show()

    def set_models(self, models: Sequence[Model]) -> None:
        """Set the models on this computer; a recommended one among them can be used at once."""
        usable = [model for model in models if model.state == "ok"]
        self._installed = {(model.repo, model.file): model.id for model in usable if model.repo}
        self.set_other_apps(sorted({model.app for model in usable if model.app and model.kind == "chat"}))
        self._show_installed()

    def set_other_apps(self, names: Sequence[str]) -> None:
        """Set the apps whose models were found on this computer."""
        self._other_apps.setVisible(bool(names))
        listed = tr(" and ").join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
        self._other_apps.set_content(tr("Use models of {apps}", apps=listed))

    def set_offline(self, offline: bool) -> None:
        """Say where downloads come from, or that they have to wait."""
        self._source.setText(
            tr("The offline switch is on, so nothing can be downloaded.")
            if offline
            else tr("Downloaded once from Hugging Face, then used offline")
        )
        self._source.set_colour("warning_text" if offline else "text_secondary")

    def _build_links(self) -> None:
        self._open_file = Button(tr("Open a GGUF file…"), "folder", kind="quiet", object_name="first_run_open_file")
        self._other_apps = Button("", "layers", kind="quiet", object_name="first_run_other_apps")
        self._all = Button(tr("All models"), "search", kind="quiet", object_name="first_run_all_models")
        self._open_file.clicked.connect(self.open_file_requested)
        self._other_apps.clicked.connect(self.other_apps_requested)
        self._all.clicked.connect(self.all_models_requested)

    def _lay_out(self) -> None:
        column = scrolled_column(self, _WIDTH)
        column.setContentsMargins(24, 30, 24, 24)
        column.setSpacing(0)
        column.addWidget(Label(tr("Ready. Everything runs on this computer."), "display", wrap=True))
        promise = tr("No account, no cloud. Nothing leaves this computer unless you ask for a download.")
        column.addWidget(Label(promise, "reading", "text_secondary", wrap=True))
        column.addSpacing(18)
        column.addWidget(self._tiles)
        self._notes = QVBoxLayout()
        column.addLayout(self._notes)
        column.addSpacing(16)
        column.addWidget(self._ready)
        column.addSpacing(24)
        column.addWidget(self._better_box())
        column.addSpacing(16)
        column.addLayout(self._links())
        column.addStretch(1)

    def _better_box(self) -> QWidget:
        self._better = QWidget()
        head = QHBoxLayout()
        head.addWidget(Label(tr("Better models for this computer"), "heading"), 1)
        head.addWidget(self._source)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(16)
        column = QVBoxLayout(self._better)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self._measuring_box())
        column.addLayout(self._grid)
        return self._better

    def _measuring_box(self) -> QWidget:
        self._measuring = QWidget()
        self._measuring.setMinimumHeight(_CARD_HEIGHT)
        words = tr("Measuring how fast this computer is, so that only models that run well here are recommended.")
        column = QVBoxLayout(self._measuring)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(Spinner())
        row.addWidget(Label(words, "ui", "text_secondary", wrap=True, object_name="first_run_measuring"), 1)
        column.addLayout(row)
        column.addStretch(1)
        return self._measuring

    def _links(self) -> FlowLayout:
        row = FlowLayout(spacing=8)
        for button in (self._open_file, self._other_apps, self._all):
            row.addWidget(button)
        return row

    def _show_advice(self, card: str) -> None:
        """Say why a graphics card is not used, and what to do."""
        if self._advice is not None:
            self._notes.removeWidget(self._advice)
            self._advice.setParent(None)
            self._advice.deleteLater()
            self._advice = None
        if card:
            self._advice = Banner(
                tr("{card} is not used.", card=card),
                tr(
                    "No GPU module that works with it was found, so models run on the processor. "
                    "Install its newest driver and start the app again; the README says how to add a GPU module."
                ),
                object_name="first_run_advice",
            )
            self._notes.setContentsMargins(0, 12, 0, 0)
            self._notes.addWidget(self._advice)

    def _show_installed(self) -> None:
        for card in self._cards:
            given = card.recommendation
            card.set_installed(self._installed.get((given.repo, given.file), ""))

    def _reflow(self) -> None:
        columns = 1 if self.width() < _ONE_COLUMN_BELOW else max(1, len(self._cards))
        for place, card in enumerate(self._cards):
            self._grid.addWidget(card, place // columns, place % columns)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._tiles.reflow(min(self.width(), _WIDTH) - 48)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the cards side by side, or one below the other."""
        super().resizeEvent(event)
        self._reflow()

    def showEvent(self, event: QShowEvent) -> None:
        """Focus the button that begins, so that Enter presses it."""
        super().showEvent(event)
        self._focus_wanted = not self._ready.start.isEnabled()
        self._ready.start.setFocus()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background of a page."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("bg_window"))
        painter.end()


class _ReadyCard(QFrame):
    """The model that can be used now, and the button to start chatting."""

    def __init__(self) -> None:
        super().__init__()
        set_names(self, "first_run_ready", "")
        self._title = Label("", "reading_h2", object_name="first_run_ready_title")
        self._included = Pill(tr("Included"), "success", "check")
        self._line = Label("", "ui", "text_secondary", wrap=True, object_name="first_run_ready_line")
        self.start = PrimaryButton(tr("Start chatting"), "chat", object_name="first_run_start")
        title = QHBoxLayout()
        title.setSpacing(8)
        title.addWidget(self._title)
        title.addWidget(self._included)
        title.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addLayout(title)
        words.addWidget(self._line)
        row = QHBoxLayout(self)
        row.setContentsMargins(66, 16, 20 - RING_MARGIN, 16)
        row.setSpacing(16)
        row.addLayout(words, 1)
        row.addWidget(self.start)
        repaint_on_theme(self)
        self.set_model(None, None)

    def set_model(self, model: Model | None, forecast: Forecast | None) -> None:
        """Show its name and what it is good for."""
        self._included.setVisible(model is not None and model.starter)
        self.start.setEnabled(model is not None)
        if model is None:
            self._title.setText(tr("No model is here yet"))
            self._line.setText(tr("Get one below, or open a GGUF file. It is downloaded once and works offline."))
            return
        self._title.setText(tr("{name} is ready", name=model_name(model)))
        self._line.setText(self._words(model, forecast))
        self.setAccessibleName(f"{self._title.text()}. {self._line.text()}")

    def _words(self, model: Model, forecast: Forecast | None) -> str:
        tokens_per_s = forecast.tokens_per_s if forecast else None
        rate = speed(tokens_per_s, measured=forecast.measured) if forecast and tokens_per_s else ""
        writes = tr("It writes {speed} here.", speed=rate) if rate else ""
        return " ".join(filter(None, (good_for(model) if model.starter else "", writes)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box with its accent border, and the cube."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 10, colour("surface"), colour("accent"))
        icons.paint_icon(painter, "cube", "accent_text", QRect(22, 0, 24, self.height()), 24)
        painter.end()
