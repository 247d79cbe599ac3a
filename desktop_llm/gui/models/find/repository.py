"""An open repository in the middle of the page: its facts, its sizes and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import markdown
from desktop_llm.gui.look.formats import number, plain
from desktop_llm.gui.look.layouts import FlowLayout, empty_layout, scrolled_column
from desktop_llm.gui.look.widgets import Action, Banner, IconButton, Label, Pill, Spinner
from desktop_llm.gui.look.widgets.labels import IconText
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.find.card_text import CardText
from desktop_llm.gui.models.find.sizes import SizesPart
from desktop_llm.models.hub import HubModel
from desktop_llm.words import plural, tr


@dataclass(frozen=True, slots=True)
class Advice:
    """Which size to take, in two sentences; the first is bold."""

    title: str
    text: str = ""


class RepositoryView(QWidget):
    """Signals: `star_toggled`; `notice_action` with the name of a banner's button, or "open_page" for the button beside
    the title. The `sizes` and the model `card` have signals of their own."""

    star_toggled = Signal(bool)
    notice_action = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "models_repository", tr("Repository"))
        self._title = Label("", "title", wrap=True, object_name="repository_title")
        self._star = IconButton("star", "", object_name="repository_star")
        self._star.setCheckable(True)
        self._open_page = IconButton("external", tr("Open the page in the browser"), object_name="repository_page")
        self._facts, self._chips = QWidget(), QWidget()
        self._facts_flow, self._chips_flow = FlowLayout(self._facts, 14), FlowLayout(self._chips, 6)
        self._notices = QVBoxLayout()
        self.sizes = SizesPart()
        self._advice = Banner("", object_name="repository_advice")
        self.card = _CardPart()
        self._busy = _Busy()
        self._lay_out()
        self.set_starred(False)
        self._star.clicked.connect(self.star_toggled)
        self._open_page.clicked.connect(lambda: self.notice_action.emit("open_page"))

    def show_model(self, model: HubModel) -> None:
        """Show name, facts and chips of a repository; sizes and card come later."""
        self.setAccessibleName(tr("Repository {name}", name=plain(model.repo)))
        self._title.setText(hub_words.repository_title(model.repo))
        self._fill_facts(model)
        self._fill_chips(model)
        self.sizes.set_rows(())
        self.set_advice(None)
        self.card.set_card((), ())
        self.set_notice("", "", ())

    def set_starred(self, starred: bool) -> None:
        """Show whether the repository is starred."""
        self._star.setChecked(starred)
        words_ = tr("Remove the star") if starred else tr("Star this repository, to find it again")
        self._star.set_content("starred" if starred else "star", words_)

    def set_busy(self, text: str) -> None:
        """Say what is being fetched, "" when it is done."""
        self._busy.set_words(text)

    def set_advice(self, advice: Advice | None) -> None:
        """Say which size to take on this computer."""
        self._advice.setVisible(advice is not None)
        if advice is not None:
            self._advice.set_words(advice.title, advice.text)

    def set_gated(self) -> None:
        """Say that the publisher's terms have to be accepted first."""
        actions = (
            Action("open_page", tr("Open the page"), "external"),
            Action("add_token", tr("Add token"), "lock", "quiet"),
        )
        text = tr("Accept them on its page, then add your token here.")
        title = tr("The publisher asks you to accept terms first.")
        self.set_notice(title, text, actions, icon="lock")

    def set_notice(self, title: str, text: str, actions: tuple[Action, ...], icon: str = "") -> None:
        """Say why something is missing; an empty title removes the notice."""
        empty_layout(self._notices)
        self._notices.setContentsMargins(0, 12 if title else 0, 0, 0)
        if title:
            banner = Banner(title, text, actions, kind="warning", icon=icon, object_name="repository_notice")
            banner.action_triggered.connect(self.notice_action)
            self._notices.addWidget(banner)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._star)
        head.addWidget(self._open_page)
        column = scrolled_column(self, 720)
        column.setContentsMargins(20, 16, 20, 24)
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(2)
        column.addWidget(self._facts)
        column.addSpacing(12)
        column.addWidget(self._chips)
        column.addLayout(self._notices)
        column.addWidget(self._busy)
        column.addWidget(self.sizes)
        column.addSpacing(12)
        column.addWidget(self._advice)
        column.addWidget(self.card)
        column.addStretch(1)

    def _fill_facts(self, model: HubModel) -> None:
        empty_layout(self._facts_flow)
        self._facts_flow.addWidget(IconText("", plain(model.author)))
        if model == HubModel(model.repo):  # so far only the name is known
            return
        downloads = plural("%n download", "%n downloads", model.downloads)
        likes = plural("%n like", "%n likes", model.likes)
        parts = (
            IconText("download", hub_words.amount(model.downloads), accessible_name=downloads),
            IconText("heart", hub_words.amount(model.likes), accessible_name=likes),
            IconText("", hub_words.licence_sentence(model.license)),
            IconText("", hub_words.updated(model.updated_at)),
        )
        for part in parts:
            if part.text():
                self._facts_flow.addWidget(part)

    def _fill_chips(self, model: HubModel) -> None:
        empty_layout(self._chips_flow)
        chips = chips_of(model)
        for chip in chips:
            self._chips_flow.addWidget(Pill(chip))
        self._chips.setVisible(bool(chips))


class _CardPart(QWidget):
    """The model card below its heading, with a reminder of who wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = CardText()
        self._base = Label("", "small", "text_secondary", wrap=True, object_name="repository_base_models")
        heading = Label(tr("From the model card"), "heading")
        caution = tr("Written by the publisher. Facts may be wrong or out of date.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 24, 0, 0)
        column.setSpacing(2)
        column.addWidget(heading)
        column.addWidget(Label(caution, "small", "text_secondary", wrap=True))
        column.addWidget(self._base)
        column.addSpacing(8)
        column.addWidget(self.text)

    def set_card(self, blocks: Sequence[markdown.Block], base_models: Sequence[str] = ()) -> None:
        """Show a card and the models that it says this one was made from; without a card there is no heading."""
        self.setVisible(bool(blocks))
        self._base.setText(tr("Made from {models}.", models=", ".join(map(plain, base_models))))
        self._base.setVisible(bool(base_models))
        self.text.set_blocks(blocks)


class _Busy(QWidget):
    """A spinner with text that says what is going on."""

    def __init__(self) -> None:
        super().__init__()
        self._words = Label("", "ui", "text_secondary", object_name="repository_busy")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 20, 0, 0)
        row.setSpacing(8)
        row.addWidget(Spinner())
        row.addWidget(self._words, 1)
        self.hide()

    def set_words(self, text: str) -> None:
        """Show it with this text; hide it if the text is empty."""
        self._words.setText(text)
        self.setVisible(bool(text))


def chips_of(model: HubModel) -> list[str]:
    """Parameters, context, task and languages, as far as the hub knows them."""
    chips: list[str] = []
    if model.parameters:
        chips.append(tr("{count} parameters", count=hub_words.amount(model.parameters)))
    if model.context_length:
        chips.append(tr("{count} tokens context", count=number(model.context_length)))
    if model.task:
        chips.append(hub_words.task_word(model.task))
    known = [hub_words.language_name(code) for code in model.languages]
    if len(known) > 3:
        chips.append(tr("{count} languages", count=number(len(known))))
    else:
        chips.extend(known)
    return chips
