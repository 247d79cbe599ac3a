"""The middle of the page for a model that is on this computer: where it is from, how it is, what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import moment, number, plain, size
from desktop_llm.gui.model_words import kind_word, model_name, size_word
from desktop_llm.gui.models import words
from desktop_llm.gui.models.entries import origin_word
from desktop_llm.gui.models.parts import empty_layout, scrolling_column
from desktop_llm.gui.widgets import Action, Banner, Button, ElidedLabel, Label, Pill, PrimaryButton, Tag
from desktop_llm.gui.widgets.banner import BannerKind
from desktop_llm.gui.widgets.painting import RING_MARGIN, set_names
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast


class LocalView(QWidget):
    """Signals, each with the model's id: `use_requested`, `show_file_requested`, `remove_requested`,
    `get_again_requested`, `format_requested`."""

    use_requested = Signal(str)
    show_file_requested = Signal(str)
    remove_requested = Signal(str)
    get_again_requested = Signal(str)
    format_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "models_local_model", self.tr("Model on this computer"))
        self._model: Model | None = None
        self._title = ElidedLabel("", "title", mode=Qt.TextElideMode.ElideMiddle, object_name="local_title")
        self._tag, self._in_use = Tag(""), Pill(self.tr("In use"), "success", "check")
        self._use = PrimaryButton(self.tr("Use"), "play", object_name="model_use")
        self._show = Button(self.tr("Show file"), "folder", object_name="model_show_file")
        self._remove = Button(self.tr("Remove"), "trash", kind="quiet", object_name="model_remove")
        self._notices = QVBoxLayout()
        self._facts = _Facts()
        self._lay_out()
        self._use.clicked.connect(self._on_use)
        self._show.clicked.connect(self._on_show)
        self._remove.clicked.connect(self._on_remove)

    def show_model(self, model: Model, *, in_use: bool, twin: str = "", forecast: Forecast | None = None) -> None:
        """Show a model; `twin` names another model with the very same content."""
        self._model = model
        name = model_name(model)
        self.setAccessibleName(self.tr("Model {name}").format(name=name))
        self._title.set_text(name)
        self._tag.set_text(size_word(model.quantization))
        self._in_use.setVisible(in_use)
        self._use.setVisible(model.kind == "chat" and not in_use and model.state in ("ok", "changed"))
        self._use.setAccessibleName(self.tr("Use {name}").format(name=name))
        self._show.setVisible(model.state != "missing")
        self._show.setAccessibleName(self.tr("Show the file of {name}").format(name=name))
        self._name_remove(model)
        self._show_notices(model, twin)
        self._facts.set_facts(facts_of(model, forecast))

    def _name_remove(self, model: Model) -> None:
        own = model.own or model.state == "missing"
        self._remove.setEnabled(not model.starter)
        self._remove.set_content(self.tr("Remove") if own else self.tr("Hide here"), "trash" if own else "x")
        self._remove.setAccessibleName(self.tr("Remove {name}").format(name=model_name(model)))
        if model.starter:
            tip = self.tr("This model came with the app and stays, so that there is always one.")
        elif own:
            tip = self.tr("Until the window is closed this can be undone.")
        else:
            tip = self.tr("Its file belongs to {app} and is not touched.").format(app=origin_word(model))
        self._remove.setToolTip(tip)

    def _show_notices(self, model: Model, twin: str) -> None:
        empty_layout(self._notices)
        for banner in notices_of(model, twin):
            banner.action_triggered.connect(self._on_notice)
            self._notices.addWidget(banner)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._tag)
        head.addWidget(self._in_use)
        head.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self._use, self._show, self._remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._notices.setSpacing(8)
        head.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body = QVBoxLayout()
        body.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body.setSpacing(12)
        body.addLayout(self._notices)
        body.addWidget(self._facts)
        column = scrolling_column(self, 720, (20 - RING_MARGIN, 18, 20 - RING_MARGIN, 24))
        column.setSpacing(12)
        column.addLayout(head)
        column.addLayout(buttons)
        column.addLayout(body)
        column.addStretch(1)

    def _id(self) -> str:
        return self._model.id if self._model is not None else ""

    def _on_use(self) -> None:
        self.use_requested.emit(self._id())

    def _on_show(self) -> None:
        self.show_file_requested.emit(self._id())

    def _on_remove(self) -> None:
        self.remove_requested.emit(self._id())

    def _on_notice(self, name: str) -> None:
        signals = {
            "get_again": self.get_again_requested,
            "format": self.format_requested,
            "remove": self.remove_requested,
        }
        signals[name].emit(self._id())


class _Facts(QFrame):
    """Names at the left, values behind them, one fact a line."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", True)
        set_names(self, "local_facts", self.tr("Facts"))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 12, 16, 12)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)

    def set_facts(self, facts: list[tuple[str, str]]) -> None:
        """Show these."""
        empty_layout(self._grid)
        for row, (name, value) in enumerate(facts):
            self._grid.addWidget(Label(name, "ui", "text_secondary"), row, 0)
            self._grid.addWidget(ElidedLabel(value, "ui", mode=Qt.TextElideMode.ElideMiddle), row, 1)
        self.setAccessibleDescription("\n".join(f"{name}: {value}" for name, value in facts))


def facts_of(model: Model, forecast: Forecast | None = None) -> list[tuple[str, str]]:
    """What is known about a model, in the order in which people ask."""
    facts = [(tr("For"), kind_word(model)), (tr("Size"), size(model.size_bytes))]
    if len(model.parts) > 1:
        facts.append((tr("Files"), number(len(model.parts))))
    if forecast is not None:
        facts.append((tr("Memory"), size(forecast.memory_bytes)))
        if forecast.tokens_per_s is not None:
            facts.append((tr("Speed"), tr("{rate} tokens/s", rate=words.per_second(forecast.tokens_per_s))))
    facts.append((tr("Quantization"), plain(model.quantization)))
    facts.append((tr("Architecture"), plain(model.architecture)))
    if model.context_length:
        facts.append((tr("Context"), tr("{count} tokens", count=number(model.context_length))))
    facts.append((tr("From"), origin_word(model)))
    if model.repo:
        facts.append((tr("Repository"), plain(model.repo)))
    facts.append((tr("Last used"), moment(model.used_at)))
    facts.append((tr("File"), plain(str(model.path))))
    return [(name, value) for name, value in facts if value]


def notices_of(model: Model, twin: str) -> list[Banner]:
    """What a person should know before using a model: its file, its chat format, its twin."""
    banners = []
    if model.state != "ok":
        banners.append(_state_notice(model))
    choose = (Action("format", tr("Choose a chat format"), "chat"),)
    if model.kind == "chat" and model.state in ("ok", "changed"):
        if model.template == "missing":
            title = tr("This model has no chat format of its own.")
            banners.append(Banner(title, tr("Answers may be odd."), choose, kind="warning", object_name="local_format"))
        elif model.template == "different":
            title = tr("Its chat format differs from the one that its makers published.")
            text = tr("A chat format is a small program; whoever changed it can change what the model is told.")
            banners.append(Banner(title, text, choose, kind="warning", object_name="local_format"))
    if twin:
        title = tr("The same file is here twice.")
        text = tr("{name} has the very same content.", name=plain(twin))
        banners.append(Banner(title, text, object_name="local_twin"))
    return banners


def _state_notice(model: Model) -> Banner:
    titles = {
        "missing": tr("The file of this model is gone."),
        "changed": tr("The file of this model has changed."),
        "damaged": tr("The file of this model is damaged."),
        "unsupported": tr("This version can't open this model."),
    }
    remove = Action("remove", tr("Remove from the list"), "trash", "quiet")
    again = model.repo and model.state in ("missing", "damaged")
    actions = [Action("get_again", tr("Get again"), "download")] if again else []
    if model.state == "missing":
        actions.append(remove)
    kind: BannerKind = "warning" if model.state == "changed" else "danger"
    return Banner(titles[model.state], model.reason, tuple(actions), kind=kind, object_name="local_state")
