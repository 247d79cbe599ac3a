"""The middle of the page while a repository is open: what it is, its sizes, and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import markdown
from desktop_llm.gui.documents.words import number, plain
from desktop_llm.gui.models import words
from desktop_llm.gui.models.card_text import CardText
from desktop_llm.gui.models.parts import IconText, empty_layout, scrolling_column
from desktop_llm.gui.models.sizes import SizeRow, SizesTable, main_rows
from desktop_llm.gui.widgets import Action, Banner, Button, IconButton, Label, Pill, Spinner
from desktop_llm.gui.widgets.flow import FlowLayout
from desktop_llm.gui.widgets.painting import set_names
from desktop_llm.models.hub import HubModel
from desktop_llm.words import tr

_WIDEST = 720
_MARGINS = (20, 16, 20, 24)


@dataclass(frozen=True, slots=True)
class Advice:
    """What the table comes to, in two sentences; the first is bold."""

    title: str
    text: str = ""


class RepositoryView(QWidget):
    """Signals: `get_requested` with the name of a file; `star_toggled`; `page_requested` for the browser;
    `token_requested`; `link_requested` with an address of the card; `notice_action` with a banner's button."""

    get_requested = Signal(str)
    star_toggled = Signal(bool)
    page_requested = Signal()
    token_requested = Signal()
    link_requested = Signal(str)
    notice_action = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "models_repository", self.tr("Repository"))
        self._rows: tuple[SizeRow, ...] = ()
        self._title = Label("", "title", wrap=True, object_name="repository_title")
        self._star = IconButton("star", "", object_name="repository_star")
        self._star.setCheckable(True)
        self._open_page = IconButton("external", self.tr("Open the page in the browser"), object_name="repository_page")
        self._facts, self._chips = QWidget(), QWidget()
        self._facts_flow, self._chips_flow = FlowLayout(self._facts, 14), FlowLayout(self._chips, 6)
        self._notices = QVBoxLayout()
        self._notice: Banner | None = None
        self._sizes = _SizesPart()
        self._advice = Banner("", object_name="repository_advice")
        self._card = _CardPart()
        self._busy = _Busy()
        self._lay_out()
        self.set_starred(False)
        self._star.clicked.connect(self.star_toggled)
        self._open_page.clicked.connect(self._on_page)
        self._sizes.get_requested.connect(self.get_requested)
        self._card.link_requested.connect(self.link_requested)

    def show_model(self, model: HubModel) -> None:
        """Name, byline and chips of a repository; sizes and card are on their way."""
        self.setAccessibleName(self.tr("Repository {name}").format(name=plain(model.repo)))
        self._title.setText(words.repository_title(model.repo))
        self._fill_facts(model)
        self._fill_chips(model)
        self.set_rows((), "")
        self.set_advice(None)
        self._card.set_blocks(())
        self.set_notice("", "", ())

    def set_starred(self, starred: bool) -> None:
        """Whether the person wants to find it again."""
        self._star.setChecked(starred)
        words_ = self.tr("Take the star off") if starred else self.tr("Star this repository, to find it again")
        self._star.set_content("starred" if starred else "star", words_)

    def set_busy(self, text: str) -> None:
        """Say what is being fetched; empty when it is over."""
        self._busy.set_words(text)

    def set_rows(self, rows: Sequence[SizeRow], machine: str, *, on_gpu: bool = False) -> None:
        """The sizes; `machine` says for what the forecasts are."""
        self._rows = tuple(rows)
        self._sizes.set_rows(self._rows, machine, "gpu" if on_gpu else "cpu")

    def set_advice(self, advice: Advice | None) -> None:
        """What the sizes come to on this computer."""
        self._advice.setVisible(advice is not None)
        if advice is not None:
            self._advice.set_words(advice.title, advice.text)

    def set_card(self, blocks: Sequence[markdown.Block]) -> None:
        """The model card."""
        self._card.set_blocks(blocks)

    def set_gated(self) -> None:
        """Say that the publisher wants terms accepted first."""
        actions = (
            Action("open_page", self.tr("Open the page"), "external"),
            Action("add_token", self.tr("Add token"), "lock", "quiet"),
        )
        text = self.tr("Accept them on its page, then add your token here.")
        title = self.tr("The publisher asks you to accept terms first.")
        self.set_notice(title, text, actions, icon="lock")

    def set_notice(self, title: str, text: str, actions: tuple[Action, ...], icon: str = "") -> None:
        """Say why something is missing; an empty title takes the words away."""
        empty_layout(self._notices)
        self._notice = None
        self._notices.setContentsMargins(0, 12 if title else 0, 0, 0)
        if title:
            banner = Banner(title, text, actions, kind="warning", icon=icon, object_name="repository_notice")
            banner.action_triggered.connect(self._on_notice)
            self._notices.addWidget(banner)
            self._notice = banner

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._star)
        head.addWidget(self._open_page)
        column = scrolling_column(self, _WIDEST, _MARGINS)
        column.addLayout(head)
        column.addSpacing(2)
        column.addWidget(self._facts)
        column.addSpacing(12)
        column.addWidget(self._chips)
        column.addLayout(self._notices)
        column.addWidget(self._busy)
        column.addWidget(self._sizes)
        column.addSpacing(12)
        column.addWidget(self._advice)
        column.addWidget(self._card)
        column.addStretch(1)

    def _fill_facts(self, model: HubModel) -> None:
        empty_layout(self._facts_flow)
        self._facts_flow.addWidget(IconText("", plain(model.author)))
        if model == HubModel(model.repo):  # only its name is known yet
            return
        downloads = self.tr("{count} downloads").format(count=number(model.downloads))
        likes = self.tr("{count} likes").format(count=number(model.likes))
        parts = (
            IconText("download", words.amount(model.downloads), accessible_name=downloads),
            IconText("heart", words.amount(model.likes), accessible_name=likes),
            IconText("", words.licence_sentence(model.license)),
            IconText("", words.updated(model.updated_at)),
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

    def _on_page(self) -> None:
        self.page_requested.emit()

    def _on_notice(self, name: str) -> None:
        if name == "open_page":
            self.page_requested.emit()
        elif name == "add_token":
            self.token_requested.emit()
        else:
            self.notice_action.emit(name)


class _SizesPart(QWidget):
    """Heading, table, and the files that the table leaves out until asked for."""

    get_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[SizeRow, ...] = ()
        self._machine = IconText("gpu", "", object_name="repository_machine")
        self._table = SizesTable()
        self._more = Button(
            self.tr("More files"), "right", kind="quiet", height=28, object_name="repository_more_files"
        )
        self._measured = Label("", "small", "text_secondary", object_name="repository_measured")
        self._open = False
        head = QHBoxLayout()
        head.setContentsMargins(0, 16, 0, 8)
        head.addWidget(Label(self.tr("Choose a size"), "heading"), 1)
        head.addWidget(self._machine)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 4, 0, 0)
        foot.addWidget(self._more)
        foot.addStretch(1)
        foot.addWidget(self._measured)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._table)
        column.addLayout(foot)
        self._more.clicked.connect(self._on_more)
        self._table.get_requested.connect(self.get_requested)

    def set_rows(self, rows: tuple[SizeRow, ...], machine: str, icon: str) -> None:
        """Show these; other files than before fold the rest away again."""
        if [row.file.name for row in rows] != [row.file.name for row in self._rows]:
            self._open = False
        self._rows = rows
        self.setVisible(bool(rows))
        self._machine.set_content(icon, machine)
        measured = any(row.forecast is not None and row.forecast.measured for row in rows)
        self._measured.setText(self.tr("Forecast corrected by what was measured here.") if measured else "")
        self._show()

    def _show(self) -> None:
        main, others = main_rows(self._rows)
        self._table.set_rows(self._rows if self._open else main)
        self._more.setVisible(bool(others))
        count = self.tr("1 more file") if len(others) == 1 else self.tr("{count} more files")
        words_ = self.tr("Fewer files") if self._open else count.format(count=number(len(others)))
        self._more.set_content(words_, "up" if self._open else "right")

    def _on_more(self) -> None:
        self._open = not self._open
        self._show()


class _CardPart(QWidget):
    """The model card under its heading, with the reminder whose words these are."""

    link_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._text = CardText()
        self._text.link_requested.connect(self.link_requested)
        heading = Label(self.tr("From the model card"), "heading")
        caution = self.tr("Written by the publisher. Facts may be wrong or out of date.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 24, 0, 0)
        column.setSpacing(2)
        column.addWidget(heading)
        column.addWidget(Label(caution, "small", "text_secondary", wrap=True))
        column.addSpacing(8)
        column.addWidget(self._text)

    def set_blocks(self, blocks: Sequence[markdown.Block]) -> None:
        """Show these; no card, no heading."""
        self.setVisible(bool(blocks))
        self._text.set_blocks(blocks)


class _Busy(QWidget):
    """A spinner with what is going on."""

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
        """Show it with these words, or hide it."""
        self._words.setText(text)
        self.setVisible(bool(text))


def chips_of(model: HubModel) -> list[str]:
    """Parameters, context, task and languages, as far as the hub knows them."""
    chips: list[str] = []
    if model.parameters:
        chips.append(tr("{count} parameters", count=words.amount(model.parameters)))
    if model.context_length:
        chips.append(tr("{count} tokens context", count=number(model.context_length)))
    if model.task:
        chips.append(words.task_word(model.task))
    known = [words.language_name(code) for code in model.languages]
    if len(known) > 3:
        chips.append(tr("{count} languages", count=number(len(known))))
    else:
        chips.extend(known)
    return chips
